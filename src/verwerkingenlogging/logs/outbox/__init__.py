"""A log on the local disk: ``OutboxLog``. What it takes is safe at once, and delivered to another log for as long as that takes."""

from verwerkingenlogging.logs.outbox.log import OutboxLog
from verwerkingenlogging.logs.outbox.status import Status

__all__ = ["OutboxLog", "Status"]
