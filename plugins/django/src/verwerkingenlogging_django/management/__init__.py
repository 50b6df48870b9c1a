"""The commands of ``manage.py``: one in each module of ``commands``.

Nothing is imported from here: Django finds the commands by their names.
It imports ``_project_routes``, ``_log``, ``settings`` and the core.
"""
