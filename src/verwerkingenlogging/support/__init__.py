"""What all other packages stand on: forks, random ids, optional packages, strict JSON, and the representation of values.

Import its modules; ``support.ids``, ``support.representation`` and ``support.strict_json`` are for plugins too.
It imports nothing of this package but ``errors``.
"""
