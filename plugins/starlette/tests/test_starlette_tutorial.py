"""The tutorial for FastAPI is true: its application, its steps and its commands are taken from it, and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
from tests.servers import BIN, free_port, serving, until

PAGE = Path(__file__).parents[3].joinpath("docs", "tutorial", "add-it-to-your-fastapi-project.md").read_text(encoding="utf-8")


def blocks(kind: str) -> dict[str, str]:
    return dict(re.findall(rf"<!-- {kind}: (.+?) -->\n```\w*\n(.*?)```", PAGE, re.DOTALL))


def test_the_tutorial_works(tmp_path: Path) -> None:
    _, exports, check, status, _, tests = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    port = free_port()
    exports = exports.replace("8080", str(free_port()))  # where no register is
    environ = {"PATH": f"{BIN}:{os.environ['PATH']}"}

    def run(command: str, expected: int = 0) -> str:
        script = f"{exports}\n{command}"
        env = {**os.environ, **environ}
        done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == expected, done.stdout + done.stderr
        return done.stdout

    main = tmp_path / "main.py"
    (code,) = blocks("before").values()
    for name, content in blocks("file").items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    *steps, _, _, _, _ = replacements = list(blocks("replace").items())
    for done, (old, new) in enumerate(replacements, start=1):
        assert code.count(old) == 1, old
        code = code.replace(old, new.removesuffix("\n"))
        main.write_text(code, encoding="utf-8")
        if done == len(steps):
            assert run(check, 1) == blocks("list")["before"]
    assert run(check) == blocks("list")["after"]

    command = ["bash", "-euc", f"{exports}\nexec {sys.executable} -m uvicorn main:app --port {port} >output 2>&1"]
    with serving(command, port, folder=tmp_path, environ=environ):
        answer = httpx2.get(f"http://127.0.0.1:{port}/api/personen/999990019", timeout=30)
        assert answer.json() == {"bsn": "999990019", "naam": "J. Jansen"}
        assert "waiting   1 records" in run(status)
        output = tmp_path / "output"
        until(lambda: "GET /api/personen/" in output.read_text())
        assert "999990019" not in output.read_text()
    assert "5 passed" in run(tests)
