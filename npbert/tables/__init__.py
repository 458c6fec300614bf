"""Files of rows: read, labelled chunk by chunk, and written."""
