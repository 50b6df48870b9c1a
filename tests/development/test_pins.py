"""Every extra can be installed beside what Dutch applications pin, and the versions that we support are those that the page says.

Here it is held against names and versions; that all of it together has a solution is for .ci/pins, which asks the package index.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECTS = {"core": "pyproject.toml", "starlette": "plugins/starlette/pyproject.toml", "django": "plugins/django/pyproject.toml"}
PAGE = (ROOT / "docs" / "reference" / "supported-versions.md").read_text(encoding="utf-8")
OURS = re.compile(r"verwerkingenlogging")


def requirements(project: str) -> dict[str, list[Requirement]]:
    """By extra; under "" what is needed always."""
    stated = tomllib.loads((ROOT / {**PROJECTS, "register": "plugins/register/pyproject.toml"}[project]).read_text(encoding="utf-8"))[
        "project"
    ]
    by_extra = {"": stated["dependencies"], **stated["optional-dependencies"]}
    return {
        extra: [requirement for requirement in map(Requirement, some) if not OURS.match(requirement.name)]
        for extra, some in by_extra.items()
    }


def locked(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==([^\s;]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    ):
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize("project", ["core", "django"])
@pytest.mark.parametrize("pins", sorted(path.stem for path in (ROOT / "tests" / "pins").glob("*.txt")))
def test_no_extra_refuses_what_an_application_pins(pins: str, project: str) -> None:
    pinned = locked(f"tests/pins/{pins}.txt")
    assert len(pinned) > 100
    for extra, needed in requirements(project).items():
        for requirement in needed:
            for version in pinned.get(canonicalize_name(requirement.name), ()):
                assert requirement.specifier.contains(version), f"[{extra}] wants {requirement}; {pins} has {version}"


@pytest.mark.parametrize("project", [*PROJECTS, "register"])
def test_what_is_tested_as_lowest_is_what_the_project_says(project: str) -> None:
    tested = locked("requirements/lowest-register.txt" if project == "register" else "requirements/lowest.txt")
    for needed in requirements(project).values():
        for requirement in needed:
            if requirement.marker is not None:  # not for this machine
                continue
            (lowest,) = (one.version for one in requirement.specifier if one.operator == ">=")
            (version,) = tested[canonicalize_name(requirement.name)]
            assert re.sub(r"(\.0)+$", "", version) == re.sub(r"(\.0)+$", "", lowest), f"{requirement}: run `make lock`"


def test_the_page_says_what_the_projects_say() -> None:
    rows = re.findall(r"^\| `([^`]*)` \| ([^|]*) \| `([^`]+)` \|", PAGE, re.MULTILINE)
    said = {(package, extra.strip(" `[]").replace("always", ""), str(Requirement(text))) for package, extra, text in rows}
    names = {"core": "verwerkingenlogging", "starlette": "verwerkingenlogging-starlette", "django": "verwerkingenlogging-django"}
    stated = {
        (names[project], extra, str(requirement))
        for project in PROJECTS
        for extra, needed in requirements(project).items()
        for requirement in needed
    }
    assert said == stated


def test_each_application_names_its_source() -> None:
    for path in (ROOT / "tests" / "pins").glob("*.txt"):
        first, *rest = path.read_text(encoding="utf-8").splitlines()
        assert re.fullmatch(
            r"# What \S+ of github\.com/\S+ pins at commit [0-9a-f]{12} \(\d{4}-\d\d-\d\d\), on Python 3\.\d+: names and versions\.", first
        )
        assert all(re.fullmatch(r"[a-z0-9._-]+==[A-Za-z0-9.+!_-]+", line) for line in rest)
        assert path.stem.replace("-", " ") in PAGE.lower()
