"""Clocks that users' tests freeze, and those of other libraries: any moment with an offset is a tijdstip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from freezegun import freeze_time
from whenever import Instant, OffsetDateTime, PlainDateTime, ZonedDateTime, hours

from verwerkingenlogging import (
    Activiteiten,
    ConfigurationError,
    MemoryLog,
    Recorder,
    Settings,
    gevonden,
    persoon,
    recording,
    verwerkingsactie,
)
from verwerkingenlogging.model import wire_form

GEMEENTE = "00000001821002193000"


class Moment(datetime):
    """As other libraries have of their own: freezegun, pendulum."""


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=persoon("bsn"), bewaartermijn="P1M")
def known(bsn: str) -> str:
    return bsn


@verwerkingsactie("Zoeken personen", activiteit="brp-registratie", objecten=gevonden(lambda found: found))
def find() -> list[str]:
    return ["2308572"]


@pytest.fixture
def make(log: MemoryLog, activiteiten: Activiteiten) -> Callable[..., Recorder]:
    return lambda **clock: Recorder(log, Settings(oin=GEMEENTE, activiteiten=activiteiten), **clock)


@pytest.mark.parametrize("made_before", [True, False])
@pytest.mark.parametrize("freeze", [freeze_time, lambda moment: time_machine.travel(moment, tick=False)])
def test_a_clock_that_a_test_froze_is_recorded(make: Callable[..., Recorder], log: MemoryLog, freeze: Any, made_before: bool) -> None:
    recorder = make() if made_before else None
    with freeze("2024-02-29T12:00:00+00:00"), recording(recorder or make()):
        assert known("2308572") == "2308572"
        assert find() == ["2308572"]
    assert [actie.tijdstip for actie in log.acties] == ["2024-02-29T12:00:00Z"] * 2
    assert b'"tijdstip":"2024-02-29T12:00:00Z"' in wire_form(log.acties[0])


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 4, 5, 12, 35, 42, tzinfo=UTC), "2024-04-05T12:35:42Z"),
        (Moment(2024, 4, 5, 12, 35, 42, tzinfo=UTC), "2024-04-05T12:35:42Z"),
        (Moment(2024, 4, 5, 14, 35, 42, 120, tzinfo=ZoneInfo("Europe/Amsterdam")), "2024-04-05T14:35:42.000120+02:00"),
        (Moment(2024, 4, 5, 9, 35, 42, tzinfo=timezone(timedelta(hours=-3))), "2024-04-05T09:35:42-03:00"),
        (Instant.from_utc(2024, 4, 5, 12, 35, 42), "2024-04-05T12:35:42Z"),
        (ZonedDateTime(2024, 4, 5, 14, 35, 42, tz="Europe/Amsterdam"), "2024-04-05T14:35:42+02:00"),
        (OffsetDateTime(2024, 4, 5, 9, 35, 42, offset=hours(-3)), "2024-04-05T09:35:42-03:00"),
    ],
)
def test_a_moment_of_any_class_is_recorded_with_its_offset(make: Callable[..., Recorder], log: MemoryLog, moment: Any, text: str) -> None:
    with recording(make(clock=lambda: moment)):
        known("2308572")
    assert log.acties[0].tijdstip == text
    wire_form(log.acties[0])


@pytest.mark.parametrize(
    "moment", [datetime(2024, 4, 5), Moment(2024, 4, 5), PlainDateTime(2024, 4, 5), 1712320542.0, "gisteren", object()]
)
def test_a_clock_without_an_offset_is_refused_at_once(make: Callable[..., Recorder], moment: Any) -> None:
    with pytest.raises(ConfigurationError, match="Recorder: clock gives a moment without an offset"):
        make(clock=lambda: moment)
