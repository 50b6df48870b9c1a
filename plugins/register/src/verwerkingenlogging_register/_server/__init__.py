"""A running process: the application, the HTTP protocol under it, limits on connections, workers, health.

`app` and `processes` are for the commands; `create_app` is public at the top.
Imports everything but the commands.
"""
