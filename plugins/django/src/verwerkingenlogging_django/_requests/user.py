"""The user of an asynchronous request, fetched before something asks for it where the database may not be used."""

from __future__ import annotations

from collections.abc import Awaitable

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

__all__ = ["fetch_user"]


def fetch_user(request: HttpRequest) -> Awaitable[None] | None:
    """In asynchronous code: an awaitable that fetches ``request.user``, when that needs the database.

    That is so only when a session came along and nobody asked before. Otherwise there is nothing to fetch, and it gives None.
    """
    user = getattr(request, "user", None)
    if type(user) is not SimpleLazyObject or user.__dict__["_wrapped"] is not empty:
        return None
    session = getattr(request, "session", None)
    if session is not None and session.session_key is not None:
        return _fetched(request)
    return None


async def _fetched(request: HttpRequest) -> None:
    if hasattr(request, "auser"):
        request.user = await request.auser()
    else:  # Django 4.2 has none, nor has every middleware that sets the user
        await sync_to_async(lambda: request.user.is_authenticated)()
