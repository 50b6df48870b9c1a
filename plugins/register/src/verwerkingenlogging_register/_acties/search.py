"""Searches acties about a persoon, or of a verwerking: the newest versions that the reader may see.

This runs for every question of a citizen, through the bare driver. About a persoon it is one statement: so it sees one state of
the database, and PostgreSQL is asked once. The pages that follow the first are another matter (``continuation``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from verwerkingenlogging_register._acties.lookup import objecten_of
from verwerkingenlogging_register._acties.search_pages import acties_at, occurrences_at
from verwerkingenlogging_register._acties.search_rows import actie_in, object_in, versions_in
from verwerkingenlogging_register._acties.search_statements import (
    ACTIE_NAMES,
    OBJECT_NAMES,
    Search,
    Statement,
    statement_of_acties,
    statement_of_few,
    statement_of_occurrences,
    statement_of_verwerking,
)
from verwerkingenlogging_register._keys.protection import keys_of
from verwerkingenlogging_register._model.positions import Place, Position
from verwerkingenlogging_register._model.results import Found
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import VersionRows

__all__ = ["search_acties", "search_occurrences"]

_StatementOf = Callable[[Connection, Search, Persoon], Statement]
_Rows = Sequence[Sequence[Any]]
_COLUMNS = len(ACTIE_NAMES) + len(OBJECT_NAMES)


def search_acties(connection: Connection, search: Search, position: Position | None = None) -> Found:
    """One page of the acties in which that persoon occurs, each with the occurrences of that persoon only.

    Without a persoon: of the acties of that verwerking, each with everybody in it (D9). The page is at ``position``, if given.
    """
    if position is not None:
        return acties_at(connection, search, position)
    if search.persoon is None:
        return _of_verwerking(connection, search)
    rows = _rows(connection, search, search.persoon, statement_of_acties)
    found = list(versions_in(rows, keys_of(connection), search.persoon).values())
    return _found(search, found, rows, _COLUMNS)


def search_occurrences(connection: Connection, search: Search, position: Position | None = None) -> Found:
    """One page of the occurrences of that persoon, each with the actie that it occurs in; nobody else's. At ``position``, if given."""
    if search.persoon is None:
        raise ValueError("a search of occurrences is about a persoon")
    if position is not None:
        return occurrences_at(connection, search, position)
    persoon, keys = search.persoon, keys_of(connection)
    rows = _rows(connection, search, persoon, statement_of_occurrences)
    found = [VersionRows(actie_in(row, keys), [object_in(row, persoon)]) for row in rows]
    return _found(search, found, rows, _COLUMNS, of_occurrences=True)


def _of_verwerking(connection: Connection, search: Search) -> Found:
    if not connection.in_transaction():
        connection.begin()  # both statements see one state of the database
    keys = keys_of(connection)
    rows = statement_of_verwerking(connection, search).run(connection)
    objecten = objecten_of(connection, {row[0]: row[1] for row in rows})
    found = [VersionRows(actie_in(row, keys), objecten[row[0]]) for row in rows]
    return _found(search, found, rows, len(ACTIE_NAMES))


def _rows(connection: Connection, search: Search, persoon: Persoon, statement_of: _StatementOf) -> _Rows:
    """The page that is asked for. Nearly always all there is fits on it: to number and count that too would take a third more time."""
    if not search.offset:
        rows = statement_of_few(connection, search, persoon).run(connection)
        if len(rows) <= search.limit:
            return sorted(rows, key=_in_order)
    return statement_of(connection, search, persoon).run(connection)


def _in_order(row: Sequence[Any]) -> tuple[Any, ...]:
    """Sorts as the other statements do, and an actie's occurrences by their number."""
    return -row[1], -row[2], row[3], row[len(ACTIE_NAMES)]


def _found(search: Search, found: Sequence[VersionRows], rows: _Rows, columns: int, *, of_occurrences: bool = False) -> Found:
    """The page, and where those beside it begin. Of ``statement_of_few`` all there is stands on it."""
    if not rows or len(rows[0]) == columns:
        return Found(found, len(found))
    count, horizon = rows[0][columns:]

    def beside(rows: VersionRows, *, backward: bool) -> Position:
        place = Place.of(rows, rows.objecten[0]["volgnummer"] if of_occurrences else 0)
        return Position(horizon=horizon, count=count, place=place, backward=backward)

    return Found(
        found,
        count,
        next=beside(found[-1], backward=False) if search.offset + len(found) < count else None,
        previous=beside(found[0], backward=True) if search.offset else None,
    )
