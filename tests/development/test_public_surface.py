"""What is public in each distribution is what docs/reference/api/ says, so that a change of it is seen in review."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.public_surface import API, DISTRIBUTIONS, ROOT, surface

FRAMEWORK = ("apps.py", "management/", "migrations/", "models.py")
"""What Django finds by its place and its class, and what nobody imports by name."""


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_what_is_public_is_what_the_page_says(package: str) -> None:
    said = (API / f"{package}.txt").read_text(encoding="utf-8")
    assert surface(package).splitlines() == said.splitlines(), "run `make api`, and see in the difference what changes for users"


def test_there_is_a_page_for_each_distribution_and_no_other() -> None:
    assert sorted(path.stem for path in API.glob("*.txt")) == sorted(DISTRIBUTIONS)


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_every_module_says_what_others_may_import_from_it(package: str) -> None:
    folder = ROOT / DISTRIBUTIONS[package] / package
    modules = [path for path in folder.rglob("*.py") if not path.relative_to(folder).as_posix().startswith(FRAMEWORK)]
    assert [
        str(path.relative_to(folder)) for path in modules if not _has_all(path) and _defines(path) and "migrations" not in path.parts
    ] == []


def _has_all(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in tree.body)


def _defines(path: Path) -> bool:
    """Whether there is anything public in it: a module that is run, and a package of which the modules are imported, may have none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))
    return any(not name.startswith("_") for name in defined) and path.name != "__main__.py"
