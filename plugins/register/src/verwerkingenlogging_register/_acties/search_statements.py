"""The SQL of a search: one statement for a question about a persoon, or about a verwerking.

The text follows from the shape of the question, of which there are few: each is made once. What a client says is a parameter.
"""

# ruff: noqa: S608  # the text is made of our own names; what a client says is a parameter

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from verwerkingenlogging_register._acties.search_conditions import OF_VERSIE, Shape
from verwerkingenlogging_register._database.driver import bare_driver
from verwerkingenlogging_register._keys.protection import keys_of
from verwerkingenlogging_register._model.positions import Place, Position
from verwerkingenlogging_register._model.scopes import Visibility
from verwerkingenlogging_register._model.subjects import Persoon, Verwerking
from verwerkingenlogging_register._model.tables import UuidText, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register._model.versions import Row

__all__ = [
    "ACTIE",
    "ACTIE_NAMES",
    "EARLIEST",
    "LATEST",
    "OBJECT",
    "OBJECT_NAMES",
    "Search",
    "Statement",
    "of_shape",
    "statement_of_acties",
    "statement_of_few",
    "statement_of_occurrences",
    "statement_of_verwerking",
]

EARLIEST = -(2**62)
LATEST = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search: about whom, in which period, for which activiteit, as seen by whom, and which page.

    ``begin`` is included and ``end`` is not (X39); both are UTC microseconds. Without ``persoon`` there is a ``verwerking``
    (D9), and then everybody in it is found.
    """

    persoon: Persoon | None = None
    verwerking: Verwerking | None = None
    visibility: Visibility
    begin: int = EARLIEST
    end: int = LATEST
    verwerkingsactiviteit_id: UUID | None = None
    offset: int
    limit: int

    def question(self) -> object:
        """The search in plain values, without the number of the page: the same for all pages of one result."""
        return (
            self.persoon and (self.persoon.objecttype, self.persoon.soort_object_id, self.persoon.object_id),
            self.verwerking and (self.verwerking.id, self.verwerking.of_afnemer),
            sorted(self.visibility.vertrouwelijkheden),
            self.visibility.former,
            self.begin,
            self.end,
            self.verwerkingsactiviteit_id,
            self.limit,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement for one search: its text, its parameters, and the columns that hold a UUID."""

    text: str
    parameters: Row = field(repr=False)
    uuid_places: Sequence[int]

    def run(self, connection: Connection) -> Sequence[Sequence[Any]]:
        """The rows, with UUIDs as text."""
        with bare_driver(connection, self.text) as driver:
            rows: list[Sequence[Any]] = driver.execute(self.text, self.parameters).fetchall()
        return rows if _on_postgresql(connection) else [_with_text(row, self.uuid_places) for row in rows]


_UUID = UuidText()
ACTIE_NAMES = tuple(verwerkingsactie.columns.keys())
# The key, the pseudonym and the sealed number of an object are there to find it and to tell whose it is: who asks knows that.
_object_columns = [
    column for column in verwerkt_object.columns if column.name not in {"versie", "tijdstip_instant", "pseudonym", "object_id_sealed"}
]
OBJECT_NAMES = tuple([column.name for column in _object_columns])
_UUID_PLACES = [place for place, column in enumerate([*verwerkingsactie.columns, *_object_columns]) if isinstance(column.type, UuidText)]
_ACTIE_UUID_PLACES = [place for place in _UUID_PLACES if place < len(ACTIE_NAMES)]

ACTIE = ", ".join([f"actie.{name}" for name in ACTIE_NAMES])
OBJECT = ", ".join([f"verwerkt.{name}" for name in OBJECT_NAMES])
_HORIZON = "(SELECT max(versie) FROM verwerkingsactie) AS horizon"
"""The newest version of all, in the state of the database that the statement sees: what comes later is not on the next pages."""


@lru_cache
def _few(shape: Shape) -> str:
    return f"SELECT {ACTIE}, {OBJECT} {shape.occurrences()} LIMIT {shape.given('limit')} + 1"


@lru_cache
def _acties(shape: Shape) -> str:
    if shape.postgresql:
        # In one pass: looking an actie up once more, among all months, would take longer than carrying it along.
        return (
            f"SELECT {ACTIE}, {OBJECT.replace('verwerkt.', 'actie.')}, total, {_HORIZON} FROM (SELECT *, max(place) OVER () AS total FROM ("
            f"SELECT actie.*, {OBJECT}, dense_rank() OVER (ORDER BY {shape.in_order}) AS place "
            f"FROM verwerkt_object AS verwerkt, {shape.looked_up()} WHERE {shape.of_persoon()}) AS found) AS actie "
            f"WHERE place > {shape.given('offset')} AND place <= {shape.given('last')} ORDER BY place, volgnummer"
        )
    # First which acties are on the page, by what is needed to know that; then all of those.
    return (
        f"SELECT {ACTIE}, {OBJECT}, total, {_HORIZON} FROM ("
        "SELECT actie.versie, actie.tijdstip_instant, actie.registratie_instant, actie.actie_id, count(*) OVER () AS total "
        f"FROM (SELECT DISTINCT verwerkt.versie FROM verwerkt_object AS verwerkt WHERE {shape.of_persoon()}) AS hit "
        "JOIN verwerkingsactie AS actie ON actie.versie = hit.versie "
        f"WHERE {shape.asked_for()} ORDER BY {shape.in_order} {shape.page}) AS page "
        "JOIN verwerkingsactie AS actie ON actie.versie = page.versie "
        f"JOIN verwerkt_object AS verwerkt ON {OF_VERSIE} AND {shape.of_persoon()} ORDER BY {shape.in_order}, verwerkt.volgnummer"
    )


