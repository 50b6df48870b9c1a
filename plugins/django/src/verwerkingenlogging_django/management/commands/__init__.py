"""A command a module."""
