"""What every log that delivers to another one later has in common: when to try again, what to set apart, and whom to deliver to.

Import its modules; they are public, for a log on another kind of storage, as the Django plugin has one.
It imports ``logs.protocol``, what the answers of a register mean, and ``errors``.
"""
