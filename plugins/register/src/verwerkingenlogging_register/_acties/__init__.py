"""The repository of verwerkingsacties: append (with group commit), correct, look up, search.

`repository` is the way in for a running register; the other modules are functions on a connection.
Imports `_rules` and below.
"""
