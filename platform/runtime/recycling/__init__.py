"""Records go back to their pools when nothing has happened for too long."""
