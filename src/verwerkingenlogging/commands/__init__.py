"""The command ``verwerkingenlogging``: the routes of an application, and the outbox from outside.

Import nothing from it: it is for who types. ``commands.main`` is its entry point.
It imports ``routes``, ``logs.outbox`` and ``errors``.
"""
