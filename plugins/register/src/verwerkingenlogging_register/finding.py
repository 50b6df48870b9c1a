"""Finding what is logged about a persoon, or about everybody in a verwerking: the newest versions that the reader may see.

About a persoon it is one statement, which runs through the bare driver: so it sees one state of the database, and PostgreSQL is
asked once. Its text depends only on the database and on the number of keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    LargeBinary,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_register.driver import bare_driver
from verwerkingenlogging_register.protection import Keys, keys_of, opened_actie, opened_object
from verwerkingenlogging_register.query import NEWEST, OF_VERSIE, Found, Persoon, Verwerking, with_objects
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.tables import UuidText, verwerkingsactie, verwerkt_object
from verwerkingenlogging_register.versions import Row, VersionRows

__all__ = ["EARLIEST", "LATEST", "Search", "search_acties", "search_occurrences", "statement_of_acties", "statement_of_occurrences"]

EARLIEST = -(2**62)
LATEST = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search: who, when, why, as seen by whom, and which part of the result.

    ``begin`` is included and ``end`` is not (X39); both are UTC microseconds. Without ``persoon`` there is a ``verwerking``
    (D9), and then everybody in it is found.
    """

    persoon: Persoon | None
    verwerking: Verwerking | None = None
    visibility: Visibility
    begin: int = EARLIEST
    end: int = LATEST
    verwerkingsactiviteit_id: UUID | None = None
    offset: int
    limit: int

    def parameters(self) -> Row:
        """The parameters of a search statement; who is searched for comes with the keys."""
        verwerking = self.verwerking
        visible = sorted(self.visibility.vertrouwelijkheden)
        return {
            **{name: visible[min(place, len(visible) - 1)] for place, name in enumerate(_VISIBLE)},
            "verwerking": verwerking.id if verwerking and not verwerking.of_afnemer else None,
            "verwerking_afnemer": verwerking.id if verwerking and verwerking.of_afnemer else None,
            "former": self.visibility.former,
            "begin": self.begin,
            "end": self.end,
            "activiteit": self.verwerkingsactiviteit_id,
            "offset": self.offset,
            "limit": self.limit,
        }


_UUIDS = ("verwerking", "verwerking_afnemer", "activiteit")
_VISIBLE = tuple([f"visible_{place}" for place in range(len(Vertrouwelijkheid))])
"""A parameter for each value that there is: one who may see fewer gives one of them again."""


def _if_given(column: Column[Any], parameter: str) -> ColumnElement[bool]:
    return or_(bindparam(parameter, type_=UuidText()).is_(None), column == bindparam(parameter, type_=UuidText()))


def _in_period(table: FromClause) -> ColumnElement[bool]:
    return and_(table.c.tijdstip_instant >= bindparam("begin"), table.c.tijdstip_instant < bindparam("end"))


_asked_for: ColumnElement[bool] = and_(
    NEWEST,
    verwerkingsactie.c.vertrouwelijkheid.in_([bindparam(name, type_=String()) for name in _VISIBLE]),
    or_(
        bindparam("former", type_=Boolean()),
        verwerkingsactie.c.vertrouwelijkheid != literal_column(f"'{Vertrouwelijkheid.NORMAAL}'"),
        verwerkingsactie.c.ooit_vertrouwelijk.is_(False),
    ),
    _if_given(verwerkingsactie.c.verwerkingsactiviteit_id, "activiteit"),
    _if_given(verwerkingsactie.c.verwerking_id, "verwerking"),
    _if_given(verwerkingsactie.c.verwerking_id_afnemer, "verwerking_afnemer"),
)
_offset, _limit = bindparam("offset", type_=BigInteger()), bindparam("limit", type_=BigInteger())
_total = func.count().over().label("total")
# The key and the pseudonym of an object are there to find it by.
_object_columns = [column for column in verwerkt_object.columns if column.name not in {"versie", "tijdstip_instant", "pseudonym"}]


def _in_order(acties: FromClause) -> tuple[ColumnElement[Any], ...]:
    """By instant, whatever its offset (D5)."""
    return acties.c.tijdstip_instant.desc(), acties.c.registratie_instant.desc(), acties.c.actie_id


def _page(statement: Select[Any]) -> Select[Any]:
    return statement.limit(_limit).offset(_offset)


