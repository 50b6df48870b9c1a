"""The reference of settings is whole and true: each table is held against the code."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from verwerkingenlogging import Activiteit, ConfigurationError, MemoryLog, Recorder, Settings
from verwerkingenlogging.commands.main import main
from verwerkingenlogging.configuration.activiteiten import read_configuration
from verwerkingenlogging.ldv.subjects import subjects_from_env
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.confirmed import ConfirmedLog
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.spans import SpanLog
from verwerkingenlogging.requests.peers import THIS_MACHINE
from verwerkingenlogging.telemetry.otel_propagator import HOSTS
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def rows(section: str) -> list[list[str]]:
    """The cells of the rows of the tables in a section, but for those whose first cell is no code."""
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"^\| `.*\|$", SECTIONS[section], re.MULTILINE)]


def first_column(section: str) -> list[str]:
    return [name for first, *_ in rows(section) for name in re.findall(r"`([^`]+)`", first)]


@pytest.mark.parametrize("kind", [Settings, Recorder, VerwerkingenloggingMiddleware, ApiLog, OutboxLog, SpanLog, ConfirmedLog])
def test_every_argument_is_described_and_no_other(kind: type) -> None:
    assert first_column(f"`{kind.__name__}`") == [name for name in inspect.signature(kind).parameters if name != "app"]


@pytest.mark.parametrize("kind", [ApiLog, OutboxLog, ConfirmedLog])
def test_the_defaults_are_those_of_the_code(kind: type) -> None:
    sizes = {64 * 1024**2: "64 MiB", 4 * 1024**3: "4 GiB", 16 * 1024**2: "16 MiB"}
    defaults = {name: one.default for name, one in inspect.signature(kind).parameters.items() if type(one.default) in {int, float}}
    told = {name.strip("`"): what.rpartition("; ")[2] for name, what in rows(f"`{kind.__name__}`")}
    assert {name: told[name] for name in defaults} == {name: sizes.get(value, f"{value:g}") for name, value in defaults.items()}


def test_who_is_trusted_by_default_is_said() -> None:
    assert f"`{json.dumps(list(THIS_MACHINE))}`" in SECTIONS["`VerwerkingenloggingMiddleware`"]


def test_the_file_of_activiteiten_is_as_described(tmp_path: Path) -> None:
    assert set(first_column("The file of activiteiten")) == {field.name for field in dataclasses.fields(Activiteit)} - {"naam"}
    (example,) = re.findall(r"```toml\n(.*?)```", SECTIONS["The file of activiteiten"], re.DOTALL)
    (tmp_path / "activiteiten.toml").write_text(example, encoding="utf-8")
    (oin,) = read_configuration(tmp_path / "activiteiten.toml")
    settings = Settings.from_env({"VERWERKINGENLOGGING_OIN": oin, "VERWERKINGENLOGGING_ACTIVITEITEN": str(tmp_path / "activiteiten.toml")})
    assert settings.activiteiten.get(oin, "fraude-onderzoek").bewaartermijn_maximum == "P20Y"


class Environment(Mapping[str, str]):
    """Remembers which variables it was asked for."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)


def test_every_variable_is_described_and_no_other(tmp_path: Path) -> None:
    given = {"VERWERKINGENLOGGING_REGISTER": "https://log.example.nl", "VERWERKINGENLOGGING_CLIENT_ID": "app"}
    register, subjects = Environment(**given, VERWERKINGENLOGGING_CLIENT_SECRET=32 * "x"), Environment()
    outbox = Environment(VERWERKINGENLOGGING_OUTBOX=str(tmp_path / "outbox"))
    ApiLog.from_env(register).close()
    OutboxLog.from_env(MemoryLog(), outbox).close()
    with pytest.raises(ConfigurationError):
        subjects_from_env(subjects)
    of_settings = {f"VERWERKINGENLOGGING_{field.name.upper()}" for field in dataclasses.fields(Settings)}
    described = {(name, reader) for names, reader, _ in rows("Environment") for name in re.findall(r"`([^`]+)`", names)}
    assert {name for name, _ in described} == of_settings | register.asked | outbox.asked | subjects.asked | {HOSTS}
    for reader, asked in (
        ("Settings", of_settings),
        ("ApiLog", register.asked),
        ("OutboxLog", outbox.asked),
        ("subjects_", subjects.asked),
    ):
        assert {name for name, by in described if reader in by} == asked


def told_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_every_command_and_option_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    (commands,) = re.findall(r"\{([\w,]+)\}", told_by(capsys))[:1]
    (actions,) = re.findall(r"\{([\w,]+)\}", told_by(capsys, "outbox"))[:1]
    assert commands.split(",") == ["check", "outbox"]
    described = {command.split()[1] if "check" in command else command.split()[2]: options for command, options, _ in rows("Commands")[:7]}
    assert [*described] == ["check", *actions.split(",")]
    for name, options in described.items():
        told = told_by(capsys, *(["check"] if name == "check" else ["outbox", name]))
        assert set(re.findall(r"`(--[\w-]+)`", options)) == set(re.findall(r"^  (--[\w-]+)", told, re.MULTILINE)), name


def test_the_exit_statuses_are_those_of_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = re.findall(r"^\| (\d) \|", SECTIONS["Commands"], re.MULTILINE)
    OutboxLog(tmp_path / "outbox", MemoryLog()).close()
    statuses = [main(["outbox", "status", str(tmp_path / name), "--min-free", "0"]) for name in ("outbox", "nowhere")]
    with pytest.raises(SystemExit) as ended:
        main(["outbox", "export", str(tmp_path / "outbox")])
    assert [*map(str, statuses), str(ended.value.code)] == described
    assert "--with-personal-data" in capsys.readouterr().err
