"""Runs a check at the end of an application's start, when it has all its routes."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["lifespan_with_check"]


async def lifespan_with_check(app: ASGIApp, scope: Scope, receive: Receive, send: Send, check: Callable[[], None]) -> None:
    """Let ``app`` handle its lifespan, and call ``check`` before it reports that it has started.

    A ConfigurationError from that ends the application's own start, which closes what it had opened, and becomes the reason why the
    server does not start.
    """
    wrong: ConfigurationError | None = None

    async def checked_send(message: Message) -> None:
        nonlocal wrong
        if message["type"] == "lifespan.startup.complete":
            try:
                check()
            except ConfigurationError as error:
                wrong = error
                raise
        if wrong is None:  # else the application reports it too, as a traceback
            await send(message)

    try:
        await app(scope, receive, checked_send)
    except BaseException:
        if wrong is None:
            raise
    if wrong is not None:
        await send({"type": "lifespan.startup.failed", "message": str(wrong)})
        raise wrong  # as Starlette does: a test client waits for nothing else
