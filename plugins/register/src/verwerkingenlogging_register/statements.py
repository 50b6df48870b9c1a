"""What a search says to the database: one statement for all that is asked about a persoon, or about everybody in a verwerking.

The text follows from the shape of the question, of which there are few: each is made once. What a client says is a parameter.
"""

# ruff: noqa: S608  # the text is made of our own names; what a client says is a parameter

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from verwerkingenlogging_register.driver import bare_driver
from verwerkingenlogging_register.protection import keys_of
from verwerkingenlogging_register.query import Persoon, Verwerking
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.tables import UuidText, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.versions import Row

__all__ = [
    "ACTIE_NAMES",
    "EARLIEST",
    "LATEST",
    "OBJECT_NAMES",
    "Search",
    "Statement",
    "statement_of_acties",
    "statement_of_few",
    "statement_of_occurrences",
    "statement_of_verwerking",
]

EARLIEST = -(2**62)
LATEST = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search: who, when, why, as seen by whom, and which part of the result.

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


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement for one search: its text and its parameters, and at which places in a row it gives a UUID."""

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

_ACTIE = ", ".join([f"actie.{name}" for name in ACTIE_NAMES])
_OBJECT = ", ".join([f"verwerkt.{name}" for name in OBJECT_NAMES])
_OF_VERSIE = "actie.versie = verwerkt.versie AND actie.tijdstip_instant = verwerkt.tijdstip_instant"
_NEWEST = (
    "NOT actie.vervallen "
    "AND NOT EXISTS (SELECT 1 FROM successor WHERE successor.actie_id = actie.actie_id AND successor.versie > actie.versie)"
)
_IN_ORDER = "actie.tijdstip_instant DESC, actie.registratie_instant DESC, actie.actie_id"
"""By instant, whatever its offset (D5)."""


class _Shape(NamedTuple):
    """All of a question that the text of its statement depends on: how many values there are of some, and whether of others."""

    postgresql: bool
    pseudonyms: int
    visible: int
    former: bool
    activiteit: bool
    verwerking: str

    def given(self, name: str) -> str:
        """The parameter of that name."""
        return f"%({name})s" if self.postgresql else f":{name}"

    @property
    def page(self) -> str:
        """The part of the result that is asked for."""
        return f"LIMIT {self.given('limit')} OFFSET {self.given('offset')}"

    def of_persoon(self) -> str:
        """Holds for the occurrences of the persoon in the period: somebody has a pseudonym under each key (B2042)."""
        return f"verwerkt.pseudonym IN ({self._each('pseudonym', self.pseudonyms)}) AND {self._in_period('verwerkt')}"

    def asked_for(self) -> str:
        """Holds for the newest versions that the reader may see and that have what was asked for."""
        conditions = [_NEWEST, f"actie.vertrouwelijkheid IN ({self._each('visible', self.visible)})"]
        if not self.former:
            conditions.append("(actie.vertrouwelijkheid <> 'normaal' OR NOT actie.ooit_vertrouwelijk)")
        if self.activiteit:
            conditions.append(f"actie.verwerkingsactiviteit_id = {self.given('activiteit')}")
        if self.verwerking:
            conditions.append(f"actie.{self.verwerking} = {self.given('verwerking')}")
        return " AND ".join([*conditions, self._in_period("actie")])

    def occurrences(self) -> str:
        """Where all occurrences of the persoon come from, each with its actie, and what must hold of them."""
        if self.postgresql:
            return f"FROM verwerkt_object AS verwerkt, {self.looked_up()} WHERE {self.of_persoon()}"
        return (
            f"FROM verwerkt_object AS verwerkt, verwerkingsactie AS actie WHERE {self.of_persoon()} AND {_OF_VERSIE} AND {self.asked_for()}"
        )

    def looked_up(self) -> str:
        """The actie of each occurrence, looked up by itself.

        PostgreSQL would rather scan all months than look into one for each: it cannot know beforehand which one that is. The
        OFFSET keeps it from taking the look-ups together.
        """
        return f"LATERAL (SELECT * FROM verwerkingsactie AS actie WHERE {_OF_VERSIE} AND {self.asked_for()} OFFSET 0) AS actie"

    def _in_period(self, table: str) -> str:
        """Stands in each statement: with it, PostgreSQL finds looking up cheaper than scanning also where there is little."""
        return f"{table}.tijdstip_instant >= {self.given('begin')} AND {table}.tijdstip_instant < {self.given('end')}"

    def _each(self, name: str, count: int) -> str:
        return ", ".join([self.given(f"{name}_{number}") for number in range(count)])


@lru_cache
def _few(shape: _Shape) -> str:
    return f"SELECT {_ACTIE}, {_OBJECT} {shape.occurrences()} LIMIT {shape.given('limit')} + 1"


@lru_cache
def _acties(shape: _Shape) -> str:
    if shape.postgresql:
        # In one pass: looking an actie up once more, among all months, would take longer than carrying it along.
        return (
            f"SELECT {_ACTIE}, {_OBJECT.replace('verwerkt.', 'actie.')}, total FROM (SELECT *, max(place) OVER () AS total FROM ("
            f"SELECT actie.*, {_OBJECT}, dense_rank() OVER (ORDER BY {_IN_ORDER}) AS place "
            f"FROM verwerkt_object AS verwerkt, {shape.looked_up()} WHERE {shape.of_persoon()}) AS found) AS actie "
            f"WHERE place > {shape.given('offset')} AND place <= {shape.given('last')} ORDER BY place, volgnummer"
        )
    # First which acties are on the page, by what is needed to know that; then all of those.
    return (
        f"SELECT {_ACTIE}, {_OBJECT}, total FROM ("
        "SELECT actie.versie, actie.tijdstip_instant, actie.registratie_instant, actie.actie_id, count(*) OVER () AS total "
        f"FROM (SELECT DISTINCT verwerkt.versie FROM verwerkt_object AS verwerkt WHERE {shape.of_persoon()}) AS hit "
        f"JOIN verwerkingsactie AS actie ON actie.versie = hit.versie WHERE {shape.asked_for()} ORDER BY {_IN_ORDER} {shape.page}) AS page "
        "JOIN verwerkingsactie AS actie ON actie.versie = page.versie "
        f"JOIN verwerkt_object AS verwerkt ON {_OF_VERSIE} AND {shape.of_persoon()} ORDER BY {_IN_ORDER}, verwerkt.volgnummer"
    )


@lru_cache
def _occurrences(shape: _Shape) -> str:
    return f"SELECT {_ACTIE}, {_OBJECT}, count(*) OVER () {shape.occurrences()} ORDER BY {_IN_ORDER}, verwerkt.volgnummer {shape.page}"


@lru_cache
def _verwerking(shape: _Shape) -> str:
    return f"SELECT {_ACTIE}, count(*) OVER () FROM verwerkingsactie AS actie WHERE {shape.asked_for()} ORDER BY {_IN_ORDER} {shape.page}"


def statement_of_few(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds all occurrences of ``persoon``, each with its actie; and one too many, when there are more than a page has acties."""
    return _statement(_few, connection, search, persoon)


def statement_of_acties(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds a page of the acties in which ``persoon`` occurs, with those occurrences, and how many acties there are."""
    return _statement(_acties, connection, search, persoon)


def statement_of_occurrences(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds a page of the occurrences of ``persoon``, each with its actie, and how many there are."""
    return _statement(_occurrences, connection, search, persoon)


def statement_of_verwerking(connection: Connection, search: Search) -> Statement:
    """Finds a page of the acties of a verwerking, without those who occur in it, and how many acties there are."""
    return _statement(_verwerking, connection, search)


def _statement(text_of: Callable[[_Shape], str], connection: Connection, search: Search, persoon: Persoon | None = None) -> Statement:
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
    shape = _Shape(
        postgresql=_on_postgresql(connection),
        pseudonyms=len(pseudonyms),
        visible=len(visible),
        former=search.visibility.former,
        activiteit=search.verwerkingsactiviteit_id is not None,
        verwerking=column,
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
