"""Log what an application does with personal data: the Verwerkingenlogging API standard for Python."""

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
from verwerkingenlogging.recorder import Recorder, Verwerking
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
