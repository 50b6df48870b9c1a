"""The position of a reader in a result of several pages, whatever is added, corrected or removed meanwhile."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from verwerkingenlogging_register._model.versions import VersionRows

__all__ = ["Place", "Position"]


class Place(NamedTuple):
    """The place of one result in the order of a search (D5), as it was at the first page, so that it never moves.

    ``volgnummer`` is that of the occurrence, or 0 where a result is an actie.
    """

    tijdstip_instant: int
    registratie_instant: int
    actie_id: str
    volgnummer: int = 0

    @classmethod
    def of(cls, rows: VersionRows, volgnummer: int = 0) -> Place:
        """The place of that version."""
        return cls(rows.actie["tijdstip_instant"], rows.actie["registratie_instant"], rows.actie["actie_id"], volgnummer)

    @property
    def order(self) -> tuple[Any, ...]:
        """The sort key: a smaller one comes first."""
        return -self.tijdstip_instant, -self.registratie_instant, self.actie_id, self.volgnummer


class Position(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The beginning of a page, in the result as it was at the first page.

    Attributes:
        horizon: the newest version of that moment. Versions are numbered in the order in which they are committed, so all that came
            later have a higher number.
        count: how many results there were.
        place: of the result beside the page, which is not on it; the number of a version in a history. None: the page begins at
            the first result, or ends with the last one.
        backward: the page is the one before that place, not the one after it.
    """

    horizon: int
    count: int
    place: Place | int | None
    backward: bool = False
