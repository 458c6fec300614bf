"""The command line, `npbert`."""
