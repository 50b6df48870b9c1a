"""The pytest plugin and what is under it, used as an application's own tests use them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from verwerkingenlogging import (
    LogUnavailable,
    MemoryLog,
    OutsideContext,
    Recorder,
    Verwerkingsactie,
    VerwerktObject,
    VerwerktSoortGegeven,
    persoon,
    recording,
    verwerkingsactie,
)
from verwerkingenlogging.testing import AnyActiviteiten, CapturedLog, capture, table, told


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=persoon("bsn"))
def ophalen(bsn: str) -> str:
    return bsn


def test_annotated_code_runs_without_a_middleware(verwerkingenlog: CapturedLog) -> None:
    assert ophalen("2308572") == "2308572"
    assert verwerkingenlog.only().actie_naam == "Ophalen persoonsgegevens"
    verwerkingenlog.assert_persons("2308572")


def test_every_recorder_logs_into_the_fixture(recorder: Recorder, log: MemoryLog, verwerkingenlog: CapturedLog) -> None:
    with recording(recorder):
        ophalen("2308572")
    assert (len(verwerkingenlog.acties), log.acties) == (1, [])


def test_two_calls_are_two_verwerkingen(verwerkingenlog: CapturedLog) -> None:
    ophalen("2308572")
    ophalen("2308572")
    first, second = verwerkingenlog.acties
    assert first.verwerking_id != second.verwerking_id


def test_the_log_can_be_down_and_up_again(verwerkingenlog: CapturedLog) -> None:
    verwerkingenlog.be_down()
    with pytest.raises(LogUnavailable):
        ophalen("2308572")
    verwerkingenlog.assert_logged()
    verwerkingenlog.be_up()
    ophalen("2308572")
    verwerkingenlog.assert_logged("Ophalen persoonsgegevens")


def test_afterwards_everything_is_as_before(recorder: Recorder, log: MemoryLog) -> None:
    with capture():
        pass
    with pytest.raises(OutsideContext):
        ophalen("2308572")
    with recording(recorder):
        ophalen("2308572")
    assert len(log.acties) == 1


def test_captures_can_lie_within_one_another() -> None:
    with capture() as outer:
        with capture() as inner:
            ophalen("1")
        ophalen("2")
    outer.assert_persons("2")
    inner.assert_persons("1")


def fails_with_a_table(check: Callable[[], object]) -> str:
    with pytest.raises(AssertionError) as caught:
        check()
    return str(caught.value)


def test_a_failed_assertion_shows_what_was_logged(verwerkingenlog: CapturedLog) -> None:
    assert "(none)" in fails_with_a_table(verwerkingenlog.only)
    ophalen("2308572")
    for check in (lambda: verwerkingenlog.assert_logged("Zoeken persoon"), lambda: verwerkingenlog.assert_persons("8495621")):
        assert "Ophalen persoonsgegevens" in (message := fails_with_a_table(check))
        assert "BSN 2308572" in message
    ophalen("2308572")
    assert "expected 1 verwerkingsactie, but logged were 2" in fails_with_a_table(verwerkingenlog.only)


def test_any_activiteit_has_the_same_id_each_time() -> None:
    any_activiteiten = AnyActiviteiten()
    assert any_activiteiten.get("0" * 20, "brp") == any_activiteiten.get("1" * 20, "brp") != any_activiteiten.get("0" * 20, "fraude")
    assert any_activiteiten.problems("brp") == []


def test_a_table_has_a_line_for_each_person() -> None:
    acties = [
        Verwerkingsactie(
            tijdstip="2024-04-05T14:35:42+01:00",
            actie_naam="Ophalen persoonsgegevens",
            verwerking_naam="Registratie verhuizing",
            verwerking_id=UUID("48086bf2-11b7-4603-9526-67d7c3bb6587"),
            verwerkte_objecten=(
                VerwerktObject(object_id="2308572", betrokkenheid="Aanvrager"),
                VerwerktObject(object_id="8495621", betrokkenheid="Medebewoner"),
            ),
        ),
        Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00"),
    ]
    assert table(acties).splitlines() == [
        "actie                     handeling  verwerking              verwerking id  whose data",
        "Ophalen persoonsgegevens             Registratie verhuizing  48086bf2       BSN 2308572 Aanvrager",
        "                                                                            BSN 8495621 Medebewoner",
        "                                                                            nobody",
    ]


def test_an_object_is_told_in_a_few_words() -> None:
    soort = VerwerktSoortGegeven(soort_gegeven="Adres")
    assert told(VerwerktObject(object_id="2308572", verwerkte_soorten_gegevens=(soort, soort))) == "BSN 2308572 {Adres, Adres}"
    assert told(VerwerktObject(object_id="1", soort_object_id="BAG", objecttype="pand")) == "pand BAG 1"


def test_the_plugin_explains_a_difference(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from verwerkingenlogging import Verwerkingsactie, VerwerktObject

        def test_acties():
            one = Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", actie_naam="Zoeken persoon")
            other = Verwerkingsactie(tijdstip="2024-04-05T14:35:42Z", actie_naam="Opslaan dossier")
            assert one == other

        def test_objecten():
            assert VerwerktObject(object_id="1") == VerwerktObject(object_id="2")

        def test_other_things():
            assert 1 == 2

        def test_the_fixture(verwerkingenlog):
            verwerkingenlog.assert_logged()
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        ["*two of Verwerkingsactie differ in 1 attributes:", "*actie_naam: 'Zoeken persoon' != 'Opslaan dossier'", "*object_id: '1' != '2'"]
    )
