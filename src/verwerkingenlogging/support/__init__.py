"""The ground under every room: forks, random ids, optional packages, strict JSON, what a value shows of itself.

Import its modules; ``support.ids``, ``support.representation`` and ``support.strict_json`` are for plugins too.
It imports nothing of this package but ``errors``.
"""
