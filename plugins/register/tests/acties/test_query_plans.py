"""How PostgreSQL finds a person among many months, when nobody forbids it to scan: by look-ups, whatever it believes about sizes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from plugins.register.tests import engines
from plugins.register.tests.clusters import OWNER, SERVER

from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._acties.search import search_acties, search_occurrences
from verwerkingenlogging_register._acties.search_pages import statement_now, statement_then
from verwerkingenlogging_register._acties.search_statements import Search, statement_of_acties, statement_of_few, statement_of_occurrences
from verwerkingenlogging_register._database import postgresql
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model import positions
from verwerkingenlogging_register._model.scopes import Visibility
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import ActieVersie

if TYPE_CHECKING:
    from plugins.register.tests.clusters import Cluster
    from plugins.register.tests.conftest import Place

MONTHS = 24
PERSONEN = 400
UNKNOWN = "00000000-0000-4000-8000-000000000000"
RECORDS_OF_A_MONTH = 350
RECORDS_OF_THE_YOUNGEST = 50
"""So few that reading all of them is cheaper than looking one up: PostgreSQL may, and does once it knows their number."""


@pytest.fixture
def months(postgresql_18: Cluster) -> Iterator[str]:
    """A database with a partition for each of the months, and for those between the last of them and now."""
    name = postgresql_18.make_database()
    postgresql.update(postgresql_18.url(name, OWNER), server_role=SERVER, since=moments()[0])
    yield name
    postgresql_18.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("search", "statement_of"),
    [
        (search_acties, statement_of_few),
        (search_acties, statement_of_acties),
        (search_occurrences, statement_of_occurrences),
        (search_acties, partial(statement_then, position=positions.Position(horizon=5000, count=22, place=None))),
        (
            search_acties,
            partial(
                statement_then, position=positions.Position(horizon=5000, count=22, place=positions.Place(1704067200000000, 0, UNKNOWN))
            ),
        ),
        (search_acties, partial(statement_then, position=positions.Position(horizon=9000, count=22, place=None, backward=True))),
        (search_acties, partial(statement_now, versies=[8, 408, 5000])),
    ],
    ids=["few", "acties", "occurrences", "then", "then, from a place", "then, backward", "now"],
)
@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # for its keys
def test_a_person_is_looked_up_and_no_month_is_scanned(
    postgresql_18: Cluster, months: str, place: Place, search: Any, statement_of: Any, *, analysed: bool
) -> None:
    location = postgresql_18.url(months)
    keys = Keys(KeySource(file=place.keys))
    acties = [an_actie(moment, number) for number, moment in enumerate(moments())]
    with engines.writer(location, keys) as writer, writer.begin() as connection:
        insert_versions(connection, acties)
    if analysed:
        postgresql_18.execute("ANALYZE", database=months)
    visibility = Visibility(frozenset(Vertrouwelijkheid), former=True)
    wanted = Search(persoon=Persoon("persoon", "BSN", "7"), visibility=visibility, offset=0, limit=100)
    with engines.reader(location, keys) as reader, reader.connect() as connection:
        assert search(connection, wanted).count == len(range(7, len(acties), PERSONEN))
        statement = statement_of(connection, wanted, wanted.persoon)
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement.text}", statement.parameters)]
    assert not [step for step in plan if "Hash Join" in step or "Merge Join" in step], plan
    # A month that is empty has nothing to scan.
    scanned = [step for step in plan if "Seq Scan on verwerk" in step and "cost=0.00..0.00" not in step]
    assert not [step for step in scanned if f"{moments()[-1]:_%Y_%m}" not in step], plan


def moments() -> list[datetime]:
    """Of each record: as many in every month, and a few in the one that has just begun. The day on which this runs changes nothing."""
    firsts = [datetime(2023 + number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in range(MONTHS + 1)]
    sizes = [*[RECORDS_OF_A_MONTH] * MONTHS, RECORDS_OF_THE_YOUNGEST]
    return [first + timedelta(hours=number) for first, size in zip(firsts, sizes, strict=True) for number in range(size)]


def an_actie(moment: datetime, number: int) -> Any:
    """The number-th: everybody equally often."""
    verwerkt = VerwerktObject(object_id=str(number % PERSONEN))
    return ActieVersie.first(Verwerkingsactie(tijdstip=moment.isoformat(), verwerkte_objecten=(verwerkt,))).rows()
