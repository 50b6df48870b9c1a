"""One exporter for many callers at once, and what its answers mean."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs.delivery.untraced import untraced
from verwerkingenlogging.support import process
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[otel]"):
    import anyio
    import anyio.to_thread
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

__all__ = ["Exporting"]

_MOST_SPANS = 512
_Job = tuple[Sequence[ReadableSpan], Future[None]]


class Exporting:
    """One exporter for all threads and event loops of a process.

    An exporter need not be thread-safe, so one thread calls it. What comes while it is at work shares the next call.

    Args:
        exporter: an exporter, or what makes one in each process that exports.
        timeout: seconds that a call may take, whatever the exporter is at.
    """

    def __init__(self, exporter: SpanExporter | Callable[[], SpanExporter], *, timeout: float) -> None:
        self._exporter = exporter
        self._timeout = timeout
        self._made_in = os.getpid()
        self._workers: dict[int, _Worker] = {}

    def export(self, spans: Sequence[ReadableSpan]) -> None:
        """Export ``spans``, and return when the exporter said SUCCESS. Raises LogUnavailable when it did not."""
        future = self._worker().submit(spans)
        try:
            future.result(self._timeout)
        except TimeoutError:
            future.cancel()
            raise self._too_long() from None

    async def aexport(self, spans: Sequence[ReadableSpan]) -> None:
        """The same, without blocking the event loop."""
        future = self._worker().submit(spans)
        try:
            with anyio.fail_after(self._timeout):
                await _done(future)
        except TimeoutError:
            future.cancel()
            raise self._too_long() from None

    def _too_long(self) -> LogUnavailable:
        return LogUnavailable(f"the span exporter did not answer within {self._timeout:g} seconds")

    def close(self) -> None:
        """Export the spans that wait, and shut down the exporter of this process. After that no span is accepted."""
        self._worker().close(self._timeout)

    def _worker(self) -> _Worker:
        # Of two threads that come first, setdefault lets one win; the other's worker has started nothing yet.
        pid = os.getpid()
        return self._workers.get(pid) or self._workers.setdefault(pid, _Worker(self._make))

    def _make(self) -> SpanExporter:
        if not isinstance(self._exporter, SpanExporter):
            return self._exporter()
        if os.getpid() != self._made_in:
            # Two processes on one connection would read each other's acknowledgements.
            raise LogUnavailable(
                "SpanLog: this process was forked after its exporter was made; give SpanLog a function that makes the exporter"
            )
        return self._exporter


async def _done(future: Future[None]) -> None:
    """Wait for ``future``, without blocking the event loop. Raises what it holds."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # another event loop than asyncio
        await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)
        return
    await asyncio.wrap_future(future, loop=loop)


class _Worker:
    """The thread that calls the exporter."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._make = make
        self._exporter: SpanExporter | None = None
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, spans: Sequence[ReadableSpan]) -> Future[None]:
        future: Future[None] = Future()
        with self._changed:
            if self._closed:
                raise LogUnavailable("SpanLog was closed")
            if self._thread is None:
                self._thread = self._started()
            self._jobs.append((spans, future))
            self._changed.notify()
        return future

    def _started(self) -> threading.Thread:
        why_not = process.no_threads()
        if why_not is process.NoThreads.LOADING:
            raise LogUnavailable(f"SpanLog needs a thread, and none may be started here: {why_not.value}; put an OutboxLog before it")
        thread = threading.Thread(target=self._run, name="verwerkingenlogging-spans", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread left, or the interpreter is ending
            raise LogUnavailable("SpanLog could not start the thread that exports") from None
        return thread

    def close(self, timeout: float) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout)
        if self._exporter is not None:
            self._exporter.shutdown()

    def _run(self) -> None:
        with untraced():  # nor does it carry headers of the application (C0031)
            while (group := self._group()) is not None:
                self._export_for(group)

    def _export_for(self, group: Sequence[_Job]) -> None:
        error = self._export([span for spans, _ in group for span in spans]) if group else None
        for _, future in group:
            if error is None:
                future.set_result(None)
            else:
                # One each: an exception that several threads raise would gather all their tracebacks.
                future.set_exception(LogUnavailable(error))

    def _group(self) -> list[_Job] | None:
        """What waits, as far as it fits in one call; waits for it when there is nothing. None when this was closed."""
        group: list[_Job] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            if not self._jobs:
                return None
            while self._jobs and (not group or size + len(self._jobs[0][0]) <= _MOST_SPANS):
                job = self._jobs.popleft()
                if job[1].set_running_or_notify_cancel():  # else the request is gone, and with it what it was about to do
                    group.append(job)
                    size += len(job[0])
        return group

    def _export(self, spans: Sequence[ReadableSpan]) -> str | None:
        """What went wrong, if anything. A message of the exporter's own might repeat what was being logged."""
        try:
            if self._exporter is None:
                self._exporter = self._make()
            # An actie about thousands of persons has as many spans: more than a receiver takes in one message.
            for start in range(0, len(spans), _MOST_SPANS):
                result = self._exporter.export(spans[start : start + _MOST_SPANS])
                if result is not SpanExportResult.SUCCESS:
                    return f"{type(self._exporter).__name__} did not take the spans"
        except LogUnavailable as error:
            return str(error)
        except BaseException as error:  # this thread must outlive whatever an exporter raises: others wait for it
            return f"the span exporter raised {type(error).__name__}"
        return None
