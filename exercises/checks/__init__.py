"""What a right answer to each exercise is, and which mistakes are usual."""
