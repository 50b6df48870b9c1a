"""The examples of the page about work after the request run, and record what the page says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, Recorder, Settings, recording

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "work-after-the-request.md").read_text(encoding="utf-8")
EXAMPLES: dict[str, str] = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
OIN = "00000001821002193000"


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def recorder(log: MemoryLog) -> Recorder:
    activiteit = Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))
    return Recorder(log, Settings(oin=OIN, activiteiten=Activiteiten({OIN: [activiteit]})))


def example(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLES[name], name, "exec", dont_inherit=True), names)
    return names


async def test_a_task_that_is_carried_over_belongs_to_the_request(recorder: Recorder, log: MemoryLog) -> None:
    names = example("carried")
    with recording(recorder, gebruiker="somebody"):
        await names["decide"]("999990019")
    await asyncio.gather(*names["tasks"])
    assert [(actie.actie_naam, actie.gebruiker) for actie in log.acties] == [
        ("Vaststellen beschikking", "somebody"),
        ("Versturen brief", "somebody"),
    ]
    assert len({actie.verwerking_id for actie in log.acties}) == 1


async def test_a_worker_records_for_whom_it_works(recorder: Recorder, log: MemoryLog) -> None:
    queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    with recording(recorder, gebruiker="first"):
        worker = asyncio.create_task(example("worker")["worker"](queue, recorder))
    for medewerker in ("first", "second"):
        queue.put_nowait(("999990019", medewerker))
    await queue.join()
    worker.cancel()
    assert [actie.gebruiker for actie in log.acties] == ["first", "second"]
