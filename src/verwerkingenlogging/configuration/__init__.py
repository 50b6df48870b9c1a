"""The configuration of an application: its settings, its activiteiten, and the files and variables that they come from.

Import ``configuration.settings`` and ``configuration.activiteiten``; ``Settings`` and ``Activiteiten`` are at the top too.
It imports ``model``, ``support`` and ``errors``.
"""
