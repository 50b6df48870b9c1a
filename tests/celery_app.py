"""Tasks that record, for a real worker and for who sends them. What was recorded is a line each in the file that RECORDED names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import Celery, Task  # type: ignore[import-untyped]  # it has no types

from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    LogUnavailable,
    NotRecorded,
    Recorder,
    Settings,
    Verwerkingsactie,
    log_actie,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging.celery import carry_context

GEMEENTE, ANDERE = "00000001821002193000", "00000099000000001000"
recorded = Path(os.environ["RECORDED"])


class FileLog:
    """A line for each actie, whichever process makes it; while a file ``down`` is beside it, it takes none."""

    wants_spans = True

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Write ``acties``."""
        if recorded.with_name("down").exists():
            raise LogUnavailable("it is down")
        with recorded.open("a", encoding="utf-8") as file:
            for actie in acties:
                span = actie.span
                assert span is not None
                file.write(
                    json.dumps(
                        {
                            "naam": actie.actie_naam,
                            "verwerking": str(actie.verwerking_id),
                            "verwerking_naam": actie.verwerking_naam,
                            "activiteit": str(actie.verwerkingsactiviteit_id),
                            "vertrouwelijkheid": str(actie.vertrouwelijkheid),
                            "bewaartermijn": actie.bewaartermijn,
                            "gebruiker": actie.gebruiker,
                            "afnemer": actie.afnemer_id,
                            "verwerking_afnemer": str(actie.verwerking_id_afnemer),
                            "trace": span.trace_id.hex(),
                        }
                    )
                    + "\n"
                )

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same."""
        self.log(acties)


recorder = Recorder(
    FileLog(),
    Settings(
        oin=GEMEENTE,
        activiteiten=Activiteiten(
            {
                GEMEENTE: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))],
                ANDERE: [Activiteit(naam="brp", id=UUID("4f6db294-a3c0-4ac1-8d4e-d42d4ea4b4d6"))],
            }
        ),
    ),
)
carry_context(recorder)
app = Celery("celery_app", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(
    beat_schedule={"ophalen": {"task": "tests.celery_app.lees", "schedule": 0.5, "args": ["2308572"]}},
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
task: Callable[..., Any] = app.task


@task
@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
def lees(bsn: str) -> str:
    """Records one person."""
    return bsn


@task
def verstuur(zaken: Any, bsn: str) -> str:
    """Records in a step, with what came before it in a chain or chord."""
    log_actie("Versturen brief", objecten=bsn, activiteit="brp")
    return f"{zaken} {bsn}"


@task
def verdeel(bsn: str) -> None:
    """Sends another task, and records nothing itself."""
    lees.delay(bsn)


@task(bind=True, default_retry_delay=0.05)  # type: ignore[untyped-decorator]
def probeer(self: Task, bsn: str) -> str:
    """Succeeds the second time."""
    log_actie("Proberen", objecten=bsn, activiteit="brp")
    if self.request.retries == 0:
        raise self.retry()
    return bsn


@task(autoretry_for=(NotRecorded,), default_retry_delay=0.1, max_retries=None)  # type: ignore[untyped-decorator]
@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
def houd_vol(bsn: str) -> str:
    """Tries until it is recorded."""
    return bsn


@task
def mislukt() -> None:
    """Fails by itself, after it recorded."""
    log_actie("Mislukken", objecten="2308572", activiteit="brp")
    raise ValueError("2308572")
