"""What ``manage.py`` can do with the log: a command a module, in ``commands``.

Nothing is imported from here: Django finds the commands by their names.
It imports ``_project_routes``, ``_log``, ``settings`` and the core.
"""
