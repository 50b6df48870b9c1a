"""From annotation, caller and settings to a verwerkingsactie: who decides what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from verwerkingenlogging import (
    ConfigurationError,
    Doelbinding,
    InvalidValue,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    Recorder,
    Vertrouwelijkheid,
    Verwerking,
    Verwerkingsactie,
    VerwerktObject,
)
from verwerkingenlogging.model.template import Template

V = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")
CALLER = Doelbinding(
    oin="00000001804770694000",
    verwerkingsactiviteit_id=UUID("40fc7068-050d-45cc-8f60-770cd6d9de64"),
    verwerkingsactiviteit_url="https://var.derde.example/40fc7068",
    verwerking_id=UUID("16a69cb6-41b0-4ea0-8c80-7a735e3609e0"),
)
OPHALEN = Template(actie_naam="Ophalen persoonsgegevens", activiteit="brp-registratie")
PERSOON = VerwerktObject(object_id="2308572")


def test_settings_annotation_and_verwerking_each_fill_their_part(make_recorder: Callable[..., Recorder]) -> None:
    recorder = make_recorder(uitvoerder="00000099123456780000", bewaartermijn="P150Y")
    actie = recorder.actie(
        Template(actie_naam="Ophalen persoonsgegevens", activiteit="brp-registratie", handeling_naam="Registratie getuigen"),
        Verwerking(id=V, naam="Huwelijk"),
        [PERSOON],
        gebruiker="2ecf8e86",
    )
    assert actie == Verwerkingsactie(
        tijdstip="2024-04-05T12:35:42Z",
        actie_naam="Ophalen persoonsgegevens",
        handeling_naam="Registratie getuigen",
        verwerking_naam="Huwelijk",
        verwerking_id=V,
        verwerkingsactiviteit_id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"),
        verwerkingsactiviteit_url="https://var.gemeente.example/5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
        vertrouwelijkheid=Vertrouwelijkheid.NORMAAL,
        bewaartermijn="P150Y",
        uitvoerder="00000099123456780000",
        systeem="FooBarApp v2.1",
        gebruiker="2ecf8e86",
        gegevensbron="FooBar Database",
        verwerkte_objecten=(PERSOON,),
    )


def test_the_annotation_goes_before_the_settings_and_the_verwerking(recorder: Recorder) -> None:
    template = Template(actie_naam="Ophalen", activiteit="brp-registratie", verwerking_naam="Geboorte", gegevensbron="Archief")
    actie = recorder.actie(template, Verwerking(id=V, naam="Huwelijk", handeling_naam="Intake"))
    assert (actie.verwerking_naam, actie.handeling_naam, actie.gegevensbron) == ("Geboorte", "Intake", "Archief")


def test_a_caller_fills_only_the_attributes_of_the_afnemer(recorder: Recorder) -> None:
    actie = recorder.actie(OPHALEN, Verwerking(id=V), caller=CALLER)
    without = recorder.actie(OPHALEN, Verwerking(id=V))
    changed = {field for field in actie.__struct_fields__ if getattr(actie, field) != getattr(without, field)}
    assert changed == {
        "soort_afnemer_id",
        "afnemer_id",
        "verwerkingsactiviteit_id_afnemer",
        "verwerkingsactiviteit_url_afnemer",
        "verwerking_id_afnemer",
    }
    assert (actie.soort_afnemer_id, actie.afnemer_id) == ("OIN", CALLER.oin)
    assert actie.verwerking_id_afnemer == CALLER.verwerking_id
    assert actie.verwerkingsactiviteit_id_afnemer == CALLER.verwerkingsactiviteit_id
    assert actie.verwerkingsactiviteit_url_afnemer == CALLER.verwerkingsactiviteit_url


NORMAAL, VERTROUWELIJK = Vertrouwelijkheid.NORMAAL, Vertrouwelijkheid.VERTROUWELIJK


@pytest.mark.parametrize(
    ("route", "verwerking", "caller", "expected"),
    [
        (None, None, None, NORMAAL),
        (None, None, VERTROUWELIJK, VERTROUWELIJK),
        (VERTROUWELIJK, None, NORMAAL, VERTROUWELIJK),  # a caller cannot lift it (threat 2)
        (None, VERTROUWELIJK, NORMAAL, VERTROUWELIJK),
        (NORMAAL, VERTROUWELIJK, None, VERTROUWELIJK),
        (NORMAAL, NORMAAL, NORMAAL, NORMAAL),
    ],
)
def test_the_strictest_confidentiality_wins(
    recorder: Recorder,
    route: Vertrouwelijkheid | None,
    verwerking: Vertrouwelijkheid | None,
    caller: Vertrouwelijkheid | None,
    expected: Vertrouwelijkheid,
) -> None:
    actie = recorder.actie(
        Template(actie_naam="Zoeken persoon", activiteit="fraude", vertrouwelijkheid=route),
        Verwerking(id=V, vertrouwelijkheid=verwerking),
        caller=Doelbinding(vertrouwelijkheid=caller),
    )
    assert actie.vertrouwelijkheid is expected


@pytest.mark.parametrize(("oin", "expected"), [("00000001804770694000", VERTROUWELIJK), ("00000099000000001000", NORMAAL), (None, NORMAAL)])
def test_only_listed_callers_may_hide_an_actie_where_the_settings_say_so(
    make_recorder: Callable[..., Recorder], oin: str | None, expected: Vertrouwelijkheid
) -> None:
    recorder = make_recorder(vertrouwelijk_from=frozenset({"00000001804770694000"}))
    for _ in range(2):
        actie = recorder.actie(OPHALEN, Verwerking(id=V), caller=Doelbinding(oin=oin, vertrouwelijkheid=VERTROUWELIJK))
        assert actie.vertrouwelijkheid is expected
    assert recorder.faults["confidentiality asked for by a caller"] == 2  # X36: counted for the privacy officer


@pytest.mark.parametrize(
    ("route", "verwerking", "caller", "expected"),
    [
        (None, None, None, "P5Y"),  # the activiteit's
        ("P7Y", None, None, "P7Y"),
        (None, None, "P1Y", "P5Y"),  # a caller cannot shorten it (threat 3)
        (None, None, "P10Y", "P10Y"),
        (None, None, "P100Y", "P20Y"),  # nor lengthen it beyond the maximum
        (None, "P9Y", None, "P9Y"),
        ("P7Y", "P6Y", "P8Y", "P8Y"),
    ],
)
def test_the_longest_term_wins_within_the_maximum(
    recorder: Recorder, route: str | None, verwerking: str | None, caller: str | None, expected: str
) -> None:
    actie = recorder.actie(
        Template(actie_naam="Zoeken persoon", activiteit="fraude", bewaartermijn=route),
        Verwerking(id=V, bewaartermijn=verwerking),
        caller=Doelbinding(bewaartermijn=caller),
    )
    assert actie.bewaartermijn == expected


def test_a_term_that_nobody_knows_stays_empty_and_a_callers_is_taken_over(recorder: Recorder) -> None:
    assert recorder.actie(OPHALEN, Verwerking(id=V)).bewaartermijn is None
    assert recorder.actie(OPHALEN, Verwerking(id=V), caller=Doelbinding(bewaartermijn="P150Y")).bewaartermijn == "P150Y"


def test_an_unknown_activiteit_or_organisation_stops_the_record(recorder: Recorder) -> None:
    with pytest.raises(ConfigurationError, match="no such verwerkingsactiviteit"):
        recorder.actie(Template(actie_naam="Ophalen", activiteit="onbekend"), Verwerking(id=V))
    with pytest.raises(ConfigurationError, match="is not in it"):
        recorder.actie(OPHALEN, Verwerking(id=V), oin="0" * 20)


def test_only_the_objecttypen_of_the_settings_are_logged(make_recorder: Callable[..., Recorder]) -> None:
    pand = VerwerktObject(object_id="0363100012061219", soort_object_id="BAG", objecttype="adresseerbaar-object")
    with pytest.raises(InvalidValue, match="objecttype"):
        make_recorder().actie(OPHALEN, Verwerking(id=V), [pand])
    allowed = make_recorder(objecttypen=frozenset({"persoon", "adresseerbaar-object"}))
    assert allowed.actie(OPHALEN, Verwerking(id=V), [PERSOON, pand]).verwerkte_objecten == (PERSOON, pand)


def test_a_users_key_is_checked_and_an_empty_one_left_out(recorder: Recorder) -> None:
    assert recorder.actie(OPHALEN, Verwerking(id=V), gebruiker="").gebruiker is None
    with pytest.raises(InvalidValue, match="gebruiker"):
        recorder.actie(OPHALEN, Verwerking(id=V), gebruiker="x" * 41)


def test_the_offset_of_the_clock_is_kept(log: MemoryLog, recorder: Recorder) -> None:
    amsterdam = timezone(timedelta(hours=1))
    summer = Recorder(log, recorder.settings, clock=lambda: datetime(2024, 4, 5, 14, 35, 42, tzinfo=amsterdam))
    assert summer.actie(OPHALEN, Verwerking(id=V)).tijdstip == "2024-04-05T14:35:42+01:00"
    before = datetime.now(UTC)
    now = datetime.fromisoformat(Recorder(log, recorder.settings).actie(OPHALEN, Verwerking(id=V)).tijdstip)
    assert before <= now <= datetime.now(UTC)


def test_a_clock_without_an_offset_stops_the_start(log: MemoryLog, recorder: Recorder) -> None:
    with pytest.raises(ConfigurationError, match="clock"):
        Recorder(log, recorder.settings, clock=lambda: datetime(2024, 4, 5))  # that it has no zone is the point


@pytest.mark.parametrize(
    ("field", "value"),
    [("actie_naam", ""), ("handeling_naam", "x" * 243), ("verwerking_naam", "a\nb"), ("gegevensbron", ""), ("bewaartermijn", "10")],
)
def test_a_template_is_checked_when_it_is_made(field: str, value: str) -> None:
    with pytest.raises(InvalidValue, match=field):
        Template(**{"actie_naam": "Ophalen", "activiteit": "brp", field: value})  # type: ignore[arg-type]  # a field of text each time


def test_nothing_new_is_opgeheven() -> None:
    with pytest.raises(InvalidValue, match="never opgeheven"):
        Template(actie_naam="Ophalen", activiteit="brp", vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN)


class BrokenLog:
    """A log of somebody else, which raises what it likes."""

    def log(self, acties: object) -> None:
        raise OSError("cannot write 2308572")

    async def alog(self, acties: object) -> None:
        raise KeyError("2308572")


async def test_whatever_a_log_raises_becomes_not_recorded_without_its_message(recorder: Recorder) -> None:
    broken = Recorder(BrokenLog(), recorder.settings)
    actie = broken.actie(OPHALEN, Verwerking(id=V))
    with pytest.raises(LogUnavailable, match=r"^BrokenLog raised OSError$") as caught:
        broken.record([actie])
    assert caught.value.__suppress_context__
    with pytest.raises(LogUnavailable, match=r"^BrokenLog raised KeyError$"):
        await broken.arecord([actie])


async def test_what_a_log_says_itself_passes_unchanged(recorder: Recorder, log: MemoryLog) -> None:
    log.failure = NotRecorded("full")
    actie = recorder.actie(OPHALEN, Verwerking(id=V))
    with pytest.raises(NotRecorded) as caught:
        recorder.record([actie])
    assert caught.value is log.failure
    with pytest.raises(NotRecorded):
        await recorder.arecord([actie])
    log.failure = None
    await recorder.arecord([actie])
    assert log.acties == [actie]
