"""The pages on Django are true: their files and commands are taken from them, and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx2
import pytest
from django.urls import path
from plugins.django.tests.conftest import Asking, Project
from tests.servers import BIN, free_port, serving, until

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog
from verwerkingenlogging_django._configuration import KNOWN_KEYS

ROOT = Path(__file__).parents[4]
TUTORIAL = (ROOT / "docs" / "tutorial" / "add-it-to-your-django-project.md").read_text(encoding="utf-8")
HOW_TO = (ROOT / "docs" / "how-to" / "django-rest-framework-and-ninja.md").read_text(encoding="utf-8")
README = (ROOT / "plugins" / "django" / "README.md").read_text(encoding="utf-8")
BSN, OTHER = "999990019", "999990342"


def blocks(page: str, kind: str) -> list[tuple[str, str]]:
    return re.findall(rf"<!-- {kind}: (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL)


def test_the_tutorial_works(tmp_path: Path) -> None:
    environ = {"PATH": f"{BIN}:{os.environ['PATH']}", "DJANGO_SETTINGS_MODULE": "mijnproject.settings"}

    def run(command: str, status: int = 0) -> str:
        env = {**os.environ, **environ}
        done = subprocess.run(["bash", "-euc", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    _, start, migrate, status, tests = re.findall(r"```sh\n(.*?)```", TUTORIAL, re.DOTALL)
    run(start.replace("django-admin", "env -u DJANGO_SETTINGS_MODULE django-admin"))
    for name, content in blocks(TUTORIAL, "file"):
        (tmp_path / name).write_text(content, encoding="utf-8")
    for name, content in blocks(TUTORIAL, "append"):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(content)
    run(migrate)
    port = free_port()
    command = ["bash", "-c", f"exec {sys.executable} -u manage.py runserver --noreload {port} >output 2>&1"]
    with serving(command, port, folder=tmp_path, environ=environ):
        answer = httpx2.get(f"http://127.0.0.1:{port}/personen/{BSN}/", timeout=30)
        assert answer.json() == {"bsn": BSN, "naam": "J. Jansen"}
        assert re.search(r"waiting +1 records", run(status, 1))
        assert httpx2.get(f"http://127.0.0.1:{port}/elders/{BSN}/?q=%22{OTHER}", timeout=30).status_code == 404
        output = tmp_path / "output"
        until(lambda: "Not Found" in output.read_text() and output.read_text().count("GET /") == 2)
        assert output.read_text().count("/***/") == 3  # the server's two lines, and one of Django's
        assert not [bsn for bsn in (BSN, OTHER) if bsn in output.read_text()]
    assert "Ran 3 tests" in run(tests)


@pytest.fixture
def pages(project: Project, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    oin = "00000001821002193000"
    activiteit = Activiteit(naam="brp-bevraging", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))
    modules = {}
    for name, content in blocks(HOW_TO, "file"):
        module: Any = ModuleType(name.removesuffix(".py"))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(content, name, "exec"), module.__dict__)
        modules[module.__name__] = module
    drf, ninja = modules["drf_views"], modules["ninja_api"]
    project(
        path("drf/<bsn>", drf.ophalen),
        path("drf/<pk>/ouders", drf.Personen.as_view({"get": "ouders"})),
        path("verhuizen", drf.Verhuizen.as_view()),
        path("zoeken", drf.Zoeken.as_view()),
        path("ninja/", ninja.api.urls),
        activiteiten=Activiteiten({oin: [activiteit]}, source="activiteiten.toml"),
        django={"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}},
    )


@pytest.mark.parametrize(
    ("method", "address", "more", "status", "persons"),
    [
        ("GET", f"/drf/{BSN}", {}, 200, [BSN]),
        ("GET", f"/drf/{BSN}/ouders", {}, 200, [BSN]),
        ("POST", "/verhuizen", {"json": {"bsn": BSN}}, 201, [BSN]),
        ("POST", "/verhuizen", {"json": {}}, 400, []),
        ("GET", "/zoeken?naam=Jansen", {}, 200, [BSN, OTHER]),
        ("GET", "/zoeken", {}, 200, []),
        ("POST", "/ninja/verhuizingen", {"json": {"bsn": BSN, "medebewoners": [OTHER]}}, 200, [BSN, OTHER]),
        ("POST", "/ninja/verhuizingen", {"json": {}}, 422, []),
        ("GET", "/ninja/personen?limit=1", {}, 200, [BSN]),
    ],
)
@pytest.mark.usefixtures("pages")
def test_the_views_of_the_how_to_log(
    ask: Asking, log: MemoryLog, method: str, address: str, more: dict[str, Any], status: int, persons: list[str]
) -> None:
    assert ask(address, method, **more).status_code == status
    assert [objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten] == persons


def test_the_readme_names_every_key() -> None:
    assert {key for key in KNOWN_KEYS if f"`{key}`" not in README} == set()
