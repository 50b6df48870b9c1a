"""How long to wait after a failure, and what to say of it."""

from __future__ import annotations

import pytest

from verwerkingenlogging import LogUnavailable
from verwerkingenlogging.logs.delivery.backoff import Backoff, told


def test_each_wait_is_twice_as_long_until_the_longest() -> None:
    backoff = Backoff()
    for longest in (0.5, 1, 2, 4, 8, 16, 30, 30):
        assert longest / 2 <= backoff.failed() <= longest


def test_waits_are_not_alike_so_that_nobody_comes_back_together() -> None:
    assert len({Backoff().failed() for _ in range(20)}) > 1


def test_years_of_failures_wait_no_longer() -> None:
    backoff = Backoff()
    assert max(backoff.failed() for _ in range(5000)) <= 30


def test_after_success_it_begins_anew_and_says_once_that_it_had_failed() -> None:
    backoff = Backoff()
    backoff.failed()
    backoff.failed()
    assert backoff.succeeded()
    assert not backoff.succeeded()
    assert backoff.failed() <= 0.5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LogUnavailable("the register is full"), "the register is full"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("somebody's own words"), "OSError"),
        (ValueError("999990019 is wrong"), "ValueError"),
    ],
)
def test_only_our_own_words_and_the_operating_systems_are_repeated(error: Exception, words: str) -> None:
    assert told(error) == words
