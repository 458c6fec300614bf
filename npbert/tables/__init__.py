"""Files of rows: they are read, labelled chunk by chunk, and written."""
