"""The tests of transformers, run on npbert: see `python scripts/peer_tests --help`."""
