"""Log what an application does with personal data: the Verwerkingenlogging API standard for Python.

A name is loaded from its module when it is first asked for, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verwerkingenlogging.annotation import geen_verwerking, verwerkingsactie
    from verwerkingenlogging.calls.objecten import gevonden, persoon, verwerkt_object
    from verwerkingenlogging.configuration.activiteiten import Activiteit, Activiteiten
    from verwerkingenlogging.configuration.settings import Settings
    from verwerkingenlogging.context import carried, recording, verwerking
    from verwerkingenlogging.errors import (
        ConfigurationError,
        InvalidValue,
        LogRefused,
        LogUnavailable,
        NotRecorded,
        OutsideContext,
        VerwerkingenloggingError,
    )
    from verwerkingenlogging.logs import MemoryLog, Verwerkingenlog
    from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
    from verwerkingenlogging.model.doelbinding import Doelbinding
    from verwerkingenlogging.model.verwerking import Verwerking
    from verwerkingenlogging.recorder import Recorder
    from verwerkingenlogging.requests.doelbinding_headers import VNG, HeaderProfile
    from verwerkingenlogging.requests.propagation import Propagation
    from verwerkingenlogging.steps import alog_actie, log_actie
    from verwerkingenlogging.telemetry.logging_guard import guard_logging

__all__ = [
    "VNG",
    "Activiteit",
    "Activiteiten",
    "ConfigurationError",
    "Doelbinding",
    "HeaderProfile",
    "InvalidValue",
    "LogRefused",
    "LogUnavailable",
    "MemoryLog",
    "NotRecorded",
    "OutsideContext",
    "Propagation",
    "Recorder",
    "Settings",
    "Vertrouwelijkheid",
    "Verwerking",
    "Verwerkingenlog",
    "VerwerkingenloggingError",
    "Verwerkingsactie",
    "VerwerktObject",
    "VerwerktSoortGegeven",
    "alog_actie",
    "carried",
    "geen_verwerking",
    "gevonden",
    "guard_logging",
    "log_actie",
    "persoon",
    "recording",
    "verwerking",
    "verwerkingsactie",
    "verwerkt_object",
]

if not TYPE_CHECKING:  # pragma: no branch
    from importlib import import_module

    _MODULES = {
        "Activiteit": "verwerkingenlogging.configuration.activiteiten",
        "Activiteiten": "verwerkingenlogging.configuration.activiteiten",
        "ConfigurationError": "verwerkingenlogging.errors",
        "Doelbinding": "verwerkingenlogging.model.doelbinding",
        "HeaderProfile": "verwerkingenlogging.requests.doelbinding_headers",
        "InvalidValue": "verwerkingenlogging.errors",
        "LogRefused": "verwerkingenlogging.errors",
        "LogUnavailable": "verwerkingenlogging.errors",
        "MemoryLog": "verwerkingenlogging.logs",
        "NotRecorded": "verwerkingenlogging.errors",
        "OutsideContext": "verwerkingenlogging.errors",
        "Propagation": "verwerkingenlogging.requests.propagation",
        "Recorder": "verwerkingenlogging.recorder",
        "Settings": "verwerkingenlogging.configuration.settings",
        "VNG": "verwerkingenlogging.requests.doelbinding_headers",
        "Vertrouwelijkheid": "verwerkingenlogging.model",
        "Verwerking": "verwerkingenlogging.model.verwerking",
        "Verwerkingenlog": "verwerkingenlogging.logs",
        "VerwerkingenloggingError": "verwerkingenlogging.errors",
        "Verwerkingsactie": "verwerkingenlogging.model",
        "VerwerktObject": "verwerkingenlogging.model",
        "VerwerktSoortGegeven": "verwerkingenlogging.model",
        "alog_actie": "verwerkingenlogging.steps",
        "carried": "verwerkingenlogging.context",
        "geen_verwerking": "verwerkingenlogging.annotation",
        "gevonden": "verwerkingenlogging.calls.objecten",
        "guard_logging": "verwerkingenlogging.telemetry.logging_guard",
        "log_actie": "verwerkingenlogging.steps",
        "persoon": "verwerkingenlogging.calls.objecten",
        "recording": "verwerkingenlogging.context",
        "verwerking": "verwerkingenlogging.context",
        "verwerkingsactie": "verwerkingenlogging.annotation",
        "verwerkt_object": "verwerkingenlogging.calls.objecten",
    }

    def __getattr__(name: str) -> object:
        """The public name ``name`` (PEP 562). It is kept, so that this is called once for each."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
