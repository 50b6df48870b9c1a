"""Places that keep verwerkingsacties. Each is a Verwerkingenlog; they compose."""

from verwerkingenlogging.logs.memory import MemoryLog
from verwerkingenlogging.logs.protocol import Verwerkingenlog

__all__ = ["MemoryLog", "Verwerkingenlog"]
