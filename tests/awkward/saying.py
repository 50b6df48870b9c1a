"""What an application logs, said once for both ways of saying it: in annotations and in configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    MemoryLog,
    Recorder,
    Settings,
    Vertrouwelijkheid,
    geen_verwerking,
    gevonden,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging.calls.arguments import follow

__all__ = ["OIN", "Entry", "Said", "annotated_as", "found", "make_recorder", "nothing", "read", "recorded"]

OIN = "00000001821002193000"
Entry = Mapping[str, Any]
Said = Callable[[str], Callable[[Any], Any]]
"""Gives the decorator of a route, by its key in the configuration."""


def read(naam: str, objecten: Any = "bsn") -> Entry:
    """Of a person who is known beforehand."""
    return {"actie_naam": naam, "activiteit": "brp", "objecten": objecten}


def found(naam: str, gevonden: Any) -> Entry:
    """Of who is found in the result."""
    return {"actie_naam": naam, "activiteit": "brp", "gevonden": gevonden}


def nothing(key: str) -> Callable[[Any], Any]:
    """No decorator: the application is bare, or configured."""
    return lambda function: function


def annotated_as(entries: Mapping[str, Entry]) -> Said:
    """The annotation that says what the entry of a key says."""

    def said(key: str) -> Callable[[Any], Any]:
        entry = dict(entries[key])
        if "geen_verwerking" in entry:
            return geen_verwerking(entry["geen_verwerking"])
        value = entry.pop("gevonden", None)
        objecten = persoon(entry.pop("objecten")) if value is None else gevonden(value if callable(value) else _at(value))
        return verwerkingsactie(entry.pop("actie_naam"), objecten=objecten, **entry)

    return said


def _at(path: str) -> Callable[[Any], Any]:
    return lambda result: follow(result, path.split("."))


def make_recorder(log: MemoryLog) -> Recorder:
    """A recorder of an organisation with one activiteit."""
    activiteit = Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))
    return Recorder(log, Settings(oin=OIN, activiteiten=Activiteiten({OIN: [activiteit]})))


def recorded(log: MemoryLog) -> Sequence[tuple[str | None, Vertrouwelijkheid, tuple[str, ...]]]:
    """What is in a log, but for ids and moments."""
    return [
        (actie.actie_naam, actie.vertrouwelijkheid, tuple(objekt.object_id for objekt in actie.verwerkte_objecten)) for actie in log.acties
    ]
