"""The search file: typed groups, one schema, all mistakes at once."""
