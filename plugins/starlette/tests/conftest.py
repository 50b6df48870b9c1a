"""What the tests of the Starlette plugin share: a recorder on a log in memory, and the middleware around an application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, Recorder, Settings
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

GEMEENTE = "00000001821002193000"
BUURGEMEENTE = "00000099000000001000"


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def recorder(log: MemoryLog) -> Recorder:
    activiteiten = Activiteiten(
        {
            GEMEENTE: [
                Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), url="https://var.gemeente.example/5f0bef4c")
            ],
            BUURGEMEENTE: [Activiteit(naam="brp", id=UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65"))],
        },
        source="activiteiten.toml",
    )
    return Recorder(log, Settings(oin=GEMEENTE, activiteiten=activiteiten, systeem="FooBarApp v2.1"))


Guard = Callable[..., None]


@pytest.fixture
def guard(recorder: Recorder) -> Guard:
    """Puts the middleware around an application; the test client's address is trusted."""

    def add(app: Starlette, **options: Any) -> None:
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, **{"trusted_peers": ["testclient"], **options})

    return add
