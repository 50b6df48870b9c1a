"""The address of a register: one that is an address, and over which personal data may go."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote, urlsplit

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["checked_url"]

_PATH = "/%:@!$&'()*+,;=~"


def checked_url(url: str, *, allow_http: bool) -> str:
    """``url`` in the form in which it goes out. Raises ConfigurationError when it is none, or plain http to another machine."""
    try:
        parsed = urlsplit(url)
        port, host = parsed.port, (parsed.hostname or "").encode("idna").decode()
    except ValueError:  # a UnicodeError is one
        port, host = None, None
    if host is None or not url.isprintable():
        raise ConfigurationError("ApiLog: url is not a valid address; give the register's base address")
    if parsed.scheme not in {"http", "https"} or not host or parsed.query or parsed.fragment or "@" in parsed.netloc:
        raise ConfigurationError("ApiLog: url must be an https address without query, such as https://log.example.nl/api/v1")
    if parsed.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ConfigurationError(f"ApiLog: url {url} would send personal data over plain http; use https")
    netloc = f"[{host}]" if ":" in host else host
    return f"{parsed.scheme}://{netloc}{f':{port}' if port is not None else ''}{quote(parsed.path, safe=_PATH)}".rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
