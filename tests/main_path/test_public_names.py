"""The names that ``verwerkingenlogging`` gives: each is loaded when it is asked for, and tools that read sources see all of them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import verwerkingenlogging

SOURCE = ast.parse(Path(verwerkingenlogging.__file__).read_text(encoding="utf-8"))
FOR_EDITORS = {
    alias.name: node.module
    for block in SOURCE.body
    if isinstance(block, ast.If) and isinstance(block.test, ast.Name)
    for node in block.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
"""What the imports that only a type checker or an editor reads say: each name and its module."""


def test_a_type_checker_sees_the_names_that_there_are() -> None:
    assert sorted(FOR_EDITORS) == sorted(verwerkingenlogging.__all__)


@pytest.mark.parametrize("name", verwerkingenlogging.__all__)
def test_a_public_name_is_what_its_module_has(name: str) -> None:
    module = FOR_EDITORS[name]
    assert module is not None
    assert getattr(verwerkingenlogging, name) is getattr(__import__(module, fromlist=[name]), name)
    assert name in dir(verwerkingenlogging)


def test_importing_the_package_loads_none_of_its_modules_and_nothing_it_depends_on() -> None:
    program = """
import sys, verwerkingenlogging
print([name for name in sys.modules if name.partition('.')[0] in {'verwerkingenlogging', 'msgspec', 'whenever', 'asyncio'}])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "['verwerkingenlogging']"


def test_a_name_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(AttributeError, match="module 'verwerkingenlogging' has no attribute 'er_niet'"):
        verwerkingenlogging.er_niet  # type: ignore[attr-defined]  # noqa: B018  # the attribute is what is asked for
