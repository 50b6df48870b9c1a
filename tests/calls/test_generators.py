"""Annotated generator functions: recorded before the first step, or what a step found before that goes on."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
import trio

from verwerkingenlogging import (
    LogUnavailable,
    MemoryLog,
    OutsideContext,
    Recorder,
    Vertrouwelijkheid,
    alog_actie,
    gevonden,
    log_actie,
    persoon,
    recording,
    verwerkingsactie,
)
from verwerkingenlogging.annotation import annotations_of
from verwerkingenlogging.errors import InvalidInRequest

ophalen = functools.partial(verwerkingsactie, "Ophalen persoonsgegevens", activiteit="brp-registratie")
zoeken = functools.partial(verwerkingsactie, "Zoeken personen", activiteit="brp-registratie", objecten=gevonden(lambda found: found))
BSNS = ["2308572", "5649587"]


def ids(log: MemoryLog) -> list[list[str]]:
    return [[objekt.object_id for objekt in actie.verwerkte_objecten] for actie in log.acties]


async def collected(iterator: Any) -> list[Any]:
    """The items of either kind."""
    return [item async for item in iterator] if hasattr(iterator, "__anext__") else list(iterator)


def plain(body: Callable[[Any], Any]) -> tuple[Any, Any]:
    """A function of each kind that yields two items, and calls ``body`` before each."""

    def rows(bsn: str = "2308572", *, more: int = 1) -> Any:
        """Rows."""
        for item in BSNS:
            body(bsn)
            yield item

    async def arows(bsn: str = "2308572", *, more: int = 1) -> Any:
        """Rows."""
        for item in BSNS:
            body(bsn)
            yield item

    return rows, arows


@pytest.mark.parametrize("kind", [0, 1])
async def test_known_persons_are_recorded_before_the_first_step(recorder: Recorder, log: MemoryLog, kind: int) -> None:
    ran: list[int] = []
    rows = ophalen(objecten=persoon("bsn"))(plain(lambda _: ran.append(len(log.acties)))[kind])
    with recording(recorder):
        made = rows("2308572")
        assert (log.acties, ran) == ([], [])
        assert await collected(made) == BSNS
    assert (ids(log), ran) == ([["2308572"]], [1, 1])


@pytest.mark.parametrize("kind", [0, 1])
async def test_what_a_step_found_is_recorded_before_that_goes_on(recorder: Recorder, log: MemoryLog, kind: int) -> None:
    ran: list[int] = []
    rows = zoeken()(plain(lambda _: ran.append(len(log.acties)))[kind])
    with recording(recorder):
        made = rows()
        first = await anext(made) if kind else next(made)
        assert (first, ids(log)) == (BSNS[0], [BSNS[:1]])
        assert await collected(made) == BSNS[1:]
    assert (ids(log), ran) == ([[bsn] for bsn in BSNS], [0, 1])
    assert len({actie.verwerking_id for actie in log.acties}) == 1


@pytest.mark.parametrize("kind", [0, 1])
async def test_a_log_that_is_down_lets_no_step_run_and_no_item_go(recorder: Recorder, log: MemoryLog, kind: int) -> None:
    ran: list[str] = []
    known, find = ophalen(objecten=persoon("bsn"))(plain(ran.append)[kind]), zoeken()(plain(ran.append)[kind])
    with recording(recorder) as context:
        found = find()
        assert (await anext(found) if kind else next(found)) == BSNS[0]
        log.failure = LogUnavailable("down")
        for made, steps in ((known(), 1), (found, 2), (find(), 3)):
            with pytest.raises(LogUnavailable):
                await collected(made)
            assert len(ran) == steps
            assert await collected(made) == []
        assert context.failed is log.failure
        log.failure = None
        with pytest.raises(InvalidInRequest):
            await collected(known(41 * "9"))


@pytest.mark.parametrize("kind", [0, 1])
def test_it_is_still_a_generator_function(kind: int) -> None:
    function = plain(print)[kind]
    for annotated in (ophalen(objecten=persoon("bsn"))(function), zoeken()(ophalen(objecten=persoon("bsn"))(function))):
        assert (inspect.isgeneratorfunction(annotated), inspect.isasyncgenfunction(annotated)) == (kind == 0, kind == 1)
        assert not inspect.iscoroutinefunction(annotated)
        assert inspect.signature(annotated) == inspect.signature(function, eval_str=True)
        assert (annotated.__name__, annotated.__doc__, inspect.unwrap(annotated)) == (function.__name__, "Rows.", function)
        assert (annotated.__defaults__, annotated.__kwdefaults__) == (("2308572",), {"more": 1})
        assert annotations_of(annotated)


@pytest.mark.parametrize("kind", [0, 1])
async def test_each_step_runs_inside_its_actie_and_nothing_else_does(recorder: Recorder, log: MemoryLog, kind: int) -> None:
    secret = Vertrouwelijkheid.VERTROUWELIJK
    within: ContextVar[str] = ContextVar("within", default="")

    def inner(_: str) -> None:
        log_actie("Ophalen details", objecten=[])
        within.set("the body")

    rows = ophalen(objecten=persoon("bsn"), vertrouwelijkheid=secret)(plain(inner)[kind])
    with recording(recorder):
        log_actie("Begin", objecten=[], activiteit="brp-registratie")
        made = rows()
        for expected in BSNS:
            assert (await anext(made) if kind else next(made)) == expected
            log_actie("Ertussen", objecten=[])
            assert within.get() == "the body"
    told = {actie.actie_naam: actie.vertrouwelijkheid for actie in log.acties}
    assert told["Ophalen details"] is secret
    assert told["Ertussen"] is told["Begin"] is Vertrouwelijkheid.NORMAAL


@pytest.mark.parametrize("kind", [0, 1])
async def test_what_is_sent_and_thrown_reaches_the_body_and_closing_closes_it(recorder: Recorder, log: MemoryLog, kind: int) -> None:
    heard: list[object] = []

    def rows(bsn: str) -> Any:
        try:
            try:
                heard.append((yield "1"))
            except LookupError as error:
                heard.append(error)
                yield "2"
            yield "3"
        finally:
            heard.append(len(log.acties))

    async def arows(bsn: str) -> Any:
        try:
            try:
                heard.append((yield "1"))
            except LookupError as error:
                heard.append(error)
                yield "2"
            yield "3"
        finally:
            heard.append(len(log.acties))

    async def step(made: Any, name: str, *given: Any) -> Any:
        return await getattr(made, f"a{name}")(*given) if kind else getattr(made, name)(*given)

    error = LookupError("of its own")
    for objecten in (persoon("bsn"), gevonden(lambda found: found)):
        annotated = ophalen(objecten=objecten)((rows, arows)[kind])
        heard.clear()
        with recording(recorder):
            made = annotated("2308572")
            assert await step(made, "send", None) == "1"
            assert await step(made, "send", "sent") == "3"
            await step(made, "close")
            assert heard[0] == "sent"
            made = annotated("2308572")
            await step(made, "send", None)
            assert await step(made, "throw", error) == "2"
            assert await collected(made) == ["3"]
            assert heard[2] is error
            made = annotated("2308572")
            await step(made, "send", None)
            with pytest.raises(ValueError, match="another"):
                await step(made, "throw", ValueError("another"))
            assert len(heard) == 5
            await step(annotated("2308572"), "close")
    assert len(heard) == 5


@pytest.mark.parametrize("kind", [0, 1])
async def test_a_step_that_shows_nobody_is_not_recorded(recorder: Recorder, log: MemoryLog, kind: int) -> None:
    find = ophalen(objecten=gevonden(lambda items: items if items == BSNS[1:] else None))
    with recording(recorder):
        assert await collected(find(plain(lambda _: None)[kind])()) == BSNS
    assert ids(log) == [BSNS[1:]]


def test_the_result_of_a_generator_is_its_own(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn"))
    def rows(bsn: str) -> Any:
        yield bsn
        return "the end"

    def around() -> Any:
        return (yield from rows("2308572"))

    with recording(recorder):
        made = around()
        next(made)
        with pytest.raises(StopIteration) as ended:
            next(made)
    assert ended.value.value == "the end"


async def test_a_context_manager_is_recorded_before_it_is_entered(recorder: Recorder, log: MemoryLog) -> None:
    @contextlib.contextmanager
    @ophalen(objecten=persoon("bsn"))
    def dossier(bsn: str) -> Iterator[int]:
        yield len(log.acties)

    @contextlib.asynccontextmanager
    @ophalen(objecten=persoon("bsn"))
    async def adossier(bsn: str) -> AsyncIterator[int]:
        yield len(log.acties)

    with recording(recorder):
        with dossier("2308572") as count:
            assert count == 1
        async with adossier("2308572") as count:
            assert count == 2
        with pytest.raises(LookupError), dossier("2308572"):
            raise LookupError
        log.failure = LogUnavailable("down")
        with pytest.raises(LogUnavailable):
            async with adossier("2308572"):
                raise AssertionError
    assert len(log.acties) == 3


def test_methods_and_arguments_that_are_read_once(recorder: Recorder, log: MemoryLog) -> None:
    class Dienst:
        @classmethod
        @ophalen(objecten=persoon("bsns"))
        def rows(cls, bsns: Iterator[str]) -> Iterator[str]:
            yield from bsns

        @ophalen(objecten=gevonden(lambda pages: [bsn for page in pages for bsn in page]))
        def pages(self) -> Iterator[Iterator[str]]:
            yield iter(BSNS)

    with recording(recorder):
        assert list(Dienst.rows(iter(BSNS))) == BSNS
        assert [list(page) for page in Dienst().pages()] == [BSNS]
    assert ids(log) == [BSNS, BSNS]


def test_it_runs_on_trio(recorder: Recorder, log: MemoryLog) -> None:
    @zoeken()
    async def rows() -> AsyncIterator[str]:
        await alog_actie("Ophalen details", objecten=[], activiteit="brp-registratie")
        yield BSNS[0]

    async def main() -> list[str]:
        with recording(recorder):
            return [row async for row in rows()]

    assert trio.run(main) == BSNS[:1]
    assert [actie.actie_naam for actie in log.acties] == ["Ophalen details", "Zoeken personen"]


async def test_a_user_that_is_fetched_is_known_at_the_first_step(recorder: Recorder, log: MemoryLog) -> None:
    class Gebruiker:
        key: str | None = None

        async def prepare(self) -> None:
            self.key = "known"

        def __call__(self) -> str | None:
            return self.key

    @ophalen(objecten=persoon("bsn"))
    async def rows(bsn: str) -> AsyncIterator[str]:
        yield bsn

    with recording(recorder) as context:
        context.gebruiker = Gebruiker()
        assert [row async for row in rows("2308572")] == ["2308572"]
    assert log.acties[0].gebruiker == "known"


async def test_outside_a_context_no_step_runs() -> None:
    for rows in (ophalen(objecten=persoon("bsn"))(function) for function in plain(lambda _: pytest.fail("it ran"))):
        with pytest.raises(OutsideContext):
            await collected(rows())


async def test_who_stops_listening_leaves_a_record_of_what_was_sent(recorder: Recorder, log: MemoryLog) -> None:
    """A cancelled request: what was found is recorded to the end."""
    release = asyncio.Event()
    entered = asyncio.Event()

    class Slow(MemoryLog):
        kept = asyncio.Event()

        async def alog(self, acties: Any) -> None:
            entered.set()
            await release.wait()
            await super().alog(acties)
            self.kept.set()

    slow = Slow()
    recorder.log = slow

    @zoeken()
    async def rows() -> AsyncIterator[str]:
        yield BSNS[0]

    async def consume() -> list[str]:
        with recording(recorder):
            return [row async for row in rows()]

    task = asyncio.ensure_future(consume())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await asyncio.wait_for(slow.kept.wait(), 30)
    assert ids(slow) == [BSNS[:1]]
