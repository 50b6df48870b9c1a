"""What is under way: contexts, verwerkingen, and further steps within them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from verwerkingenlogging import (
    Doelbinding,
    InvalidValue,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    OutsideContext,
    Recorder,
    Vertrouwelijkheid,
    VerwerktObject,
    alog_actie,
    log_actie,
    persoon,
    recording,
    verwerking,
    verwerkingsactie,
)
from verwerkingenlogging.context import current
from verwerkingenlogging.model.trace import Trace, new_trace

ZAAK = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")


class SpanMemory(MemoryLog):
    wants_spans = True


def test_a_job_says_on_whose_behalf_and_for_whom(recorder: Recorder, log: MemoryLog) -> None:
    caller = Doelbinding(oin="00000001804770694000")
    with recording(recorder, oin="00000001821002193000", caller=caller, gebruiker="2ecf8e86"):
        log_actie("Ophalen persoonsgegevens", objecten="2308572", activiteit="brp-registratie")
    (actie,) = log.acties
    assert (actie.gebruiker, actie.afnemer_id) == ("2ecf8e86", "00000001804770694000")


def test_threads_that_come_first_together_share_one_verwerking(log: MemoryLog, recorder: Recorder) -> None:
    both = threading.Barrier(2, timeout=60)

    def new_id() -> UUID:
        both.wait()  # neither has a verwerking yet
        return uuid4()

    def step() -> None:
        log_actie("Ophalen persoonsgegevens", objecten="2308572", activiteit="brp-registratie")

    with recording(Recorder(log, recorder.settings, new_id=new_id)) as context, ThreadPoolExecutor(2) as threads:
        for step_of_a_thread in [threads.submit(copy_context().run, step) for _ in range(2)]:
            step_of_a_thread.result(timeout=60)
    first, second = log.acties
    assert context.verwerking is not None
    assert first.verwerking_id == second.verwerking_id == context.verwerking.id


def test_threads_that_come_first_together_share_one_trace(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    log = SpanMemory()
    together = threading.Barrier(8, timeout=60)

    def gebruiker() -> None:
        together.wait()  # there is no trace yet

    def slowly() -> Trace:
        time.sleep(0.05)  # so that the others have seen that there is none
        return new_trace()

    monkeypatch.setattr("verwerkingenlogging._context.new_trace", slowly)
    with recording(Recorder(log, recorder.settings)) as context, ThreadPoolExecutor(8) as threads:
        context.gebruiker = gebruiker
        step = partial(log_actie, "Ophalen", objecten="2308572", activiteit="brp-registratie", verwerking_id=ZAAK)
        for one in [threads.submit(copy_context().run, step) for _ in range(8)]:
            one.result(timeout=60)
    assert context.trace is not None
    assert {actie.span.trace_id for actie in log.acties if actie.span is not None} == {context.trace.trace_id}
    assert len(log.acties) == 8


def test_threads_that_name_their_own_verwerking_keep_it(log: MemoryLog, recorder: Recorder) -> None:
    both = threading.Barrier(2, timeout=60)

    def gebruiker() -> None:
        both.wait()  # neither has a verwerking yet

    ours = [uuid4(), uuid4()]
    with recording(recorder) as context, ThreadPoolExecutor(2) as threads:
        context.gebruiker = gebruiker
        steps = [
            threads.submit(
                copy_context().run,
                lambda one=one: log_actie("Ophalen", objecten="2308572", activiteit="brp-registratie", verwerking_id=one),
            )
            for one in ours
        ]
        for step in steps:
            step.result(timeout=60)
    assert sorted(str(actie.verwerking_id) for actie in log.acties) == sorted(map(str, ours))
    assert context.verwerking is not None
    assert context.verwerking.id in ours


@pytest.mark.parametrize("value", ["geheim", "Vertrouwelijk", 1])
def test_a_confidentiality_that_is_none_is_refused(recorder: Recorder, value: Any) -> None:
    with (
        recording(recorder),
        pytest.raises(InvalidValue, match=r"vertrouwelijkheid: must be one of normaal, vertrouwelijk, opgeheven"),
        verwerking("Huwelijk", vertrouwelijkheid=value),
    ):
        pass


def test_a_confidentiality_may_be_given_as_text(recorder: Recorder, log: MemoryLog) -> None:
    with recording(recorder), verwerking("Onderzoek", activiteit="fraude", vertrouwelijkheid="vertrouwelijk"):  # type: ignore[arg-type]  # as code without types does
        log_actie("Ophalen persoonsgegevens", objecten="2308572")
    assert log.acties[0].vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK


def test_a_verwerking_is_shared_by_all_within(recorder: Recorder, log: MemoryLog) -> None:
    with (
        recording(recorder),
        verwerking(
            "Huwelijk",
            id=str(ZAAK),
            activiteit="brp-registratie",
            handeling_naam="Intake",
            vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK,
            bewaartermijn="P7Y",
        ) as huwelijk,
    ):
        log_actie("Ophalen persoonsgegevens", objecten=["2308572", VerwerktObject(object_id="9358297", betrokkenheid="Partner")])
        log_actie("Opslaan persoonsgegevens", objecten="2308572", handeling_naam="Registratie huwelijk", gegevensbron="Archief")
    first, second = log.acties
    assert huwelijk.id == first.verwerking_id == second.verwerking_id == ZAAK
    assert (first.verwerking_naam, first.handeling_naam, first.bewaartermijn) == ("Huwelijk", "Intake", "P7Y")
    assert (second.handeling_naam, second.gegevensbron) == ("Registratie huwelijk", "Archief")
    assert first.vertrouwelijkheid is second.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK
    assert [objekt.betrokkenheid for objekt in first.verwerkte_objecten] == [None, "Partner"]


def test_a_verwerking_within_another_takes_over_all_but_the_id(recorder: Recorder, log: MemoryLog) -> None:
    with recording(recorder), verwerking("Huwelijk", id=ZAAK, activiteit="brp-registratie", bewaartermijn="P7Y"):
        with verwerking(handeling_naam="Intake") as inner:
            log_actie("Zoeken persoon", objecten="2308572")
        log_actie("Opslaan persoonsgegevens", objecten="2308572")
    first, second = log.acties
    assert inner.id == first.verwerking_id != ZAAK == second.verwerking_id
    assert (first.verwerking_naam, first.handeling_naam, first.bewaartermijn) == ("Huwelijk", "Intake", "P7Y")
    assert second.handeling_naam is None


def test_a_verwerking_is_over_when_its_block_is_even_after_an_error(recorder: Recorder) -> None:
    with recording(recorder):
        with pytest.raises(RuntimeError), verwerking("Huwelijk", id=ZAAK):
            raise RuntimeError
        assert current().verwerking is None
    with pytest.raises(OutsideContext):
        current()


@pytest.mark.parametrize("keywords", [{"naam": ""}, {"handeling_naam": "x" * 243}, {"bewaartermijn": "10"}])
def test_a_wrong_verwerking_is_refused(recorder: Recorder, keywords: dict[str, str]) -> None:
    with recording(recorder), pytest.raises(InvalidValue), verwerking(**keywords):  # type: ignore[arg-type]  # texts, as the parameters are
        pass
    with recording(recorder), pytest.raises(ValueError, match="badly formed"), verwerking("Huwelijk", id="zaak-5"):
        pass


async def test_further_steps_take_over_what_their_annotation_says(recorder: Recorder, log: MemoryLog) -> None:
    @verwerkingsactie(
        "Ophalen persoonsgegevens", activiteit="fraude", objecten=persoon("bsn"), verwerking_naam="Onderzoek", verwerking_id="zaak"
    )
    async def body(bsn: str, zaak: UUID) -> None:
        await alog_actie("Opslaan persoonsgegevens", objecten=[VerwerktObject(object_id=bsn, betrokkenheid="Verdachte")])
        log_actie("Versturen brief", objecten=bsn, activiteit="brp-registratie", verwerking_id=UUID(int=7), verwerking_naam="Brief")

    with recording(recorder):
        await body("2308572", ZAAK)
    ophalen, opslaan, brief = log.acties
    assert (opslaan.verwerking_id, opslaan.verwerking_naam) == (ZAAK, "Onderzoek")
    assert opslaan.verwerkingsactiviteit_id == ophalen.verwerkingsactiviteit_id
    assert (brief.verwerking_id, brief.verwerking_naam) == (UUID(int=7), "Brief")
    assert brief.verwerkingsactiviteit_id == UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")


def test_a_step_can_name_who_receives_the_data(recorder: Recorder, log: MemoryLog) -> None:
    with recording(recorder), verwerking("Inzage", activiteit="brp-registratie"):
        log_actie("Tonen persoonsgegevens", objecten="2308572", soort_afnemer_id="BSN", afnemer_id="2308572")  # C2521
    assert (log.acties[0].soort_afnemer_id, log.acties[0].afnemer_id) == ("BSN", "2308572")


async def test_a_step_that_cannot_be_recorded_raises(recorder: Recorder, log: MemoryLog) -> None:
    with recording(recorder):
        with pytest.raises(NotRecorded, match="no verwerkingsactiviteit"):
            log_actie("Opslaan persoonsgegevens", objecten="2308572")
        with pytest.raises(NotRecorded, match="object_id"):
            log_actie("Opslaan persoonsgegevens", objecten="1" * 41, activiteit="brp-registratie")
        with pytest.raises(NotRecorded, match="afnemer_id"):
            log_actie("Tonen", objecten="1", activiteit="brp-registratie", soort_afnemer_id="OIN", afnemer_id="1")
        with pytest.raises(NotRecorded, match="actie_naam"):
            await alog_actie("", objecten="1", activiteit="brp-registratie")
        log.failure = LogUnavailable("down")
        with pytest.raises(LogUnavailable):
            log_actie("Opslaan persoonsgegevens", objecten="1", activiteit="brp-registratie")
        with pytest.raises(LogUnavailable):
            await alog_actie("Opslaan persoonsgegevens", objecten="1", activiteit="brp-registratie")
    with pytest.raises(OutsideContext):
        log_actie("Opslaan persoonsgegevens", objecten="1", activiteit="brp-registratie")
    assert log.acties == []
