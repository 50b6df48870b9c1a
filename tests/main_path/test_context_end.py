"""A context ends with its request or job (A6): what runs on after it is told apart, and bears nobody else's user."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    Doelbinding,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    OutsideContext,
    Recorder,
    Settings,
    Vertrouwelijkheid,
    carried,
    log_actie,
    persoon,
    recording,
    verwerking,
    verwerkingsactie,
)

OIN, OTHER, DERDE = "00000001821002193000", "00000099000000001000", "00000001804770694000"


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def recorder(log: MemoryLog) -> Recorder:
    activiteit = Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))
    return Recorder(log, Settings(oin=OIN, activiteiten=Activiteiten({OIN: [activiteit], OTHER: [activiteit]})))


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
def read(bsn: str) -> str:
    inner(bsn)
    return bsn


@verwerkingsactie("Ophalen adres", activiteit="brp", objecten=persoon("bsn"))
def inner(bsn: str) -> str:
    return bsn


@pytest.fixture
def request_context(recorder: Recorder) -> contextvars.Context:
    """The context variables of a request that is over, as a worker has them that it started."""
    caller = Doelbinding(oin=DERDE)
    with recording(recorder, caller=caller, gebruiker="somebody"), verwerking("Huwelijk"):
        read("999990019")
        return contextvars.copy_context()


def test_what_runs_on_has_no_user_no_afnemer_and_a_verwerking_of_its_own(
    log: MemoryLog, request_context: contextvars.Context, caplog: pytest.LogCaptureFixture
) -> None:
    first = log.acties[0]
    assert (first.gebruiker, first.afnemer_id, first.verwerking_naam) == ("somebody", DERDE, "Huwelijk")
    for _ in range(2):
        request_context.run(read, "999990020")
    one, inside, other, _ = log.acties[2:]
    assert {(actie.gebruiker, actie.afnemer_id, actie.verwerking_naam) for actie in log.acties[2:]} == {(None, None, None)}
    assert one.verwerking_id == inside.verwerking_id
    assert len({first.verwerking_id, one.verwerking_id, other.verwerking_id}) == 3
    (told,) = [record.getMessage() for record in caplog.records]
    assert "code runs on after the request or job in which it was started" in told


def test_it_is_counted_once_a_request(recorder: Recorder, request_context: contextvars.Context) -> None:
    for _ in range(2):
        request_context.run(read, "999990020")
    assert recorder.faults == {"context: code runs on after its request": 1}


@pytest.mark.parametrize("caller", [True, False])
def test_what_was_confidential_stays_so(recorder: Recorder, log: MemoryLog, caller: bool) -> None:
    strict = Vertrouwelijkheid.VERTROUWELIJK
    asked = Doelbinding(vertrouwelijkheid=strict) if caller else Doelbinding()
    with recording(recorder, caller=asked), verwerking("Onderzoek", vertrouwelijkheid=None if caller else strict):
        context = contextvars.copy_context()
    context.run(read, "999990019")
    assert {actie.vertrouwelijkheid for actie in log.acties} == {strict}


def test_where_each_request_has_its_organisation_it_is_refused(recorder: Recorder, log: MemoryLog) -> None:
    with recording(recorder, oin=OTHER):
        context = contextvars.copy_context()
    with pytest.raises(OutsideContext, match="on behalf of which organisation is unknown"):
        context.run(read, "999990019")
    assert log.acties == []


def test_what_cannot_be_recorded_then_is_told_too(
    log: MemoryLog, request_context: contextvars.Context, caplog: pytest.LogCaptureFixture
) -> None:
    """No middleware asks that context any more."""
    log.failure = LogUnavailable("down")
    with pytest.raises(NotRecorded):
        request_context.run(read, "999990020")
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == ["not recorded, so not processed: down"]


async def test_a_worker_that_the_first_job_starts_bears_none_of_it(recorder: Recorder, log: MemoryLog) -> None:
    questions: asyncio.Queue[tuple[str, asyncio.Future[str]]] = asyncio.Queue()

    async def work() -> None:
        while True:
            bsn, answer = await questions.get()
            answer.set_result(read(bsn))

    async def ask(user: str, bsn: str) -> None:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        with recording(recorder, gebruiker=user):
            if not workers:
                workers.append(asyncio.create_task(work()))
            await questions.put((bsn, answer))
            await answer

    workers: list[asyncio.Task[None]] = []
    await ask("first", "999990019")
    await ask("second", "999990020")
    workers[0].cancel()
    assert [actie.gebruiker for actie in log.acties] == ["first", "first", None, None]


async def test_a_worker_may_have_a_context_of_its_own_for_each_piece_of_work(recorder: Recorder, log: MemoryLog) -> None:
    with recording(recorder, gebruiker="somebody"):
        context = contextvars.copy_context()

    def work() -> None:
        with recording(recorder, gebruiker="worker"):
            read("999990020")

    context.run(work)
    assert {actie.gebruiker for actie in log.acties} == {"worker"}


@pytest.mark.parametrize("decided", [True, False])
async def test_a_task_that_was_carried_over_belongs_to_the_request(recorder: Recorder, log: MemoryLog, decided: bool) -> None:
    go = asyncio.Event()

    async def write() -> None:
        await go.wait()
        log_actie("Versturen brief", activiteit="brp", objecten="999990019")

    with recording(recorder, caller=Doelbinding(oin=DERDE), gebruiker="somebody"):
        if decided:
            read("999990019")
        task = asyncio.create_task(write(), context=carried())
        read("999990019")
    go.set()
    await task
    assert {(actie.gebruiker, actie.afnemer_id) for actie in log.acties} == {("somebody", DERDE)}
    assert len({actie.verwerking_id for actie in log.acties}) == 1
    assert recorder.faults == {}


def test_a_thread_of_a_pool_can_be_carried_along(recorder: Recorder, log: MemoryLog) -> None:
    with ThreadPoolExecutor(1) as pool, recording(recorder, gebruiker="somebody"):
        with pytest.raises(OutsideContext, match=r"executor\.submit\(carried\(\)\.run, function\)"):
            pool.submit(read, "999990019").result()
        assert pool.submit(carried().run, read, "999990019").result() == "999990019"
    assert [actie.gebruiker for actie in log.acties] == ["somebody", "somebody"]


def test_nothing_is_carried_from_nowhere() -> None:
    with pytest.raises(OutsideContext):
        contextvars.Context().run(carried)
