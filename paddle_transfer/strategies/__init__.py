"""Ways to transfer: one strategy a file, one protocol, one registry."""
