"""Which trials are stopped early: one pruner a file, one registry."""
