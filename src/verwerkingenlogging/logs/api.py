"""A log that sends each record to a register at once, over the Verwerkingenlogging API (needs the extra ``api``)."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from verwerkingenlogging.configuration.secret_files import read_secret
from verwerkingenlogging.errors import ConfigurationError, LogRefused
from verwerkingenlogging.logs._http.answers import check, check_delivery, confirmation, not_now, outcomes
from verwerkingenlogging.logs._http.client_token import ClientToken
from verwerkingenlogging.logs._http.corrections import change_request, check_change
from verwerkingenlogging.logs._http.exchange import Answer, Exchange
from verwerkingenlogging.logs._http.register_address import checked_url
from verwerkingenlogging.logs.parts import bodies_of
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie

__all__ = ["ApiLog", "ClientToken"]

BATCH_MAX = 1000
"""Most acties that a register takes in one batch."""
_OK = 200
_NOT_BELIEVED = 401
_NO_BATCHES = frozenset({404, 405, 501})
"""What a register answers that knows no batches."""
_NOT_OF_ALL = frozenset({400, 413, 415, 422})
"""Refusals of a batch that one entry in it may have caused."""
_TOO_LARGE = 413
_ONE_BY_ONE_SECONDS = 3600.0
_PREFIX = "VERWERKINGENLOGGING_"
_A_CLIENT = "`verwerkingenlog client add` makes a client of a register"
_REMEDIES = {"REGISTER": "give the address of the Bewerking API, such as https://log.example.nl/api/v1"}


class ApiLog:
    """Sends each verwerkingsactie to a register and waits for its acknowledgement.

    Only a 201 with an ``actieId`` counts as an acknowledgement. No doelbinding header is sent (C0031). Connections are kept and
    reused: one pool per process for threads, and one per event loop. A forked child makes its own.

    Args:
        url: base address of the Bewerking API: ``https://log.example.nl/api/v1``.
        token: bearer token, or a function that gives one at each call, such as ``ClientToken``.
        timeout: seconds that a whole call may take: to look up the register's name, to connect, to send, and to receive the whole
            answer. Each request that an outbox makes in the background may take as long.
        ssl_context: certificate authorities and client certificate for the connection; None: the system's authorities.
        allow_http: permit plain http to another machine. Only where the network itself encrypts.

    Raises ConfigurationError when ``url`` is not an http(s) address, or is plain http to another machine.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str],
        timeout: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
        allow_http: bool = False,
    ) -> None:
        self.url = checked_url(url, allow_http=allow_http) + "/verwerkingsacties"
        self._host = urlsplit(self.url).netloc
        self._token = token
        # No proxy and no certificates from the environment: where personal data goes is not the environment's to say.
        self._exchange = Exchange(timeout=timeout, ssl_context=ssl_context)
        self._one_by_one_until = 0.0
        self._outcomes: dict[str, LogRefused | None] = {}

    @property
    def client_id(self) -> str | None:
        """The name of the client that this is to the register, when its token says so; else None."""
        return getattr(self._token, "client_id", None)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> ApiLog:
        """Read ``VERWERKINGENLOGGING_REGISTER`` (the address), ``…_CLIENT_ID`` and ``…_CLIENT_SECRET``.

        The secret may stand in a file instead, named by ``…_CLIENT_SECRET_FILE``. Raises ConfigurationError naming the variable.
        """
        environ = os.environ if environ is None else environ
        url, client_id = (_required(environ, name) for name in ("REGISTER", "CLIENT_ID"))
        file = environ.get(f"{_PREFIX}CLIENT_SECRET_FILE")
        secret = read_secret(f"{_PREFIX}CLIENT_SECRET_FILE", file) if file else _required(environ, "CLIENT_SECRET")
        with _named(f"{_PREFIX}CLIENT_SECRET{f'_FILE: {file}' if file else ''}"):
            token = ClientToken(client_id, secret)
        with _named(f"{_PREFIX}REGISTER"):
            return cls(url, token=token)

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Send ``acties`` one after the other, a large one in parts.

        Raises LogUnavailable or LogRefused at the first that fails.
        """
        until = self._exchange.deadline()
        for body in bodies_of(acties):
            check(self._ask("POST", self.url, body, until))

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same, without blocking the event loop."""
        until = self._exchange.deadline()
        for body in bodies_of(acties):
            check(await self._aask("POST", self.url, body, until))

    def change(
        self,
        verwerking_id: UUID,
        *,
        vertrouwelijkheid: Vertrouwelijkheid | None = None,
        bewaartermijn: str | None = None,
        of_afnemer: bool = False,
    ) -> None:
        """Change the confidentiality or the term of every actie of a verwerking, in the register: of all of them or of none::

            log.change(onderzoek.id, vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN)                   # what we logged
            log.change(onderzoek.id, vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN, of_afnemer=True)  # what others logged for us

        Use it when a verwerking need no longer be confidential (C3079), or when its term becomes known (C5644). It changes only the
        acties that the register has at this moment, so let the outbox deliver first. Other applications that we asked for data in
        this verwerking may log in the same register. They have our verwerking_id as that of their afnemer: ``of_afnemer`` changes
        their acties, an extension of our register (X28).

        When this returns, the register has made the change. When it raises, nothing tries again: store the change in the
        transaction that decides it, and repeat this call until it succeeds. To make a change twice does no harm.

        Needs the scope ``update:normal`` for a term, and ``update:confidential`` for the rest. Raises LogUnavailable, LogRefused,
        with ``verwerkingId: unknown`` also where nothing has been logged yet, and InvalidValue when a value is none or there is
        neither.
        """
        query, body = change_request(verwerking_id, vertrouwelijkheid=vertrouwelijkheid, bewaartermijn=bewaartermijn, of_afnemer=of_afnemer)
        check_change(self._ask("PATCH", f"{self.url}?{query}", body, self._exchange.deadline()))

    async def achange(
        self,
        verwerking_id: UUID,
        *,
        vertrouwelijkheid: Vertrouwelijkheid | None = None,
        bewaartermijn: str | None = None,
        of_afnemer: bool = False,
    ) -> None:
        """The same, without blocking the event loop."""
        query, body = change_request(verwerking_id, vertrouwelijkheid=vertrouwelijkheid, bewaartermijn=bewaartermijn, of_afnemer=of_afnemer)
        check_change(await self._aask("PATCH", f"{self.url}?{query}", body, self._exchange.deadline()))

    def deliver(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        """Send ``entries`` in batches, each under its own key. The register keeps one record for each key.

        Through ``POST …/verwerkingsacties/_batch``, an extension of our register; where a register has none, one after the
        other with the header ``Idempotency-Key``. A batch that is too large for it, or for a proxy before it, is cut in two. An
        entry that is refused with 400, 403, 413 or 422 comes back as such.

        Raises NotRecorded when any is not safe, or when a refusal is about this client rather than about an entry (401, 404).
        """
        refusals: list[LogRefused | None] = []
        for start in range(0, len(entries), BATCH_MAX):
            some = entries[start : start + BATCH_MAX]
            refusals += self._many(some) if time.monotonic() >= self._one_by_one_until else self._each(some)
        return refusals

    def missing(self, keys: Sequence[str], *, client: str | None = None) -> tuple[set[str], dict[str, LogRefused]]:
        """The ``keys`` that the register has not stored, with the reason for those that it refused lately. It has all others.

        ``client`` is the name of who offered them: the register tells nobody else. An extension of our register.
        Raises LogUnavailable when it does not say.
        """
        missing: set[str] = set()
        refused: dict[str, LogRefused] = {}
        for start in range(0, len(keys), BATCH_MAX):
            question = {"idempotencyKeys": keys[start : start + BATCH_MAX], **({"client": client} if client is not None else {})}
            answer = self._post(self.url + "/_bevestig", msgspec.json.encode(question))
            if answer.status != _OK:
                raise not_now(answer)
            some, why = confirmation(answer.content)
            missing |= some
            refused |= why
        return missing, refused

    def close(self) -> None:
        """Close the connections of ``log``."""
        self._exchange.close()

    async def aclose(self) -> None:
        """Close the connections of ``alog`` on this event loop, and those of ``log``."""
        await self._exchange.aclose()

    def _many(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        acties = [b'{"idempotencyKey":' + msgspec.json.encode(entry.key) + b"," + entry.body[1:] for entry in entries]
        acties[0] = b'{"acties":[' + acties[0]  # a batch is near a megabyte: it is put together once
        acties[-1] += b"]}"
        answer = self._post(self.url + "/_batch", b",".join(acties))
        status = answer.status
        if status == _OK:
            return outcomes(answer.content, len(entries))
        if status not in _NO_BATCHES | _NOT_OF_ALL:
            raise not_now(answer)
        if status == _TOO_LARGE and len(entries) > 1:
            middle = len(entries) // 2
            return [*self._many(entries[:middle]), *self._many(entries[middle:])]
        results = self._each(entries)
        if status in _NO_BATCHES:  # and it is a register, for it took them: not a proxy that had none behind it for a moment
            self._one_by_one_until = time.monotonic() + _ONE_BY_ONE_SECONDS
        return results

    def _each(self, entries: Sequence[Entry]) -> Sequence[LogRefused | None]:
        for entry in entries:
            if entry.key not in self._outcomes:
                self._outcomes[entry.key] = check_delivery(self._post(self.url, entry.body, {"Idempotency-Key": entry.key}))
        # Kept until here: not every register heeds keys, and what it took must not be sent again because a later one failed.
        return [self._outcomes.pop(entry.key) for entry in entries]

    def _post(self, url: str, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
        return self._ask("POST", url, body, self._exchange.deadline(), headers)

    def _ask(self, method: str, url: str, body: bytes, until: float, more: Mapping[str, str] = MappingProxyType({})) -> Answer:
        token = self._token if isinstance(self._token, str) else self._token()
        answer = self._exchange.ask(method, url, {**self._headers(token), **more}, body, until)
        if answer.status == _NOT_BELIEVED and (renewed := self._renewed(token)) is not None:
            answer = self._exchange.ask(method, url, {**self._headers(renewed), **more}, body, until)
        return answer

    async def _aask(self, method: str, url: str, body: bytes, until: float) -> Answer:
        token = self._token if isinstance(self._token, str) else self._token()
        answer = await self._exchange.aask(method, url, self._headers(token), body, until)
        if answer.status == _NOT_BELIEVED and (renewed := self._renewed(token)) is not None:
            answer = await self._exchange.aask(method, url, self._headers(renewed), body, until)
        return answer

    def _renewed(self, token: str) -> str | None:
        """Another token than ``token``, which a register did not believe: what made it so, such as a wrong clock, may be mended since."""
        if isinstance(self._token, ClientToken):
            return self._token.renewed()
        renewed = self._token if isinstance(self._token, str) else self._token()
        return renewed if renewed != token else None

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Host": self._host,
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "verwerkingenlogging",
        }


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(_PREFIX + name)
    if not value:
        raise ConfigurationError(f"environment: {_PREFIX}{name} is missing; {_REMEDIES.get(name, _A_CLIENT)}")
    return value


@contextmanager
def _named(variable: str) -> Iterator[None]:
    """Says which variable it is that is wrong."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"environment: {variable}: {error}") from None