def _of_persoon(keys: int) -> ColumnElement[bool]:
    """The occurrences that are asked for: somebody has a pseudonym under each key (B2042)."""
    pseudonyms = [bindparam(f"pseudonym_{place}", type_=LargeBinary()) for place in range(keys)]
    return and_(verwerkt_object.c.pseudonym.in_(pseudonyms), _in_period(verwerkt_object))


def _acties_on_sqlite(keys: int) -> Select[Any]:
    """First which acties are on the page, by what is needed to know that; then all of those."""
    hit = select(*verwerkt_object.c["versie", "tijdstip_instant"]).where(_of_persoon(keys)).distinct().subquery("hit")
    page = _page(
        select(*verwerkingsactie.c["versie", "tijdstip_instant", "registratie_instant", "actie_id"], _total)
        .join_from(hit, verwerkingsactie, and_(hit.c.versie == verwerkingsactie.c.versie))
        .where(_asked_for)
        .order_by(*_in_order(verwerkingsactie))
    ).subquery("page")
    return (
        select(verwerkingsactie, *_object_columns, page.c.total)
        .join_from(page, verwerkingsactie, page.c.versie == verwerkingsactie.c.versie)
        .join(verwerkt_object, and_(OF_VERSIE, _of_persoon(keys)))
        .order_by(*_in_order(page), verwerkt_object.c.volgnummer)
    )


def _occurrences_on_sqlite(keys: int) -> Select[Any]:
    return _page(
        select(verwerkingsactie, *_object_columns, _total)
        .join_from(verwerkt_object, verwerkingsactie, OF_VERSIE)
        .where(_of_persoon(keys), _asked_for)
        .order_by(*_in_order(verwerkingsactie), verwerkt_object.c.volgnummer)
    )


def _looked_up() -> FromClause:
    """The actie of each occurrence, looked up by itself.

    PostgreSQL would rather scan all months than look into one for each: it cannot know beforehand which one that is. The
    OFFSET keeps it from taking the look-ups together.
    """
    acties = select(verwerkingsactie).where(OF_VERSIE, _asked_for).correlate(verwerkt_object)
    return acties.offset(literal_column("0")).lateral("actie")


def _acties_on_postgresql(keys: int) -> Select[Any]:
    """In one pass: looking an actie up once more would take longer than carrying it along."""
    acties = _looked_up()
    place = func.dense_rank().over(order_by=_in_order(acties)).label("place")
    found = select(acties, *_object_columns, place).join_from(verwerkt_object, acties, true()).where(_of_persoon(keys)).subquery("found")
    counted = select(found, func.max(found.c.place).over().label("total")).subquery("counted")
    return (
        select(*[column for column in counted.c if column.name != "place"])
        .where(counted.c.place > _offset, counted.c.place <= _offset + _limit)
        .order_by(counted.c.place, counted.c.volgnummer)
    )


def _occurrences_on_postgresql(keys: int) -> Select[Any]:
    acties = _looked_up()
    return _page(
        select(acties, *_object_columns, _total)
        .join_from(verwerkt_object, acties, true())
        .where(_of_persoon(keys))
        .order_by(*_in_order(acties), verwerkt_object.c.volgnummer)
    )


_DIALECTS: dict[str, Dialect] = {"sqlite": sqlite.dialect(paramstyle="named"), "postgresql": psycopg.dialect()}  # type: ignore[no-untyped-call]  # it has no types
_Makers = Mapping[str, Callable[[int], Select[Any]]]
"""For each kind of database what makes a statement, given the number of keys."""
_ACTIES: _Makers = {"sqlite": _acties_on_sqlite, "postgresql": _acties_on_postgresql}
_OCCURRENCES: _Makers = {"sqlite": _occurrences_on_sqlite, "postgresql": _occurrences_on_postgresql}


@cache
def _text(database: str, make: Callable[[int], Select[Any]], keys: int) -> str:
    return str(make(keys).compile(dialect=_DIALECTS[database]))


def statement_of_acties(connection: Connection, search: Search, persoon: Persoon) -> tuple[str, Row]:
    """What finds a page of the acties in which ``persoon`` occurs, with those occurrences; and its parameters."""
    return _statement(connection, search, persoon, _ACTIES)


