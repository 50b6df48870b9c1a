"""The pages after the first: each actie that existed at the first page, and still can be found, exactly once.

Who pages through a result changes it by reading: each page is recorded as an actie of its own about the same persoon. Others
add, correct and remove meanwhile. So a page that follows another is not counted off from the beginning. It holds what a question
at the moment of the first page, the horizon, would have found from a place on, in the order of that moment, which nothing moves.
And of this it shows what the same question would find now, as it reads now: what became vertrouwelijk, was removed, or is said
of somebody else by now, is not shown; what was corrected is shown corrected, at its old place.
"""

# ruff: noqa: S608  # the text is made of our own names; what a client says is a parameter

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import Connection

from verwerkingenlogging_register._acties.lookup import objecten_of
from verwerkingenlogging_register._acties.search_conditions import OF_VERSIE, Shape
from verwerkingenlogging_register._acties.search_rows import actie_in, versions_in
from verwerkingenlogging_register._acties.search_statements import ACTIE, OBJECT, Search, Statement, of_shape
from verwerkingenlogging_register._keys.protection import keys_of
from verwerkingenlogging_register._model.positions import Place, Position
from verwerkingenlogging_register._model.results import Found
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import VersionRows

__all__ = ["acties_at", "occurrences_at", "statement_now", "statement_then"]

_GROWTH = 4
_AFTER_ALL = 2**31
"""Higher than every volgnummer."""


@dataclass(frozen=True, slots=True)
class _Result:
    place: Place
    rows: VersionRows


def acties_at(connection: Connection, search: Search, position: Position) -> Found:
    """The page of acties at ``position``: of that persoon with those occurrences only, or of a verwerking with everybody (D9)."""
    found = _page(connection, search, position, of_occurrences=False)
    if search.persoon is not None:
        return found
    objecten = objecten_of(connection, {rows.actie["versie"]: rows.actie["tijdstip_instant"] for rows in found.rows})
    return replace(found, rows=[VersionRows(rows.actie, objecten[rows.actie["versie"]]) for rows in found.rows])


def occurrences_at(connection: Connection, search: Search, position: Position) -> Found:
    """The page of occurrences of that persoon at ``position``, each with the actie that it occurs in; nobody else's."""
    return _page(connection, search, position, of_occurrences=True)


def _page(connection: Connection, search: Search, position: Position, *, of_occurrences: bool) -> Found:
    if not connection.in_transaction():
        connection.begin()  # all statements see one state of the database
    results: list[_Result] = []
    for result in _results(connection, search, position, of_occurrences=of_occurrences):
        results.append(result)
        if len(results) > search.limit:
            break
    more = len(results) > search.limit
    shown = results[: search.limit]
    if position.backward:
        shown.reverse()

    def beside(result: _Result | None, *, backward: bool) -> Position:
        """The page beside what is shown; where nothing is left to show, all there is lies on that side."""
        return Position(horizon=position.horizon, count=position.count, place=None if result is None else result.place, backward=backward)

    first, last = (shown[0], shown[-1]) if shown else (None, None)
    came_from = position.place is not None
    return Found(
        [result.rows for result in shown],
        position.count,
        next=beside(last, backward=False) if (came_from if position.backward else more) else None,
        previous=beside(first, backward=True) if (more if position.backward else came_from) else None,
    )


def _results(connection: Connection, search: Search, position: Position, *, of_occurrences: bool) -> Iterator[_Result]:
    """All results beyond the place, in their order, looked for in growing parts: of one, everything may have gone."""
    # One more than a page, to know whether it is the last; and the actie at the place, of which more occurrences may follow.
    limit, place = search.limit + 2, position.place if isinstance(position.place, Place) else None
    while True:
        wanted = replace(_narrowed(search, place, backward=position.backward), limit=limit)
        at = Position(horizon=position.horizon, count=position.count, place=place, backward=position.backward)
        then = _then(connection, wanted, at)
        now = _now(connection, search, then)
        for rows, corrected in then:
            newest = rows if corrected is None else now.get(corrected)
            results = [] if newest is None else _occurrences(rows, newest) if of_occurrences else [_Result(Place.of(rows), newest)]
            for result in reversed(results) if position.backward else results:
                if place is None or (result.place.order < place.order if position.backward else result.place.order > place.order):
                    yield result
        if len(then) < limit:
            return
        place = Place.of(then[-1][0], -1 if position.backward else _AFTER_ALL)
        limit *= _GROWTH


def _narrowed(search: Search, place: Place | None, *, backward: bool) -> Search:
    """The same search in that part of its period which lies beyond the place: the database need not look into the rest."""
    if place is None:
        return search
    if backward:
        return replace(search, begin=max(search.begin, place.tijdstip_instant))
    return replace(search, end=min(search.end, place.tijdstip_instant + 1))


