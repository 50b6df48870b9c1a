"""Adds our doelbinding headers to outgoing calls: who asks, why, and within which verwerking (B9177, B8157).

The values sent are those of the verwerking under way, exactly as they were logged, and they go to hosts on a list only:
another party must not learn what it does not need. Calls to the log itself carry none (C0031).
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Protocol
from urllib.parse import urlsplit

from verwerkingenlogging.context import current
from verwerkingenlogging.errors import ConfigurationError, OutsideContext
from verwerkingenlogging.model.doelbinding import Doelbinding
from verwerkingenlogging.requests.doelbinding_headers import VNG, HeaderProfile

__all__ = ["Propagation"]


class _Request(Protocol):
    """A request of httpx2 or httpx, as far as a hook needs it."""

    @property
    def url(self) -> object: ...
    @property
    def headers(self) -> MutableMapping[str, str]: ...


class Propagation:
    """Adds our doelbinding headers to calls to listed hosts::

        propagation = Propagation(hosts=["gegevensmagazijn.example.nl"])
        client = httpx2.AsyncClient(event_hooks={"request": [propagation.ahook]}, trust_env=False)

    (``trust_env=False`` keeps the call from a proxy that the environment names.) With another client, add
    ``propagation.headers(url)`` to the call.

    Args:
        hosts: names of the hosts, ``host`` or ``host:port``, that may receive it.
        profile: names of the headers, if not the standard's.

    Raises ConfigurationError when an entry of ``hosts`` is not a host.
    """

    def __init__(self, *, hosts: Iterable[str], profile: HeaderProfile = VNG) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._profile = profile
        for host in self._hosts:
            if not host or "/" in host or "*" in host:
                raise ConfigurationError(f'Propagation: hosts: "{host}" is not a host; write it as "example.nl" or "example.nl:8443"')

    def headers(self, url: str) -> dict[str, str]:
        """The headers for a call to ``url``: doelbinding, and ``traceparent`` when the log keeps spans (LDV A8).

        None for a host that is not on the list, nor where no verwerking is under way: outside every context, or in a request
        that has not come to an annotated function yet.
        """
        return self._headers() if self.lists(url) else {}

    def _headers(self) -> dict[str, str]:
        try:
            context = current()
        except OutsideContext:
            return {}
        verwerking = context.verwerking
        if verwerking is None or verwerking.activiteit is None:
            return {}
        settings = context.recorder.settings
        oin = context.oin or settings.oin
        activiteit = settings.activiteiten.get(oin, verwerking.activiteit)
        headers = self._profile.write(
            Doelbinding(
                # An executor that works for the organisation makes itself known by its own number (B9177).
                oin=settings.uitvoerder or oin,
                verwerkingsactiviteit_id=activiteit.id,
                verwerkingsactiviteit_url=activiteit.url or activiteit.id.urn,  # X17
                verwerking_id=verwerking.id,
                vertrouwelijkheid=verwerking.vertrouwelijkheid,
                bewaartermijn=verwerking.bewaartermijn,
            )
        )
        traceparent = context.trace.traceparent() if context.trace is not None else None
        return headers if traceparent is None else {**headers, "traceparent": traceparent}

    def lists(self, url: str) -> bool:
        """Whether the host of ``url`` may receive our doelbinding."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # no host or port can be read: nobody who is listed
            return False
        return host in self._hosts or f"{host}:{port}" in self._hosts

    def hook(self, request: _Request) -> None:
        """Request hook of an httpx2 or httpx client. It keeps a ``traceparent`` that OpenTelemetry already set."""
        headers = self.headers(str(request.url))
        if "traceparent" in request.headers:
            headers.pop("traceparent", None)
        request.headers.update(headers)

    async def ahook(self, request: _Request) -> None:
        """Request hook of an asynchronous httpx2 or httpx client."""
        self.hook(request)
