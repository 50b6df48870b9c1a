"""The annotation: recorded before the body, or before the result goes on, and otherwise neither."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

import pytest
import trio

from verwerkingenlogging import (
    ConfigurationError,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    OutsideContext,
    Recorder,
    Vertrouwelijkheid,
    Verwerkingsactie,
    VerwerktObject,
    alog_actie,
    geen_verwerking,
    gevonden,
    persoon,
    recording,
    verwerking,
    verwerkingsactie,
    verwerkt_object,
)
from verwerkingenlogging.annotation import annotations_of, geen_verwerking_reason
from verwerkingenlogging.calls.arguments import Value
from verwerkingenlogging.testing import CapturedLog

ZAAK = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")
ophalen = functools.partial(verwerkingsactie, "Ophalen persoonsgegevens", activiteit="brp-registratie")


def ids(actie: Verwerkingsactie) -> list[str]:
    return [objekt.object_id for objekt in actie.verwerkte_objecten]


def test_a_known_person_is_recorded_before_the_body_runs(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn", betrokkenheid="Aanvrager"))
    def body(bsn: str) -> int:
        return len(log.acties)

    with recording(recorder):
        assert body("2308572") == 1
    assert log.acties[0].verwerkte_objecten == (VerwerktObject(object_id="2308572", betrokkenheid="Aanvrager"),)


async def test_a_known_person_is_recorded_before_an_async_body_runs(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn"))
    async def body(bsn: str) -> int:
        return len(log.acties)

    with recording(recorder):
        assert await body(bsn="2308572") == 1


async def test_when_the_log_is_down_no_body_runs(recorder: Recorder, log: MemoryLog) -> None:
    ran: list[str] = []

    @ophalen(objecten=persoon("bsn"))
    def body(bsn: str) -> None:
        ran.append(bsn)

    @ophalen(objecten=persoon("bsn"))
    async def async_body(bsn: str) -> None:
        ran.append(bsn)

    log.failure = LogUnavailable("down")
    with recording(recorder):
        with pytest.raises(LogUnavailable):
            body("2308572")
        with pytest.raises(LogUnavailable):
            await async_body("2308572")
    assert ran == []


async def test_found_persons_are_recorded_before_the_result_goes_on(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=gevonden(lambda found: found))
    def search() -> list[str]:
        assert log.acties == []
        return ["2308572", "5649587"]

    @ophalen(objecten=gevonden(lambda found: found))
    async def async_search() -> list[str]:
        return search()

    with recording(recorder):
        assert await async_search() == ["2308572", "5649587"]
    assert [ids(actie) for actie in log.acties] == [["2308572", "5649587"]] * 2
    assert log.acties[0].verwerkte_objecten[0].betrokkenheid == "Getoond in zoekresultaat"


async def test_when_the_log_is_down_no_result_goes_on(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=gevonden(lambda found: found))
    def search() -> list[str]:
        return ["2308572"]

    @ophalen(objecten=gevonden(lambda found: found))
    async def async_search() -> list[str]:
        return ["2308572"]

    log.failure = LogUnavailable("down")
    with recording(recorder):
        with pytest.raises(LogUnavailable):
            search()
        with pytest.raises(LogUnavailable):
            await async_search()


async def test_nobody_found_is_nothing_recorded(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=gevonden(lambda found: found))
    def search() -> list[str]:
        return []

    @ophalen(objecten=gevonden(lambda found: found))
    async def async_search() -> None:
        return None

    with recording(recorder):
        search()
        await async_search()
    assert log.acties == []


async def test_the_applications_own_error_passes_unchanged(recorder: Recorder, log: MemoryLog) -> None:
    error = LookupError("no such person")

    @ophalen(objecten=persoon("bsn"))
    def body(bsn: str) -> None:
        raise error

    @ophalen(objecten=gevonden(lambda found: found))
    async def search() -> list[str]:
        raise error

    with recording(recorder):
        with pytest.raises(LookupError) as caught:
            body("2308572")
        assert caught.value is error
        with pytest.raises(LookupError) as caught:
            await search()
        assert caught.value is error
    assert len(log.acties) == 1  # the known person's, which was recorded first


class Burger:
    def __init__(self, bsn: str, partner: Burger | None = None) -> None:
        self.bsn = bsn
        self.partner = partner


@pytest.mark.parametrize(
    ("value", "argument", "expected"),
    [
        ("x", "2308572", ["2308572"]),
        ("x", ["2308572", "8495621"], ["2308572", "8495621"]),
        ("x", (bsn for bsn in ("2308572",)), ["2308572"]),
        ("x", None, []),
        ("x", [None, "2308572"], ["2308572"]),
        ("x", VerwerktObject(object_id="2308572"), ["2308572"]),
        ("x.bsn", Burger("2308572"), ["2308572"]),
        ("x.partner.bsn", Burger("2308572"), []),
        ("x.partner.bsn", Burger("2308572", Burger("9358297")), ["9358297"]),
        ("x.bsn", [Burger("2308572"), Burger("8495621")], ["2308572", "8495621"]),
        ("x.path_params.bsn", {"path_params": {"bsn": "2308572"}}, ["2308572"]),
        ("x.personen.bsn", MappingProxyType({"personen": [{"bsn": "2308572"}]}), ["2308572"]),
        (lambda x: x[::-1], "2758032", ["2308572"]),
        (lambda x, y: [x, y], "2308572", ["2308572", "standaard"]),
    ],
)
def test_persons_are_found_among_the_arguments(
    recorder: Recorder, log: MemoryLog, value: Value, argument: Any, expected: list[str]
) -> None:
    @ophalen(objecten=persoon(value))
    def body(x: Any, y: str = "standaard") -> None: ...

    with recording(recorder):
        body(argument)
    assert ids(log.acties[0]) == expected


def test_arguments_are_found_however_the_function_is_called(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=[persoon("a"), persoon("b"), persoon("c"), persoon("d")])
    def body(a: str, /, b: str, *, c: str = "3", **others: str) -> None: ...

    with recording(recorder):
        body("1", "2", d="4")
        body("1", b="2", c="5", d="4")
    assert [ids(actie) for actie in log.acties] == [["1", "2", "3", "4"], ["1", "2", "5", "4"]]


def test_each_person_has_its_own_capacity_and_kinds_of_data(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(
        objecten=[
            persoon("aanvrager", betrokkenheid="Aanvrager", soorten_gegevens=["Adres"]),
            persoon("medebewoners", betrokkenheid="Medebewoner", soorten_gegevens=lambda velden: velden),
        ]
    )
    def body(aanvrager: str, medebewoners: Sequence[str], velden: Sequence[str]) -> None: ...

    with recording(recorder):
        body("2308572", ["8495621", "7586426"], ["Geboortedatum", "Nationaliteit"])
    told = [
        (objekt.object_id, objekt.betrokkenheid, [soort.soort_gegeven for soort in objekt.verwerkte_soorten_gegevens])
        for objekt in log.acties[0].verwerkte_objecten
    ]
    assert told == [
        ("2308572", "Aanvrager", ["Adres"]),
        ("8495621", "Medebewoner", ["Geboortedatum", "Nationaliteit"]),
        ("7586426", "Medebewoner", ["Geboortedatum", "Nationaliteit"]),
    ]


def test_found_persons_take_arguments_along(recorder: Recorder, log: MemoryLog) -> None:
    """C7293: the fields that were asked for are the kinds of data on every hit."""

    @ophalen(objecten=gevonden(lambda found, maximum: found[:maximum], soorten_gegevens=lambda velden: velden, betrokkenheid=None))
    def search(velden: list[str], maximum: int = 1) -> list[str]:
        return ["2308572", "8237562"]

    with recording(recorder):
        search(["Geboortedatum", "Adres"])
    (hit,) = log.acties[0].verwerkte_objecten
    assert (hit.object_id, hit.betrokkenheid) == ("2308572", None)
    assert [soort.soort_gegeven for soort in hit.verwerkte_soorten_gegevens] == ["Geboortedatum", "Adres"]


def test_another_identifier_takes_the_place_of_the_bsn(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("nummer", soort_object_id="Personeelsnummer", betrokkenheid="Aanvrager"))
    def body(nummer: str) -> None: ...

    with recording(recorder):
        body("2758032")
    assert log.acties[0].verwerkte_objecten == (
        VerwerktObject(object_id="2758032", soort_object_id="Personeelsnummer", betrokkenheid="Aanvrager"),
    )


def test_another_kind_of_object_is_logged_where_the_settings_allow_it(make_recorder: Callable[..., Recorder], log: MemoryLog) -> None:
    @ophalen(objecten=verwerkt_object("adres", objecttype="adresseerbaar-object", soort_object_id="BAG"))
    def body(adres: str) -> None: ...

    with recording(make_recorder(objecttypen=frozenset({"adresseerbaar-object"}))):
        body("0363100012061219")
    assert log.acties[0].verwerkte_objecten[0].objecttype == "adresseerbaar-object"
    with recording(make_recorder()), pytest.raises(NotRecorded, match="objecttype"):
        body("0363100012061219")


def test_an_actie_may_have_no_persons(recorder: Recorder, log: MemoryLog) -> None:
    @verwerkingsactie("Starten selectie", activiteit="brp-registratie", objecten=[])
    def nightly() -> int:
        return len(log.acties)

    with recording(recorder):
        assert nightly() == 1
    assert log.acties[0].verwerkte_objecten == ()


def test_every_fixed_attribute_can_be_annotated(recorder: Recorder, log: MemoryLog) -> None:
    @verwerkingsactie(
        "Zoeken persoon",
        activiteit="fraude",
        objecten=persoon("bsn"),
        handeling_naam="Verzamelen informatie",
        verwerking_naam="Fraudeonderzoek",
        verwerking_id="zaak",
        vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK,
        bewaartermijn="P7Y",
        gegevensbron="Archief",
    )
    def body(bsn: str, zaak: str) -> None: ...

    with recording(recorder):
        body("2308572", str(ZAAK))
    actie = log.acties[0]
    assert (actie.actie_naam, actie.handeling_naam, actie.verwerking_naam) == ("Zoeken persoon", "Verzamelen informatie", "Fraudeonderzoek")
    assert (actie.verwerking_id, actie.vertrouwelijkheid) == (ZAAK, Vertrouwelijkheid.VERTROUWELIJK)
    assert (actie.bewaartermijn, actie.gegevensbron) == ("P7Y", "Archief")


@pytest.mark.parametrize(("given", "counted"), [(ZAAK, 0), (str(ZAAK), 0), (None, 0), ("not-a-uuid", 1), (5, 1)])
def test_a_malformed_verwerking_id_gets_a_new_one_and_is_counted(recorder: Recorder, log: MemoryLog, given: Any, counted: int) -> None:
    @ophalen(objecten=persoon("bsn"), verwerking_id="zaak")
    def body(bsn: str, zaak: Any) -> None: ...

    with recording(recorder):
        body("2308572", given)
    assert (log.acties[0].verwerking_id == ZAAK) == (str(given) == str(ZAAK))
    assert log.acties[0].verwerking_id is not None
    assert recorder.faults["verwerking_id: invalid"] == counted


def test_all_acties_of_a_context_share_one_verwerking(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn"))
    def inner(bsn: str) -> None: ...

    @ophalen(objecten=persoon("bsn"), verwerking_naam="Huwelijk")
    def outer(bsn: str) -> None:
        inner(bsn)

    with recording(recorder):
        outer("2308572")
        inner("9358297")
    with recording(recorder):
        inner("2308572")
    first, second, third, other = log.acties
    assert first.verwerking_id == second.verwerking_id == third.verwerking_id != other.verwerking_id
    assert [actie.verwerking_naam for actie in log.acties] == ["Huwelijk", "Huwelijk", "Huwelijk", None]


def test_what_runs_inside_an_actie_is_as_confidential_and_kept_as_long(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn"))
    def inner(bsn: str) -> None: ...

    @ophalen(objecten=persoon("bsn"), vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK, bewaartermijn="P7Y")
    def outer(bsn: str) -> None:
        inner(bsn)

    with recording(recorder):
        outer("2308572")
    assert (log.acties[1].vertrouwelijkheid, log.acties[1].bewaartermijn) == (Vertrouwelijkheid.VERTROUWELIJK, "P7Y")


def test_an_explicit_verwerking_id_is_another_verwerking(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn"), verwerking_id="zaak")
    def inner(bsn: str, zaak: UUID) -> None: ...

    with recording(recorder), verwerking("Huwelijk", id=ZAAK):
        inner("2308572", ZAAK)
        inner("2308572", UUID(int=5))
    assert [(actie.verwerking_id, actie.verwerking_naam) for actie in log.acties] == [(ZAAK, "Huwelijk"), (UUID(int=5), None)]


def test_annotations_can_stand_on_one_another(recorder: Recorder, log: MemoryLog) -> None:
    @verwerkingsactie("Ophalen aanvrager", activiteit="brp-registratie", objecten=persoon("bsn"))
    @verwerkingsactie("Zoeken medebewoners", activiteit="brp-registratie", objecten=gevonden(lambda found: found))
    def body(bsn: str) -> list[str]:
        return ["8495621"]

    with recording(recorder):
        body("2308572")
    assert [(actie.actie_naam, ids(actie)) for actie in log.acties] == [
        ("Ophalen aanvrager", ["2308572"]),
        ("Zoeken medebewoners", ["8495621"]),
    ]
    assert [annotation.template.actie_naam for annotation in annotations_of(body)] == ["Ophalen aanvrager", "Zoeken medebewoners"]


def test_methods_of_every_kind_can_be_annotated(recorder: Recorder, log: MemoryLog) -> None:
    class Dienst:
        @ophalen(objecten=persoon("bsn"))
        def method(self, bsn: str) -> None: ...

        @classmethod
        @ophalen(objecten=persoon("bsn"))
        def class_method(cls, bsn: str) -> None: ...

        @staticmethod
        @ophalen(objecten=persoon("bsn"))
        def static_method(bsn: str) -> None: ...

    with recording(recorder):
        Dienst().method("1")
        Dienst.class_method("2")
        Dienst.static_method(bsn="3")
    assert [ids(actie) for actie in log.acties] == [["1"], ["2"], ["3"]]


def test_what_calls_a_function_can_be_annotated_or_put_above_it(recorder: Recorder, log: MemoryLog) -> None:
    def body(bsn: str, count: int = 1) -> int:
        return count

    def rows(bsn: str, count: int) -> Iterator[int]:
        yield count

    class Dossier:
        bsn = "4"

        @functools.cached_property
        @ophalen(objecten=persoon("self.bsn"))
        def naam(self) -> str:
            return "Jansen"

        @property
        @ophalen(objecten=persoon("self.bsn"))
        def adres(self) -> str:
            return "Dorpsstraat"

    with recording(recorder):
        assert ophalen(objecten=persoon("bsn"))(functools.partial(body, count=2))("1") == 2
        assert list(ophalen(objecten=persoon("bsn"))(functools.partial(rows, count=3))("3")) == [3]
        dossier = Dossier()
        assert (dossier.naam, dossier.naam, dossier.adres) == ("Jansen", "Jansen", "Dorpsstraat")
    assert [ids(actie) for actie in log.acties] == [["1"], ["3"], ["4"], ["4"]]
    with pytest.raises(ConfigurationError, match=r"body: the annotation names the argument \"naam\""):
        ophalen(objecten=persoon("naam"))(functools.partial(body, count=2))


async def test_an_error_keeps_its_place_and_what_caused_it(recorder: Recorder) -> None:
    def fails() -> None:
        raise ValueError("of its own") from LookupError("cause")

    @ophalen(objecten=[])
    def body() -> None:
        fails()

    @ophalen(objecten=[])
    async def async_body() -> None:
        fails()

    with recording(recorder):
        with pytest.raises(ValueError, match="of its own") as caught:
            body()
        with pytest.raises(ValueError, match="of its own") as caught_too:
            await async_body()
    for error in (caught.value, caught_too.value):
        assert isinstance(error.__cause__, LookupError)
        frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert frames[-1] == "fails"
        assert frames[-2] in {"body", "async_body"}


def test_the_function_keeps_its_signature_and_its_kind() -> None:
    def plain(bsn: str, *, naam: str = "x") -> int:
        """What it does."""
        return 1

    async def awaited(bsn: str) -> int:
        return 1

    annotated = ophalen(objecten=persoon("bsn"))(plain)
    assert inspect.signature(annotated) == inspect.signature(plain, eval_str=True)
    assert (annotated.__name__, annotated.__doc__) == ("plain", "What it does.")
    assert not inspect.iscoroutinefunction(annotated)
    assert (annotated.__kwdefaults__, annotated.__wrapped__) == ({"naam": "x"}, plain)  # type: ignore[attr-defined]  # of functools.wraps
    assert inspect.iscoroutinefunction(ophalen(objecten=persoon("bsn"))(awaited))


def a_generator(bsn: str) -> Iterator[str]:
    yield bsn


async def an_async_generator(bsn: str) -> AsyncIterator[str]:
    yield bsn


def a_function(bsn: str) -> None: ...


class AClass:
    def __call__(self, bsn: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "keywords", "message"),
    [
        (
            a_function,
            {"objecten": persoon("burgerservicenummer")},
            r'a_function: the annotation names the argument "burgerservicenummer", which the function lacks; it has bsn',
        ),
        (a_function, {"objecten": persoon("naam.bsn")}, 'names the argument "naam"'),
        (a_function, {"objecten": persoon(lambda naam: naam)}, 'names the argument "naam"'),
        (a_function, {"objecten": persoon("bsn", soorten_gegevens=lambda velden: velden)}, 'names the argument "velden"'),
        (a_function, {"objecten": persoon("bsn"), "verwerking_id": "zaak"}, 'names the argument "zaak"'),
        (a_function, {"objecten": gevonden(lambda: [])}, "must take the result as its first parameter"),
        (a_function, {"objecten": gevonden(lambda r, naam: r)}, 'names the argument "naam"'),
        (a_function, {"objecten": gevonden(cast("Any", "bsn"))}, "gevonden takes a function of the result"),
        (a_function, {"objecten": gevonden(max)}, "signature of a function in the annotation cannot be read"),
        (a_function, {"objecten": [persoon("bsn"), gevonden(lambda r: r)]}, "give each its own annotation"),
        (a_function, {"objecten": persoon("bsn"), "handeling_naam": "x" * 243}, "@verwerkingsactie: handeling_naam: must have at most 242"),
        (a_function, {"objecten": persoon("bsn"), "bewaartermijn": "10"}, "bewaartermijn: must be a positive ISO 8601"),
        (AClass, {"objecten": persoon("bsn")}, "stands on functions and methods, not on type objects"),
        (AClass(), {"objecten": persoon("bsn")}, "not on AClass objects"),
        (staticmethod(a_function), {"objecten": persoon("bsn")}, "put @verwerkingsactie under @staticmethod"),
        (classmethod(cast("Any", a_function)), {"objecten": persoon("bsn")}, "put @verwerkingsactie under @classmethod"),
    ],
)
def test_a_wrong_annotation_fails_when_it_is_written(function: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ophalen(**keywords)(function)


@pytest.mark.parametrize(
    "make",
    [
        lambda: persoon("bsn", betrokkenheid="x" * 243),
        lambda: persoon("bsn", soort_object_id=""),
        lambda: persoon("bsn", soorten_gegevens="Adres"),
        lambda: persoon("bsn", soorten_gegevens=[""]),
        lambda: verwerkt_object("x", objecttype="Twee Woorden", soort_object_id="BAG"),
    ],
)
def test_wrong_words_fail_when_they_are_written(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"betrokkenheid|soort_object_id|soort|objecttype"):
        make()


@pytest.mark.parametrize("bsn", ["1" * 41, 2308572, b"2308572", {"bsn": "2308572"}, "a\nb", object()])
def test_a_value_that_is_no_identifier_stops_the_body_and_is_not_repeated(recorder: Recorder, log: MemoryLog, bsn: Any) -> None:
    @ophalen(objecten=persoon("bsn"))
    def body(bsn: Any) -> None:
        pytest.fail("the body ran")

    with recording(recorder), pytest.raises(NotRecorded, match="object_id") as caught:
        body(bsn)
    assert "2308572" not in str(caught.value)
    assert log.acties == []


def test_an_error_of_an_extractor_stops_the_result_and_is_not_repeated(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=gevonden(lambda found: found["2308572"]))
    def search() -> dict[str, str]:
        return {}

    @ophalen(objecten=persoon("x.missing"))
    def body(x: Burger) -> None:
        pytest.fail("the body ran")

    with recording(recorder):
        with pytest.raises(NotRecorded, match=r"search: the verwerkingsactie could not be made: KeyError was raised") as caught:
            search()
        assert caught.value.__suppress_context__
        with pytest.raises(NotRecorded, match=r'the path "x\.missing" leads nowhere in this Burger'):
            body(Burger("2308572"))
        with pytest.raises(NotRecorded, match="LookupError was raised"):
            body()  # type: ignore[call-arg]  # a missing argument
    assert log.acties == []


def test_an_unknown_activiteit_stops_the_body(recorder: Recorder) -> None:
    @verwerkingsactie("Ophalen", activiteit="onbekend", objecten=[])
    def body() -> None:
        pytest.fail("the body ran")

    with recording(recorder), pytest.raises(NotRecorded, match=r'\["00000001821002193000"\]\.onbekend'):
        body()


def test_outside_a_context_nothing_runs() -> None:
    @ophalen(objecten=persoon("bsn"))
    def body(bsn: str) -> None:
        pytest.fail("the body ran")

    with pytest.raises(OutsideContext, match="add the middleware"):
        body("2308572")


def test_a_thread_of_its_own_has_no_context_until_it_is_given_one(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn"))
    def body(bsn: str) -> None: ...

    caught: list[BaseException] = []

    def bare() -> None:
        try:
            body("2308572")
        except OutsideContext as error:
            caught.append(error)

    with recording(recorder):
        for target in (bare, functools.partial(contextvars.copy_context().run, body, "2308572")):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert (len(caught), len(log.acties)) == (1, 1)


class SlowLog(MemoryLog):
    """A log that takes its time, as a register over the network does."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        self.begun.set()
        await self.go_on.wait()
        self.log(acties)


