"""The reference of commands and settings is what the command takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from verwerkingenlogging_register._commands.main import app

REFERENCE_FOLDER = Path(__file__).parents[4] / "docs" / "reference"
REFERENCE = (REFERENCE_FOLDER / "register.md").read_text(encoding="utf-8")


def commands() -> dict[str, click.Command]:
    group: Any = typer.main.get_command(app)
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= {f"{name} {inner}": one for inner, one in command.commands.items()}
        else:
            found[name] = command
    return found


def sections() -> dict[str, str]:
    parts = re.split(r"^## verwerkingenlog ([a-z ]+?)(?: NAME)?$", REFERENCE, flags=re.MULTILINE)
    return {name: text.split("\n## ")[0] for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Of each option its variables and its default."""
    cells = [[cell.strip() for cell in line.split("|")[1:4]] for line in text.splitlines() if line.startswith("| `--")]
    return {name.strip("`"): (variables, default) for name, variables, default in cells}


def test_every_command_has_its_section() -> None:
    assert sections().keys() == commands().keys()


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_is_listed_with_its_variable_and_default(name: str) -> None:
    listed = rows(sections()[name])
    options: list[Any] = [
        parameter for parameter in commands()[name].params if parameter.opts[0].startswith("--") and parameter.name != "help"
    ]
    assert set(listed) == {option.opts[0] for option in options}
    for option in options:
        variables, default = listed[option.opts[0]]
        assert (option.envvar is None and variables == "") or f"`{option.envvar}`" in variables, option.name
        given = option.default() if callable(option.default) else option.default
        if isinstance(given, bool):
            assert default == ("on" if given else "off"), option.name
        elif given is not None and not callable(given) and given != []:
            assert default == f"`{getattr(given, 'value', given)}`", option.name


def test_every_metric_is_listed() -> None:
    from verwerkingenlogging_register._metrics import Metrics

    names = {family.name for family in Metrics().registry.collect()}
    assert {name.removesuffix("_total") for name in re.findall(r"^\| `(verwerkingenlog_\w+)`", REFERENCE, re.MULTILINE)} == names


def test_every_deviation_that_a_contract_test_accepts_is_explained() -> None:
    accepted = set(re.findall(r'"([XD]\d+)": ', (Path(__file__).parents[1] / "api" / "test_contract.py").read_text(encoding="utf-8")))
    explained = set(re.findall(r"\b[XD]\d+\b", (REFERENCE_FOLDER / "deviations.md").read_text(encoding="utf-8")))
    assert len(accepted) > 10
    assert accepted <= explained


def test_the_container_gets_every_dependency() -> None:
    root = Path(__file__).parents[4]
    needed = set()
    for pyproject in (root / "pyproject.toml", root / "plugins" / "register" / "pyproject.toml"):
        project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
        dependencies = [*project["dependencies"], *project["optional-dependencies"].get("postgresql", [])]
        needed |= {re.split(r"[^A-Za-z0-9-]", each)[0].lower() for each in dependencies if "win32" not in each}
    deploy = (root / "plugins" / "register" / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    assert needed - {"verwerkingenlogging"} <= set(re.findall(r"^([a-z0-9-]+)==", deploy, re.MULTILINE))
