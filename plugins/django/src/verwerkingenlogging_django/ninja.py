"""For Django Ninja: what could not be recorded is the middleware's to answer."""

from __future__ import annotations

from typing import NoReturn

from django.http import HttpRequest
from ninja import NinjaAPI

from verwerkingenlogging import NotRecorded

__all__ = ["hand_over_not_recorded"]


def hand_over_not_recorded(api: NinjaAPI) -> None:
    """Let NotRecorded pass through ``api`` to the middleware, which answers 503.

    Without this it does so too, but not while ``DEBUG`` is on: then Ninja answers every exception itself, with a traceback.
    """
    api.add_exception_handler(NotRecorded, _hand_over)  # type: ignore[arg-type]  # it types the exception by its base


def _hand_over(request: HttpRequest, error: NotRecorded) -> NoReturn:
    raise error
