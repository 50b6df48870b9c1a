"""`verwerkingenlogging check`: every route says what it does, or the command fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from verwerkingenlogging.commands.main import main

APP = """
from pathlib import Path
from fastapi import FastAPI
from verwerkingenlogging import MemoryLog, Recorder, Settings, geen_verwerking, gevonden, persoon, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

recorder = Recorder(MemoryLog(), Settings.from_file(Path(__file__).parent / "verwerkingenlogging.toml"))
app = FastAPI()
app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder)

@app.get("/personen/{bsn}")
@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=persoon("bsn"))
async def ophalen(bsn: str): ...

@app.post("/personen/zoek")
@verwerkingsactie("Zoeken personen", activiteit="brp-registratie", objecten=gevonden(lambda found: found))
async def zoeken() -> list[str]: ...

@app.get("/health")
@geen_verwerking("health check")
async def health(): ...
"""
SETTINGS = 'oin = "00000001821002193000"\nactiviteiten = "activiteiten.toml"\n'
ACTIVITEITEN = '["00000001821002193000"]\nbrp-registratie = { id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "verwerkingenlogging.toml").write_text(SETTINGS)
    (tmp_path / "activiteiten.toml").write_text(ACTIVITEITEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    sys.modules.pop("checked_app", None)


def write(folder: Path, more: str = "") -> None:
    (folder / "checked_app.py").write_text(APP + more)


def test_every_route_and_what_it_logs_is_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder)
    assert main(["check", "checked_app:app"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "GET /personen/{bsn}  Ophalen persoonsgegevens [brp-registratie] before it runs",
        "POST /personen/zoek  Zoeken personen [brp-registratie] before its result goes on",
        "GET /health          no personal data: health check",
        "3 routes, 0 that say nothing, 0 problems",
    ]


def test_a_route_that_says_nothing_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "\n@app.delete('/personen/{bsn}')\nasync def verwijderen(bsn: str): ...\n")
    assert main(["check", "checked_app:app"]) == 1
    assert "DELETE /personen/{bsn}  SAYS NOTHING" in capsys.readouterr().out


def test_an_unknown_activiteit_fails_naming_file_and_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder)
    (folder / "activiteiten.toml").write_text(ACTIVITEITEN.replace("brp-registratie", "brp"))
    assert main(["check", "checked_app:app"]) == 1
    assert 'activiteiten.toml: ["00000001821002193000"].brp-registratie: no such' in (err := capsys.readouterr().err)
    assert "named by checked_app.ophalen" in err


def test_an_annotated_route_without_a_middleware_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "\napp.user_middleware.clear()\n")
    assert main(["check", "checked_app:app"]) == 1
    assert "GET /personen/{bsn}: annotated, but there is no verwerkingenlogging middleware around it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("checked_app", "write it as module:app"),
        (":app", "write it as module:app"),
        ("no_such_module:app", "cannot be loaded"),
        ("checked_app:nothing", "cannot be loaded"),
        ("checked_app:recorder", "Recorder objects are of no framework that is supported here (django, starlette)"),
    ],
)
def test_what_cannot_be_checked_is_said(folder: Path, capsys: pytest.CaptureFixture[str], where: str, message: str) -> None:
    write(folder)
    assert main(["check", where]) == 1
    assert message in capsys.readouterr().err


def test_a_wrong_configuration_is_said_without_a_traceback(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder)
    (folder / "verwerkingenlogging.toml").write_text("oin = 5")
    assert main(["check", "checked_app:app"]) == 1
    assert "verwerkingenlogging.toml: activiteiten is missing" in capsys.readouterr().err


def test_an_application_without_routes_is_fine(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "checked_app.py").write_text("from starlette.applications import Starlette\napp = Starlette()\n")
    assert main(["check", "checked_app:app"]) == 0
    assert "0 routes" in capsys.readouterr().out


def test_the_current_folder_is_put_on_the_path_only_once(folder: Path) -> None:
    write(folder)
    sys.path.insert(0, "")
    assert main(["check", "checked_app:app"]) == 0
    assert sys.path.count("") == 1


def test_an_application_that_a_function_makes_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "def make_app(): return app\n")
    assert main(["check", "checked_app:make_app()"]) == 0
    assert "3 routes" in capsys.readouterr().out


WRITING = """
@app.{method}("/wijzigen")
@verwerkingsactie("{naam}", activiteit="brp-registratie", objecten=gevonden(lambda found: found))
{more}
async def wijzigen() -> list[str]: ...
"""
BEFORE = '@verwerkingsactie("Registreren", activiteit="brp-registratie", objecten=persoon(lambda: "1"))'


@pytest.mark.parametrize(
    ("method", "naam", "more", "warns"),
    [
        ("post", "Registreren verhuizing", "", True),
        ("put", "Wijzigen verhuizing", "", True),
        ("patch", "Wijzigen", "", True),
        ("delete", "Verwijderen verhuizing", "", True),
        ("get", "Registreren verhuizing", "", False),
        ("post", "Zoeken personen", "", False),
        ("post", "raadplegen", "", False),
        ("post", "Registreren verhuizing", BEFORE, False),
    ],
)
def test_a_route_that_changes_before_it_records_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], method: str, naam: str, more: str, warns: bool
) -> None:
    """A warning: only the code knows whether it commits."""
    write(folder, WRITING.format(method=method, naam=naam, more=more))
    assert main(["check", "checked_app:app"]) == 0
    warning = f"verwerkingenlogging: warning: {method.upper()} /wijzigen: records after it ran ({naam})"
    assert (warning in capsys.readouterr().err) == warns


def test_what_only_a_wildcard_exempts_is_counted_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "\n@app.get('/admin/personen')\nasync def personen(): ...\n\n@app.get('/admin/hulp')\nasync def hulp(): ...\n")
    app = folder / "checked_app.py"
    routes = 'recorder=recorder, routes={"/admin/*": {"geen_verwerking": "nobody"}, "/admin/hulp": {"geen_verwerking": "help"}, "/h*": {"geen_verwerking": "x"}})'
    app.write_text(app.read_text().replace("recorder=recorder)", routes))
    assert main(["check", "checked_app:app"]) == 0
    out = capsys.readouterr().out
    assert "GET /admin/personen  no personal data: nobody (only by /admin/*)" in out
    assert "GET /admin/hulp      no personal data: help\n" in out
    assert out.splitlines()[-1] == "5 routes, 0 that say nothing, 1 exempt by a wildcard only, 0 problems"
