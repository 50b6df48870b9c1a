"""What an application says once about itself, and what it is read from.

Import ``configuration.settings`` and ``configuration.activiteiten``; ``Settings`` and ``Activiteiten`` are at the top too.
It imports ``model``, ``support`` and ``errors``.
"""
