"""The information model of the standard: the verwerkingsactie, its attributes and their limits.

Import the acties from here, and limits, terms, traces and doelbinding from their modules, which are all public.
It imports ``support`` and ``errors``.
"""

from verwerkingenlogging.model.copies import filled, happening, identified
from verwerkingenlogging.model.registered import RegisteredVerwerkingsactie, RegisteredVerwerktObject, read_registered
from verwerkingenlogging.model.vertrouwelijkheid import Vertrouwelijkheid, check_vertrouwelijkheid
from verwerkingenlogging.model.verwerkingsactie import Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
from verwerkingenlogging.model.wire_form import plain, wire_form

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
