"""What the register counts about itself, for Prometheus. No label holds personal data; one names the client,
of what was flagged, so that somebody can be asked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

__all__ = ["SHARED_FOLDER", "Metrics", "serve", "together"]

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of prometheus_client: where a process that finds it set at its start keeps its counts, for all to read."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_VERSIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


_LOOK_SECONDS = 0.25


class Metrics:
    """The metrics of one register, in a registry of their own.

    ``shared`` is for a worker, whose numbers are read by another process (``together``).
    """

    def __init__(self, *, shared: bool = False) -> None:
        self.registry = CollectorRegistry()
        self._shared = shared
        self._requests = Counter("verwerkingenlog_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry)
        self._counters: dict[tuple[str, str, str], Counter] = {}  # looking one up by its labels costs more than counting
        self._request_seconds = Histogram(
            "verwerkingenlog_request_seconds", "Time from request to answer.", buckets=_SECONDS, registry=self.registry
        )
        self._refused = Counter(
            "verwerkingenlog_refused", "Writes refused because they could not be stored.", ("reason",), registry=self.registry
        )
        self._batch = Histogram("verwerkingenlog_commit_writes", "Writes that shared a commit.", buckets=_VERSIONS, registry=self.registry)
        self._commit_seconds = Histogram(
            "verwerkingenlog_commit_seconds", "Time that a commit took.", buckets=_SECONDS, registry=self.registry
        )
        self._spans = Counter("verwerkingenlog_otlp_spans", "Spans received over OTLP.", ("outcome",), registry=self.registry)
        self._spellings = Counter(
            "verwerkingenlog_other_spelling", "BSNs that are spelled otherwise.", ("spelling", "place"), registry=self.registry
        )
        self._flagged = Counter(
            "verwerkingenlog_flagged", "Verwerkingsacties that were kept but deserve a look.", ("client", "flag"), registry=self.registry
        )
        self._queue = Gauge(
            "verwerkingenlog_queue_length", "Writes that wait for their commit.", registry=self.registry, multiprocess_mode="livesum"
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; ``method`` is a known one or ``other``, and ``route`` the template of its route, never its path."""
        labels = (method, route, str(status))
        counter = self._counters.get(labels)
        if counter is None:
            counter = self._counters[labels] = self._requests.labels(*labels)
        counter.inc()
        self._request_seconds.observe(seconds)

    def refused(self, reason: str, number: int = 1) -> None:
        """Count ``number`` refused writes; ``reason`` is one of ``stopping``, ``queue-full`` and ``commit-failed``."""
        self._refused.labels(reason).inc(number)

    def commit(self, writes: int, seconds: float) -> None:
        """Count one commit, which stored ``writes``."""
        self._batch.observe(writes)
        self._commit_seconds.observe(seconds)

    def spans(self, outcomes: Iterable[tuple[str, int]]) -> None:
        """Count spans by outcome; see ``otlp.Outcome``."""
        for outcome, count in outcomes:
            self._spans.labels(outcome).inc(count)

    def other_spelling(self, spelling: str, place: str) -> None:
        """Count a BSN that was ``stored`` or ``asked`` for in another spelling; see ``bsn_spelling.Spelling``."""
        self._spellings.labels(spelling, place).inc()

    def flagged(self, client: str, flag: str, number: int) -> None:
        """Count ``number`` flagged acties of ``client``; see ``rules.Flag``."""
        self._flagged.labels(client, flag).inc(number)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Read the number of waiting writes from ``length`` when somebody looks; in a worker, every quarter of a second."""
        if self._shared:
            threading.Thread(target=self._keep_looking, args=(length,), name="verwerkingenlog-metrics", daemon=True).start()
        else:
            self._queue.set_function(length)

    def _keep_looking(self, length: Callable[[], int]) -> None:
        while True:
            self._queue.set(length())
            time.sleep(_LOOK_SECONDS)


class _OfWorkers(MultiProcessCollector):
    """What all workers counted, those that died too; but how many writes wait is asked of the living."""

    def collect(self) -> Iterator[Any]:
        """Read their files."""
        for path in Path(self._path).glob("gauge_live*.db"):
            pid = int(path.stem.rpartition("_")[2])
            if not _lives(pid):
                mark_process_dead(pid, self._path)  # type: ignore[no-untyped-call]  # theirs
        yield from super().collect()  # type: ignore[no-untyped-call]  # theirs


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def together(folder: str) -> CollectorRegistry:
    """The metrics of all processes that had ``SHARED_FOLDER`` set to ``folder`` when they started."""
    registry = CollectorRegistry()
    _OfWorkers(registry, folder)  # type: ignore[no-untyped-call]  # theirs
    return registry


def serve(registry: CollectorRegistry, host: str, port: int) -> Callable[[], None]:
    """Serve the metrics on a port of their own, from a thread. Gives a function that stops it."""
    server, thread = start_http_server(port, host, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
