"""What can be read only once: the record says who was in it, and the application gets it as it was."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import functools
import inspect
import io
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

from verwerkingenlogging import (
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    Recorder,
    gevonden,
    log_actie,
    persoon,
    recording,
    verwerkingsactie,
)
from verwerkingenlogging.calls._one_shot import hold
from verwerkingenlogging.routes.route_configuration import read_routes

BSNS = ["2308572", "5649587", "9358297"]
ophalen = functools.partial(verwerkingsactie, "Ophalen persoonsgegevens", activiteit="brp-registratie")
everybody = gevonden(lambda found: found)


def ids(log: MemoryLog) -> list[list[str]]:
    return [[objekt.object_id for objekt in actie.verwerkte_objecten] for actie in log.acties]


def generator(items: Iterable[str] = BSNS) -> Iterator[str]:
    yield from items


class Plain:
    """An iterator of an application's own, which says something of itself."""

    def __init__(self) -> None:
        self.total = 3
        self._items = iter(BSNS)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._items)


ONE_SHOT: dict[str, Callable[[], Any]] = {
    "generator": generator,
    "generator expression": lambda: (bsn for bsn in BSNS),
    "map": lambda: map(str, BSNS),
    "filter": lambda: filter(None, BSNS),
    "list iterator": lambda: iter(BSNS),
    "reversed": lambda: reversed(list(dict.fromkeys(reversed(BSNS)))),
    "chain": lambda: itertools.chain(BSNS[:1], BSNS[1:]),
    "islice": lambda: itertools.islice(generator(), 3),
    "tee": lambda: itertools.tee(BSNS)[0],
    "dict keys": lambda: iter(dict.fromkeys(BSNS)),
    "of its own": Plain,
}


@pytest.mark.parametrize("kind", ONE_SHOT)
async def test_the_application_gets_all_that_the_record_has_read(recorder: Recorder, log: MemoryLog, kind: str) -> None:
    @ophalen(objecten=everybody)
    def find() -> Any:
        return ONE_SHOT[kind]()

    @ophalen(objecten=everybody)
    async def afind() -> Any:
        return ONE_SHOT[kind]()

    with recording(recorder):
        for found in (find(), await afind()):
            assert ids(log)[-1] == BSNS
            assert iter(found) is found
            assert inspect.isgenerator(found) is inspect.isgenerator(ONE_SHOT[kind]())
            assert list(found) == BSNS
            assert list(found) == []


@pytest.mark.parametrize("kind", ONE_SHOT)
async def test_the_function_gets_all_that_the_record_has_read_of_its_argument(recorder: Recorder, log: MemoryLog, kind: str) -> None:
    @dataclass
    class Verzoek:
        bsns: Any

    @ophalen(objecten=persoon("bsns"))
    def by_path(bsns: Any) -> list[str]:
        return list(bsns)

    @ophalen(objecten=persoon(lambda bsns: [bsn for bsn in bsns]))  # noqa: C416  # as it is written
    async def by_function(*, bsns: Any = (), other: str = "") -> list[str]:
        return list(bsns)

    @ophalen(objecten=[persoon("verzoek.bsns", betrokkenheid="Aanvrager"), persoon(lambda verzoek: list(verzoek.bsns))])
    def within(verzoek: Any) -> list[str]:
        return list(verzoek.bsns)

    make = ONE_SHOT[kind]
    with recording(recorder):
        assert by_path(make()) == by_path(bsns=make()) == await by_function(bsns=make()) == BSNS
        assert within(Verzoek(make())) == within(SimpleNamespace(bsns=make())) == BSNS
    assert ids(log) == [BSNS, BSNS, BSNS, BSNS * 2, BSNS * 2]


class Pagina(NamedTuple):
    personen: Any
    aantal: int = 3


@dataclass(frozen=True)
class Antwoord:
    personen: Any


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (lambda one: {"personen": one, "aantal": 3}, lambda found: found["personen"]),
        (lambda one: {"data": {"personen": one}}, lambda found: found["data"]["personen"]),
        (lambda one: (one, 3), lambda found: found[0]),
        (Pagina, lambda found: found.personen),
        (lambda one: [one, iter("1")], lambda found: found[0]),
        (Antwoord, lambda found: found.personen),
        (lambda one: Antwoord({"rijen": (one,)}), lambda found: found.personen["rijen"][0]),
    ],
)
def test_what_holds_it_stays_what_it_was(
    recorder: Recorder, log: MemoryLog, make: Callable[[Any], Any], read: Callable[[Any], Any]
) -> None:
    given: list[Any] = []

    @ophalen(objecten=gevonden(read))
    def find() -> Any:
        given.append(make(generator()))
        return given[-1]

    with recording(recorder):
        found = find()
    assert ids(log) == [BSNS]
    assert type(found) is type(given[0])
    assert found is given[0] or isinstance(found, tuple)
    assert inspect.isgenerator(read(found))
    assert list(read(found)) == BSNS


