"""The contents of a record for the admin: decrypted when the key is here, and with names for people."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec
from django.db import DEFAULT_DB_ALIAS

from verwerkingenlogging.errors import ConfigurationError, VerwerkingenloggingError
from verwerkingenlogging.logs.outbox.encryption import SealBroken
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, filled
from verwerkingenlogging_django._log.django_log import DjangoLog
from verwerkingenlogging_django._log.rows import entry_of, opened
from verwerkingenlogging_django.models import Record
from verwerkingenlogging_django.settings import configuration

__all__ = ["RecordContents", "configured_log", "log_databases", "naam_of_activiteit", "persons_in", "read"]

SEALED = "versleuteld; dit proces heeft de sleutel niet"
DAMAGED = "niet te lezen"


@dataclass(frozen=True, slots=True)
class RecordContents:
    """The contents of a record: its actie, or why it cannot be read."""

    actie: Verwerkingsactie | None
    why_not: str = ""


def configured_log() -> DjangoLog | None:
    """The DjangoLog of this project; None when it has another log, or when the settings are wrong."""
    try:
        log = configuration().log
    except VerwerkingenloggingError:
        return None
    return log if isinstance(log, DjangoLog) else None


def log_databases() -> tuple[str, ...]:
    """The aliases of the databases with records, at least one. The first is shown by default."""
    log = configured_log()
    return (DEFAULT_DB_ALIAS,) if log is None else log.databases


def read(record: Record) -> RecordContents:
    """Read ``record``. No error holds anything of its contents."""
    body, place = bytes(record.body), None if record.place is None else bytes(record.place)
    if record.sealed:
        log = configured_log()
        if log is None or log.keys is None:
            return RecordContents(None, SEALED)
        try:
            body = opened(record.key, body, place, log.keys)
        except ConfigurationError:
            return RecordContents(None, SEALED)
        except SealBroken:
            return RecordContents(None, DAMAGED)
    try:
        return RecordContents(entry_of(record.key, body, place).actie)
    except (msgspec.MsgspecError, ValueError):
        return RecordContents(None, DAMAGED)


def persons_in(actie: Verwerkingsactie) -> tuple[VerwerktObject, ...]:
    """The persons whose data somebody sees who looks at ``actie``: those whom it is about, and a person who received it."""
    seen = [filled(one, betrokkenheid=None, verwerkte_soorten_gegevens=()) for one in actie.verwerkte_objecten]
    if actie.soort_afnemer_id == "BSN" and actie.afnemer_id is not None:
        seen.append(VerwerktObject(object_id=actie.afnemer_id))
    return tuple(dict.fromkeys(seen))


def naam_of_activiteit(activiteit_id: UUID | None) -> str:
    """The name of an activiteit in the settings, or else its id."""
    if activiteit_id is None:
        return "-"
    try:
        return configuration().settings.activiteiten.naam_of(activiteit_id) or str(activiteit_id)
    except VerwerkingenloggingError:
        return str(activiteit_id)
