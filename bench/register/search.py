"""Searching one person among many: the register's search beside the bare query, in process and over HTTP."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import quantiles
from time import perf_counter, thread_time
from typing import Any

from sqlalchemy import Engine

from bench.budget import ANSWERED, FOUND
from bench.harness.load import PLACEHOLDER, Answers, LoadError, Request, own, wrk
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio
from bench.harness.spread import Spread
from bench.harness.work import NotDoneError
from bench.register.places import Kind, token
from bench.register.record import object_id
from bench.register.rows import PER_PERSOON, Filled, filled
from bench.register.server import Round, Server, started
from bench.register.variants import FIXED_PATH, GUARDED_PATH, OURS
from verwerkingenlogging_register._acties.search import search_acties
from verwerkingenlogging_register._acties.search_statements import Search
from verwerkingenlogging_register._database.engines import open_reader
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.positions import Position
from verwerkingenlogging_register._model.scopes import Scope, bewerking_visibility
from verwerkingenlogging_register._model.subjects import Persoon

__all__ = ["measure_search"]

_MICRO = 1e6
_BUDGET_ROWS = 10_000_000
_CONNECTIONS = 32
_FIXED = "fixed answer"
_GUARDED = "fixed answer behind a token"
_SEARCH = "search"
_NEXT = "next page by its cursor"
_SECOND = "second page by its number"
_PAGE = PER_PERSOON // 3
_VISIBILITY = bewerking_visibility(frozenset(Scope), None)
_PATH = f"/api/v1/verwerkingsacties?objecttype=persoon&soortObjectId=BSN&objectId={PLACEHOLDER}"
_GUARDED_PATH = f"{GUARDED_PATH}?objecttype=persoon&soortObjectId=BSN&objectId={PLACEHOLDER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    rounds: int
    searches: int
    loads: int
    seconds: float


_FULL = _Size(rounds=8, searches=250, loads=8, seconds=0.5)
_QUICK = _Size(rounds=2, searches=5, loads=2, seconds=0.2)


def measure_search(kind: Kind, plan: Plan) -> Iterator[Figure | Ratio]:
    """Among ``plan.rows`` records, and a tenth of those. Raises NotDoneError when a search does not find its eighteen."""
    size = _QUICK if plan.quick else _FULL
    few, many = filled(kind, plan.rows // 10), filled(kind, plan.rows)
    yield from _in_process(kind, few, many, size)
    yield from _over_http(kind, few, many, size, plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finder:
    """One way to search one database, and what each search took.

    Attributes:
        find: searches a person, at a position of his result where there is one; gives how many records were found.
        first: what is done before the clock runs: it gives the position.
        backend: the process of PostgreSQL that works for it; none for SQLite.
        wall, busy: seconds of each search, and seconds of processor, that of PostgreSQL included.
    """

    find: Callable[[int, Position | None], int]
    backend: int | None
    first: Callable[[int], Position | None] = lambda _: None
    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def measure(self, person: int) -> None:
        """Search that person."""
        position = self.first(person)
        before = self._backend_time()
        started, busy = perf_counter(), thread_time()
        found = self.find(person, position)
        self.busy.append(thread_time() - busy + self._backend_time() - before)
        self.wall.append(perf_counter() - started)
        if found != PER_PERSOON:
            raise NotDoneError(f"search: found {found} records of a person")

    def _backend_time(self) -> float:
        """Exact while it waits for us; on another system than Linux left out."""
        if self.backend is None:
            return 0
        try:
            return int(Path(f"/proc/{self.backend}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
        except OSError:
            return 0


_Rounds = dict[tuple[str, int, str, str], list[float]]
"""Seconds, round by round, of each way to search, number of records, clock and percentile."""


def _in_process(kind: Kind, few: Filled, many: Filled, size: _Size) -> Iterator[Figure | Ratio]:
    rounds = _searches(few, many, size)
    for (way, rows, clock, name), values in rounds.items():
        spread = Spread.of(each * _MICRO for each in values)
        yield Figure(group=f"{kind.name}, search of {rows:,}", name=f"{way}, {name}", unit=f"µs {clock}", spread=spread)
    group = f"{kind.name}, search in process"
    budget = FOUND[kind.cluster is not None] if few.rows < _BUDGET_ROWS // 5 < many.rows else None
    for clock in ("processor", "wall"):
        more, less = rounds["register", many.rows, clock, "p99"], rounds["register", few.rows, clock, "p99"]
        name = f"p99 {clock}, {many.rows:,} / {few.rows:,} records"
        yield Ratio(group=group, name=name, spread=_beside(more, less), budget=budget)
        more, less = rounds[_NEXT, many.rows, clock, "p99"], rounds[_NEXT, few.rows, clock, "p99"]
        yield Ratio(group=group, name=f"{_NEXT}, {name}", spread=_beside(more, less), budget=budget)
    for percent in ("p50", "p99"):
        for where in (few, many):
            cursor, number = rounds[_NEXT, where.rows, "processor", percent], rounds[_SECOND, where.rows, "processor", percent]
            name = f"{percent} processor, {_NEXT} / {_SECOND}, {where.rows:,} records"
            yield Ratio(group=group, name=name, spread=_beside(cursor, number))
    for name in ("p50", "p99"):
        ours, bare = rounds["register", many.rows, "processor", name], rounds["bare query", many.rows, "processor", name]
        yield Ratio(group=group, name=f"{name} processor, register / bare query", spread=_beside(ours, bare))


def _searches(few: Filled, many: Filled, size: _Size) -> _Rounds:
    """The ways in turn, for another person each time."""
    rounds: _Rounds = {}
    with ExitStack() as stack:
        finders = [(way, each, make(each, stack)) for each in (few, many) for way, make in _WAYS.items()]
        for number in range(size.rounds + 1):  # the first warms up
            for _ in range(size.searches):
                for _, where, finder in finders:
                    finder.measure(random.randrange(where.searched))  # noqa: S311  # no secret
            for way, where, finder in finders:
                for clock, seconds in (("wall", finder.wall), ("processor", finder.busy)):
                    for percent in (50, 99) if number else ():
                        rounds.setdefault((way, where.rows, clock, f"p{percent}"), []).append(_percentile(seconds, percent))
                    seconds.clear()
    return rounds


def _beside(some: Sequence[float], others: Sequence[float]) -> Spread:
    return Spread.of(one / other for one, other in zip(some, others, strict=True))


def _percentile(seconds: Sequence[float], percent: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]


def _register(filled: Filled, stack: ExitStack) -> _Finder:
    """The search of the Bewerking API, up to what is ready to be an answer."""
    engine = _engine(filled, stack)

    def find(person: int, _: Position | None) -> int:
        with engine.connect() as connection:
            return search_acties(connection, _wanted(person)).count

    return _Finder(find=find, backend=_backend(engine))


def _next_page(filled: Filled, stack: ExitStack) -> _Finder:
    """The second of three pages, at the cursor that the first one gives."""
    engine = _engine(filled, stack)

    def first(person: int) -> Position | None:
        with engine.connect() as connection:
            return search_acties(connection, _wanted(person, limit=_PAGE)).next

    def find(person: int, position: Position | None) -> int:
        with engine.connect() as connection:
            found = search_acties(connection, _wanted(person, limit=_PAGE), position)
        return found.count if len(found.rows) == _PAGE else 0

    return _Finder(find=find, backend=_backend(engine), first=first)


def _second_page(filled: Filled, stack: ExitStack) -> _Finder:
    """The same page by its number, as the official description has it."""
    engine = _engine(filled, stack)

    def find(person: int, _: Position | None) -> int:
        with engine.connect() as connection:
            found = search_acties(connection, _wanted(person, offset=_PAGE, limit=_PAGE))
        return found.count if len(found.rows) == _PAGE else 0

    return _Finder(find=find, backend=_backend(engine))


def _wanted(person: int, *, offset: int = 0, limit: int = 100) -> Search:
    return Search(persoon=Persoon("persoon", "BSN", object_id(person)), visibility=_VISIBILITY, offset=offset, limit=limit)


def _bare(filled: Filled, stack: ExitStack) -> _Finder:
    """The same records by the bare driver, as they lie there."""
    engine = _engine(filled, stack)
    keys = Keys(filled.place.settings.key_source)
    driver: Any = engine.raw_connection().driver_connection
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    statement = (
        "SELECT a.*, o.* FROM verwerkt_object o JOIN verwerkingsactie a ON a.versie = o.versie AND a.tijdstip_instant = o.tijdstip_instant "  # noqa: S608
        f"WHERE o.pseudonym = {mark} ORDER BY a.tijdstip_instant DESC LIMIT 100"
    )

    def find(person: int, _: Position | None) -> int:
        (pseudonym,) = keys.pseudonyms("persoon", "BSN", object_id(person))
        return len(driver.execute(statement, (pseudonym,)).fetchall())

    return _Finder(find=find, backend=_backend(engine))


_WAYS: dict[str, Callable[[Filled, ExitStack], _Finder]] = {
    "register": _register,
    _NEXT: _next_page,
    _SECOND: _second_page,
    "bare query": _bare,
}


def _engine(filled: Filled, stack: ExitStack) -> Engine:
    engine = open_reader(filled.place.location, Keys(filled.place.settings.key_source))
    stack.callback(engine.dispose)
    return engine


def _backend(engine: Engine) -> int | None:
    if engine.dialect.name == "sqlite":
        return None
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def _over_http(kind: Kind, few: Filled, many: Filled, size: _Size, plan: Plan) -> Iterator[Figure | Ratio]:
    """One search after the other for the latency; and as many at a time as the server takes, beside fixed answers."""
    load = wrk if plan.wrk else own
    group = f"{kind.name}, search over HTTP"
    with started(OURS, many.place, kind.scratch, "--no-log-inzage") as server:
        messages = _asked(_PATH, many).messages(server.wait().port)
        latencies = [_latencies(server, messages, size.searches) for _ in range(size.rounds)]
        loads = {_FIXED: Request(path=FIXED_PATH), _GUARDED: _asked(_GUARDED_PATH, many), _SEARCH: _asked(_PATH, many)}
        rounds = _rounds(server, load, loads, size)
    for percent in (50, 99):
        spread = Spread.of(_percentile(each, percent) * _MICRO for each in latencies)
        yield Figure(group=group, name=f"{many.rows:,} records, p{percent}", unit="µs wall", spread=spread)
    yield from _figures(group, rounds)
    for other in (_FIXED, _GUARDED):
        busy, seen = _ratios(rounds[_SEARCH], rounds[other])
        yield Ratio(group=group, name=f"requests per second of processor, search / {other}", spread=busy, budget=ANSWERED)
        yield Ratio(group=group, name=f"requests/s, search / {other}", spread=seen)
    # Each inspection adds a record about that person, so this is done to a copy.
    with started(OURS, kind.copy(few.place), kind.scratch) as server:
        rounds = _rounds(server.wait(), load, {_GUARDED: _asked(_GUARDED_PATH, few), _SEARCH: _asked(_PATH, few)}, size)
    group = f"{kind.name}, search over HTTP, inspection recorded"
    yield from _figures(group, rounds)
    busy, seen = _ratios(rounds[_SEARCH], rounds[_GUARDED])
    yield Ratio(group=group, name=f"requests per second of processor, search / {_GUARDED}", spread=busy)
    yield Ratio(group=group, name=f"requests/s, search / {_GUARDED}", spread=seen)


def _asked(path: str, filled: Filled) -> Request:
    """Another person each time."""
    return Request(path=path, token=token(), numbers=range(int(object_id(0)), int(object_id(filled.searched))))


def _rounds(server: Server, load: Callable[..., Answers], loads: dict[str, Request], size: _Size) -> dict[str, list[Round]]:
    rounds: dict[str, list[Round]] = {name: [] for name in loads}
    for _ in range(size.loads):
        for name, request in loads.items():
            rounds[name].append(server.round(load, request, _CONNECTIONS, size.seconds))
    return rounds


def _figures(group: str, rounds: dict[str, list[Round]]) -> Iterator[Figure]:
    for name, done in rounds.items():
        yield Figure(group=group, name=name, unit="µs processor", spread=Spread.of(each.busy * _MICRO for each in done))
        yield Figure(group=group, name=name, unit="requests/s", spread=Spread.of(each.seen for each in done))


def _ratios(some: Sequence[Round], others: Sequence[Round]) -> tuple[Spread, Spread]:
    """Of what they answer per second of processor, and per second."""
    busy = Spread.of(other.busy / one.busy for one, other in zip(some, others, strict=True))
    return busy, Spread.of(one.seen / other.seen for one, other in zip(some, others, strict=True))


def _latencies(server: Server, messages: Iterator[bytes], count: int) -> list[float]:
    """Seconds that each of so many answers took, one after the other on one connection. Raises LoadError when one is not right."""
    seconds = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        for _ in range(count):
            message = next(messages)
            began = perf_counter()
            connection.sendall(message)
            received = connection.recv(65_536)
            head, _, body = received.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            missing = length - len(body)
            while missing > 0:
                missing -= len(connection.recv(65_536))
            seconds.append(perf_counter() - began)
            if not head.startswith(f"HTTP/1.1 {HTTPStatus.OK} ".encode()):
                raise LoadError(f"the register answered {head[:40]!r}")
    return seconds
