"""Random models, texts and calls, answered by npbert and by transformers; see `__main__.py`."""
