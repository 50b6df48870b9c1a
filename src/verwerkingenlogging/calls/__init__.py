"""One call of an annotated function: its arguments, whose data they name, and what is recorded before it goes on.

Import its modules; ``arguments``, ``generators`` and ``objecten`` are public, for adapters of a framework.
It imports ``context``, ``recorder``, ``logs.protocol``, ``model`` and ``errors``; ``wrapping`` and ``annotation`` stand on it.
"""
