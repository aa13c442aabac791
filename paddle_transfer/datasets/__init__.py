"""Data sets: public ones, the user's own folder or table."""
