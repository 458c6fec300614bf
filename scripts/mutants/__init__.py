"""Changed copies of npbert's modules, and tests that should notice; see `__main__.py`."""
