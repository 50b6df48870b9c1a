"""The page on spans says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.ldv.test_ldv import ACTIE, CALLERS, PLACE

from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging.ldv import attributes as names
from verwerkingenlogging.ldv import spans_of
from verwerkingenlogging.ldv.subjects import EncryptedSubjects, PseudonymousSubjects, SubjectsInClear
from verwerkingenlogging.model import filled

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "ldv.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(dpl\.[\w.]+)` \|.*\| (yes|no) \|$", PAGE, re.MULTILINE))


def known() -> set[str]:
    constants = {value for value in vars(names).values() if isinstance(value, str) and value.startswith("dpl.")}
    return constants - {names.CORE, names.GEMMA} | {names.GEMMA + field for field in names.TEXTS + names.UUIDS}


def test_each_attribute_has_its_row() -> None:
    assert set(ROWS) == known()


def test_strict_mode_leaves_out_what_the_page_says() -> None:
    everything = filled(ACTIE, gebruiker="u1", bewaartermijn="P1Y")
    written = {key for strict in (False, True) for key in _keys(everything, strict=strict)}
    left_out = written - _keys(everything, strict=True)
    assert left_out == {key for key, strict in ROWS.items() if strict == "no"}


def _keys(actie: Verwerkingsactie, **options: Any) -> set[str]:
    return {key for span in spans_of(actie, PLACE, SubjectsInClear(), processors=CALLERS, **options) for key in span.attributes}


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERWERKINGENLOGGING_SUBJECT_SECRET", "s" * 32)
    (code,) = re.findall(r"<!-- file: spans.py -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    found["log"].close()
    found["exporter"]().shutdown()


def test_what_stands_for_a_person_looks_like_what_the_page_says() -> None:
    assert re.fullmatch(r"p\.[0-9a-f]{4}\..{32}", PseudonymousSubjects("s" * 32).encode("BSN", "999990019"))
    assert re.fullmatch(r"e\.[0-9a-f]{4}\.[\w-]+", EncryptedSubjects("s" * 32).encode("BSN", "999990019"))
