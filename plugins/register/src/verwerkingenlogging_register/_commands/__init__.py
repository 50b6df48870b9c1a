"""What an administrator types: `verwerkingenlog` and its subcommands. The entry point is `main.py`.

Nothing is imported from here.
Imports any room below, and most of it only when a command runs, so that `--help` is quick.
"""
