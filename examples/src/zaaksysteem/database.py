"""The zaken of the zaaksysteem and its own copy of persons, in an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

__all__ = ["Database", "Persoon"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Persoon:
    """A person as it is stored; ``geboortedatum`` is an ISO 8601 date."""

    bsn: str
    naam: str
    geboortedatum: str
    adres: str


class Database:
    """The zaken and persons. Each operation opens the file anew, so any thread may call any method."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the file, with a zaak and fictitious persons in it, if there is none yet."""
        if not self._path.exists():
            with closing(sqlite3.connect(self._path)) as connection:
                connection.executescript(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))

    def has_zaak(self, zaak_id: UUID) -> bool:
        """Is there a zaak with that id?"""
        with self._connection() as connection:
            return connection.execute("SELECT 1 FROM zaken WHERE id = ?", (str(zaak_id),)).fetchone() is not None

    def set_aanvrager(self, zaak_id: UUID, bsn: str) -> None:
        """Store who asked for the zaak."""
        with self._connection() as connection:
            connection.execute("UPDATE zaken SET aanvrager = ? WHERE id = ?", (bsn, str(zaak_id)))

    def search(self, *, geboortedatum: str, naam: str) -> list[Persoon]:
        """The persons with that name who were born on that day."""
        return self._select("geboortedatum = ? AND naam = ? ORDER BY bsn", geboortedatum, naam)

    def personen(self, bsns: Sequence[str]) -> list[Persoon]:
        """The persons with these BSNs, in this order, without unknown ones."""
        return [persoon for bsn in bsns for persoon in self._select("bsn = ?", bsn)]

    def move(self, bsns: Sequence[str], adres: str) -> None:
        """Move these persons to ``adres``."""
        with self._connection() as connection:
            connection.executemany("UPDATE personen SET adres = ? WHERE bsn = ?", [(adres, bsn) for bsn in bsns])

    def _select(self, condition: str, *values: str) -> list[Persoon]:
        with self._connection() as connection:
            # Only the conditions above are put into the text, never a value.
            rows = connection.execute(f"SELECT bsn, naam, geboortedatum, adres FROM personen WHERE {condition}", values)  # noqa: S608
            return [Persoon(bsn=bsn, naam=naam, geboortedatum=geboortedatum, adres=adres) for bsn, naam, geboortedatum, adres in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # Mode rw: a file that has gone is an error, not a new and empty database.
        with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True)) as connection, connection:
            yield connection
