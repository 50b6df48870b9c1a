"""The relay of an outbox: the thread that delivers what waits, and the watchdog beside it.

Private: ``OutboxLog`` alone uses it. Import its modules.
It imports the storage and the status of the outbox, ``logs.delivery`` and ``errors``.
"""