async def test_a_cancelled_search_is_recorded_all_the_same(recorder: Recorder) -> None:
    log = SlowLog()

    @ophalen(objecten=gevonden(lambda found: found))
    async def search() -> list[str]:
        return ["2308572"]

    with recording(Recorder(log, recorder.settings)):
        task = asyncio.create_task(search())
        await log.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    log.go_on.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert [ids(actie) for actie in log.acties] == [["2308572"]]


async def test_a_request_cancelled_while_it_waits_for_the_log_does_not_run(recorder: Recorder) -> None:
    log = SlowLog()

    @ophalen(objecten=persoon("bsn"))
    async def body(bsn: str) -> None:
        pytest.fail("the body ran")

    with recording(Recorder(log, recorder.settings)):
        task = asyncio.create_task(body("2308572"))
        await log.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert log.acties == []


def test_it_works_on_trio_too(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon("bsn"))
    @ophalen(objecten=gevonden(lambda found: found))
    async def search(bsn: str) -> list[str]:
        await trio.lowlevel.checkpoint()
        return ["5649587"]

    with recording(recorder):
        trio.run(search, "2308572")
    assert [ids(actie) for actie in log.acties] == [["2308572"], ["5649587"]]


def test_a_function_can_say_that_it_handles_no_personal_data() -> None:
    def health() -> str:
        return "ok"

    assert geen_verwerking("health check")(health) is health
    assert geen_verwerking_reason(health) == "health check"
    assert geen_verwerking_reason(a_function) is None
    with pytest.raises(ConfigurationError, match="needs a reason"):
        geen_verwerking(" ")
    with pytest.raises(ConfigurationError, match="needs a reason"):
        geen_verwerking(health)  # type: ignore[arg-type]  # forgotten parentheses


