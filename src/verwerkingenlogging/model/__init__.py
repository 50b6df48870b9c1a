"""The information model of the standard: the verwerkingsactie, its attributes and their limits.

Import the acties from here, and limits, terms, traces and doelbinding from their modules, which are all public.
It imports ``support`` and ``errors``.
"""

from verwerkingenlogging.model.verwerkingsactie import (
    RegisteredVerwerkingsactie,
    RegisteredVerwerktObject,
    Vertrouwelijkheid,
    Verwerkingsactie,
    VerwerktObject,
    VerwerktSoortGegeven,
    check_vertrouwelijkheid,
    filled,
    happening,
    identified,
    plain,
    read_registered,
    wire_form,
)

__all__ = [
    "RegisteredVerwerkingsactie",
    "RegisteredVerwerktObject",
    "Vertrouwelijkheid",
    "Verwerkingsactie",
    "VerwerktObject",
    "VerwerktSoortGegeven",
    "check_vertrouwelijkheid",
    "filled",
    "happening",
    "identified",
    "plain",
    "read_registered",
    "wire_form",
]
