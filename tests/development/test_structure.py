"""The house: a stranger finds his way, because folders and files are small and arrows point one way."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    "src": ["verwerkingenlogging"],
    "plugins/starlette/src": ["verwerkingenlogging_starlette"],
    "plugins/django/src": ["verwerkingenlogging_django"],
    "plugins/register/src": ["verwerkingenlogging_register"],
    "examples/src": ["burgerzaken", "demo", "gegevensmagazijn", "zaaksysteem"],
}
MAIN_PATH = [
    *(f"src/verwerkingenlogging/{name}.py" for name in ("recorder", "annotation", "wrapping", "context")),
    "plugins/starlette/src/verwerkingenlogging_starlette/_middleware.py",
]
"""The way of a record from the annotation to the log, and one middleware: with what a reader of the code begins."""

MOST_MODULES = 15
MOST_LINES_ON_THE_MAIN_PATH = 200
MOST_LINES_OF_THE_MEDIAN = 120


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def modules(*folders: str) -> Iterator[Path]:
    """All modules but tests and migrations; ``__init__.py`` has a docstring and what is public, so it is none."""
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if (
                path.name != "__init__.py"
                and not {"tests", "migrations", "__pycache__"} & {*path.parts}
                and not path.name.startswith("test_")
            ):
                yield path


@pytest.mark.parametrize("sources", SOURCES)
def test_no_module_imports_itself_through_others(sources: str) -> None:
    graph = grimp.build_graph(*SOURCES[sources], exclude_type_checking_imports=False, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_no_folder_has_more_modules_than_one_overlooks() -> None:
    folders: dict[str, int] = {}
    for path in modules(*SOURCES, "bench", "crash"):
        folder = path.parent.relative_to(ROOT).as_posix()
        folders[folder] = folders.get(folder, 0) + 1
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


@pytest.mark.parametrize("path", MAIN_PATH)
def test_who_wants_to_read_the_code_begins_with_short_files(path: str) -> None:
    assert length(ROOT / path) <= MOST_LINES_ON_THE_MAIN_PATH


def test_half_of_the_modules_fit_on_two_screens() -> None:
    assert median(length(path) for path in modules(*SOURCES)) <= MOST_LINES_OF_THE_MEDIAN
