"""Finding what is logged about a persoon, or about everybody in a verwerking: the newest versions that the reader may see.

This runs for every question of a citizen, through the bare driver. About a persoon it is one statement: so it sees one state of
the database, and PostgreSQL is asked once. The number of that persoon is the one that was asked for: it is not opened again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from verwerkingenlogging_register.protection import Keys, keys_of, opened_actie
from verwerkingenlogging_register.query import Found, Persoon, objecten_of
from verwerkingenlogging_register.statements import (
    ACTIE_NAMES,
    OBJECT_NAMES,
    Search,
    Statement,
    statement_of_acties,
    statement_of_few,
    statement_of_occurrences,
    statement_of_verwerking,
)
from verwerkingenlogging_register.versions import Row, VersionRows

__all__ = ["search_acties", "search_occurrences"]

_StatementOf = Callable[[Connection, Search, Persoon], Statement]
_COLUMNS = len(ACTIE_NAMES) + len(OBJECT_NAMES)


def search_acties(connection: Connection, search: Search) -> Found:
    """One page of the acties in which that persoon occurs, each with the occurrences of that persoon only.

    Without a persoon: of the acties of that verwerking, each with everybody in it (D9).
    """
    if search.persoon is None:
        return _of_verwerking(connection, search)
    keys = keys_of(connection)
    found: dict[int, VersionRows] = {}
    rows = _rows(connection, search, search.persoon, statement_of_acties)
    for row in rows:
        if row[0] not in found:
            found[row[0]] = VersionRows(_actie(row, keys), [])
        found[row[0]].objecten.append(_object(row, search.persoon))
    return Found(list(found.values()), _count(rows, len(found)))


def _of_verwerking(connection: Connection, search: Search) -> Found:
    if not connection.in_transaction():
        connection.begin()  # both statements see one state of the database
    keys = keys_of(connection)
    rows = statement_of_verwerking(connection, search).run(connection)
    objecten = objecten_of(connection, {row[0]: row[1] for row in rows})
    return Found([VersionRows(_actie(row, keys), objecten[row[0]]) for row in rows], rows[0][-1] if rows else 0)


def search_occurrences(connection: Connection, search: Search) -> Found:
    """One page of the occurrences of that persoon, each with the actie that it occurs in; nobody else's."""
    if search.persoon is None:
        raise ValueError("a search of occurrences is about a persoon")
    persoon, keys = search.persoon, keys_of(connection)
    rows = _rows(connection, search, persoon, statement_of_occurrences)
    return Found([VersionRows(_actie(row, keys), [_object(row, persoon)]) for row in rows], _count(rows, len(rows)))


def _rows(connection: Connection, search: Search, persoon: Persoon, statement_of: _StatementOf) -> Sequence[Sequence[Any]]:
    """The page that is asked for. Nearly always all there is fits on it: to number and count that too would take a third more time."""
    if not search.offset:
        rows = statement_of_few(connection, search, persoon).run(connection)
        if len(rows) <= search.limit:
            return sorted(rows, key=_in_order)
    return statement_of(connection, search, persoon).run(connection)


def _in_order(row: Sequence[Any]) -> tuple[Any, ...]:
    """Sorts as the other statements do, and an actie's occurrences by their number."""
    return -row[1], -row[2], row[3], row[len(ACTIE_NAMES)]


def _count(rows: Sequence[Sequence[Any]], here: int) -> int:
    """How many there are on all pages; of ``statement_of_few`` all are ``here``."""
    return rows[0][-1] if rows and len(rows[0]) > _COLUMNS else here


def _actie(row: Sequence[Any], keys: Keys) -> Row:
    return opened_actie(dict(zip(ACTIE_NAMES, row)), keys)  # noqa: B905  # more stands behind it


def _object(row: Sequence[Any], persoon: Persoon) -> Row:
    found = dict(zip(OBJECT_NAMES, row[len(ACTIE_NAMES) :]))  # noqa: B905  # the total stands behind it
    found["object_id"] = persoon.object_id
    return found