def statement_of_occurrences(connection: Connection, search: Search, persoon: Persoon) -> tuple[str, Row]:
    """What finds a page of the occurrences of ``persoon``, each with its actie; and its parameters."""
    return _statement(connection, search, persoon, _OCCURRENCES)


def _statement(connection: Connection, search: Search, persoon: Persoon, makers: _Makers) -> tuple[str, Row]:
    database = connection.dialect.name
    parameters = search.parameters()
    for name in _UUIDS:
        parameters[name] = _UUID.process_bind_param(parameters[name], connection.dialect)
    pseudonyms = keys_of(connection).pseudonyms(persoon.objecttype, persoon.soort_object_id, persoon.object_id)
    for place, pseudonym in enumerate(pseudonyms):
        parameters[f"pseudonym_{place}"] = pseudonym
    return _text(database, makers[database], len(pseudonyms)), parameters


# By their own columns, so that their indexes are used.
_SEARCH_VERWERKING, _SEARCH_VERWERKING_AFNEMER = [
    _page(
        select(verwerkingsactie, _total)
        .where(column == bindparam(parameter, type_=UuidText()), _in_period(verwerkingsactie), _asked_for)
        .order_by(*_in_order(verwerkingsactie))
    )
    for column, parameter in (
        (verwerkingsactie.c.verwerking_id, "verwerking"),
        (verwerkingsactie.c.verwerking_id_afnemer, "verwerking_afnemer"),
    )
]


def search_acties(connection: Connection, search: Search) -> Found:
    """One page of the acties in which that persoon occurs, each with the occurrences of that persoon only.

    Without a persoon: of the acties of that verwerking, each with everybody in it (D9).
    """
    if search.persoon is None:
        of_afnemer = search.verwerking is not None and search.verwerking.of_afnemer
        statement = _SEARCH_VERWERKING_AFNEMER if of_afnemer else _SEARCH_VERWERKING
        acties = connection.execute(statement, search.parameters()).all()
        return Found(with_objects(connection, acties), acties[0].total if acties else 0)
    keys = keys_of(connection)
    rows = _run(connection, *statement_of_acties(connection, search, search.persoon))
    found: dict[int, VersionRows] = {}
    for row in rows:
        if row[0] not in found:
            found[row[0]] = VersionRows(_actie(row, keys), [])
        found[row[0]].objecten.append(_object(row, keys))
    return Found(list(found.values()), rows[0][-1] if rows else 0)


def search_occurrences(connection: Connection, search: Search) -> Found:
    """One page of the occurrences of that persoon, each with the actie that it occurs in; nobody else's."""
    if search.persoon is None:
        raise ValueError("a search of occurrences is about a persoon")
    keys = keys_of(connection)
    rows = _run(connection, *statement_of_occurrences(connection, search, search.persoon))
    return Found([VersionRows(_actie(row, keys), [_object(row, keys)]) for row in rows], rows[0][-1] if rows else 0)


_UUID = UuidText()
_ACTIE_NAMES = tuple(verwerkingsactie.columns.keys())
_OBJECT_NAMES = tuple([column.name for column in _object_columns])
_UUID_PLACES = [place for place, column in enumerate([*verwerkingsactie.columns, *_object_columns]) if isinstance(column.type, UuidText)]


def _run(connection: Connection, statement: str, parameters: Row) -> Sequence[Sequence[Any]]:
    with bare_driver(connection, statement) as driver:
        rows: list[Sequence[Any]] = driver.execute(statement, parameters).fetchall()
    return rows if connection.dialect.name == "postgresql" else list(_with_text(rows, connection.dialect))


def _with_text(rows: Sequence[Sequence[Any]], dialect: Dialect) -> Iterator[Sequence[Any]]:
    """The rows with their UUIDs as text; PostgreSQL gives them so."""
    for row in rows:
        values = list(row)
        for place in _UUID_PLACES:
            values[place] = _UUID.process_result_value(values[place], dialect)
        yield values


def _actie(row: Sequence[Any], keys: Keys) -> Row:
    return opened_actie(dict(zip(_ACTIE_NAMES, row)), keys)  # noqa: B905  # the object stands behind it


def _object(row: Sequence[Any], keys: Keys) -> Row:
    return opened_object(dict(zip(_OBJECT_NAMES, row[len(_ACTIE_NAMES) : -1], strict=True)), keys)
