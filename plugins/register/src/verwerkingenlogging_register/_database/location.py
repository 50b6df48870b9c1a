"""The location of a database: the path of a SQLite file, or the URL of a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["Location", "location_of", "shown"]

Location = Path | URL
"""A path is SQLite, a URL is PostgreSQL."""

_DRIVER = "postgresql+psycopg"
_SCHEMES = ("postgresql", "postgres", _DRIVER)


def location_of(text: str) -> Location:
    """The location that ``text`` names: ``postgresql://…`` or else a file. Raises ConfigurationError, which never repeats a password."""
    if "://" not in text:
        return Path(text)
    scheme = text.partition("://")[0]
    if scheme not in _SCHEMES:
        raise ConfigurationError("setting database: give the path of a SQLite file, or postgresql://ROLE@HOST/DATABASE")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError("setting database: is not a URL of the form postgresql://ROLE@HOST:PORT/DATABASE") from None
    if not url.database:
        raise ConfigurationError("setting database: names no database; write postgresql://ROLE@HOST/DATABASE")
    password = url.query.get("password")
    if isinstance(password, str):  # where libpq takes it too; here, no text of the URL shows it
        url = url.difference_update_query(["password"]).set(password=password)
    return url.set(drivername=_DRIVER)


def shown(location: Location) -> str:
    """The location as it may be shown: without password and parameters."""
    if isinstance(location, Path):
        return str(location)
    return location.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
