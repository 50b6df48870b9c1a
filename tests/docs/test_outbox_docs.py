"""The pages about the outbox are true: the drill is done as it is written, and the commands and settings are those that there are."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from tests.docs.test_readme import FILES
from tests.servers import BIN, free_port

from verwerkingenlogging.commands.main import main
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.outbox._environment import _FROM_ENV

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
MONITOR = (PAGES / "monitor-the-outbox.md").read_text(encoding="utf-8")
CHOOSE = (PAGES / "choose-a-log.md").read_text(encoding="utf-8")


def test_the_drill_ends_with_nothing_waiting(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here, which the drill uses")
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (app,) = re.findall(r"<!-- file: app.py -->\n```python\n(.*?)```", MONITOR, re.DOTALL)
    (tmp_path / "app.py").write_text(app, encoding="utf-8")
    (drill,) = re.findall(r"```sh\n(.*?)```", MONITOR, re.DOTALL)
    drill = drill.replace("8080", str(free_port())).replace("8000", str(free_port()))
    environ = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["bash", "-euc", drill], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    told: list[str] = []
    try:
        for line in process.stdout:  # its servers hold on to the pipe
            told.append(line)
            if len([one for one in told if one.startswith("free")]) == 3:
                break
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert re.findall(r"waiting   \d+ records", "".join(told)) == [f"waiting   {number} records" for number in (1, 1, 0)]
    assert "all delivered\n" in told


def test_the_example_of_the_choice_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", CHOOSE, re.DOTALL)
    exec(compile(example, "choose-a-log.md", "exec"), {"__name__": "example"})


def test_every_setting_is_described() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(VERWERKINGENLOGGING_OUTBOX\w*)` \|", CHOOSE, re.MULTILINE)
    assert dict(rows) == {"path": "VERWERKINGENLOGGING_OUTBOX"} | {name: f"VERWERKINGENLOGGING_OUTBOX_{name.upper()}" for name in _FROM_ENV}
    assert {name for name, _ in rows} < set(inspect.signature(OutboxLog).parameters)


def test_every_command_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["outbox", "--help"])
    (choices,) = re.findall(r"\{([\w,]+)\}", capsys.readouterr().out)[:1]
    assert re.findall(r"^\| `verwerkingenlogging outbox (\w+)", MONITOR, re.MULTILINE) == choices.split(",")
