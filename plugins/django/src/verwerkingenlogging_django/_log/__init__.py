"""The log in the application's own database."""
