"""What is wrong with lists, labels and images."""
