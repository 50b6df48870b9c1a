"""Our doelbinding on the calls of every client that OpenTelemetry instruments (needs the extra ``otel``).

Set ``OTEL_PROPAGATORS=tracecontext,verwerkingenlogging`` and ``VERWERKINGENLOGGING_PROPAGATION_HOSTS=gegevensmagazijn.example.nl``.
The headers are those of the doelbinding and no others: never baggage, which would go everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.requests.doelbinding_headers import VNG, HeaderProfile
from verwerkingenlogging.requests.propagation import Propagation
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[otel]"):
    from opentelemetry import trace
    from opentelemetry.context import Context, get_value, set_value
    from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter
    from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
    from opentelemetry.trace import Link, SpanKind, TraceState

__all__ = ["DoelbindingPropagator", "HostKeepingSampler", "extracted_doelbinding"]

HOSTS = "VERWERKINGENLOGGING_PROPAGATION_HOSTS"
_KEY = "verwerkingenlogging-doelbinding"


class DoelbindingPropagator(TextMapPropagator):
    """Sends the doelbinding of the current verwerking to listed hosts, and reads that of a caller.

    A propagator is not told where a call goes. The client's own span knows, and is current at that moment: so the host is read
    from its ``url.full`` or ``http.url``, or else ``server.address``. Where there is no such span nothing is sent: without
    an instrumentation, in a message to a queue, and for a span that is not sampled, unless ``HostKeepingSampler`` stands around
    the sampler. A client that follows a redirect sends its headers along, whoever put them there.

    Args:
        hosts: names of the hosts, ``host`` or ``host:port``, that may receive it; by default those that the environment
            variable ``VERWERKINGENLOGGING_PROPAGATION_HOSTS`` lists, separated by commas. None at all: nothing is sent.
        profile: names of the headers, if not the standard's.

    Raises ConfigurationError when an entry is not a host.
    """

    def __init__(self, hosts: Sequence[str] | None = None, *, profile: HeaderProfile = VNG) -> None:
        if hosts is None:
            hosts = [host.strip() for host in os.environ.get(HOSTS, "").split(",") if host.strip()]
        self._propagation = Propagation(hosts=hosts, profile=profile)
        self._profile = profile
        self._names = tuple(str(name) for name in msgspec.structs.astuple(profile) if name)

    def inject(self, carrier: Any, context: Context | None = None, setter: Setter[Any] = default_setter) -> None:
        """Put our doelbinding into ``carrier``, when the current span is that of a call to a listed host."""
        url = _target(trace.get_current_span(context))
        if url is None:
            return
        for name, value in self._propagation.headers(url).items():
            if name in self._names:  # the trace is another propagator's
                setter.set(carrier, name, value)

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        """``context`` with the doelbinding that ``carrier`` holds; see ``extracted_doelbinding``."""
        raw = [
            (name.encode(), str(value).encode("latin-1", "replace")) for name in self._names for value in getter.get(carrier, name) or ()
        ]
        doelbinding = self._profile.read(raw)
        context = context if context is not None else Context()
        return context if doelbinding is NO_DOELBINDING else set_value(_KEY, doelbinding, context)

    @property
    def fields(self) -> set[str]:
        """The headers that ``inject`` may set."""
        return set(self._names)


def extracted_doelbinding(context: Context | None = None) -> Doelbinding:
    """The doelbinding of the caller, for an instrumented server or consumer without a middleware of ours.

    Whoever uses it, as ``recording(recorder, caller=…)``, decides first whether that caller is to be believed.
    """
    found = get_value(_KEY, context)
    return found if isinstance(found, Doelbinding) else NO_DOELBINDING


class HostKeepingSampler(Sampler):
    """Lets ``sampler`` decide, and keeps the host of a call that is not sampled: its doelbinding must be sent all the same::

    TracerProvider(sampler=HostKeepingSampler(ParentBased(TraceIdRatioBased(0.1))))
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """What ``sampler`` decides."""
        result = self._sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        # A span that is not sampled has no attributes, but it has this object. What is sent on in `tracestate` stays the same.
        url = _url(attributes or {}) if kind is SpanKind.CLIENT else None
        state = _Target(list((result.trace_state or {}).items()), url)
        return SamplingResult(result.decision, result.attributes, state)

    def get_description(self) -> str:
        """The description of the wrapped sampler."""
        return f"HostKeepingSampler({self._sampler.get_description()})"


class _Target(TraceState):
    """The state of a trace, and where the call goes that this span is of."""

    def __init__(self, entries: Sequence[tuple[str, str]], url: str | None) -> None:
        super().__init__(entries)
        self.url = url


def _target(span: trace.Span) -> str | None:
    """Where the call goes that ``span`` is of; None when it is of no call, or that cannot be known."""
    if span.is_recording():
        return _url(getattr(span, "attributes", None) or {}) if getattr(span, "kind", None) is SpanKind.CLIENT else None
    state = span.get_span_context().trace_state
    return state.url if isinstance(state, _Target) else None


def _url(attributes: Any) -> str | None:
    for key in ("url.full", "http.url"):
        if isinstance(url := attributes.get(key), str):
            return url
    for host_key, port_key in (("server.address", "server.port"), ("net.peer.name", "net.peer.port")):
        if isinstance(host := attributes.get(host_key), str):
            port = attributes.get(port_key)
            host = f"[{host}]" if ":" in host else host
            return f"//{host}:{port}" if port is not None else f"//{host}"
    return None
