"""The bench runs, keeps what it measured, and does not believe a variant that did nothing."""

# ruff: noqa: D103, PLR2004, S101, S603
# As in any test: its name is its sentence, it asserts, and the numbers are the point.

import json
import subprocess
from pathlib import Path

import pytest

from bench.asgi.application import FRAMEWORKS
from bench.asgi.variants import CORRELATION_ID, verify
from bench.harness.environment import python_module
from bench.harness.load import LoadError, answers_of_wrk
from bench.harness.result import Budget
from bench.harness.spread import Spread
from bench.harness.variant_names import BARE, OURS
from bench.harness.work import NotDoneError

_PLAIN = [(b"content-type", b""), (b"content-length", b"")]


@pytest.mark.timeout(500)  # on a busy machine each part takes long
def test_a_quick_run_keeps_every_figure_with_its_spread_and_every_ratio_with_its_verdict(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        python_module("bench", "--quick", "--results", str(tmp_path), "inprocess", "server", "outbox"),
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for part, figures, budgets in (("inprocess", 10, 6), ("server", 20, 8), ("outbox", 14, 8)):
        text = (tmp_path / f"{part}.json").read_text(encoding="utf-8")
        assert str(root) not in text
        result = json.loads(text)
        assert result["quick"] is True
        assert {"date", "python", "cpu", "cores", "versions"} <= result["machine"].keys()
        assert len(result["figures"]) == figures
        assert all(each["min"] <= each["median"] <= each["max"] for each in result["figures"] + result["ratios"])
        verdicts = [each["verdict"] for each in result["ratios"] if each["budget"]]
        assert len(verdicts) == budgets
        assert set(verdicts) <= {"met", "MISSED"}


def test_fastapi_has_no_telemetry_of_its_own() -> None:
    application = FRAMEWORKS["fastapi"].build(lambda function: function)
    assert not application._native_telemetry.enabled()  # type: ignore[attr-defined]  # there is no public way to ask


@pytest.mark.parametrize("done", [0, 99, 103])
def test_a_variant_that_did_not_do_its_work_stops_the_bench(done: int) -> None:
    with pytest.raises(NotDoneError, match=f"ours: did its work {done} times in 100 requests"):
        verify(OURS, _PLAIN, requests=100, done=done, unanswered=2)


def test_the_header_of_correlation_id_is_there_and_only_there() -> None:
    added = [*_PLAIN, (b"X-Request-ID", b"")]
    verify(CORRELATION_ID, added, requests=1, done=None)
    with pytest.raises(NotDoneError):
        verify(CORRELATION_ID, _PLAIN, requests=1, done=None)
    with pytest.raises(NotDoneError):
        verify(BARE, added, requests=1, done=None)


def test_a_budget_is_met_up_to_its_limit() -> None:
    assert Budget(at_most=2).met(2)
    assert not Budget(at_most=2).met(2.01)
    assert Budget(at_least=2).met(2)
    assert not Budget(at_least=2).met(1.99)


def test_a_spread_is_five_numbers() -> None:
    assert Spread.of([5, 1, 2, 4, 3]) == Spread(min=1, p25=2, median=3, p75=4, max=5)


def test_wrk_is_believed_only_without_errors() -> None:
    output = "  3048 requests in 300.65ms, 523.88KB read\nRequests/sec:  10138.07\n"
    assert answers_of_wrk(output).count == 3048
    assert answers_of_wrk(output).rate == pytest.approx(10138.07)
    for trouble in ("  Socket errors: connect 0, read 3, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 12\n"):
        with pytest.raises(LoadError, match=trouble.strip().split(":")[0]):
            answers_of_wrk(trouble + output)
    with pytest.raises(LoadError, match="no answers"):
        answers_of_wrk("unable to connect to 127.0.0.1:1 Connection refused")
