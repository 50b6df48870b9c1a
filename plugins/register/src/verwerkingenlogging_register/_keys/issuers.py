"""Issuers of tokens: their names, their algorithms, and their public keys (a JWKS, RFC 7517)."""

from __future__ import annotations

import ipaddress
import json
import logging
import threading
import time
import tomllib
import urllib.request
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import jwt

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._keys.public_keys import ALGORITHMS, key_for
from verwerkingenlogging_register._keys.secret_files import bytes_of_trusted_file

__all__ = ["Issuer", "KeySet", "load_issuers"]

logger = logging.getLogger("verwerkingenlogging_register")

_REFRESH_SECONDS = 300.0
_AGAIN_SECONDS = 10.0
_TIMEOUT_SECONDS = 5.0
_JWKS_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer that may sign tokens for clients that are registered with it. Raises ConfigurationError for a wrong attribute.

    Attributes:
        iss: its name, exactly as in the claim ``iss``.
        aud: what must stand in the claim ``aud``: the name of this register at that issuer.
        jwks: its public keys: a file, or an address (https, or http on this machine).
        algorithms: what it may sign with; a token with another algorithm is refused.
        client_claims: the claims that name the client; the first that is there counts.
        scope_claim: the claim that holds the scopes, as a text with spaces or a list.
    """

    iss: str
    aud: str
    jwks: str
    algorithms: tuple[str, ...] = ("RS256",)
    client_claims: tuple[str, ...] = ("client_id", "azp")
    scope_claim: str = "scope"

    def __post_init__(self) -> None:
        for name in ("iss", "aud", "jwks", "scope_claim"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise ConfigurationError(f"setting issuers: {name} must be a text that is not empty")
        if ":" not in self.iss:
            raise ConfigurationError("setting issuers: iss must be an address, so that it is never the name of a client")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise ConfigurationError(f"setting issuers: {self.iss}: algorithms must be some of {', '.join(ALGORITHMS)}")
        if not self.client_claims or not all(isinstance(name, str) and name for name in self.client_claims):
            raise ConfigurationError(f"setting issuers: {self.iss}: client_claims must name at least one claim")
        if "://" in self.jwks and not _may_be_asked(self.jwks):
            raise ConfigurationError(f"setting issuers: {self.iss}: jwks must be a file, or an address with https and without a password")


def _may_be_asked(address: str) -> bool:
    try:
        parts = urlsplit(address)
        loopback = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = False
    return bool(parts.hostname) and "@" not in parts.netloc and (parts.scheme == "https" or (parts.scheme == "http" and loopback))


def load_issuers(path: Path | None) -> tuple[Issuer, ...]:
    """The issuers in a TOML file, each a table ``[[issuer]]`` with the attributes of ``Issuer``.

    Raises ConfigurationError, naming file and key, when they cannot be read.
    """
    if path is None:
        return ()
    try:
        tables = tomllib.loads(bytes_of_trusted_file(path, "issuers").decode())["issuer"]
        return tuple([_issuer(path, table) for table in tables])
    except (OSError, ValueError, KeyError, AttributeError):
        raise ConfigurationError(f"setting issuers: {path} cannot be read as TOML with tables [[issuer]]") from None


def _issuer(path: Path, table: dict[str, Any]) -> Issuer:
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    try:
        return Issuer(**given)
    except TypeError:
        known = ", ".join(Issuer.__slots__)
        raise ConfigurationError(
            f"setting issuers: {path}: a table [[issuer]] has iss, aud and jwks, and may have some of {known}"
        ) from None


class KeySet:
    """The public keys of one issuer: read when the register starts, and again every five minutes.

    A key that is not known may be a new one: then they are read again, but no more than once in ten seconds. When reading
    fails, the keys that are known keep their worth.
    """

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self._lock = threading.Lock()
        self._keys: dict[tuple[str, str], jwt.PyJWK] = {}
        self._read_at = float("-inf")
        try:
            self._read()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"setting issuers: {issuer.iss}: its jwks cannot be read ({type(error).__name__}); "
                f"it must be there when the register starts: {issuer.jwks.partition('?')[0]}"
            ) from None

    def remembered(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The key of that name for that algorithm, if it is known and fresh; else None, and ``get`` must be called."""
        return self._keys.get((kid, algorithm)) if time.monotonic() - self._read_at < _REFRESH_SECONDS else None

    def get(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The key of that name for that algorithm. It may read the keys again, which takes time."""
        with self._lock:
            age = time.monotonic() - self._read_at
            if age >= _REFRESH_SECONDS or (age >= _AGAIN_SECONDS and (kid, algorithm) not in self._keys):
                try:
                    self._read()
                except (OSError, ValueError, ConfigurationError) as error:
                    self._read_at = time.monotonic() - _REFRESH_SECONDS + _AGAIN_SECONDS
                    logger.warning("the keys of issuer %s cannot be read: %s", self.issuer.iss, type(error).__name__)
            return self._keys.get((kid, algorithm))

    def _read(self) -> None:
        text = _fetched(self.issuer.jwks) if "://" in self.issuer.jwks else bytes_of_trusted_file(Path(self.issuer.jwks), "issuers")
        self._keys = _keys_in(json.loads(text), self.issuer.algorithms)
        self._read_at = time.monotonic()


def _keys_in(jwks: Any, algorithms: tuple[str, ...]) -> dict[tuple[str, str], jwt.PyJWK]:
    """The keys in a JWKS, by their name and by each of ``algorithms`` that they fit."""
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError  # noqa: TRY004  # for the reader of the file it is no JWKS
    keys = {}
    for jwk in jwks["keys"]:
        for algorithm in algorithms:
            key = key_for(jwk, algorithm)
            if key is not None and isinstance(jwk.get("kid"), str):
                keys[jwk["kid"], algorithm] = key
    return keys


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """Keys come from the configured address and from nowhere else."""
        return None


# No proxy from the environment: whoever answers decides who may sign.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def _fetched(address: str) -> bytes:
    with _opener.open(address, timeout=_TIMEOUT_SECONDS) as response:
        text: bytes = response.read(_JWKS_MAX + 1)
    if len(text) > _JWKS_MAX:
        raise ValueError
    return text
