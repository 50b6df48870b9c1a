"""The terms of the organisation and the window for a tijdstip hold whichever way an actie comes (threats 3 and 12)."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from plugins.register.tests.conftest import BSN, DOELBINDING, MINIMAL
from plugins.register.tests.otlp_requests import Receiver, an_actie, logregels

from verwerkingenlogging import ConfigurationError, Vertrouwelijkheid
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._acties.repository import prepare_to_serve
from verwerkingenlogging_register._rules.acceptance import Flag, rules_of
from verwerkingenlogging_register.settings import TijdstipOutside

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

STRICT, OTHER = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf", "4f6db294-830d-4d14-b9bd-3c6d17c40d65"
TERMS = f"""
[minimum]
register = "P1Y"
"{STRICT}" = "P10Y"

[maximum]
register = "P50Y"
"{STRICT}" = "P20Y"
"""
VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
WAYS = ["POST", "batch", "OTLP"]
REFUSE = {"tijdstip_outside": TijdstipOutside.REFUSE}


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings that a test changes."""
    return {}


@pytest.fixture
def settings(settings: Settings, options: dict[str, Any], tmp_path: Path) -> Settings:
    terms = tmp_path / "var.toml"
    terms.write_text(TERMS)
    return dataclasses.replace(settings, **{"var_file": terms, "otlp_vertrouwelijkheid": Vertrouwelijkheid.NORMAAL, **options})


def at(**ago: float) -> str:
    """The moment so long ago."""
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


Offer = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def offer(api: Api, receiver: Receiver) -> Offer:
    """Offers an actie one way; gives its status, and what it was told."""

    async def one(
        way: str, number: int = 1, *, tijdstip: str | None = None, activiteit: str = "", bewaartermijn: str = ""
    ) -> tuple[int, str]:
        moment = tijdstip or at(minutes=1)
        changes = {"tijdstip": moment, "verwerkingsactiviteitId": activiteit, "bewaartermijn": bewaartermijn, "verwerkingId": VERWERKING}
        if way == "POST":
            response = await api.post(**changes)
            return response.status_code, response.text
        if way == "batch":
            response = await api.batch([{**MINIMAL, **changes}])
            return response.json()["results"][0]["status"], response.text
        actie = an_actie(
            BSN, tijdstip=moment, verwerkingsactiviteit_id=uuid_of(activiteit), bewaartermijn=bewaartermijn or None,
            verwerking_id=uuid_of(VERWERKING), vertrouwelijkheid=Vertrouwelijkheid.NORMAAL,
        )  # fmt: skip
        rejected, message = await receiver.export(logregels(actie, number)[0])
        return (400 if rejected else 201), message

    return one


def uuid_of(text: str) -> Any:
    return UUID(text) if text else None


def flagged(api: Api, flag: Flag, client: str = "alles") -> float:
    """How many acties of that client the metrics say have that flag."""
    return api.register.metrics.registry.get_sample_value("verwerkingenlog_flagged_total", {"client": client, "flag": flag}) or 0


async def terms_stored(api: Api) -> list[str]:
    return [actie["bewaartermijn"] for actie in (await api.search()).json()["results"]]


