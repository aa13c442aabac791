"""Where trials run: one executor a file, one registry."""
