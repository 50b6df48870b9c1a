"""``verwerkingenlog check``: checks whether this register can serve, and names the remedy when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging.errors import ConfigurationError, LogUnavailable
from verwerkingenlogging_register._database.engines import check_rights, open_reader, prepare, reason_of
from verwerkingenlogging_register._database.location import shown
from verwerkingenlogging_register._keys.key_file import active, load_keys
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.tables import verwerkingsactie
from verwerkingenlogging_register._model.versions import instant_of, moment_of
from verwerkingenlogging_register.settings import Settings

__all__ = ["Finding", "check"]

T = TypeVar("T")
_SKEW_SECONDS = 2.0
_BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock that is right shows a moment before this program was written."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: its name, whether it is right, and what was found or what to do."""

    name: str
    well: bool
    text: str


def check(settings: Settings) -> Iterator[Finding]:
    """Check the database, the rights of this role, the keys and the clock. Checks that need a failed one are left out."""
    database = _look("database", lambda: _database(settings))
    yield database
    yield _look("keys", lambda: _keys(settings, compare=database.well))
    if database.well:
        yield _look("rights", lambda: _rights(settings))
        yield _look("clock", lambda: _clock(settings))


def _look(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, well=True, text=look())
    except (ConfigurationError, LogUnavailable) as error:
        return Finding(name, well=False, text=str(error))
    except DBAPIError as error:
        return Finding(name, well=False, text=f"the database refused: {reason_of(error)}")


def _database(settings: Settings) -> str:
    if isinstance(settings.database, Path) and not settings.database.exists():
        raise ConfigurationError(f"setting database: {settings.database} does not exist; serve makes it, or: verwerkingenlog migrate")
    prepare(settings.database)
    return f"{shown(settings.database)} is there, has the tables of this version, and its commits last"


def _keys(settings: Settings, *, compare: bool) -> str:
    keys = load_keys(settings.key_source)
    if compare:
        _reading(settings, Keys(settings.key_source).check)
    return f"{len(keys)} in {settings.key_source}; key {active(keys).key_id} is in use"


def _rights(settings: Settings) -> str:
    check_rights(settings.database)
    return "a file has no roles; its mode keeps others out" if isinstance(settings.database, Path) else "this role can read and add only"


# Numbers rise with the registrations, and have an index: the log is not read through for it.
_NEWEST = select(verwerkingsactie.c.registratie_instant).where(
    verwerkingsactie.c.versie == select(func.max(verwerkingsactie.c.versie)).scalar_subquery()
)


def _clock(settings: Settings) -> str:
    now = datetime.now(UTC)
    if now < _BUILT:
        raise ConfigurationError(f"the clock shows {now:%Y-%m-%d}, which is past; synchronise it with a time server")
    newest = _reading(settings, lambda connection: connection.execute(_NEWEST).scalar())
    if newest is not None and newest > instant_of(now) + _SKEW_SECONDS * 1_000_000:
        raise ConfigurationError(f"the newest registration is of {moment_of(newest)}, after this clock; synchronise it with a time server")
    if isinstance(settings.database, Path):
        return f"shows {now:%Y-%m-%dT%H:%M:%SZ}, after the newest registration"
    theirs: datetime = _reading(settings, lambda connection: connection.execute(text("SELECT clock_timestamp()")).scalar_one())
    skew = abs((theirs - datetime.now(UTC)).total_seconds())
    if skew > _SKEW_SECONDS:
        raise ConfigurationError(f"differs {skew:.1f} s from that of the database; synchronise both with a time server")
    return f"differs {skew:.1f} s from that of the database"


def _reading(settings: Settings, query: Callable[[Connection], T]) -> T:
    reader = open_reader(settings.database)
    try:
        with reader.begin() as connection:
            return query(connection)
    finally:
        reader.dispose()