def test_a_path_in_a_configuration_reads_it_too(recorder: Recorder, log: MemoryLog) -> None:
    said = {"/": {"actie_naam": "Zoeken", "activiteit": "brp-registratie", "gevonden": "personen.bsn"}}
    (actie,) = read_routes(said, setting="routes")[0].acties

    def find() -> dict[str, Any]:
        return {"personen": ({"bsn": bsn} for bsn in BSNS)}

    with recording(recorder):
        assert [one["bsn"] for one in actie.annotate(find)()["personen"]] == BSNS
        assert ids(log) == [BSNS]
        with pytest.raises(NotRecorded, match="generator can be read only once"):
            read_routes({"/": said["/"] | {"gevonden": "a.b.c"}}, setting="routes")[0].acties[0].annotate(
                lambda: SimpleNamespace(a=SimpleNamespace(b=({"c": bsn} for bsn in BSNS)))
            )()


def test_what_is_not_read_is_the_very_same(recorder: Recorder, log: MemoryLog) -> None:
    rest, file = generator(), io.StringIO("2308572\n")

    @ophalen(objecten=gevonden(lambda found: found["bsn"]))
    def find() -> dict[str, Any]:
        return {"bsn": "2308572", "rest": rest, "file": file}

    @ophalen(objecten=persoon("bsn"))
    def known(bsn: str, rest: Any, file: Any) -> Any:
        return rest, file

    with recording(recorder):
        assert find() == {"bsn": "2308572", "rest": rest, "file": file}
        assert known("2308572", rest, file) == (rest, file)
        assert known(generator(), rest, file) == (rest, file)  # type: ignore[arg-type]  # as callers do
    assert list(rest) == BSNS


def test_only_as_much_is_read_as_the_record_needs(recorder: Recorder, log: MemoryLog) -> None:
    made: list[str] = []

    def endless() -> Iterator[str]:
        for number in itertools.count(1):
            made.append(str(number))
            yield str(number)

    @ophalen(objecten=gevonden(lambda found: list(itertools.islice(found, 2))))
    def find(make: Callable[[], Any]) -> Any:
        return make()

    with recording(recorder):
        for make in (endless, lambda: map(str, endless())):
            made.clear()
            found = find(make)
            assert made == ["1", "2"]
            assert list(itertools.islice(found, 4)) == ["1", "2", "3", "4"]
    assert ids(log) == [["1", "2"]] * 2


def test_the_record_may_ask_for_more_than_there_is(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=gevonden(lambda found: [*found, next(found, None), *found]))
    def find() -> Any:
        return generator()

    with recording(recorder):
        assert list(find()) == BSNS
    assert ids(log) == [BSNS]


@pytest.mark.parametrize("begun", [0, 1])
def test_closing_what_is_handed_on_closes_the_original(recorder: Recorder, begun: int) -> None:
    closed: list[str] = []

    def rows() -> Iterator[str]:
        try:
            yield "1"
            yield "2"
        finally:
            closed.append("rows")

    @ophalen(objecten=gevonden(lambda found: [next(found)]))
    def find() -> Iterator[str]:
        return rows()

    with recording(recorder):
        found: Any = find()
        assert closed == []
        for _ in range(begun):
            next(found)
        found.close()
        assert closed == ["rows"]
        assert list(found) == []


def test_a_generator_keeps_its_result_its_name_and_what_is_sent_to_it(recorder: Recorder) -> None:
    def rows() -> Any:
        yield "1"
        sent = yield "2"
        return sent

    @ophalen(objecten=gevonden(lambda found: [next(found)]))
    def one() -> Any:
        return rows()

    @ophalen(objecten=gevonden(list))
    def every() -> Any:
        return generator()

    def result(iterator: Any) -> Any:
        return (yield from iterator)

    with recording(recorder):
        found = one()
        assert (found.__name__, next(found), next(found)) == ("rows", "1", "2")
        with pytest.raises(StopIteration) as ended:
            found.send("3")
        assert ended.value.value == "3"
        assert list(result(every())) == BSNS


@pytest.mark.parametrize("lazy", [True, False])
def test_an_error_of_the_application_comes_where_it_came(recorder: Recorder, log: MemoryLog, lazy: bool) -> None:
    error = LookupError("the connection is gone")

    def rows() -> Iterator[str]:
        yield "1"
        raise error

    @ophalen(objecten=everybody)
    def find() -> Any:
        return rows() if lazy else map(str, rows())

    with recording(recorder):
        found = find()
        assert ids(log) == [["1"]]
        assert next(found) == "1"
        with pytest.raises(LookupError) as caught:
            next(found)
        assert caught.value is error
        assert list(found) == []


