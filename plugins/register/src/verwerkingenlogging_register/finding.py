"""Finding what is logged about a persoon, or about everybody in a verwerking: the newest versions that the reader may see.

These statements run for every question of a citizen, through the bare driver. About a persoon it is one: so it sees one state
of the database, and PostgreSQL is asked once.
"""

# ruff: noqa: S608  # the text is made of our own names; what a client says is a parameter

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from verwerkingenlogging_register.driver import bare_driver
from verwerkingenlogging_register.protection import Keys, keys_of, opened_actie, opened_object
from verwerkingenlogging_register.query import Found, Persoon, Verwerking, objecten_of
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.tables import UuidText, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.versions import Row, VersionRows

__all__ = [
    "EARLIEST",
    "LATEST",
    "Search",
    "Statement",
    "search_acties",
    "search_occurrences",
    "statement_of_acties",
    "statement_of_occurrences",
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


_UUID = UuidText()
# The key and the pseudonym of an object are there to find it by.
_object_columns = [column for column in verwerkt_object.columns if column.name not in {"versie", "tijdstip_instant", "pseudonym"}]
_ACTIE_NAMES = tuple(verwerkingsactie.columns.keys())
_OBJECT_NAMES = tuple([column.name for column in _object_columns])
_columns = [*verwerkingsactie.columns, *_object_columns]
_UUID_PLACES = [place for place, column in enumerate(_columns) if isinstance(column.type, UuidText)]
_ACTIE_UUID_PLACES = [place for place in _UUID_PLACES if place < len(_ACTIE_NAMES)]

_ACTIE = ", ".join([f"actie.{name}" for name in _ACTIE_NAMES])
_OBJECT = ", ".join([f"verwerkt.{name}" for name in _OBJECT_NAMES])
_OF_VERSIE = "actie.versie = verwerkt.versie AND actie.tijdstip_instant = verwerkt.tijdstip_instant"
_NEWEST = (
    "NOT actie.vervallen "
    "AND NOT EXISTS (SELECT 1 FROM successor WHERE successor.actie_id = actie.actie_id AND successor.versie > actie.versie)"
)
_IN_ORDER = "actie.tijdstip_instant DESC, actie.registratie_instant DESC, actie.actie_id"
"""By instant, whatever its offset (D5)."""


class Statement:
    """A statement for one search: its text, which follows from what is asked, and its parameters."""

    def __init__(self, connection: Connection, search: Search) -> None:
        self.text = ""
        self.parameters: Row = {}
        self._connection = connection
        self._search = search
        self._mark = "%({})s" if self.on_postgresql else ":{}"
        self.offset = self._given("offset", search.offset)
        self.last = self._given("last", search.offset + search.limit)
        self.limit = self._given("limit", search.limit)
        self.page = f"LIMIT {self.limit} OFFSET {self.offset}"

    @property
    def on_postgresql(self) -> bool:
        """Which of the two databases it is for."""
        return self._connection.dialect.name == "postgresql"

    def of_persoon(self, persoon: Persoon) -> str:
        """Holds for the occurrences of ``persoon`` in the period: somebody has a pseudonym under each key (B2042)."""
        pseudonyms = keys_of(self._connection).pseudonyms(persoon.objecttype, persoon.soort_object_id, persoon.object_id)
        return f"verwerkt.pseudonym IN ({self._each('pseudonym', pseudonyms)}) AND {self._in_period('verwerkt')}"

    def asked_for(self) -> str:
        """Holds for the newest versions that the reader may see and that have what was asked for."""
        visibility, verwerking = self._search.visibility, self._search.verwerking
        conditions = [_NEWEST, f"actie.vertrouwelijkheid IN ({self._each('visible', sorted(visibility.vertrouwelijkheden))})"]
        if not visibility.former:
            conditions.append("(actie.vertrouwelijkheid <> 'normaal' OR NOT actie.ooit_vertrouwelijk)")
        if self._search.verwerkingsactiviteit_id is not None:
            conditions.append(f"actie.verwerkingsactiviteit_id = {self._uuid('activiteit', self._search.verwerkingsactiviteit_id)}")
        if verwerking is not None:
            column = "verwerking_id_afnemer" if verwerking.of_afnemer else "verwerking_id"
            conditions.append(f"actie.{column} = {self._uuid('verwerking', verwerking.id)}")
        return " AND ".join([*conditions, self._in_period("actie")])

    def run(self, uuid_places: Sequence[int] = _UUID_PLACES) -> Sequence[Sequence[Any]]:
        """The rows, with the UUIDs that stand in those places as text."""
        with bare_driver(self._connection, self.text) as driver:
            rows: list[Sequence[Any]] = driver.execute(self.text, self.parameters).fetchall()
        return rows if self.on_postgresql else [_with_text(row, uuid_places) for row in rows]

    def _in_period(self, table: str) -> str:
        """Stands in each statement: with it, PostgreSQL finds looking up cheaper than scanning also where there is little."""
        begin, end = self._given("begin", self._search.begin), self._given("end", self._search.end)
        return f"{table}.tijdstip_instant >= {begin} AND {table}.tijdstip_instant < {end}"

    def _given(self, name: str, value: object) -> str:
        self.parameters[name] = value
        return self._mark.format(name)

    def _each(self, name: str, values: Iterable[object]) -> str:
        return ", ".join([self._given(f"{name}_{number}", value) for number, value in enumerate(values)])

    def _uuid(self, name: str, value: UUID) -> str:
        return self._given(name, _UUID.process_bind_param(value, self._connection.dialect))


def _with_text(row: Sequence[Any], uuid_places: Sequence[int]) -> Sequence[Any]:
    """The row with its UUIDs as ``UuidText`` gives them; a call for each would take as long as all the rest of it."""
    values = list(row)
    for place in uuid_places:
        value = values[place]
        if value is not None:
            text = value.hex()
            values[place] = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return values


StatementOf = Callable[[Connection, Search, Persoon], Statement]


def statement_of_few(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds all occurrences of ``persoon``, each with its actie; and one too many, when there are more than a page has acties."""
    statement = Statement(connection, search)
    occurrences = _occurrences(statement, persoon)
    statement.text = f"SELECT {_ACTIE}, {_OBJECT} {occurrences} LIMIT {statement.limit} + 1"
    return statement


def statement_of_acties(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds a page of the acties in which ``persoon`` occurs, with those occurrences."""
    statement = Statement(connection, search)
    of_persoon, asked_for = statement.of_persoon(persoon), statement.asked_for()
    if statement.on_postgresql:
        # In one pass: looking an actie up once more, among all months, would take longer than carrying it along.
        statement.text = (
            f"SELECT {_ACTIE}, {_OBJECT.replace('verwerkt.', 'actie.')}, total FROM (SELECT *, max(place) OVER () AS total FROM ("
            f"SELECT actie.*, {_OBJECT}, dense_rank() OVER (ORDER BY {_IN_ORDER}) AS place "
            f"FROM verwerkt_object AS verwerkt, {_looked_up(asked_for)} WHERE {of_persoon}) AS found) AS actie "
            f"WHERE place > {statement.offset} AND place <= {statement.last} ORDER BY place, volgnummer"
        )
    else:
        # First which acties are on the page, by what is needed to know that; then all of those.
        statement.text = (
            f"SELECT {_ACTIE}, {_OBJECT}, total FROM ("
            "SELECT actie.versie, actie.tijdstip_instant, actie.registratie_instant, actie.actie_id, count(*) OVER () AS total "
            f"FROM (SELECT DISTINCT verwerkt.versie FROM verwerkt_object AS verwerkt WHERE {of_persoon}) AS hit "
            f"JOIN verwerkingsactie AS actie ON actie.versie = hit.versie WHERE {asked_for} ORDER BY {_IN_ORDER} {statement.page}) AS page "
            "JOIN verwerkingsactie AS actie ON actie.versie = page.versie "
            f"JOIN verwerkt_object AS verwerkt ON {_OF_VERSIE} AND {of_persoon} ORDER BY {_IN_ORDER}, verwerkt.volgnummer"
        )
    return statement


def statement_of_occurrences(connection: Connection, search: Search, persoon: Persoon) -> Statement:
    """Finds a page of the occurrences of ``persoon``, each with its actie."""
    statement = Statement(connection, search)
    occurrences = _occurrences(statement, persoon)
    statement.text = (
        f"SELECT {_ACTIE}, {_OBJECT}, count(*) OVER () {occurrences} ORDER BY {_IN_ORDER}, verwerkt.volgnummer {statement.page}"
    )
    return statement


def _occurrences(statement: Statement, persoon: Persoon) -> str:
    """Where all occurrences of ``persoon`` come from, each with its actie, and what must hold of them."""
    of_persoon, asked_for = statement.of_persoon(persoon), statement.asked_for()
    if statement.on_postgresql:
        return f"FROM verwerkt_object AS verwerkt, {_looked_up(asked_for)} WHERE {of_persoon}"
    return f"FROM verwerkt_object AS verwerkt, verwerkingsactie AS actie WHERE {of_persoon} AND {_OF_VERSIE} AND {asked_for}"


def _looked_up(asked_for: str) -> str:
    """The actie of each occurrence, looked up by itself.

    PostgreSQL would rather scan all months than look into one for each: it cannot know beforehand which one that is. The
    OFFSET keeps it from taking the look-ups together.
    """
    return f"LATERAL (SELECT * FROM verwerkingsactie AS actie WHERE {_OF_VERSIE} AND {asked_for} OFFSET 0) AS actie"


def search_acties(connection: Connection, search: Search) -> Found:
    """One page of the acties in which that persoon occurs, each with the occurrences of that persoon only.

    Without a persoon: of the acties of that verwerking, each with everybody in it (D9).
    """
    keys = keys_of(connection)
    if search.persoon is None:
        if not connection.in_transaction():
            connection.begin()  # what follows sees one state of the database
        statement = Statement(connection, search)
        statement.text = (
            f"SELECT {_ACTIE}, count(*) OVER () FROM verwerkingsactie AS actie "
            f"WHERE {statement.asked_for()} ORDER BY {_IN_ORDER} {statement.page}"
        )
        rows = statement.run(_ACTIE_UUID_PLACES)
        objecten = objecten_of(connection, {row[0]: row[1] for row in rows})
        return Found([VersionRows(_actie(row, keys), objecten[row[0]]) for row in rows], rows[0][-1] if rows else 0)
    found: dict[int, VersionRows] = {}
    rows = _rows(connection, search, search.persoon, statement_of_acties)
    for row in rows:
        if row[0] not in found:
            found[row[0]] = VersionRows(_actie(row, keys), [])
        found[row[0]].objecten.append(_object(row, keys))
    return Found(list(found.values()), _count(rows, len(found)))


def search_occurrences(connection: Connection, search: Search) -> Found:
    """One page of the occurrences of that persoon, each with the actie that it occurs in; nobody else's."""
    if search.persoon is None:
        raise ValueError("a search of occurrences is about a persoon")
    keys = keys_of(connection)
    rows = _rows(connection, search, search.persoon, statement_of_occurrences)
    return Found([VersionRows(_actie(row, keys), [_object(row, keys)]) for row in rows], _count(rows, len(rows)))


def _rows(connection: Connection, search: Search, persoon: Persoon, statement_of: StatementOf) -> Sequence[Sequence[Any]]:
    """The page that is asked for. Nearly always all there is fits on it: to number and count that too would take a third more time."""
    if not search.offset:
        rows = statement_of_few(connection, search, persoon).run()
        if len(rows) <= search.limit:
            return sorted(rows, key=_in_order)
    return statement_of(connection, search, persoon).run()


def _in_order(row: Sequence[Any]) -> tuple[Any, ...]:
    """Sorts as ``_IN_ORDER`` does, and an actie's occurrences by their number."""
    return -row[1], -row[2], row[3], row[len(_ACTIE_NAMES)]


def _count(rows: Sequence[Sequence[Any]], here: int) -> int:
    """How many there are on all pages; of ``statement_of_few`` all are ``here``."""
    return rows[0][-1] if rows and len(rows[0]) > len(_columns) else here


def _actie(row: Sequence[Any], keys: Keys) -> Row:
    return opened_actie(dict(zip(_ACTIE_NAMES, row)), keys)  # noqa: B905  # more stands behind it


def _object(row: Sequence[Any], keys: Keys) -> Row:
    return opened_object(dict(zip(_OBJECT_NAMES, row[len(_ACTIE_NAMES) :])), keys)  # noqa: B905  # the total stands behind it
