"""What the adapters of frameworks share about routes and functions: does each say what it does, and what a configuration says of it.

Import its modules; they are public, for adapters of a framework.
It imports the main path, ``calls``, ``configuration``, ``model`` and ``errors``.
"""