@pytest.mark.parametrize("way", WAYS)
async def test_a_tijdstip_far_from_now_is_kept_counted_by_client_and_told_once(
    api: Api, offer: Offer, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    for number, moment in enumerate((at(days=30), at(days=32), at(days=8000), at(minutes=-4), at(minutes=-6), at(days=-400)), 1):
        assert (await offer(way, number, tijdstip=moment))[0] == 201
    assert (await api.search()).json()["count"] == 6
    assert (flagged(api, Flag.TIJDSTIP_PAST), flagged(api, Flag.TIJDSTIP_FUTURE)) == (2, 2)
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert sorted(lines) == [
        "client alles: 1 verwerkingsacties with a tijdstip further ahead than tijdstip_future_seconds",
        "client alles: 1 verwerkingsacties with a tijdstip longer ago than tijdstip_past_days",
    ]


@pytest.mark.parametrize("options", [REFUSE])
@pytest.mark.parametrize("way", WAYS)
async def test_a_tijdstip_far_from_now_is_refused_where_a_deployment_wants_that(
    api: Api, offer: Offer, way: str, options: dict[str, Any]
) -> None:
    for number, (moment, status) in enumerate(((at(days=30), 201), (at(days=32), 400), (at(minutes=-4), 201), (at(minutes=-6), 400)), 1):
        found, told = await offer(way, number, tijdstip=moment)
        assert found == status
        assert found == 201 or "tijdstip" in told
        assert found == 201 or (moment not in told and BSN not in told)
    assert (await api.search()).json()["count"] == 2
    assert flagged(api, Flag.TIJDSTIP_PAST) == 0


@pytest.mark.parametrize("options", [REFUSE | {"tijdstip_past_days": 1, "tijdstip_future_seconds": 0}])
async def test_the_window_is_a_setting_and_one_of_a_batch_that_is_outside_holds_up_no_other(api: Api, options: dict[str, Any]) -> None:
    acties = [{**MINIMAL, "tijdstip": moment} for moment in (at(hours=1), at(hours=25), at(minutes=-1), at(hours=23))]
    response = await api.batch(acties)
    assert [result["status"] for result in response.json()["results"]] == [201, 400, 400, 201]


@pytest.mark.parametrize("options", [REFUSE])
async def test_a_correction_may_be_of_any_time_when_it_leaves_the_tijdstip_as_it_is(api: Api, options: dict[str, Any]) -> None:
    answer = await api.posted(tijdstip=at(days=30))
    await api.correct(answer, tijdstip="2019-04-05T14:35:42+01:00", bewaartermijn="P30Y")
    old = (await api.actie(answer["actieId"])).json()
    assert (await api.put(old, actieNaam="x", tijdstip="2019-04-05T13:35:42Z")).status_code == 200
    for moment, status in ((at(days=8000), 400), (at(days=-2), 400), (at(days=30), 200)):
        response = await api.put(old, tijdstip=moment)
        assert response.status_code == status
        assert status == 200 or [fault["name"] for fault in response.json()["invalidParams"]] == ["tijdstip"]


async def test_a_correction_to_a_tijdstip_far_from_now_is_flagged(api: Api) -> None:
    answer = await api.posted(tijdstip=at(days=1))
    assert (await api.put(answer, tijdstip=at(days=9000))).status_code == 200
    assert flagged(api, Flag.TIJDSTIP_PAST) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("activiteit", "asked", "kept"),
    [
        (STRICT, "PT1S", "P10Y"), (STRICT, "P119M", "P10Y"), (STRICT, "P10Y", "P10Y"), (STRICT, "P11Y", "P11Y"), (STRICT, "", ""),
        (OTHER, "P1D", "P1Y"), (OTHER, "P2Y", "P2Y"), ("", "P1D", "P1Y"),
    ],
)  # fmt: skip
async def test_what_is_new_is_kept_with_the_minimum_in_force(
    api: Api, offer: Offer, caplog: pytest.LogCaptureFixture, way: str, activiteit: str, asked: str, kept: str
) -> None:
    status, _ = await offer(way, activiteit=activiteit, bewaartermijn=asked)
    assert status == 201
    assert await terms_stored(api) == [kept]
    raised = int(asked != kept)
    assert flagged(api, Flag.BELOW_MINIMUM) == raised
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == raised * [
        "client alles: 1 verwerkingsacties with a bewaartermijn below the minimum, which they got instead"
    ]


async def test_more_than_the_maximum_is_kept_as_it_is_and_counted(api: Api, offer: Offer) -> None:
    for way in WAYS:
        assert (await offer(way, activiteit=STRICT, bewaartermijn="P21Y"))[0] == 201
    assert flagged(api, Flag.ABOVE_MAXIMUM) == 3


async def test_days_and_months_are_compared_from_the_tijdstip_of_the_actie(api: Api, offer: Offer) -> None:
    """From 1 March 2023 a year has 366 days, from 1 March 2022 it has 365."""
    await offer("POST", tijdstip="2023-03-01T00:00:00Z", bewaartermijn="P365D")
    await offer("POST", tijdstip="2022-03-01T00:00:00Z", bewaartermijn="P365D")
    assert await terms_stored(api) == ["P1Y", "P365D"]


async def test_the_same_request_is_the_same_also_when_the_minimum_took_the_place_of_its_term(
    api: Api, receiver: Receiver, stored: Callable[[], int], settings: Settings
) -> None:
    headers = {**api.auth(), "Idempotency-Key": str(uuid4())}
    body = {**MINIMAL, "bewaartermijn": "P1D"}
    span = logregels(an_actie(BSN, bewaartermijn="P1D", vertrouwelijkheid=Vertrouwelijkheid.NORMAAL))[0]
    answers = []
    for minimum in ("P1Y", "P2Y"):  # the organisation changed its mind in between
        assert settings.var_file is not None
        settings.var_file.write_text(f'[minimum]\nregister = "{minimum}"\n')
        api.app.state.register = dataclasses.replace(api.register, rules=rules_of(settings))
        response = await api.http.post("/verwerkingsacties", json=body, headers=headers)
        answers.append((response.status_code, response.json()["actieId"]))
        assert (await receiver.export(span))[0] == 0
        batch = await api.batch([{**body, "idempotencyKey": "een"}])
        assert batch.json()["results"][0]["status"] == 201
    assert answers[0] == answers[1]
    assert stored() == 3


