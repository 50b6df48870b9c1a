"""What one test leaves behind, it answers for itself, and the test after it is as well as ever."""

from __future__ import annotations

from pathlib import Path

import pytest

LEAVES = {
    "a connection": ("kept = Kept()", "ResourceWarning: a connection was left open"),
    "a connection in a circle": ("kept = Kept(); kept.itself = kept", "ResourceWarning: a connection was left open"),
    "a file": ("file = open(__file__)", "ResourceWarning: unclosed file"),
    "a coroutine": ("waiting = never()", "RuntimeWarning: coroutine 'never' was never awaited"),
    "its environment": ("os.environ['LEFT'] = 'behind'", "the environment changed"),
    "what it took out of its environment": ("del os.environ['HOME']", "the environment changed"),
    "another folder": ("os.chdir('/')", "the folder changed"),
    "another path of modules": ("sys.path.insert(0, '/nowhere')", "the sys.path changed"),
    "somebody who handles a signal": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "the handlers of signals changed"),
    "another level of logging": ("logging.getLogger().setLevel(1)", "the level of the root logger changed"),
}
TESTS = """
import gc, logging, os, signal, sys, warnings

HERE = os.getcwd()
PATH = list(sys.path)

class Kept:
    def __del__(self):
        warnings.warn("a connection was left open", ResourceWarning, stacklevel=1)

async def never():
    pass

def test_that_fails_half_way():
    {left}
    raise ValueError("half-way")

def test_that_comes_next():
    gc.collect()  # as happens now and then
    assert "LEFT" not in os.environ
    assert "HOME" in os.environ
    assert (os.getcwd(), sys.path) == (HERE, PATH)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert logging.getLogger().level == logging.WARNING
"""


@pytest.mark.parametrize("what", LEAVES)
def test_a_test_that_fails_with_something_open_fails_no_other(alone: pytest.Pytester, what: str) -> None:
    left, told = LEAVES[what]
    alone.makepyfile(TESTS.format(left=left))
    alone.makepyfile(left_open=Path(__file__).parents[1].joinpath("left_open.py").read_text(encoding="utf-8"))
    result = alone.runpytest_subprocess("-p", "left_open")
    result.assert_outcomes(failed=1, passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_that_fails_half_way*", f"test_that_fails_half_way left behind: *{told}*"])


def test_without_that_the_next_one_would_fail(alone: pytest.Pytester) -> None:
    """As on 30 November 2026: the frames of a failed test hold what it opened, until garbage is collected in whichever comes next."""
    alone.makepyfile(TESTS.format(left=LEAVES["a connection"][0]))
    alone.runpytest_subprocess().assert_outcomes(failed=2)


@pytest.fixture
def alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with our filters of warnings, and with no plugin of pytest."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester
