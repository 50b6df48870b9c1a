"""What may stand in an address where an id is expected: not a name that begins with ``_``, for those are operations of ours."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor

__all__ = ["KENMERK"]

KENMERK = "kenmerk"
"""The convertor, as in ``/{actieId:kenmerk}``."""


class _Kenmerk(StringConvertor):
    regex = "[^/_][^/]*"


register_url_convertor(KENMERK, _Kenmerk())
