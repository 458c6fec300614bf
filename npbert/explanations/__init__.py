"""Why a label came out: which words of a text, left out, change what the model says."""
