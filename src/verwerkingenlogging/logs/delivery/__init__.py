"""Shared by every log that delivers later: when to try again, what to set apart, and where to deliver.

Import its modules; they are public, for a log on another kind of storage, as the Django plugin has one.
It imports ``logs.protocol``, what the answers of a register mean, and ``errors``.
"""
