"""Reads the rows of a search: acties, each with the occurrences of the persoon who was asked for.

The number of that persoon was asked for, so it is not opened again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from verwerkingenlogging_register._acties.search_statements import ACTIE_NAMES, OBJECT_NAMES
from verwerkingenlogging_register._keys.protection import Keys, opened_actie
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import Row, VersionRows

__all__ = ["actie_in", "object_in", "versions_in"]


def actie_in(row: Sequence[Any], keys: Keys) -> Row:
    """The actie in a row, decrypted."""
    return opened_actie(dict(zip(ACTIE_NAMES, row)), keys)  # noqa: B905  # more stands behind it


def object_in(row: Sequence[Any], persoon: Persoon) -> Row:
    """The occurrence of ``persoon`` in a row."""
    found = dict(zip(OBJECT_NAMES, row[len(ACTIE_NAMES) :]))  # noqa: B905  # more stands behind it
    found["object_id"] = persoon.object_id
    return found


def versions_in(rows: Iterable[Sequence[Any]], keys: Keys, persoon: Persoon) -> dict[int, VersionRows]:
    """The versions in ``rows`` by number, in their order, each with the occurrences of ``persoon``."""
    found: dict[int, VersionRows] = {}
    for row in rows:
        if row[0] not in found:
            found[row[0]] = VersionRows(actie_in(row, keys), [])
        found[row[0]].objecten.append(object_in(row, persoon))
    return found
