"""Makes the standard exporter of OTLP over HTTP strict about answers (needs ``opentelemetry-exporter-otlp-proto-http``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("opentelemetry-exporter-otlp-proto-http"):
    import requests
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no types
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

__all__ = ["acknowledging_session"]

_OK = 200
_REFUSED = 400
_ANSWER_MAX = 1024 * 1024
"""Bytes. An acknowledgement has some dozens."""


class _NotAcknowledged(requests.RequestException):
    """The answer does not say that every span was taken."""


def acknowledging_session() -> requests.Session:
    """A session for the exporter of OTLP over HTTP, with which only an acknowledgement of every span is a SUCCESS::

        OTLPSpanExporter(endpoint, session=acknowledging_session())

    By itself that exporter believes any status below 400: a redirect to a login page, a page of a proxy, and a *partial success*,
    in which the receiver says that it threw spans away. An answer without end is none either. No proxy or certificate is taken
    from the environment.
    """
    session = requests.Session()
    session.trust_env = False
    session.hooks["response"].append(_heed)
    return session


class _Bounded:
    """The body of an answer, as far as it is not too long to be one."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *given: Any, **more: Any) -> Iterator[bytes]:
        size = 0
        for part in self._raw.stream(*given, **more):
            size += len(part)
            if size > _ANSWER_MAX:
                self._raw.close()
                raise _NotAcknowledged("the receiver answers without end")
            yield part


def _heed(response: requests.Response, **_: Any) -> None:
    response.raw = _Bounded(response.raw)
    fault = _fault(response)
    if fault is not None:
        response.close()
        raise _NotAcknowledged(fault)


def _fault(response: requests.Response) -> str | None:
    if response.status_code >= _REFUSED:
        return None  # the exporter knows what to do
    if response.status_code != _OK or not response.headers.get("content-type", "").startswith("application/x-protobuf"):
        return f"the receiver answered {response.status_code}, which is no acknowledgement of OTLP"
    try:
        rejected = ExportTraceServiceResponse.FromString(response.content).partial_success.rejected_spans
    except DecodeError:
        return "the receiver answered with what is no acknowledgement of OTLP"
    return f"the receiver rejected {rejected} spans" if rejected else None
