"""The threads that the server owns, and what can be done with them."""
