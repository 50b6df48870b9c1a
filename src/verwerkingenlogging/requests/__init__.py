"""Shared by every middleware: who calls, which headers are believed, how a request is refused, and which headers calls get.

Import its modules; they are public, for adapters of a framework. ``Propagation``, ``HeaderProfile`` and ``VNG`` are at the top too.
It imports ``context``, ``recorder``, ``model``, ``support`` and ``errors``.
"""
