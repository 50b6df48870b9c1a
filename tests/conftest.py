"""What the tests of the core share: an organisation, its verwerkingsactiviteiten, and a recorder on a log in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from crash.sinks import Sink, register

from tests.outbox import Keeper, answers, wait_until
from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, Recorder, Settings

GEMEENTE = "00000001821002193000"
BRP_REGISTRATIE = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
BRP_URL = "https://var.gemeente.example/5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
MOMENT = datetime(2024, 4, 5, 12, 35, 42, tzinfo=UTC)

pytest_plugins = ["pytester"]


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of an outbox."""
    return tmp_path / "outbox"


@pytest.fixture
def activiteiten() -> Activiteiten:
    return Activiteiten(
        {
            GEMEENTE: [
                Activiteit(naam="brp-registratie", id=BRP_REGISTRATIE, url=BRP_URL),
                Activiteit(
                    naam="fraude", id=UUID("c63bc08f-071d-4dff-aaff-c40525ca4244"), bewaartermijn="P5Y", bewaartermijn_maximum="P20Y"
                ),
            ]
        }
    )


@pytest.fixture
def make_recorder(log: MemoryLog, activiteiten: Activiteiten) -> Callable[..., Recorder]:
    def make(**settings: Any) -> Recorder:
        given = {"oin": GEMEENTE, "activiteiten": activiteiten, "systeem": "FooBarApp v2.1", "gegevensbron": "FooBar Database", **settings}
        return Recorder(log, Settings(**given), clock=lambda: MOMENT)

    return make


@pytest.fixture
def recorder(make_recorder: Callable[..., Recorder]) -> Recorder:
    return make_recorder()


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """A real register, for the tests of a module together: each looks for the verwerkingen that it made."""
    with register(tmp_path_factory.mktemp("register")) as running:
        wait_until(lambda: answers(running))
        yield running
