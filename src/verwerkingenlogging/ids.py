"""Random ids, made quickly: each request needs one."""

from __future__ import annotations

from uuid import UUID, SafeUUID

import uuid_utils

__all__ = ["new_id"]

_new = object.__new__
_set_int, _set_is_safe = (UUID.__dict__[slot].__set__ for slot in ("int", "is_safe"))
_UNKNOWN = SafeUUID.unknown


def new_id() -> UUID:
    """A random UUID (version 4), as ``uuid.uuid4`` gives.

    That asks the kernel, which lets go of Python's lock, and then reads the number as if it might be wrong. ``uuid_utils``
    has its own generator, reseeded in a forked child; what it makes is put straight into the standard library's class.
    """
    made = _new(UUID)
    _set_int(made, uuid_utils.uuid4().int)
    _set_is_safe(made, _UNKNOWN)
    return made
