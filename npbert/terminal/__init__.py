"""What results look like on a terminal: the columns that a text takes, and bars."""
