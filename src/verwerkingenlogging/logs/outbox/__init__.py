"""The outbox: a log on the local disk. A record is safe there at once, and a relay delivers it to another log.

Import ``OutboxLog`` and ``Status`` from here; ``logs.outbox.encryption`` holds the keys that it may be sealed with.
It imports ``logs.delivery``, ``logs.protocol``, ``model``, ``support`` and ``errors``.
"""

from verwerkingenlogging.logs.outbox._log import OutboxLog
from verwerkingenlogging.logs.outbox.status import Status

__all__ = ["OutboxLog", "Status"]
