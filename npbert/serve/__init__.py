"""The HTTP service, and the page on which one sees a model at work."""
