"""What makes a whole training config one that trains: batches, schedules, sizes, names."""
