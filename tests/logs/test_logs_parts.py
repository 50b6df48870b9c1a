"""More persons than one record holds: every log records them all, in parts that belong together, or refuses before anything is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from crash.receivers import Sink
from tests.http_server import answer, http_server
from tests.otlp_receiver import otlp_http
from tests.outbox import Keeper, actie, delivered, wait_until

from verwerkingenlogging import LogRefused, MemoryLog, Recorder, Verwerkingsactie, VerwerktObject, gevonden, recording, verwerkingsactie
from verwerkingenlogging.ldv.subjects import SubjectsInClear
from verwerkingenlogging.logs import parts
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.confirmed import ConfirmedLog
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.parts import parts_of
from verwerkingenlogging.logs.protocol import Entry, Verwerkingenlog
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging.model import VerwerktSoortGegeven, filled, wire_form
from verwerkingenlogging.model.limits import RECORD_MAX
from verwerkingenlogging.model.trace import Span

MANY = 25_000
PEOPLE = tuple(VerwerktObject(object_id=f"{number:09}") for number in range(MANY))
LARGE = filled(actie("Zoeken"), verwerkte_objecten=PEOPLE)
TOO_LARGE = filled(
    actie("Zoeken"),
    verwerkte_objecten=(
        VerwerktObject(object_id="1", verwerkte_soorten_gegevens=(VerwerktSoortGegeven(soort_gegeven="x" * 242),) * (RECORD_MAX // 250)),
    ),
)


def people(acties: list[Verwerkingsactie]) -> list[str]:
    return [objekt.object_id for one in acties for objekt in one.verwerkte_objecten]


def together(acties: list[Verwerkingsactie]) -> None:
    """They hold everybody once, in order, are no larger than a register takes, and say the same of all else."""
    assert people(acties) == [objekt.object_id for objekt in PEOPLE]
    assert 1 < len(acties) < 20
    assert all(len(wire_form(one)) <= RECORD_MAX for one in acties)
    assert len({wire_form(filled(one, verwerkte_objecten=())) for one in acties}) == 1


def decoded(bodies: list[bytes]) -> list[Verwerkingsactie]:
    return [msgspec.json.decode(body, type=Verwerkingsactie) for body in bodies]


@pytest.fixture
def api() -> Iterator[tuple[Verwerkingenlog, Callable[[], list[Verwerkingsactie]]]]:
    with http_server() as server:
        server.answer = answer(201, {"actieId": "x"})
        log = ApiLog(server.url, token="t", timeout=60)
        yield log, lambda: decoded([body for _, _, body in server.requests])
        log.close()


def test_a_register_over_http(api: tuple[ApiLog, Callable[[], list[Verwerkingsactie]]]) -> None:
    log, recorded = api
    log.log([LARGE])
    together(recorded())
    with pytest.raises(LogRefused, match="more than a register takes"):
        log.log([TOO_LARGE])


async def test_a_register_over_http_on_an_event_loop(api: tuple[ApiLog, Callable[[], list[Verwerkingsactie]]]) -> None:
    log, recorded = api
    await log.alog([LARGE])
    await log.aclose()
    together(await asyncio.to_thread(recorded))


@pytest.mark.parametrize("place", [None, Span(trace_id=b"t" * 16, span_id=b"s" * 8, parent_span_id=b"p" * 8)], ids=["", "with a span"])
def test_an_outbox(folder: Path, keeper: Keeper, place: Span | None) -> None:
    with OutboxLog(folder, keeper) as outbox:
        outbox.log([filled(LARGE, span=place)])
        with pytest.raises(LogRefused, match="more than a register takes"):
            outbox.log([TOO_LARGE])
        delivered(outbox)
    acties = [entry.actie for entry in keeper.entries.values()]
    together([filled(one, span=None) for one in acties])
    if place is not None:
        spans = [one.span for one in acties if one.span is not None]
        assert len({span.span_id for span in spans}) == len(acties)
        assert {(span.trace_id, span.parent_span_id) for span in spans} == {(b"t" * 16, b"p" * 8)}


def test_memory() -> None:
    log = MemoryLog()
    log.log([actie(1), LARGE])
    assert log.acties[0] == actie(1) or log.acties[0].actie_naam == "1"
    together(log.acties[1:])


def test_what_is_confirmed() -> None:
    class Way:
        taken: list[Entry]

        def deliver(self, entries: Sequence[Entry]) -> list[None]:
            self.taken = list(entries)
            return [None] * len(entries)

    way = Way()
    with http_server() as server:
        server.answer = answer(200, {"missing": [], "refused": []})
        log = ConfirmedLog(way, by=ApiLog(server.url, token="t", timeout=60))
        log._in_doubt = False
        log.log([LARGE])
        log.close()
    assert len({entry.key for entry in way.taken}) == len(way.taken)
    together(decoded([entry.body for entry in way.taken]))


def test_spans() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    with otlp_http() as receiver:
        log = SpanLog(OTLPSpanExporter(receiver.address), subjects=SubjectsInClear())
        log.log([LARGE])
        log.close()
        assert sorted(people(receiver.acties())) == [objekt.object_id for objekt in PEOPLE]
        assert len(receiver.acties()) == len(parts_of(LARGE))


def test_a_real_register_takes_each_part(sink: Sink, folder: Path) -> None:
    with OutboxLog(folder, ApiLog(sink.address, token=sink.token, timeout=60)) as outbox:
        outbox.log([LARGE])
        delivered(outbox)
        assert outbox.status().refused == 0
    wait_until(lambda: [its for its, _ in sink.recorded()] == [str(LARGE.verwerking_id)] * len(parts_of(LARGE)))


@pytest.mark.parametrize("number", [0, 1, parts.FEW, parts.FEW + 1, 3_000, MANY])
def test_whoever_was_found_is_in_a_record_before_he_is_shown(recorder: Recorder, log: MemoryLog, number: int) -> None:
    @verwerkingsactie("Zoeken", activiteit="brp-registratie", objecten=gevonden(lambda found: found))
    def zoek() -> list[str]:
        return [f"{each:09}" for each in range(number)]

    with recording(recorder):
        assert len(zoek()) == number
    assert people(log.acties) == [f"{each:09}" for each in range(number)]
    assert len({one.verwerking_id for one in log.acties}) <= 1
