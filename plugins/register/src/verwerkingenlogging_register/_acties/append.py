"""Adds versions together with their Idempotency-Keys, in one transaction, so that neither is stored without the other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._model.tables import idempotency_key
from verwerkingenlogging_register._model.versions import VersionRows

__all__ = ["OTHER_REQUEST", "Append", "Key", "Known", "append_all", "known_keys"]

OTHER_REQUEST = -1


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key of one client, for one request.

    Attributes:
        client: whose it is; the same text of another client is another key.
        key: the text.
        volgnummer: place of the actie in a batch under this key, from 1; 0 for an actie on its own.
        aantal: how many acties that batch has; 0 for an actie on its own.
    """

    client: str
    key: str
    volgnummer: int = 0
    aantal: int = 0


@dataclass(frozen=True, slots=True)
class Append:
    """A version to add, and the key of its request."""

    version: VersionRows
    key: Key | None = None


def append_all(connection: Connection, appends: Sequence[Append]) -> list[int | None]:
    """Add the versions whose key is new. Gives for each None, or the number of the version that has its key already.

    ``OTHER_REQUEST`` for a key that was used for a batch of another size: no version is the answer to that.
    """
    keys = {append.key.key for append in appends if append.key is not None}
    if not keys:
        insert_versions(connection, [append.version for append in appends])
        return [None] * len(appends)
    known = known_keys(connection, keys)
    before = [None if append.key is None else _before(append.key, known) for append in appends]
    new = [append for append, versie in zip(appends, before, strict=True) if versie is None]
    versies = insert_versions(connection, [append.version for append in new])
    rows = [
        {"key": key.key, "client": key.client, "volgnummer": key.volgnummer, "aantal": key.aantal, "versie": versie}
        for versie, key in zip(versies, [append.key for append in new], strict=True)
        if key is not None
    ]
    if rows:
        connection.execute(_INSERT_KEY, rows)
    return before


Known = dict[tuple[str, str], dict[int, tuple[int, int]]]
"""By client and key: by place in its batch, the version that was made and the size of that batch."""


def known_keys(connection: Connection, keys: Collection[str]) -> Known:
    """Which of ``keys`` were used before, by any client."""
    known: Known = {}
    for row in connection.execute(_KNOWN, {"keys": list(keys)}):
        known.setdefault((row.client, row.key), {})[row.volgnummer] = (row.versie, row.aantal)
    return known


def _before(key: Key, known: Known) -> int | None:
    places = known.get((key.client, key.key))
    if places is None:
        return None
    if any(aantal != key.aantal for _, aantal in places.values()):
        return OTHER_REQUEST
    return places[key.volgnummer][0] if key.volgnummer in places else None


_INSERT_KEY = insert(idempotency_key)
_KNOWN = select(idempotency_key).where(idempotency_key.c.key.in_(bindparam("keys", expanding=True)))
