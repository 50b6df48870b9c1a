"""A leg of the checks that is missing is told, and where it could have been run that is a failure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KNOWN = ("bash", "dirname", "id", "mktemp")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is all that there is, and without any Python."""
    for name in KNOWN:
        (tmp_path / name).symlink_to(next(path for path in map(Path, (f"/usr/bin/{name}", f"/bin/{name}")) if path.exists()))
    return tmp_path


def program(machine: Path, name: str, code: str) -> None:
    (machine / name).write_text(f"#!/bin/bash\n{code}\n")
    (machine / name).chmod(0o755)


def run(machine: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": str(machine), "HOME": str(machine), "OTHER_PYTHON": "3.99", **environ}
    return subprocess.run(["/bin/bash", *command], cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("could", "environ", "status"),
    [("could", {"CI": "true"}, 1), ("could", {}, 0), ("cannot", {"CI": "true"}, 0), ("cannot", {}, 0), ("could", {"CI": "false"}, 0)],
)
def test_what_could_have_been_run_must_be_where_that_is_asked(machine: Path, could: str, environ: dict[str, str], status: int) -> None:
    told = machine / "told"
    done = run(machine, ".ci/missing", "matrix", could, "no Python", MISSING_LEGS=str(told), **environ)
    assert (done.returncode, done.stderr) == (status, "=== matrix: NOT RUN: no Python ===\n")
    assert told.read_text() == "matrix: no Python\n"


class TestMatrix:
    """On a machine without the other Python."""

    def test_where_nothing_has_it_this_is_told_and_no_failure(self, machine: Path) -> None:
        done = run(machine, ".ci/matrix", CI="true")
        assert (done.returncode, done.stderr) == (
            0,
            "=== matrix: Python 3.99: NOT RUN: python3.99-venv is not installed, and this is not Debian ===\n",
        )

    def test_nor_where_debian_lacks_it(self, machine: Path) -> None:
        (machine / "id").unlink()
        program(machine, "id", "echo 0")
        program(machine, "apt-get", "exit 0")
        program(machine, "apt-cache", "exit 100")
        done = run(machine, ".ci/matrix", CI="true")
        assert (done.returncode, done.stderr) == (0, "=== matrix: Python 3.99: NOT RUN: Debian has no package python3.99-venv here ===\n")

    @pytest.mark.parametrize(("user", "why"), [("0", "apt-get install python3.99-venv failed"), ("1000", "as root: apt-get install")])
    def test_where_debian_has_it_and_it_is_not_there_that_is_a_failure(self, machine: Path, user: str, why: str) -> None:
        (machine / "id").unlink()
        program(machine, "id", f"echo {user}")
        program(machine, "apt-get", '[ "$1" = update ]')
        program(machine, "apt-cache", "exit 0")
        done = run(machine, ".ci/matrix", CI="true")
        assert done.returncode == 1
        assert why in done.stderr
        assert run(machine, ".ci/matrix").returncode == 0

    def test_a_name_that_runs_nothing_is_not_that_python(self, machine: Path) -> None:
        """pyenv puts such a one first for each version that it knows."""
        program(machine, "python3.99", "exit 127")
        pyenv = machine / "pyenv" / "versions" / "3.99.9" / "bin"
        pyenv.mkdir(parents=True)
        program(pyenv, "python3.99", "exit 0")
        program(machine, "rm", "exit 0")
        program(machine, "make", 'echo "$@"; exit 7')
        done = run(machine, ".ci/matrix", PYENV_ROOT=str(machine / "pyenv"))
        assert (done.returncode, f"PYTHON={pyenv}/python3.99" in done.stdout) == (7, True)


def test_no_script_of_the_checks_goes_on_after_a_failure() -> None:
    for script in (path for path in (ROOT / ".ci").iterdir() if not path.suffix):
        assert "set -euo pipefail" in script.read_text(encoding="utf-8"), script.name
        assert os.access(script, os.X_OK), script.name
