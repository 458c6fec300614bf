"""What the course in docs/learn is made with: its pictures, its measurements, its line numbers."""
