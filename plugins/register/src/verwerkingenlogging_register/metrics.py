"""What the register counts about itself, for Prometheus. No label holds personal data, or grows with the number of clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

__all__ = ["Metrics"]

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_VERSIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The counters of one register, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self._queue = Gauge("verwerkingenlog_queue_length", "Writes that wait for their commit.", registry=self.registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; ``route`` is the template of its route, never its path."""
        labels = (method if method in _METHODS else "other", route, str(status))
        counter = self._counters.get(labels)
        if counter is None:
            counter = self._counters[labels] = self._requests.labels(*labels)
        counter.inc()
        self._request_seconds.observe(seconds)

    def refused(self, reason: str, number: int = 1) -> None:
        """``number`` writes were refused; ``reason`` is one of ``stopping``, ``queue-full`` and ``commit-failed``."""
        self._refused.labels(reason).inc(number)

    def commit(self, writes: int, seconds: float) -> None:
        """One commit stored ``writes``."""
        self._batch.observe(writes)
        self._commit_seconds.observe(seconds)

    def spans(self, outcomes: Iterable[tuple[str, int]]) -> None:
        """So many spans had each outcome; see ``otlp.Outcome``."""
        for outcome, count in outcomes:
            self._spans.labels(outcome).inc(count)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Ask ``length`` for the number of waiting writes, whenever somebody looks."""
        self._queue.set_function(length)

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Serve them on a port of their own, from a thread; gives what stops that."""
        server, thread = start_http_server(port, host, registry=self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop
