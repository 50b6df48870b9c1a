"""The reference of annotations is true: its examples run, in their order, and each kind of answer that it names is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

from verwerkingenlogging import MemoryLog, Recorder, Settings
from verwerkingenlogging.configuration.activiteiten import Activiteit, Activiteiten
from verwerkingenlogging.requests.refusal import INVALID_IN_REQUEST, NOT_IN_REQUEST

FILE = Path(__file__).parents[2] / "docs" / "reference" / "annotations.md"
PAGE = FILE.read_text(encoding="utf-8")
GEMEENTE = "00000001821002193000"


def test_the_examples_run() -> None:
    log = MemoryLog()
    activiteiten = Activiteiten({GEMEENTE: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]})

    def persons() -> list[list[str]]:
        acties, log.acties = log.acties, []
        return [[objekt.object_id for objekt in actie.verwerkte_objecten] for actie in acties]

    given: dict[str, Any] = {
        "__name__": "example",
        "log": log,
        "recorder": Recorder(log, Settings(oin=GEMEENTE, activiteiten=activiteiten)),
        "persons": persons,
    }
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(examples) == 5
    for example in examples:
        exec(compile(example, str(FILE), "exec"), given)  # the page's own


def test_the_codes_of_the_answers_are_those_of_the_code() -> None:
    for refusal in (NOT_IN_REQUEST, INVALID_IN_REQUEST):
        assert f"{refusal.status}, `{refusal.code}`" in PAGE
