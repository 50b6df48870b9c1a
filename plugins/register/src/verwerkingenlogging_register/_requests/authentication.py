"""Authentication: verifies the bearer token of a registered client (gemma.md 6, X50).

Every reason to refuse a token gives the same 401: the caller learns nothing about which part was wrong.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from verwerkingenlogging.model.doelbinding import Doelbinding
from verwerkingenlogging_register._access.clients import Client
from verwerkingenlogging_register._errors import NotPermitted, Problem
from verwerkingenlogging_register._keys.issuers import Issuer, KeySet
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register._requests.admission import Admission
from verwerkingenlogging_register._requests.register import Register
from verwerkingenlogging_register._wire.validation import check_accept

__all__ = ["ALGORITHM", "CAME_AT", "Caller", "authenticated", "identified"]

ALGORITHM = "HS256"
CAME_AT = "verwerkingenlogging_register.came_at"
"""In the scope of a request, where our own server serves it: when its first byte was read, by ``time.perf_counter``."""
_TOKEN_MAX = 8 * 1024
_LEEWAY_SECONDS = 60
_KEY_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
"""Headers by which a token would choose its own key; ours is the registered secret or one of the issuer's, and nothing else."""

_REMEMBERED = 1024
"""How many tokens are remembered: a client sends the same one for as long as it is valid."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client, with the scopes that this token carries."""

    client: Client
    scopes: frozenset[Scope]

    def check_oin(self, doelbinding: Doelbinding) -> None:
        """Refuse, with 403, an OIN in the header that this client may not use (D6)."""
        if doelbinding.oin is not None and self.client.oins and doelbinding.oin not in self.client.oins:
            raise NotPermitted("De OIN in de header is niet van deze client.")

    def believed(self, doelbinding: Doelbinding) -> Doelbinding:
        """The ``doelbinding`` of the caller, with the client's own OIN when the header has none (B9177).

        Raises NotPermitted as ``check_oin`` does.
        """
        self.check_oin(doelbinding)
        if doelbinding.oin is None and self.client.oins:
            return msgspec.structs.replace(doelbinding, oin=self.client.oins[0])
        return doelbinding


class _Refused(Exception):
    """This token does not do."""


async def authenticated(request: Request, register: Register) -> Caller:
    """The caller. Raises Problem 401 for an invalid token, 429 for too many requests, and 406 when JSON is not accepted."""
    caller = await identified(request, register)
    check_accept(request)
    return caller


async def identified(request: Request, register: Register) -> Caller:
    """The caller, for an operation whose answer is not JSON. Raises Problem 401 for an invalid token, 429 for too many requests."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    caller = await _judged(token, register, request.scope.get(CAME_AT))
    register.rate_limit.take(caller.client.name)

    async def again() -> None:
        now = await _judged(token, register, None)
        if not now.scopes >= caller.scopes or now.client.oins != caller.client.oins:
            raise NotPermitted("De rechten van deze client zijn intussen gewijzigd.")

    Admission(caller.client.name, again).put_in(request.scope)
    return caller


async def _judged(token: str, register: Register, came_at: float | None) -> Caller:
    """The caller, or 401."""
    try:
        return await _verify(token, register, came_at)
    except (_Refused, jwt.InvalidTokenError, RecursionError):  # so deep a token is read by Python's own parser
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"}) from None


async def _verify(token: str, register: Register, came_at: float | None) -> Caller:
    if len(token) > _TOKEN_MAX or not token.isascii():
        raise _Refused
    header, claims = _unverified(token)
    # Only to know whose key must verify it. The name of an issuer is an address, that of a client never is.
    iss = claims.get("iss")
    if not isinstance(iss, str) or _KEY_HEADERS & header.keys():
        raise _Refused
    issuer = register.issuers.get(iss)
    if issuer is not None:
        return await _of_issuer(token, header, issuer, register, came_at)
    return await _of_client(token, header, claims, register, came_at)


@lru_cache(maxsize=_REMEMBERED)
def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a token says of itself, which proves nothing."""
    parts = jwt.decode_complete(token, options={"verify_signature": False})
    return parts["header"], parts["payload"]