def test_nobody_is_shown_when_the_log_is_down(recorder: Recorder, log: MemoryLog) -> None:
    ran: list[str] = []

    @ophalen(objecten=everybody)
    def find() -> Any:
        return generator()

    @ophalen(objecten=persoon("bsns"))
    def known(bsns: Any) -> None:
        ran.extend(bsns)

    log.failure = LogUnavailable("down")
    with recording(recorder):
        for call in (find, lambda: known(generator())):
            with pytest.raises(LogUnavailable):
                call()
    assert ran == []


def cursor() -> sqlite3.Cursor:
    return sqlite3.connect(":memory:").execute("SELECT '2308572'")


class Paged(Plain):
    def all(self) -> list[str]:
        return list(self)


@pytest.mark.parametrize(
    "make",
    [
        lambda: io.StringIO("2308572\n"),
        cursor,
        Paged,
        lambda: itertools.groupby(BSNS),
        lambda: (generator() for _ in range(2)),
        lambda: {"rijen": cursor()},
        lambda: iter([{"rijen": generator()}]),
    ],
)
def test_what_cannot_be_handed_on_is_refused_with_the_remedy(recorder: Recorder, log: MemoryLog, make: Callable[[], Any]) -> None:
    def read(found: Any) -> list[str]:
        return [str(one) for one in (found["rijen"] if isinstance(found, dict) else found)]

    @ophalen(objecten=gevonden(read))
    def find() -> Any:
        return make()

    with (
        recording(recorder),
        pytest.raises(NotRecorded, match=r"can be read only once, and the record would leave nothing of it; give list"),
    ):
        find()
    assert log.acties == []


def test_what_it_can_do_is_not_done_for_the_record(recorder: Recorder) -> None:
    @ophalen(objecten=gevonden(lambda found: found.all()))
    def find() -> Any:
        return Paged()

    @ophalen(objecten=gevonden(lambda found: [str(found.total), *found]))
    def total() -> Any:
        return Plain()

    with recording(recorder):
        with pytest.raises(NotRecorded, match="Paged can be read only once"):
            find()
        assert total().total == 3


@pytest.mark.parametrize("argument", [io.StringIO("2308572\n"), cursor()])
def test_an_argument_that_cannot_be_handed_on_is_refused(recorder: Recorder, argument: Any) -> None:
    @ophalen(objecten=persoon("bsns"))
    def known(bsns: Any) -> None: ...

    with recording(recorder), pytest.raises(NotRecorded, match="can be read only once"):
        known(argument)


def test_an_argument_too_deep_to_be_handed_on_is_refused(recorder: Recorder) -> None:
    @ophalen(objecten=persoon("a.b.c"))
    def known(a: Any) -> None: ...

    with recording(recorder):
        for argument in (
            SimpleNamespace(b=SimpleNamespace(c=generator())),
            SimpleNamespace(b=SimpleNamespace(c=generator()), d=generator()),
        ):
            with pytest.raises(NotRecorded, match="generator can be read only once"):
                known(argument)


