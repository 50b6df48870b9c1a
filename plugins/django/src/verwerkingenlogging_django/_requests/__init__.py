"""What is done at the edges of a request."""
