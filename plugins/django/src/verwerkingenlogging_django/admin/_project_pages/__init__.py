"""What the pages of a project's own admin show and change, noted while a view runs and recorded before its answer leaves.

Private. ``admin`` exports ``VerwerkingsactieAdminMixin``.
It imports ``_routes``, ``transactions``, ``admin._acties`` and the core.
"""
