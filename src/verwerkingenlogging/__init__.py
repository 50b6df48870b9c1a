"""Log what an application does with personal data: the Verwerkingenlogging API standard for Python."""

from verwerkingenlogging.activiteiten import Activiteit, Activiteiten
from verwerkingenlogging.annotation import geen_verwerking, verwerkingsactie
from verwerkingenlogging.context import carried, recording, verwerking
from verwerkingenlogging.doelbinding import VNG, Doelbinding, HeaderProfile
from verwerkingenlogging.errors import (
    ConfigurationError,
    InvalidValue,
    LogRefused,
    LogUnavailable,
    NotRecorded,
    OutsideContext,
    VerwerkingenloggingError,
)
from verwerkingenlogging.logging_guard import guard_logging
from verwerkingenlogging.logs import MemoryLog, Verwerkingenlog
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, VerwerktSoortGegeven
from verwerkingenlogging.objecten import gevonden, persoon, verwerkt_object
from verwerkingenlogging.propagation import Propagation
from verwerkingenlogging.recorder import Recorder, Verwerking
from verwerkingenlogging.settings import Settings
from verwerkingenlogging.steps import alog_actie, log_actie

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
