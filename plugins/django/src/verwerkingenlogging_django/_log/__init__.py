"""The log in the application's own database: a transactional outbox, the relay that delivers from it, and their status.

Private. Other rooms import ``DjangoLog`` and ``Status``, how a row is read, and in which transactions it is written: its modules.
It imports ``models``, ``transactions``, ``_requests`` and the core; nothing of settings, routes or the admin.
"""
