"""Streams: Django runs the code of a streaming response after the view and every middleware have returned."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import cast

from django.http import HttpResponseBase, StreamingHttpResponse

__all__ = ["within"]

_Within = Callable[[], AbstractContextManager[None]]


def within(response: HttpResponseBase, enter: _Within) -> None:
    """Run each step of a streaming ``response``, and what closes it, inside ``enter()``. A file has no steps, and stays as it is."""
    if getattr(response, "file_to_stream", None) is not None:  # a server may send it by itself
        return
    stream = cast("StreamingHttpResponse", response)
    closers: list[Callable[[], None]] = stream._resource_closers  # type: ignore[attr-defined]  # Django's own, unknown to its types
    closers[:] = [_closing(closer, enter) for closer in closers]
    content = stream.streaming_content
    stream.streaming_content = _asteps(content, enter) if isinstance(content, AsyncIterable) else _steps(content, enter)


def _closing(closer: Callable[[], None], enter: _Within) -> Callable[[], None]:
    def close() -> None:
        with enter():
            closer()

    return close


def _steps(content: Iterable[bytes], enter: _Within) -> Iterator[bytes]:
    __traceback_hide__ = True  # what shows local variables passes over this frame: a part may be personal data
    iterator = iter(content)
    while True:
        with enter():
            try:
                part = next(iterator)
            except StopIteration:
                return
        yield part


async def _asteps(content: AsyncIterable[bytes], enter: _Within) -> AsyncIterator[bytes]:
    __traceback_hide__ = True  # as above
    iterator = aiter(content)
    while True:
        with enter():
            try:
                part = await anext(iterator)
            except StopAsyncIteration:
                return
        yield part