def _occurrences(then: VersionRows, now: VersionRows) -> list[_Result]:
    """Each occurrence of then at its place, as it is now. A correction may have given it another verwerktObjectId (X13).

    So what is new stands where something went, in the order of both; what is added beyond that was not there at the first page.
    """
    by_id = {row["verwerkt_object_id"]: row for row in now.objecten}
    old = {row["verwerkt_object_id"] for row in then.objecten}
    new = iter([row for row in now.objecten if row["verwerkt_object_id"] not in old])
    pairs = [(row, by_id.get(row["verwerkt_object_id"]) or next(new, None)) for row in then.objecten]
    return [_Result(Place.of(then, row["volgnummer"]), VersionRows(now.actie, [found])) for row, found in pairs if found is not None]


def _then(connection: Connection, search: Search, position: Position) -> Sequence[tuple[VersionRows, int | None]]:
    """What was found at the horizon, from the place on, and for each which version it has got since."""
    keys = keys_of(connection)
    if search.persoon is None:
        rows = of_shape(_verwerking_then, connection, search, position=position).run(connection)
        return [(VersionRows(actie_in(row, keys), []), row[-1]) for row in rows]
    rows = statement_then(connection, search, search.persoon, position).run(connection)
    corrected = {row[0]: row[-1] for row in rows}
    return [(version, corrected[versie]) for versie, version in versions_in(rows, keys, search.persoon).items()]


def _now(connection: Connection, search: Search, then: Sequence[tuple[VersionRows, int | None]]) -> dict[int, VersionRows]:
    """Of what was corrected since, by number, the versions that the same question finds now."""
    corrected = [versie for _, versie in then if versie is not None]
    if not corrected:
        return {}
    keys = keys_of(connection)
    if search.persoon is None:
        rows = of_shape(_verwerking_now, connection, search, versies=corrected).run(connection)
        return {row[0]: VersionRows(actie_in(row, keys), []) for row in rows}
    rows = statement_now(connection, search, search.persoon, corrected).run(connection)
    return versions_in(rows, keys, search.persoon)


def statement_then(connection: Connection, search: Search, persoon: Persoon, position: Position) -> Statement:
    """Finds the acties about ``persoon`` as they were at the first page, and the version that each has got since."""
    return of_shape(_acties_then, connection, search, persoon, position=position)


def statement_now(connection: Connection, search: Search, persoon: Persoon, versies: Sequence[int]) -> Statement:
    """Finds which of those versions still match the search now, with the occurrences of ``persoon``."""
    return of_shape(_acties_now, connection, search, persoon, versies=versies)


@lru_cache
def _acties_then(shape: Shape) -> str:
    if shape.postgresql:  # in one pass, as for the first page
        return (
            f"SELECT {ACTIE}, {OBJECT.replace('verwerkt.', 'actie.')}, {shape.corrected()} FROM ("
            f"SELECT actie.*, {OBJECT}, dense_rank() OVER (ORDER BY {shape.in_order}) AS place "
            f"FROM verwerkt_object AS verwerkt, {shape.looked_up()} WHERE {shape.of_persoon()}) AS actie "
            f"WHERE place <= {shape.given('limit')} ORDER BY place, volgnummer"
        )
    return (
        f"SELECT {ACTIE}, {OBJECT}, {shape.corrected()} FROM ("
        "SELECT actie.versie, actie.tijdstip_instant, actie.registratie_instant, actie.actie_id "
        f"FROM (SELECT DISTINCT verwerkt.versie FROM verwerkt_object AS verwerkt WHERE {shape.of_persoon()}) AS hit "
        "JOIN verwerkingsactie AS actie ON actie.versie = hit.versie "
        f"WHERE {shape.asked_for()} ORDER BY {shape.in_order} LIMIT {shape.given('limit')}) AS page "
        "JOIN verwerkingsactie AS actie ON actie.versie = page.versie "
        f"JOIN verwerkt_object AS verwerkt ON {OF_VERSIE} AND {shape.of_persoon()} ORDER BY {shape.in_order}, verwerkt.volgnummer"
    )


@lru_cache
def _acties_now(shape: Shape) -> str:
    return f"SELECT {ACTIE}, {OBJECT} {shape.occurrences()} ORDER BY verwerkt.volgnummer"


@lru_cache
def _verwerking_then(shape: Shape) -> str:
    order = f"ORDER BY {shape.in_order} LIMIT {shape.given('limit')}"
    return f"SELECT {ACTIE}, {shape.corrected()} FROM verwerkingsactie AS actie WHERE {shape.asked_for()} {order}"


@lru_cache
def _verwerking_now(shape: Shape) -> str:
    return f"SELECT {ACTIE} FROM verwerkingsactie AS actie WHERE {shape.asked_for()}"
