"""The mixin for a project's own admin: notes what its pages show and change, and records that before the answer leaves.

Private. ``admin`` exports ``VerwerkingsactieAdminMixin``.
It imports ``_routes``, ``transactions``, ``admin._acties`` and the core.
"""
