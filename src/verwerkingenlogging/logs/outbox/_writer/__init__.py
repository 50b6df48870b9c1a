"""Appending to an outbox: the active segment, its quota, and the group commit that many callers share.

Private: ``OutboxLog`` alone uses it. Import its modules.
It imports the storage of the outbox, ``support`` and ``errors``.
"""