def test_kinds_of_data_may_be_read_once_too(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn", soorten_gegevens=lambda velden: velden))
    def known(bsn: str, velden: Iterator[str]) -> list[str]:
        return list(velden)

    with recording(recorder):
        assert known("2308572", iter(["Adres"])) == ["Adres"]
        log_actie("Ophalen", objecten=generator(), activiteit="brp-registratie")
    assert [one.soort_gegeven for one in log.acties[0].verwerkte_objecten[0].verwerkte_soorten_gegevens] == ["Adres"]
    assert ids(log)[1] == BSNS


def test_a_reader_of_csv_goes_on_as_it_was(recorder: Recorder, log: MemoryLog) -> None:
    text = "2308572,Jansen\n5649587,Smit\n"

    @ophalen(objecten=gevonden(lambda rows: [row[0] for row in rows]))
    def read() -> Any:
        return csv.reader(io.StringIO(text))

    with recording(recorder):
        rows = read()
        assert list(rows) == list(csv.reader(io.StringIO(text)))
        assert rows.line_num == 2
    assert ids(log) == [["2308572", "5649587"]]


def test_rows_of_zip_are_recorded_and_shown(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=gevonden(lambda rows: [bsn for _, bsn in rows]))
    def read() -> Any:
        return zip(range(3), BSNS, strict=True)

    with recording(recorder):
        assert list(read()) == list(enumerate(BSNS))
    assert ids(log) == [BSNS]


PERSONEN = Table("personen", MetaData(), Column("id", Integer, primary_key=True), Column("bsn", String), Column("naam", String))
RESULTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "result": (lambda result: result, lambda rows: [row.bsn for row in rows]),
    "all": (lambda result: result, lambda rows: [row[1] for row in rows.all()]),
    "unique": (lambda result: result.unique(), lambda rows: [row.bsn for row in rows]),
    "scalars": (lambda result: result.scalars(1), lambda bsns: bsns),
    "scalars all": (lambda result: result.scalars(1), lambda bsns: bsns.all()),
    "unique scalars": (lambda result: result.scalars(1).unique(), lambda bsns: bsns.all()),
    "mappings": (lambda result: result.mappings(), lambda rows: [row["bsn"] for row in rows.fetchmany(9)]),
    "in a tuple": (lambda result: (result, 3), lambda found: [row.bsn for row in found[0]]),
}


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize("untouched", [False, True])
def test_a_result_of_sqlalchemy_is_what_it_was(recorder: Recorder, log: MemoryLog, kind: str, untouched: bool) -> None:
    shape, read = RESULTS[kind]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        PERSONEN.create(connection)
        connection.execute(insert(PERSONEN), [{"bsn": bsn, "naam": "Jansen"} for bsn in [*BSNS, BSNS[0]]])

        def find() -> Any:
            return shape(connection.execute(select(PERSONEN)))

        annotated = ophalen(objecten=gevonden((lambda found: "1") if untouched else read))(find)

        def seen(found: Any) -> Any:
            found = found[0] if isinstance(found, tuple) else found
            return type(found).__mro__[-3:], [tuple(row) for row in found.all()]

        with recording(recorder):
            assert seen(annotated()) == seen(find())
            assert list(read(annotated())) == list(read(find()))
            first = annotated()
            assert (first[0] if isinstance(first, tuple) else first).first() is not None
    engine.dispose()
    assert ids(log)[0] == (["1"] if untouched else BSNS)


def test_what_gives_no_rows_is_handed_on_as_it_is(recorder: Recorder, log: MemoryLog) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection, recording(recorder):
        PERSONEN.create(connection)

        @ophalen(objecten=gevonden(lambda found: BSNS[: found.rowcount]))
        def save() -> Any:
            return connection.execute(insert(PERSONEN), [{"bsn": bsn, "naam": "Jansen"} for bsn in BSNS])

        assert save().rowcount == 3
    engine.dispose()
    assert ids(log) == [BSNS]


async def rows() -> AsyncIterator[str]:
    for bsn in BSNS:
        yield bsn


class Rows:
    def __init__(self) -> None:
        self._items = iter(BSNS)

    def __aiter__(self) -> Rows:
        return self

    async def __anext__(self) -> str:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None


class Fetching(Rows):
    async def fetch(self) -> None: ...


async def test_an_asynchronous_iterator_is_recorded_item_by_item(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=everybody)
    def find(make: Callable[[], Any]) -> Any:
        return make()

    @ophalen(objecten=everybody)
    async def afind(make: Callable[[], Any]) -> Any:
        return make()

    with recording(recorder):
        for found in (find(rows), await afind(rows), find(Rows), await afind(Rows)):
            log.acties.clear()
            assert inspect.isasyncgen(found)
            async for bsn in found:
                assert ids(log)[-1] == [bsn]
            assert ids(log) == [[bsn] for bsn in BSNS]
        with pytest.raises(NotRecorded, match="Fetching can be read only once"):
            find(Fetching)
        with pytest.raises(NotRecorded, match="Fetching can be read only once"):
            await afind(Fetching)


async def test_a_function_that_gives_what_is_awaited_is_recorded_when_that_came(recorder: Recorder, log: MemoryLog) -> None:
    async def later() -> list[str]:
        return BSNS

    @ophalen(objecten=everybody)
    def find(make: Callable[[], Any]) -> Any:
        return make()

    with recording(recorder) as context:
        found = find(later)
        assert log.acties == []
        assert await found == BSNS
        assert ids(log) == [BSNS]
        with pytest.raises(NotRecorded, match="Future is no result yet; annotate the function that makes it"):
            find(asyncio.get_running_loop().create_future)
        log.failure = LogUnavailable("down")
        with pytest.raises(LogUnavailable):
            await find(later)
        assert isinstance(context.failed, NotRecorded)


def test_what_can_be_read_again_is_not_touched() -> None:
    class Slotted:
        __slots__ = ("value",)

    values: list[Any] = [None, "x", BSNS, {"a": BSNS}, (1, "x"), {}, (), [], Slotted(), SimpleNamespace(a=BSNS), int, contextlib]
    assert [hold(value) for value in values] == [None] * len(values)