@lru_cache
def _occurrences(shape: Shape) -> str:
    order = f"ORDER BY {shape.in_order}, verwerkt.volgnummer {shape.page}"
    return f"SELECT {ACTIE}, {OBJECT}, count(*) OVER (), {_HORIZON} {shape.occurrences()} {order}"


@lru_cache
def _verwerking(shape: Shape) -> str:
    order = f"ORDER BY {shape.in_order} {shape.page}"
    return f"SELECT {ACTIE}, count(*) OVER (), {_HORIZON} FROM verwerkingsactie AS actie WHERE {shape.asked_for()} {order}"


def statement_of_few(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds all occurrences of ``persoon``, each with its actie, and one more when they do not fit on one page."""
    return of_shape(_few, connection, search, persoon)


def statement_of_acties(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds a page of the acties in which ``persoon`` occurs, how many acties there are, and the newest version of all."""
    return of_shape(_acties, connection, search, persoon)


def statement_of_occurrences(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds a page of the occurrences of ``persoon``, each with its actie, how many there are, and the newest version of all."""
    return of_shape(_occurrences, connection, search, persoon)


def statement_of_verwerking(connection: Connection, search: Search) -> Statement:
    """Finds a page of the acties of a verwerking, without who occurs in it, their number, and the newest version of all."""
    return of_shape(_verwerking, connection, search)


def of_shape(
    text_of: Callable[[Shape], str],
    connection: Connection,
    search: Search,
    persoon: Persoon | None = None,
    *,
    position: Position | None = None,
    versies: Sequence[int] | None = None,
) -> Statement:
    """The statement for ``search``, with the text that ``text_of`` makes for its shape.

    With ``position``: of what there was at its horizon, the part from its place on. With ``versies``: of those only.
    """
    pseudonyms = keys_of(connection).pseudonyms(persoon.objecttype, persoon.soort_object_id, persoon.object_id) if persoon else []
    visible = sorted(search.visibility.vertrouwelijkheden)
    parameters: Row = {
        "offset": search.offset,
        "limit": search.limit,
        "last": search.offset + search.limit,
        "begin": search.begin,
        "end": search.end,
    }
    for name, values in (("pseudonym", pseudonyms), ("visible", visible)):
        for number, value in enumerate(values):
            parameters[f"{name}_{number}"] = value
    column = ""
    if search.verwerkingsactiviteit_id is not None:
        parameters["activiteit"] = _UUID.process_bind_param(search.verwerkingsactiviteit_id, connection.dialect)
    if search.verwerking is not None:
        parameters["verwerking"] = _UUID.process_bind_param(search.verwerking.id, connection.dialect)
        column = "verwerking_id_afnemer" if search.verwerking.of_afnemer else "verwerking_id"
    if position is not None:
        parameters["horizon"] = position.horizon
        if isinstance(position.place, Place):
            instant, registratie, actie_id, _ = position.place
            parameters |= {"place_0": instant, "place_1": registratie, "place_2": _UUID.process_bind_param(actie_id, connection.dialect)}
    if versies is not None:
        parameters["versies"] = list(versies) if _on_postgresql(connection) else json.dumps(list(versies))
    shape = Shape(
        postgresql=_on_postgresql(connection),
        pseudonyms=len(pseudonyms),
        visible=len(visible),
        former=search.visibility.former,
        activiteit=search.verwerkingsactiviteit_id is not None,
        verwerking=column,
        horizon=position is not None,
        placed="place_0" in parameters,
        backward=position is not None and position.backward,
        named=versies is not None,
    )
    return Statement(text_of(shape), parameters, _UUID_PLACES if persoon else _ACTIE_UUID_PLACES)


def _on_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _with_text(row: Sequence[Any], uuid_places: Sequence[int]) -> Sequence[Any]:
    """The row with its UUIDs as ``UuidText`` gives them; a call for each would take as long as all the rest of it."""
    values = list(row)
    for place in uuid_places:
        value = values[place]
        if value is not None:
            text = value.hex()
            values[place] = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return values
