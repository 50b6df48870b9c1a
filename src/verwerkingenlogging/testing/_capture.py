"""For the tests of an application: what it logged, and what it does when the log fails.

With pytest, ask for the fixture ``verwerkingenlog``; with anything else, use ``capture()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import NAMESPACE_URL, uuid5

from verwerkingenlogging.configuration.activiteiten import Activiteit, Activiteiten
from verwerkingenlogging.configuration.settings import Settings
from verwerkingenlogging.context import Context, Fallback
from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging.logs._memory import MemoryLog
from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.testing._table import table

__all__ = ["AnyActiviteiten", "CapturedLog", "capture"]

_TEST_OIN = "00000099000000000000"  # 00000099 is the prefix of test OINs, free for any organisation (B0516)


class CapturedLog(MemoryLog):
    """What the code under test logged. Its assertions fail with a table of what was there."""

    def only(self) -> Verwerkingsactie:
        """The only actie that was logged. Fails when there are more or none."""
        if len(self.acties) != 1:
            raise AssertionError(f"expected 1 verwerkingsactie, but logged were {len(self.acties)}:\n{table(self.acties)}")
        return self.acties[0]

    def assert_logged(self, *actie_namen: str) -> None:
        """Assert that exactly these acties were logged, in this order. Without names: that nothing was."""
        logged = [actie.actie_naam for actie in self.acties]
        if logged != list(actie_namen):
            raise AssertionError(f"expected {list(actie_namen)}, but logged were:\n{table(self.acties)}")

    def assert_persons(self, *object_ids: str) -> None:
        """Assert that exactly these persons were logged, each at least once, in any order."""
        logged = {objekt.object_id for actie in self.acties for objekt in actie.verwerkte_objecten}
        if logged != set(object_ids):
            raise AssertionError(f"expected persons {sorted(object_ids)}, but logged were:\n{table(self.acties)}")

    def be_down(self) -> None:
        """From now on every attempt to log fails, as when the register cannot be reached."""
        self.failure = LogUnavailable("the log is down, as this test asked")

    def be_up(self) -> None:
        """Accept records again."""
        self.failure = None


class AnyActiviteiten(Activiteiten):
    """Activiteiten for tests: every name exists, with an id made from that name."""

    def __init__(self) -> None:
        super().__init__({_TEST_OIN: ()})

    def get(self, oin: str, naam: str) -> Activiteit:
        """An activiteit called ``naam``, whatever the organisation."""
        return Activiteit(naam=naam, id=uuid5(NAMESPACE_URL, naam))

    def problems(self, naam: str) -> list[str]:
        """Always empty: every name exists."""
        return []


@contextmanager
def capture() -> Iterator[CapturedLog]:
    """Inside this block every recorder of this process writes to this log instead of its own.

    Annotated functions can be called without a middleware; each such call is a verwerking of its own.
    """
    log = CapturedLog()
    recorder = Recorder(log, Settings(oin=_TEST_OIN, activiteiten=AnyActiviteiten()))
    before = (Recorder.diverted_to, Fallback.make)
    Recorder.diverted_to = log
    Fallback.make = lambda: Context(recorder, configured=None)
    try:
        yield log
    finally:
        Recorder.diverted_to, Fallback.make = before