def _verified(token: str, key: str | jwt.PyJWK, algorithm: str, lifetime: int, issuer: Issuer | None = None) -> Mapping[str, Any]:
    """The claims of a token that ``key`` signed, for as long as it is valid; one of an issuer must be meant for us.

    Not one that is valid for longer than ``lifetime`` seconds, from now or from when it says that it was made: what leaks
    must be worth nothing soon.
    """
    claims = _signed(token, key, algorithm, issuer)
    now, expires = time.time(), int(claims["exp"])
    if expires <= now - _LEEWAY_SECONDS:  # it was valid when it was first seen
        raise _Refused
    if expires > now + lifetime + _LEEWAY_SECONDS or expires > int(claims.get("iat", expires)) + lifetime:
        raise _Refused
    return claims


@lru_cache(maxsize=_REMEMBERED)
def _signed(token: str, key: str | jwt.PyJWK, algorithm: str, issuer: Issuer | None) -> Mapping[str, Any]:
    """Remembered by the key as well: under another one, a token is judged anew."""
    return jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=issuer.aud if issuer else None,
        issuer=issuer.iss if issuer else None,
        options={"require": ["iss", "aud", "exp"] if issuer else ["iss", "exp"]},
        leeway=_LEEWAY_SECONDS,
    )


async def _of_client(token: str, header: Mapping[str, Any], claims: Mapping[str, Any], register: Register, came_at: float | None) -> Caller:
    """A token that the client signed itself: with its secret (the ZGW manner), or with the private key to its public one."""
    name = claims["iss"]
    if "kid" in header or claims.get("client_id", name) != name:
        raise _Refused
    client = await register.clients.get(name, came_at)
    if client is None:
        raise _Refused
    key: str | jwt.PyJWK | None = client.secret
    algorithm = ALGORITHM
    if client.public_key is not None:
        algorithm = str(header.get("alg"))
        key = client.public_key.for_algorithm(algorithm)
    if key is None:
        raise _Refused
    verified = _verified(token, key, algorithm, register.settings.token_lifetime)
    return Caller(client, _effective_scopes(verified, "scope", client))


async def _of_issuer(token: str, header: Mapping[str, Any], keys: KeySet, register: Register, came_at: float | None) -> Caller:
    """A token that an issuer signed, for a client that is registered with that issuer."""
    issuer = keys.issuer
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(kid, str) or algorithm not in issuer.algorithms:
        raise _Refused
    key = keys.remembered(kid, algorithm) or await run_in_threadpool(keys.get, kid, algorithm)
    if key is None:
        raise _Refused
    verified = _verified(token, key, algorithm, register.settings.token_lifetime, issuer)
    name = next((verified[claim] for claim in issuer.client_claims if claim in verified), None)
    client = await register.clients.get(name, came_at) if isinstance(name, str) else None
    if client is None or client.issuer != issuer.iss:
        raise _Refused
    return Caller(client, _effective_scopes(verified, issuer.scope_claim, client, may_be_list=True))


def _effective_scopes(claims: Mapping[str, Any], name: str, client: Client, *, may_be_list: bool = False) -> frozenset[Scope]:
    """Claim and registration both: a shared secret would let a client grant itself anything (X50).

    Without the claim, all of the registration. A claim that says nothing lets nothing, not even the creating that every
    client may (X49): NotPermitted. One that cannot be read, null among them, is no claim that is left out.
    """
    if name not in claims:
        return client.scopes
    claimed = claims[name]
    if may_be_list and isinstance(claimed, list) and all(isinstance(scope, str) for scope in claimed):
        claimed = " ".join(claimed)
    if not isinstance(claimed, str):
        raise _Refused
    scopes = frozenset(claimed.split())
    if not scopes:
        raise NotPermitted("Het token noemt geen enkele scope: daarmee mag niets.")
    return client.scopes & scopes