@pytest.mark.parametrize(
    ("activiteit", "asked", "status"),
    [(STRICT, "P9Y", 400), (STRICT, "P10Y", 204), (STRICT, "P20Y", 204), (STRICT, "P21Y", 400), (OTHER, "P1D", 400), ("", "PT1S", 400),
     (OTHER, "P1Y", 204), (OTHER, "P51Y", 400)],
)  # fmt: skip
async def test_a_change_of_a_verwerking_beyond_the_terms_is_refused_for_all_of_it(
    api: Api, offer: Offer, stored: Callable[[], int], activiteit: str, asked: str, status: int
) -> None:
    await offer("POST", bewaartermijn="P15Y")
    await offer("POST", activiteit=activiteit, bewaartermijn="P15Y")
    before = stored()
    response = await api.patch({"verwerkingId": VERWERKING}, {"bewaartermijn": asked})
    assert response.status_code == status
    assert stored() - before == (2 if status == 204 else 0)
    if status == 400:
        assert [fault["name"] for fault in response.json()["invalidParams"]] == ["bewaartermijn"]
    assert (await api.patch({"verwerkingId": VERWERKING}, {"vertrouwelijkheid": "vertrouwelijk"})).status_code == 204


@pytest.mark.parametrize(
    ("activiteit", "asked", "status"),
    [
        (STRICT, "P9Y", 400), (STRICT, "P10Y", 200), (STRICT, "", 200), (STRICT, "P21Y", 400), (STRICT, "P15Y", 200),
        (OTHER, "P9Y", 400), (OTHER, "P10Y", 200), (OTHER, "", 400), ("", "", 400), ("", "P10Y", 200), (OTHER, "P51Y", 400),
    ],
)  # fmt: skip
async def test_a_replacement_gives_an_actie_no_less_than_its_activiteit_asks_nor_a_way_around_it(
    api: Api, activiteit: str, asked: str, status: int
) -> None:
    answer = await api.posted(verwerkingsactiviteitId=STRICT, bewaartermijn="P15Y")
    response = await api.put(answer, verwerkingsactiviteitId=activiteit, bewaartermijn=asked)
    assert response.status_code == status
    if status == 400:
        assert [fault["name"] for fault in response.json()["invalidParams"]] == ["bewaartermijn"]


async def test_nobody_shortens_what_another_client_logged_below_the_minimum(api: Api, token: Callable[..., str]) -> None:
    answer = await api.posted(verwerkingId=VERWERKING, bewaartermijn="P15Y")
    stranger = {"Authorization": f"Bearer {token('gemeente')}"}
    body = {**answer, "bewaartermijn": "P1D"}
    put = await api.http.put(f"/verwerkingsacties/{answer['actieId']}", json=body, headers=stranger)
    patch = await api.http.patch("/verwerkingsacties", params={"verwerkingId": VERWERKING}, json={"bewaartermijn": "P1D"}, headers=stranger)
    assert (put.status_code, patch.status_code) == (400, 400)
    assert await terms_stored(api) == ["P15Y"]


@pytest.mark.parametrize("options", [{"log_inzage": True, "inzage_bewaartermijn": "P5Y", "inzage_activiteit": uuid_of(STRICT)}])
async def test_the_record_of_an_inspection_has_no_less_than_the_minimum_of_its_activiteit(api: Api, options: dict[str, Any]) -> None:
    for asked in ({}, {"Bewaartermijn": "P1D"}, {"Bewaartermijn": "P12Y"}):
        await api.inzage(headers={**DOELBINDING, **asked})
    assert await terms_stored(api) == ["P12Y", "P10Y", "P10Y"]


def test_a_file_of_terms_that_cannot_be_read_fails_before_the_register_serves(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^setting var_file: .*No such file or directory$"):
        prepare_to_serve(dataclasses.replace(settings, var_file=tmp_path / "away.toml"))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"tijdstip_past_days": 0}, "tijdstip_past_days"), ({"tijdstip_past_days": 10**9}, "tijdstip_past_days"),
        ({"tijdstip_future_seconds": -1}, "tijdstip_future_seconds"), ({"tijdstip_future_seconds": 10**9}, "tijdstip_future_seconds"),
    ],
)  # fmt: skip
def test_a_window_that_is_none_fails_at_the_start_by_its_name(settings: Settings, changes: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^setting {name}: must be "):
        dataclasses.replace(settings, **changes)
