"""The bench of the register runs, and does not believe a register that stored nothing."""

# ruff: noqa: D103, PLR2004, S101, S106, S603
# As in any test: its name is its sentence, it asserts, and the numbers are the point.

import json
import os
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from bench.harness.environment import python_module
from bench.harness.load import PLACEHOLDER, Request
from bench.harness.work import NotDoneError
from bench.register import places, post
from bench.register.cluster import programs
from bench.register.record import BODY, actie
from bench.register.variants import EACH, LEFT_OUT, OURS


@pytest.mark.timeout(500)  # on a busy machine each part takes long
def test_a_quick_run_measures_everything_on_each_database(cache: Path) -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        python_module("bench", "--quick", "--results", str(cache / "results"), "register", "purge"),
        cwd=root,
        env={**os.environ, "BENCH_CACHE": str(cache), "BENCH_ROWS": "600"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((cache / "results" / "register.json").read_text(encoding="utf-8"))
    found = programs()
    kinds = {"SQLite": 8, **({found[0]: 6} if found else {})}
    for kind, budgets in kinds.items():
        ratios = [each for each in result["ratios"] if each["group"].startswith(kind)]
        assert sum(each["budget"] is not None for each in ratios) == budgets
        assert all(each["verdict"] in {"met", "MISSED"} for each in ratios if each["budget"])
    assert all(each["min"] <= each["median"] <= each["max"] for each in result["figures"] + result["ratios"])
    purge = json.loads((cache / "results" / "purge.json").read_text(encoding="utf-8"))
    assert [each["verdict"] for each in purge["ratios"] if each["budget"]] == ["met"] * 2 * len(kinds)
    assert list((cache / "sqlite").glob("acties_600_*.sqlite"))
    assert not list((cache / "sqlite").glob("scratch-*"))


def test_a_register_that_stored_less_or_more_than_it_answered_stops_the_bench(tmp_path: Path) -> None:
    kind = places.Kind(name="SQLite", folder=tmp_path, scratch=tmp_path)
    place = kind.new()
    post._verify(LEFT_OUT, place, 5, unanswered=0)
    post._verify(OURS, place, 0, unanswered=3)
    for name in (OURS, EACH):
        with pytest.raises(NotDoneError, match=f"{name}: stored"):
            post._verify(name, place, 5, unanswered=3)


def test_without_postgresql_the_bench_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "programs", lambda: None)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    assert "PostgreSQL left out" in str(places.absent())
    with places.kinds() as found:
        assert [kind.name for kind in found] == ["SQLite"]


def test_each_request_has_a_number_of_its_own() -> None:
    request = Request(path=f"/{PLACEHOLDER}", method="POST", body=f"[{PLACEHOLDER}]", token="t", numbers=range(8, 10))
    messages = [message.decode() for message in islice(request.messages(80), 3)]
    assert [message.split(" ")[1] for message in messages] == ["/000000008", "/000000009", "/000000008"]
    head, _, body = messages[0].partition("\r\n\r\n")
    assert body == "[000000008]"
    assert "content-length: 11" in head
    assert "authorization: Bearer t" in head


def test_the_record_in_process_is_the_one_that_is_posted() -> None:
    posted = json.loads(BODY)
    record = actie()
    assert len(posted) == 14
    assert (record.systeem, record.bewaartermijn, record.gegevensbron) == (
        posted["systeem"],
        posted["bewaartermijn"],
        posted["gegevensbron"],
    )
    assert record.verwerkte_objecten[0].betrokkenheid == posted["verwerkteObjecten"][0]["betrokkenheid"]
