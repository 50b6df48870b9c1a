"""The logs: places that keep verwerkingsacties. Each is a Verwerkingenlog, and one can deliver to another.

Import the other logs from ``logs.api``, ``logs.outbox``, ``logs.confirmed`` and ``logs.spans``; for one of your own, ``logs.protocol``.
It imports ``ldv``, ``configuration``, ``model``, ``support`` and ``errors``.
"""

from verwerkingenlogging.logs._memory import MemoryLog
from verwerkingenlogging.logs.protocol import Verwerkingenlog

__all__ = ["MemoryLog", "Verwerkingenlog"]
