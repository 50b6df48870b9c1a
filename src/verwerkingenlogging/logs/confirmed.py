"""A log that sends through another one, such as a Collector, and counts a record as safe when the register confirms it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from verwerkingenlogging.errors import LogRefused, LogUnavailable
from verwerkingenlogging.ldv import key_of
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.parts import each_in_parts
from verwerkingenlogging.logs.protocol import Entry, Receiver
from verwerkingenlogging.model import Verwerkingsactie, wire_form
from verwerkingenlogging.model.trace import new_span, new_trace, span_of_key
from verwerkingenlogging.support import process
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[otel]"):
    import anyio.to_thread

__all__ = ["ConfirmedLog"]

_FIRST_LOOK_SECONDS = 0.05
_LONGEST_SECONDS = 1.0


class ConfirmedLog:
    """Sends each verwerkingsactie through ``log``, and counts it as safe when the register itself confirms it::

        OutboxLog(
            "/var/lib/app/outbox",
            deliver_to=ConfirmedLog(SpanLog(OTLPSpanExporter(…), subjects=…), by=ApiLog.from_env(), client="collector"),
        )

    A Collector acknowledges records that it has in memory, and loses these when it is killed. Behind an outbox, a record that the
    register does not confirm is sent again until it does. The register recognises a repeated record by its trace_id and span_id.

    Args:
        log: where the acties go: a SpanLog whose spans end in the register.
        by: the register that confirms. It must log in as the client that sends the spans, the Collector, because the register tells
            nobody else. It needs no scope.
        client: the name of that client, when ``by`` has only a token and does not know it.
        patience: seconds to wait for the confirmation, longer than a Collector gathers a batch.
    """

    wants_spans = True

    def __init__(self, log: Receiver, *, by: ApiLog, client: str | None = None, patience: float = 30.0) -> None:
        self._log = log
        self._register = by
        self._client = client
        self._patience = patience
        self._in_doubt = True
        self._closed = False
        process.register(self)

    @property
    def client_id(self) -> str | None:
        """The name of the client as which these records reach the register."""
        return self._client or self._register.client_id

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Send ``acties`` and wait until the register has them. Raises LogUnavailable, or LogRefused for the first that it refused."""
        acties = each_in_parts(acties)
        trace = new_trace()
        spans = [actie.span or new_span(trace) for actie in acties]
        refusals = self.deliver(
            [Entry(key=key_of(span), body=wire_form(actie), span=span) for actie, span in zip(acties, spans, strict=True)]
        )
        for refused in refusals:
            if refused is not None:
                raise refused

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same, without blocking the event loop."""
        await anyio.to_thread.run_sync(self.log, acties)

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        """Send ``entries`` and wait until the register has them; for each that it refused, say why.

        Raises LogUnavailable when some were not confirmed in time. Whatever was, is not sent again the next time.
        """
        try:
            return self._delivered(entries)
        finally:
            if self._closed:  # meanwhile: let go of what was opened since
                self._register.close()

    def close(self) -> None:
        """Stop waiting for confirmations, and close the connections."""
        self._closed = True
        self._register.close()
        close = getattr(self._log, "close", None)
        if close is not None:
            close()

    def after_fork(self) -> None:
        """In a forked child: forget the last delivery of the parent. For ``support.process``."""
        self._in_doubt = True

    def _delivered(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        placed = [entry if entry.span is not None else msgspec.structs.replace(entry, span=span_of_key(entry.key)) for entry in entries]
        keys = [_key(entry) for entry in placed]
        in_doubt, self._in_doubt = self._in_doubt, True
        missing, refused = self._missing(keys) if in_doubt else (set(keys), {})
        refused |= self._send([entry for entry, key in zip(placed, keys, strict=True) if key in missing])
        refused |= self._confirmed([key for key in keys if key in missing and key not in refused])
        self._in_doubt = False
        return [refused.get(key) for key in keys]

    def _send(self, entries: Sequence[Entry]) -> dict[str, LogRefused]:
        results = self._log.deliver(entries) if entries else []
        refused: dict[str, LogRefused] = {}
        for entry, result in zip(entries, results, strict=True):
            if isinstance(result, LogUnavailable):
                raise result
            if result is not None:
                refused[_key(entry)] = result
        return refused

    def _confirmed(self, keys: Sequence[str]) -> dict[str, LogRefused]:
        """Wait until none of ``keys`` is missing; gives what the register refused of them."""
        deadline = time.monotonic() + self._patience
        missing, pause = set(keys), _FIRST_LOOK_SECONDS
        refused: dict[str, LogRefused] = {}
        while missing:
            if self._closed or time.monotonic() >= deadline:
                raise LogUnavailable(
                    f"the register did not confirm {len(missing)} of {len(keys)} records within {self._patience:g} seconds"
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_SECONDS)
            missing, more = self._missing(sorted(missing))
            refused |= more
        return refused

    def _missing(self, keys: Sequence[str]) -> tuple[set[str], dict[str, LogRefused]]:
        return self._register.missing(keys, client=self._client) if keys else (set(), {})


def _key(entry: Entry) -> str:
    assert entry.span is not None  # noqa: S101  # deliver gave it one
    return key_of(entry.span)
