"""The clock that ``.ci/dates`` gives to tests: another date, also for what they start, and time that passes as ever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLOCK = Path(__file__).parents[2] / ".ci" / "clock.c"
DAY = 86_400
ASK = """
import multiprocessing, sqlite3, subprocess, time

began, asked = time.monotonic(), multiprocessing.Semaphore(0)
print(time.time_ns() // 1_000_000_000)
print(subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout.strip())
print(sqlite3.connect(":memory:").execute("SELECT unixepoch()").fetchone()[0])
time.sleep(0.05)
assert not asked.acquire(timeout=0.05)
print(int(time.monotonic()), int(began))
"""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: .ci/dates cannot run here either")
    made = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(made), str(CLOCK), "-ldl"], check=True)
    return made


@pytest.mark.parametrize("days", [400, -400])
def test_the_calendar_is_moved_and_time_outs_last_what_they_last(clock: Path, days: int) -> None:
    def run(**environ: str) -> list[int]:
        ours = {name: value for name, value in os.environ.items() if name not in {"LD_PRELOAD", "CLOCK_OFFSET"}}
        done = subprocess.run([sys.executable, "-c", ASK], env={**ours, **environ}, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return [int(number) for number in done.stdout.split()]

    before = run()
    moved = run(LD_PRELOAD=str(clock), CLOCK_OFFSET=str(days * DAY))
    after = run()
    for number in range(3):  # of this process, of one that it starts, and of SQLite
        assert before[number] <= moved[number] - days * DAY <= after[number]
    for number in (3, 4):  # the monotonic clock
        assert before[number] <= moved[number] <= after[number]
