"""The record that is measured with: the full record of a consumer in the standard's quick start ("Maximaal")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from verwerkingenlogging import Activiteit, Activiteiten, Recorder, Settings, Verwerkingenlog, persoon, verwerkingsactie

__all__ = ["GEBRUIKER", "SETTINGS", "annotation", "make_recorder"]

_OIN = "00000099123456780000"
GEBRUIKER = "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"
_ACTIVITEIT = Activiteit(
    naam="huwelijk",
    id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"),
    url="https://var.example.nl/verwerkingsactiviteiten/5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    bewaartermijn="P150Y",
)
SETTINGS = Settings(
    oin=_OIN,
    activiteiten=Activiteiten({_OIN: [_ACTIVITEIT]}),
    systeem="FooBarApp v2.1",
    gegevensbron="FooBar Database Publiekszaken",
    uitvoerder=_OIN,
)
"""Of an application that says everything about itself."""


def make_recorder(log: Verwerkingenlog) -> Recorder:
    """A recorder of that application."""
    return Recorder(log, SETTINGS)


def annotation(bsn: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The annotation of a route, which finds the person's id there. No doelbinding of a caller."""
    return verwerkingsactie(
        "Ophalen persoonsgegevens",
        activiteit=_ACTIVITEIT.naam,
        objecten=persoon(bsn, betrokkenheid="Getuige"),
        handeling_naam="Registratie getuigen",
        verwerking_naam="Huwelijk",
    )
