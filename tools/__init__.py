"""The commands as scripts of a checkout, and the tools that make its generated files."""
