"""The pytest plugin: the fixture ``verwerkingenlog``, and readable differences between verwerkingsacties."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject
from verwerkingenlogging.testing import CapturedLog, capture

__all__ = ["pytest_assertrepr_compare", "verwerkingenlog"]


@pytest.fixture
def verwerkingenlog() -> Iterator[CapturedLog]:
    """The log of the code under test, whatever log its recorders have::

    def test_looking_at_a_person_is_logged(client, verwerkingenlog):
        client.get("/personen/999990019")
        assert verwerkingenlog.only().actie_naam == "Ophalen persoonsgegevens"
    """
    with capture() as log:
        yield log


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show which attributes differ when a test compares two acties or two objecten."""
    if op != "==" or type(left) is not type(right) or not isinstance(left, Verwerkingsactie | VerwerktObject):
        return None
    ours, theirs = msgspec.structs.asdict(left), msgspec.structs.asdict(right)  # type: ignore[arg-type]  # the same type, as just seen
    differences = [f"  {field}: {ours[field]!r} != {theirs[field]!r}" for field in ours if ours[field] != theirs[field]]
    return [f"two of {type(left).__name__} differ in {len(differences)} attributes:", *differences]
