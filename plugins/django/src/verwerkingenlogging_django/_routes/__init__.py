"""The URLs of a project: its endpoints, what code and settings say that each logs, and the functions that record it.

Private. ``middleware``, the checks, the admin and the list of all routes import its modules.
It imports ``settings``, ``transactions`` and the core.
"""
