"""The admin's pages of the log in the database: the list of what waits or was refused, and the page of one record.

Private. ``admin`` exports ``RecordAdmin``.
It imports ``_log``, ``models``, ``settings``, ``admin._acties`` and the core.
"""
