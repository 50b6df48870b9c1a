"""The terms of the organisation: by default, at least and at most, for one verwerkingsactiviteit and for the register."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests.retention.test_purge import ACTIVITEIT, BSN, VERWERKING, purged, writing

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._model.versions import moment_of
from verwerkingenlogging_register._retention.holds import add_hold
from verwerkingenlogging_register._rules.terms import Terms, read_terms

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

LONG_AGO: dict[str, Any] = {"tijdstip": "2001-01-01T00:00:00Z"}
FAR = "2999-01-01T00:00:00Z"


def read(folder: Path, text: str, bewaartermijn: str | None = None) -> Terms:
    (folder / "var.toml").write_text(text)
    return read_terms(folder / "var.toml", bewaartermijn)


@pytest.mark.parametrize("term", ["PT1S", None])
async def test_no_tijdstip_and_no_term_brings_an_actie_below_the_minimum(api: Api, place: Place, term: str | None) -> None:
    more = {} if term is None else {"bewaartermijn": term}
    kept = await api.posted(**LONG_AGO, **more)
    other = await api.posted(**LONG_AGO, **more, verwerkingsactiviteitId=ACTIVITEIT)
    terms = Terms({"register": "P2Y"}, {"register": "P900Y", ACTIVITEIT: "P1D"})
    assert purged(place, "2500-01-01T00:00:00Z", terms).acties == 1
    assert other["actieId"] not in place.ids()
    assert place.ids() == [kept["actieId"]]
    assert purged(place, FAR, terms).acties == 1


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_the_minimum_counts_from_the_first_version(api: Api, place: Place) -> None:
    answer = await api.posted(**LONG_AGO, bewaartermijn="P1D")
    first = place.query("SELECT registratie_instant FROM verwerkingsactie")[0][0]
    await api.correct(answer, **LONG_AGO, bewaartermijn="P1D")
    terms = Terms(minimum={"register": "PT1H"})
    hour = 3_600_000_000
    assert purged(place, moment_of(first + hour), terms, execute=False).acties == 0
    assert purged(place, moment_of(first + hour + 1), terms).versies == 2


async def test_no_term_brings_an_actie_above_the_maximum(api: Api, place: Place) -> None:
    await api.posted(**LONG_AGO, bewaartermijn="P9000Y")
    await api.posted(**LONG_AGO, bewaartermijn="P9000Y", verwerkingsactiviteitId=ACTIVITEIT)
    await api.posted(**LONG_AGO)
    terms = Terms(maximum={"register": "P100Y", ACTIVITEIT: "P50Y"})
    assert purged(place, "2051-01-01T00:00:00Z", terms).acties == 0
    assert purged(place, "2051-01-01T00:00:01Z", terms).acties == 1
    assert purged(place, "2101-01-01T00:00:01Z", terms).acties == 2


async def test_a_hold_goes_before_the_maximum(api: Api, place: Place) -> None:
    await api.posted(**LONG_AGO, verwerkingId=VERWERKING)
    with writing(place) as connection:
        add_hold(connection, BSN, "onderzoek")
    result = purged(place, FAR, Terms(maximum={"register": "P1Y"}))
    assert (result.acties, result.held) == (0, 1)


def test_each_table_holds_for_an_activiteit_or_for_all(tmp_path: Path) -> None:
    terms = read(
        tmp_path,
        f"""
        [bewaartermijn]
        register = "P10Y"
        "{ACTIVITEIT.upper()}" = "P5Y"
        [minimum]
        "{ACTIVITEIT}" = "P1Y"
        [maximum]
        register = "P20Y"
        """,
    )
    assert (terms.of(None, None), terms.of(None, ACTIVITEIT), terms.of("P1D", ACTIVITEIT)) == ("P10Y", "P5Y", "P1D")
    assert (terms.floor(None), terms.floor(ACTIVITEIT), terms.floor(VERWERKING)) == (None, "P1Y", None)
    assert (terms.ceiling(None), terms.ceiling(ACTIVITEIT)) == ("P20Y", "P20Y")
    assert read(tmp_path, '[bewaartermijn]\nregister = "P10Y"\n', "P7Y").of(None, None) == "P7Y"
    assert read(tmp_path, "") == read_terms(None) == Terms()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[bewaartermijn]\nx = 'P1Y'\n", r"\[bewaartermijn\] x: the key must be a verwerkingsactiviteitId"),
        (f"[minimum]\n'{ACTIVITEIT}' = '1 jaar'\n", rf"\[minimum\] {ACTIVITEIT}: must be a positive ISO 8601 period"),
        ("[maximum]\nregister = 10\n", r"\[maximum\] register: must be a positive ISO 8601 period"),
        ("[minima]\n", r"minima is not known here; the tables are \[bewaartermijn\], \[minimum\], \[maximum\]"),
        ("minimum = 'P1Y'\n", r"\[minimum\] must be a table with lines such as"),
        ("stuk", "is not a TOML file"),
        (f"[minimum]\n'{ACTIVITEIT}' = 'P1Y'\n'{ACTIVITEIT.upper()}' = 'P2Y'\n", "is there twice, in another spelling"),
        ("[minimum]\nregister = 'P2Y'\n[maximum]\nregister = 'P1Y'\n", "register: the minimum P2Y can be longer than the maximum P1Y"),
        ("[minimum]\nregister = 'P60D'\n[maximum]\nregister = 'P2M'\n", "the minimum P60D can be longer than the maximum P2M"),
        (f"[minimum]\nregister = 'P2Y'\n[maximum]\n'{ACTIVITEIT}' = 'P1Y'\n", f"{ACTIVITEIT}: the minimum P2Y can be longer"),
        ("[bewaartermijn]\nregister = 'P1M'\n[minimum]\nregister = 'P1Y'\n", "the minimum P1Y can be longer than the bewaartermijn P1M"),
        ("[bewaartermijn]\nregister = 'P9Y'\n[maximum]\nregister = 'P1Y'\n", "the bewaartermijn P9Y can be longer than the maximum P1Y"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_key_and_a_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as refused:
        read(tmp_path, text)
    assert f"setting var_file: {tmp_path / 'var.toml'}" in str(refused.value)


def test_a_file_that_is_not_there_and_an_option_that_is_wrong_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"var\.toml: No such file"):
        read_terms(tmp_path / "var.toml")
    (tmp_path / "var.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="is not a TOML file"):
        read_terms(tmp_path / "var.toml")
    with pytest.raises(ConfigurationError, match="setting bewaartermijn: must be a positive ISO 8601 period"):
        read_terms(None, "10")
    with pytest.raises(ConfigurationError, match="register: the minimum P2Y can be longer than the bewaartermijn P1Y"):
        read(tmp_path, '[minimum]\nregister = "P2Y"\n', "P1Y")
