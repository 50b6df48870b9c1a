"""The bench of Django runs, and does not believe a project that did nothing."""

# ruff: noqa: D103, S101, S603
# As in any test: its name is its sentence, it asserts, and the numbers are the point.

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.django.child_process import running
from bench.harness.environment import python_module
from bench.harness.work import NotDoneError
from bench.register.cluster import programs

_ROOT = Path(__file__).parents[1]


@pytest.mark.timeout(500)  # on a busy machine each part takes long
def test_a_quick_run_measures_every_variant_and_each_database(cache: Path) -> None:
    done = subprocess.run(
        python_module("bench", "--quick", "--results", str(cache), "django"),
        cwd=_ROOT,
        env={**os.environ, "BENCH_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((cache / "django.json").read_text(encoding="utf-8"))
    found = programs()
    groups = {"Django WSGI": (8, 2), "Django ASGI": (8, 2), "SQLite": (8, 1), **({found[0]: (8, 1)} if found else {})}
    for group, (figures, budgets) in groups.items():
        assert sum(each["group"].startswith(group) for each in result["figures"]) == figures
        judged = [each["verdict"] for each in result["ratios"] if each["group"].startswith(group) and each["budget"]]
        assert len(judged) == budgets
        assert set(judged) <= {"met", "MISSED"}
    assert all(each["min"] <= each["median"] <= each["max"] for each in result["figures"] + result["ratios"])


def test_a_process_that_stops_stops_the_bench(tmp_path: Path) -> None:
    with (
        running("nobody", "bench.django.request_worker", "wsgi", "nobody", str(tmp_path / "x.sqlite"), seed=0) as child,
        pytest.raises(NotDoneError, match="nobody: its process stopped"),
    ):
        child.answer()


@pytest.mark.parametrize("mode", ["wsgi", "asgi"])
def test_an_answer_that_is_no_success_stops_the_bench(mode: str, tmp_path: Path) -> None:
    code = (
        "import sys; from bench.django import direct_calls, project, variants; mode, path = sys.argv[1:]; "
        "app = getattr(project, mode)(variants.Project(), project.sqlite(path)); "
        "getattr(direct_calls, mode.capitalize())(app).headers('/nergens')"
    )
    command = [sys.executable, "-c", code, mode, str(tmp_path / "x.sqlite")]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert "NotDoneError: the application answered 404" in done.stderr


def test_a_variant_that_did_not_do_its_work_stops_the_bench(tmp_path: Path) -> None:
    code = (
        "import sys; from bench.django import request_worker, variants; made = variants.VARIANTS['ours']; "
        "variants.VARIANTS['ours'] = lambda: variants.Project(work=made().work); "
        "request_worker.main('wsgi', 'ours', sys.argv[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.sqlite")]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert "NotDoneError: ours: did its work 0 times in 1 requests" in done.stderr
