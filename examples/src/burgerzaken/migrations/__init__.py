"""The tables of this application, step by step."""
