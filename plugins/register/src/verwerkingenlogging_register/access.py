"""Who calls: the bearer token of a registered client, verified (gemma.md 6, X50).

Every reason to refuse a token gives the same 401: the caller learns nothing about which part was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from verwerkingenlogging.doelbinding import Doelbinding
from verwerkingenlogging_register.clients import Client, Clients
from verwerkingenlogging_register.inputs import check_accept
from verwerkingenlogging_register.problems import Problem
from verwerkingenlogging_register.scopes import NotPermitted, Scope
from verwerkingenlogging_register.services import Register, register_of

__all__ = ["ALGORITHM", "Caller", "authenticated"]

ALGORITHM = "HS256"
_TOKEN_MAX = 8 * 1024
_LEEWAY_SECONDS = 60
_KEY_HEADERS = frozenset({"kid", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"})
"""Headers by which a token would choose its own key; ours is the registered secret and nothing else."""

_bearer = HTTPBearer(
    scheme_name="JWT-Claims",
    bearerFormat="JWT",
    description="Een JWT van een geregistreerde client, ondertekend met zijn geheim (HS256): iss, exp en naar keuze iat en scope.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client, with the scopes that this token carries."""

    client: Client
    scopes: frozenset[Scope]

    def check_oin(self, doelbinding: Doelbinding) -> None:
        """Refuse, with 403, another OIN in the header than this client may use (D6)."""
        if doelbinding.oin is not None and self.client.oins and doelbinding.oin not in self.client.oins:
            raise NotPermitted("De OIN in de header is niet van deze client.")


class _Refused(Exception):
    """This token does not do."""


async def authenticated(
    request: Request,
    register: Annotated[Register, Depends(register_of)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """The caller, or 401; then 406 for one that cannot take the answer."""
    try:
        caller = await _verify(credentials.credentials if credentials else "", register.store.clients)
    except (_Refused, jwt.InvalidTokenError):
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"}) from None
    check_accept(request)
    return caller


async def _verify(token: str, clients: Clients) -> Caller:
    if len(token) > _TOKEN_MAX or not token.isascii():
        raise _Refused
    name = _claimed_client(token)
    client = clients.remembered(name) or await run_in_threadpool(clients.get, name)
    if client is None:
        raise _Refused
    claims = jwt.decode(token, client.secret, algorithms=[ALGORITHM], options={"require": ["iss", "exp"]}, leeway=_LEEWAY_SECONDS)
    return Caller(client, _effective_scopes(claims, client))


def _claimed_client(token: str) -> str:
    """Who the token says it is from: only to know whose secret must verify it."""
    unverified = jwt.decode_complete(token, options={"verify_signature": False})
    claims = unverified["payload"]
    name = claims.get("iss")
    if _KEY_HEADERS & unverified["header"].keys() or not isinstance(name, str) or claims.get("client_id", name) != name:
        raise _Refused
    return name


def _effective_scopes(claims: dict[str, Any], client: Client) -> frozenset[Scope]:
    """Claim and registration both: a shared secret would let a client grant itself anything (X50)."""
    claimed = claims.get("scope")
    if claimed is None:
        return client.scopes
    if not isinstance(claimed, str):
        raise _Refused
    return client.scopes & frozenset(claimed.split())
