"""What is kept, as values: a version of an actie, the tables, a persoon, a page of results, the scopes.

All of it, by every room.
Imports the errors and the core library.
"""
