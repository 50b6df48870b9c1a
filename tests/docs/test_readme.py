"""The README is true: its files and commands are taken from it, and run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.servers import BIN, free_port, run, serving, until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [page for page in ROOT.glob("**/*.md") if "node_modules" not in page.parts and not str(page.relative_to(ROOT)).startswith(".venv")]
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL))
SCRIPT = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


@pytest.fixture
def ports(folder: Path) -> Iterator[tuple[int, int]]:
    """The README's register and application, started by its own lines on ports that are free."""
    register, application = free_port(), free_port()
    script = (
        SCRIPT.replace("8080", str(register))
        .replace("serve &", f"serve --port {register} &")
        .replace("app:app", f"app:app --port {application}")
    )
    environ = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    with serving(["bash", "-euc", f"exec > output 2>&1\n{script}"], application, register, folder=folder, environ=environ):
        yield register, application


def search(folder: Path, register: int, bsn: str) -> list[dict[str, Any]]:
    run("verwerkingenlog", "client", "add", "auditor", "--scope", "read:confidential", folder=folder)
    token = run("verwerkingenlog", "token", "auditor", folder=folder)
    answer = httpx2.get(
        f"http://127.0.0.1:{register}/api/v1/verwerkingsacties",
        params={"objecttype": "persoon", "soortObjectId": "BSN", "objectId": bsn},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_the_application_of_the_readme_logs_to_its_register(ports: tuple[int, int], folder: Path) -> None:
    register, application = ports
    assert httpx2.get(f"http://127.0.0.1:{application}/personen/2308572").json() == {"bsn": "2308572", "naam": "J. Jansen"}
    (actie,) = search(folder, register, "2308572")
    assert actie["actieNaam"] == "Ophalen persoonsgegevens"
    assert actie["systeem"] == "Mijn App v2.1"
    assert actie["verwerkingsactiviteitId"] == "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
    assert [objekt["objectId"] for objekt in actie["verwerkteObjecten"]] == ["2308572"]


def test_the_application_of_the_readme_writes_no_bsn(ports: tuple[int, int], folder: Path) -> None:
    """A18: uvicorn's access log has the address of each request, and that the BSN."""
    address = f"http://127.0.0.1:{ports[1]}"
    assert httpx2.get(f"{address}/personen/999990019?q=%22999990342").status_code == 200
    assert httpx2.get(f"{address}/elders/999990019").status_code == 404
    output = folder / "output"
    until(lambda: "/elders/" in output.read_text())
    assert "/personen/***" in output.read_text()
    assert not [bsn for bsn in ("999990019", "999990342") if bsn in output.read_text()]


def test_the_check_of_the_readme_passes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERWERKINGENLOGGING_REGISTER", "https://log.gemeente.example/api/v1")
    monkeypatch.setenv("VERWERKINGENLOGGING_CLIENT_ID", "mijn-app")
    monkeypatch.setenv("VERWERKINGENLOGGING_CLIENT_SECRET", "a secret of more than thirty-two bytes")
    (command,) = re.findall(r"`(verwerkingenlogging check \S+)`", README)
    assert "GET /personen/{bsn}  Ophalen persoonsgegevens" in run(*command.split(), folder=folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)[)#]", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
