"""The raw headers of a request that this plugin reads, from WSGI and from ASGI."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec
from django.http import HttpRequest

from verwerkingenlogging import HeaderProfile
from verwerkingenlogging.model.trace import TRACE_HEADERS
from verwerkingenlogging.requests.peers import FORWARDING_HEADERS

__all__ = ["raw_headers"]

_Pairs = Sequence[tuple[bytes, bytes]]
_URLS = re.compile(r",(?=\s*https?://)", re.IGNORECASE)
_COMMA = re.compile(",")


def raw_headers(profile: HeaderProfile, *, traces: bool) -> Callable[[HttpRequest], _Pairs]:
    """A function that gives the headers of a request that ``profile`` names, and with ``traces`` also those of a trace.

    Where there are any, it gives those too by which a proxy shows itself, without what they say.

    ASGI gives headers as they were sent. WSGI turns ``X-Origin-OIN`` and ``X_Origin_OIN`` into one name, and a server either drops
    the second, as gunicorn, nginx, waitress and runserver do, or joins the two with a comma, as it does with a header that
    occurs twice. So where there is a comma there were two headers, and the reader finds what it must not believe: a
    duplicate. The names of the standard have no hyphen.
    """
    of_profile = msgspec.structs.asdict(profile)
    names = {name: _URLS if field == "verwerkingsactiviteit_url" else _COMMA for field, name in of_profile.items() if name}
    if traces:
        names |= {name.decode(): _COMMA for name in TRACE_HEADERS}
    wanted = [(_key(encoded), encoded, comma) for name, comma in names.items() if (encoded := name.encode("ascii"))]
    keys = frozenset(key for key, _, _ in wanted)
    of_proxies = [(_key(name), (name, b"")) for name in FORWARDING_HEADERS]

    def read(request: HttpRequest) -> _Pairs:
        scope = getattr(request, "scope", None)
        if scope is not None:
            return scope["headers"]  # type: ignore[no-any-return]  # as ASGI defines them
        meta = request.META
        if meta.keys().isdisjoint(keys):  # nearly always
            return ()
        pairs = [pair for key, name, comma in wanted if key in meta for pair in _pairs(name, comma, meta[key])]
        return pairs + [pair for key, pair in of_proxies if key in meta]

    return read


def _key(name: bytes) -> str:
    return "HTTP_" + name.decode().upper().replace("-", "_")


def _pairs(name: bytes, comma: re.Pattern[str], value: str) -> Iterable[tuple[bytes, bytes]]:
    for part in comma.split(value):
        yield name, part.encode("latin-1", "replace")
