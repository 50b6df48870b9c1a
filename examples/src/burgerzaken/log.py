"""The log of burgerzaken, and the key of its employees."""

from __future__ import annotations

from django.http import HttpRequest

from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging_django import DjangoLog

__all__ = ["make_log", "medewerker"]


def make_log() -> DjangoLog:
    """The log: a row in our own database, in the transaction of the change. ``verwerkingen_deliver`` brings it to the register."""
    return DjangoLog(ApiLog.from_env)


def medewerker(request: HttpRequest) -> str | None:
    """The meaningless key of the employee, never a name (B9207); the login in front of this application puts it in a header."""
    return request.headers.get("X-Medewerker")