# Decorators that decorate anew at each call, as Django's method_decorator does, and frameworks that read the signature


class _Handler:
    def handle(self, request: dict[str, str], bsn: str) -> str:
        return bsn

    async def ahandle(self, request: dict[str, str], bsn: str) -> str:
        return bsn


def at_each_call(decorator: Callable[[Callable[..., Any]], Callable[..., Any]], method: Callable[..., Any]) -> Callable[..., Any]:
    """``method`` decorated as Django's ``method_decorator`` does: a partial of the bound method that says it wraps the method."""

    def wrapper(self: object, *args: Any, **kwargs: Any) -> Any:
        bound = functools.wraps(method)(functools.partial(method.__get__(self, type(self))))
        return decorator(bound)(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize("where", ["bsn", "request.bsn"])
def test_a_partial_that_says_it_wraps_its_method_is_called_without_self(recorder: Recorder, log: MemoryLog, where: str) -> None:
    handle = at_each_call(ophalen(objecten=persoon(where)), _Handler.handle)
    with recording(recorder):
        for bsn in ("2308572", "5649587"):
            assert handle(_Handler(), {"bsn": bsn}, bsn) == bsn
            assert handle(_Handler(), {"bsn": bsn}, bsn=bsn) == bsn
    assert [ids(actie) for actie in log.acties] == [["2308572"], ["2308572"], ["5649587"], ["5649587"]]


async def test_so_is_a_partial_of_an_async_method(recorder: Recorder, log: MemoryLog) -> None:
    handle = at_each_call(ophalen(objecten=persoon("request.bsn")), _Handler.ahandle)
    with recording(recorder):
        assert await handle(_Handler(), {"bsn": "2308572"}, "2308572") == "2308572"
    assert [ids(actie) for actie in log.acties] == [["2308572"]]


def test_another_decorator_between_changes_nothing(recorder: Recorder, log: MemoryLog) -> None:
    def other(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inner

    annotate = ophalen(objecten=persoon("request.bsn"))
    handle = at_each_call(lambda function: annotate(other(function)), _Handler.handle)
    with recording(recorder):
        handle(_Handler(), {"bsn": "2308572"}, "5649587")
    assert [ids(actie) for actie in log.acties] == [["2308572"]]


def test_what_was_found_out_about_a_method_is_kept(recorder: Recorder, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a signature takes longer than recording."""
    handle = at_each_call(ophalen(objecten=persoon("bsn")), _Handler.handle)
    with recording(recorder):
        handle(_Handler(), {}, "2308572")
        monkeypatch.setattr("verwerkingenlogging.annotation.Arguments", None)
        handle(_Handler(), {}, "5649587")
    assert [ids(actie) for actie in log.acties] == [["2308572"], ["5649587"]]


def test_who_annotates_is_named_where_another_wrote_the_function() -> None:
    (annotation,) = annotations_of(ophalen(objecten=[])(contextvars.copy_context))
    assert annotation.where.startswith(f"{__name__}, line ")
    (annotation,) = annotations_of(ophalen(objecten=[])(ids))
    assert annotation.where == f"{__name__}.ids"


async def test_a_function_that_is_marked_as_a_coroutine_function_is_one(recorder: Recorder, log: MemoryLog) -> None:
    """Django marks the views that it makes of classes."""
    from asgiref.sync import markcoroutinefunction

    async def found() -> list[str]:
        return ["2308572"]

    def view() -> Any:
        return found()

    annotated = ophalen(objecten=gevonden(lambda result: result))(markcoroutinefunction(view))
    with recording(recorder):
        assert await annotated() == ["2308572"]
    assert [ids(actie) for actie in log.acties] == [["2308572"]]


def test_types_are_those_of_the_functions_own_module() -> None:
    """Django Ninja looks their names up in the module of what it is given, and that is ours."""

    def body(verhuizing: MemoryLog, unknown: Unknown, bsn: int = 5) -> Unknown:  # type: ignore[name-defined]  # noqa: F821  # only a type checker would know it
        return None

    signature = inspect.signature(ophalen(objecten=[])(body))
    assert [parameter.annotation for parameter in signature.parameters.values()] == [MemoryLog, "Unknown", int]
    assert (signature.parameters["bsn"].default, signature.return_annotation) == (5, "Unknown")


class Rejected(Exception):
    """As frameworks have it."""

    def __init__(self, status_code: object) -> None:
        super().__init__("2308572")
        self.status_code = status_code


@pytest.mark.parametrize(("status", "passes"), [(400, True), (415, True), (500, False), ("400", False), (None, False)])
def test_what_a_framework_says_against_the_request_passes(recorder: Recorder, log: MemoryLog, status: object, passes: bool) -> None:
    """A body that is no JSON is the client's to mend, and not the log's."""

    def reading(bsn: str) -> str:
        raise Rejected(status)

    @ophalen(objecten=persoon(reading))
    def body(bsn: str) -> None:
        pytest.fail("the body ran")

    with recording(recorder), pytest.raises(Rejected if passes else NotRecorded) as caught:
        body("2308572")
    assert passes or "2308572" not in str(caught.value)
    assert log.acties == []


async def test_a_user_who_must_be_fetched_is_fetched_before_the_actie(recorder: Recorder, log: MemoryLog) -> None:
    class Gebruiker:
        fetched: str | None = None

        def __call__(self) -> str | None:
            return self.fetched

        async def prepare(self) -> None:
            self.fetched = "u1"

    @ophalen(objecten=persoon("bsn"))
    async def body(bsn: str) -> None:
        await alog_actie("Ophalen details", objecten=bsn)

    with recording(recorder) as context:
        context.gebruiker = Gebruiker()
        await body("2308572")
    with recording(recorder, gebruiker="u2"):  # who is known already
        await body("2308572")
    assert [actie.gebruiker for actie in log.acties] == ["u1", "u1", "u2", "u2"]


async def test_a_user_whom_nobody_begins_to_fetch_stops_the_body(recorder: Recorder, log: MemoryLog) -> None:
    class Gebruiker:
        def __call__(self) -> str:
            pytest.fail("the user was asked for")

        def prepare(self) -> None:
            raise KeyError("2308572")

    @ophalen(objecten=persoon("bsn"))
    async def body(bsn: str) -> None:
        pytest.fail("the body ran")

    with recording(recorder) as context:
        context.gebruiker = Gebruiker()
        with pytest.raises(NotRecorded) as caught:
            await body("2308572")
    assert "2308572" not in str(caught.value)
    assert log.acties == []


class Answer:
    """As frameworks have one."""

    def __init__(self, status_code: int, data: object) -> None:
        self.status_code = status_code
        self.data = data


@pytest.mark.parametrize("data", [None, {}, {"detail": "fout"}, []])
def test_an_answer_that_says_that_it_went_wrong_need_not_have_persons_where_others_have_them(
    verwerkingenlog: CapturedLog, data: object
) -> None:
    def search(status: int) -> Answer:
        return Answer(status, data)

    annotated = verwerkingsactie("Zoeken personen", activiteit="brp", objecten=gevonden(lambda answer: answer.data["results"]))(search)
    assert annotated(400).data is data
    assert annotated(500).data is data
    with pytest.raises(NotRecorded):
        annotated(200)
    assert verwerkingenlog.acties == []
