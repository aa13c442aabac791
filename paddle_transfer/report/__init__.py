"""What people see of a search: terminal, files, VisualDL. Each is a callback of the loop."""
