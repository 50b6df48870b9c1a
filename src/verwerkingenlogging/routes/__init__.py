"""Shared by the adapters of frameworks: whether each route says what it logs, and routes that configuration speaks for.

Import its modules; they are public, for adapters of a framework.
It imports the main path, ``calls``, ``configuration``, ``model`` and ``errors``.
"""
