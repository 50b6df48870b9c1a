"""A Python in which something is not installed, for tests of what is imported where."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
_WITHOUT = """
import importlib, pkgutil, sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in {names!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Without())

def imported(package, but=()):
    '''Import every module of ``package`` except those that are for an extra, and below them.'''
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not any(found.name == one or found.name.startswith(one + ".") for one in but):
            importlib.import_module(found.name)
"""


def without(names: tuple[str, ...], script: str) -> str:
    """What ``script`` prints where the packages of those names cannot be imported."""
    code = _WITHOUT.format(names=names) + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
