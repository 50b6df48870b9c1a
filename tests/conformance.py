"""What every Verwerkingenlog must do. A new one is tested by subclassing this and giving its two fixtures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from verwerkingenlogging import NotRecorded, Verwerkingenlog, Verwerkingsactie, VerwerktObject

Stored = Callable[[], list[Verwerkingsactie]]


def actie(number: int) -> Verwerkingsactie:
    """An actie that can be told from the others."""
    return Verwerkingsactie(
        tijdstip="2024-04-05T14:35:42.123+01:00", actie_naam=f"Ophalen {number}", verwerkte_objecten=(VerwerktObject(object_id="2308572"),)
    )


class VerwerkingenlogConformance:
    """The promises of a log. Subclasses give ``log``, ``stored`` and ``break_it``."""

    @pytest.fixture
    def log(self) -> Verwerkingenlog:
        """The log under test."""
        raise NotImplementedError

    @pytest.fixture
    def stored(self) -> Stored:
        """What the place that it keeps them in now holds, in order."""
        raise NotImplementedError

    @pytest.fixture
    def break_it(self) -> Callable[[], None]:
        """Makes the place fail from now on."""
        raise NotImplementedError

    def test_what_is_logged_is_kept_to_the_letter(self, log: Verwerkingenlog, stored: Stored) -> None:
        log.log([actie(1), actie(2)])
        assert stored() == [actie(1), actie(2)]

    async def test_so_is_what_is_logged_asynchronously(self, log: Verwerkingenlog, stored: Stored) -> None:
        await log.alog([actie(1), actie(2)])
        assert await asyncio.to_thread(stored) == [actie(1), actie(2)]

    async def test_nothing_is_logged_by_logging_nothing(self, log: Verwerkingenlog, stored: Stored) -> None:
        await asyncio.to_thread(log.log, [])
        await log.alog([])
        assert await asyncio.to_thread(stored) == []

    async def test_many_may_log_at_once(self, log: Verwerkingenlog, stored: Stored) -> None:
        threads = [threading.Thread(target=log.log, args=([actie(number)],)) for number in range(8)]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(log.alog([actie(number)]) for number in range(8, 16)))
        for thread in threads:
            await asyncio.to_thread(thread.join)
        names = sorted(kept.actie_naam or "" for kept in await asyncio.to_thread(stored))
        assert names == sorted(f"Ophalen {number}" for number in range(16))

    async def test_what_is_not_kept_raises(self, log: Verwerkingenlog, stored: Stored, break_it: Callable[[], None]) -> None:
        await asyncio.to_thread(log.log, [actie(1)])
        await asyncio.to_thread(break_it)
        with pytest.raises(NotRecorded):
            await asyncio.to_thread(log.log, [actie(2)])
        with pytest.raises(NotRecorded) as caught:
            await log.alog([actie(3)])
        assert "2308572" not in str(caught.value)
        assert await asyncio.to_thread(stored) == [actie(1)]
