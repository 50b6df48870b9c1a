"""Nothing that one test leaves behind fails another: it is found at the end of that test, which then fails itself.

A plugin of pytest, for all tests of the repository (``conftest.py``).
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["pytest_runtest_makereport", "pytest_runtest_protocol", "pytest_runtest_teardown"]

_FAILED = pytest.StashKey[bool]()
_BEFORE = pytest.StashKey[dict[str, Any]]()
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
_OF_THE_TOOLS = ("PYTEST_", "COVERAGE_", "COV_")
"""How the names begin that pytest and coverage keep in the environment, and change while tests run."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Remember what the process was like before ``item``."""
    item.stash[_BEFORE] = _state()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember that ``item`` failed."""
    report: Any = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report  # type: ignore[no-any-return]  # the hook's own result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """When the fixtures of ``item`` are gone: close what it left open, if it failed, and put back what it changed.

    Only where it failed, since collecting garbage after each test would double what the suites take. A test that passes and
    leaves something open fails by its ResourceWarning when that is collected, as a rule at once.
    """
    yield
    left = _close_what_it_held() if item.stash[_FAILED] else []
    left += _put_back(item.stash[_BEFORE])
    if left:
        pytest.fail(f"{item.name} left behind: {'; '.join(left)}", pytrace=False)


def _close_what_it_held() -> list[str]:
    """Forget the last exception, with all that the frames of its test still hold; gives what complained that it was open.

    The exception and its frames hold each other, so a connection among the variables would be closed when garbage is next
    collected, and its ResourceWarning would fail the test that runs by then.
    """
    complaints: list[str] = []
    with _unraisable(complaints):
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            if hasattr(sys, name):
                delattr(sys, name)
        gc.collect()
    return complaints


@contextmanager
def _unraisable(complaints: list[str]) -> Iterator[None]:
    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: complaints.append(f"{unraisable.exc_type.__name__}: {unraisable.exc_value}")
    try:
        yield
    finally:
        sys.unraisablehook = hook


def _state() -> dict[str, Any]:
    """What tests change of their process, by name."""
    return {
        "environment": {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_TOOLS)},
        "folder": Path.cwd(),
        "sys.path": sys.path.copy(),
        "handlers of signals": [signal.getsignal(number) for number in _SIGNALS],
        "level of the root logger": logging.getLogger().level,
    }


def _put_back(before: dict[str, Any]) -> list[str]:
    """Give what differs from ``before``, and what of it reaches the next test is as it was."""
    after = _state()
    if after == before:
        return []
    os.chdir(before["folder"])
    sys.path[:] = before["sys.path"]
    for name in after["environment"].keys() - before["environment"].keys():
        del os.environ[name]
    os.environ.update(before["environment"])
    for number, handler in zip(_SIGNALS, before["handlers of signals"], strict=True):
        signal.signal(number, handler)
    logging.getLogger().setLevel(before["level of the root logger"])
    return [f"the {what} changed" for what in before if after[what] != before[what]]
