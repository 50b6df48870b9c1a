"""The admin's pages of the log in the database."""
