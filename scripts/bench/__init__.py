"""Benchmarks of npbert: `python scripts/bench --help` explains the commands."""
