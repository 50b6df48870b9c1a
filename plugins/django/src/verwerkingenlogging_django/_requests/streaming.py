"""Streams in their context: Django runs the code of a streaming response after the view and every middleware returned."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import NoReturn, cast

from django.http import HttpResponseBase, StreamingHttpResponse

from verwerkingenlogging.context import Context

__all__ = ["stream_in_context"]

_Within = Callable[[], AbstractContextManager[None]]


def stream_in_context(response: HttpResponseBase, context: Context, enter: _Within, *, begins: bool) -> None:
    """Run each step of a streaming ``response``, and what closes it, inside ``enter()``; ``context`` ends when it is closed.

    A step in which something could not be recorded raises NotRecorded, whatever the application made of that, and then the server cuts
    the connection. ``begins``: the first step is taken now, when another answer can still take the place of this one. Over WSGI nothing
    leaves before that step anyway; over ASGI the headers do, and a client may wait for them. A file has no steps, and stays as it is.
    """
    stream = cast("StreamingHttpResponse", response)
    closers: list[Callable[[], None]] = stream._resource_closers  # type: ignore[attr-defined]  # Django's own, unknown to its types
    closers[:] = [_closing(closer, enter) for closer in closers]
    if getattr(response, "file_to_stream", None) is None:  # a server may send a file by itself
        content = stream.streaming_content
        if isinstance(content, AsyncIterable):
            stream.streaming_content = _asteps(content, context, enter)
        else:
            steps = _steps(content, context, enter)
            closers.append(steps.close)
            stream.streaming_content = _begun(steps) if begins else steps
    closers.append(lambda: _end(context))


def _closing(closer: Callable[[], None], enter: _Within) -> Callable[[], None]:
    def close() -> None:
        with enter():
            closer()

    return close


def _end(context: Context) -> None:
    context.ended = True


def _begun(steps: Iterator[bytes]) -> Iterator[bytes]:
    """``steps``, of which the first was taken. What that raised is raised where the stream is read, as if it were taken there."""
    try:
        return itertools.chain([next(steps)], steps)
    except StopIteration:
        return iter(())
    except Exception as error:
        return map(_raise, [error])


def _raise(error: Exception) -> NoReturn:
    raise error


def _steps(content: Iterable[bytes], context: Context, enter: _Within) -> Generator[bytes]:
    __traceback_hide__ = True  # what shows local variables passes over this frame: a part may be personal data
    iterator = iter(content)
    while True:
        with enter():
            try:
                part = next(iterator)
            except StopIteration:
                part = None
        if context.failed is not None:
            raise context.failed
        if part is None:
            return
        yield part


async def _asteps(content: AsyncIterable[bytes], context: Context, enter: _Within) -> AsyncIterator[bytes]:
    __traceback_hide__ = True  # as above
    iterator = aiter(content)
    while True:
        with enter():
            try:
                part = await anext(iterator)
            except StopAsyncIteration:
                part = None
        if context.failed is not None:
            raise context.failed
        if part is None:
            return
        yield part
