"""The persons of the gegevensmagazijn, in an SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Database", "Persoon", "Voorouder"]

_VOOROUDERS = """
WITH RECURSIVE voorouders (van, bsn, graad) AS (
    SELECT kind, ouder, 1 FROM ouders WHERE kind IN (SELECT value FROM json_each(?))
    UNION
    SELECT van, ouder, graad + 1 FROM voorouders JOIN ouders ON kind = bsn WHERE graad < 20
)
SELECT bsn, van, min(graad) FROM voorouders GROUP BY van, bsn ORDER BY van, bsn
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Persoon:
    """A person as it is stored; ``geboortedatum`` is an ISO 8601 date."""

    bsn: str
    naam: str
    geboortedatum: str
    adres: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Voorouder:
    """An ancestor: of whom, and how many generations before: 1 for a parent."""

    bsn: str
    van: str
    graad: int


class Database:
    """The persons. Each operation opens the file anew, so any thread may call any method."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the file, with the fictitious persons in it, if there is none yet."""
        if not self._path.exists():
            with closing(sqlite3.connect(self._path)) as connection:
                connection.executescript(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))

    def search(self, *, geboortedatum: str, naam: str) -> list[Persoon]:
        """The persons with that name who were born on that day."""
        return self._select("geboortedatum = ? AND naam = ? ORDER BY bsn", geboortedatum, naam)

    def with_rekening(self, rekening: str) -> list[Persoon]:
        """The persons whose money goes to that account."""
        return self._select("rekening = ? ORDER BY bsn", rekening)

    def voorouders(self, bsns: Sequence[str]) -> list[Voorouder]:
        """All known ancestors of these persons."""
        with self._connection() as connection:
            rows = connection.execute(_VOOROUDERS, (json.dumps(list(bsns)),))
            return [Voorouder(bsn=bsn, van=van, graad=graad) for bsn, van, graad in rows]

    def persoon(self, bsn: str) -> Persoon | None:
        """The person with that BSN, if there is one."""
        return next(iter(self._select("bsn = ?", bsn)), None)

    def medebewoners(self, persoon: Persoon) -> list[Persoon]:
        """The others who live at the address of ``persoon``."""
        return self._select("adres = ? AND bsn <> ? ORDER BY bsn", persoon.adres, persoon.bsn)

    def move(self, bsns: Sequence[str], adres: str) -> int:
        """Move these persons to ``adres``; gives their number."""
        with self._connection() as connection:
            return sum(connection.execute("UPDATE personen SET adres = ? WHERE bsn = ?", (adres, bsn)).rowcount for bsn in bsns)

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
