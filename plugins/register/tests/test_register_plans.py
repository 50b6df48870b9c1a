"""How PostgreSQL finds a person among many months, when nobody forbids it to scan: by look-ups, whatever it believes about sizes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register import postgresql
from verwerkingenlogging_register.database import open_reader, open_writer
from verwerkingenlogging_register.finding import search_acties, search_occurrences
from verwerkingenlogging_register.insertion import insert_versions
from verwerkingenlogging_register.keys import KeySource
from verwerkingenlogging_register.protection import Keys
from verwerkingenlogging_register.query import Persoon
from verwerkingenlogging_register.scopes import Visibility
from verwerkingenlogging_register.statements import Search, statement_of_acties, statement_of_few, statement_of_occurrences
from verwerkingenlogging_register.versions import ActieVersie

if TYPE_CHECKING:
    from plugins.register.tests.clusters import Cluster
    from plugins.register.tests.conftest import Place

MONTHS = 24
PERSONEN = 400
RECORDS = 8000


@pytest.mark.parametrize(
    ("search", "statement_of"),
    [(search_acties, statement_of_few), (search_acties, statement_of_acties), (search_occurrences, statement_of_occurrences)],
    ids=["few", "acties", "occurrences"],
)
@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # for its keys
def test_a_person_is_looked_up_and_no_month_is_scanned(
    postgresql_18: Cluster, place: Place, search: Any, statement_of: Any, *, analysed: bool
) -> None:
    from plugins.register.tests.clusters import OWNER, SERVER

    name = postgresql_18.make_database()
    begin = datetime.now(UTC) - timedelta(days=30 * MONTHS)
    postgresql.update(postgresql_18.url(name, OWNER), server_role=SERVER, since=begin)
    keys = Keys(KeySource(file=place.keys))
    writer = open_writer(postgresql_18.url(name), keys)
    with writer.begin() as connection:
        insert_versions(connection, [an_actie(begin, number) for number in range(RECORDS)])
    writer.dispose()
    if analysed:
        postgresql_18.execute("ANALYZE", database=name)
    reader = open_reader(postgresql_18.url(name), keys)
    visibility = Visibility(frozenset(Vertrouwelijkheid), former=True)
    wanted = Search(persoon=Persoon("persoon", "BSN", "7"), visibility=visibility, offset=0, limit=100)
    with reader.connect() as connection:
        assert search(connection, wanted).count == RECORDS // PERSONEN
        statement = statement_of(connection, wanted, wanted.persoon)
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement.text}", statement.parameters)]
    assert not [step for step in plan if "Hash Join" in step or "Merge Join" in step], plan
    # A month that is still empty has nothing to scan.
    assert not [step for step in plan if "Seq Scan on verwerk" in step and "cost=0.00..0.00" not in step], plan
    reader.dispose()
    postgresql_18.execute(f"DROP DATABASE {name} WITH (FORCE)")


def an_actie(begin: datetime, number: int) -> Any:
    """The number-th: spread over the months, everybody equally often."""
    tijdstip = (begin + timedelta(days=30 * MONTHS) * (number / RECORDS)).isoformat()
    verwerkt = VerwerktObject(object_id=str(number % PERSONEN))
    return ActieVersie.first(Verwerkingsactie(tijdstip=tijdstip, verwerkte_objecten=(verwerkt,))).rows()
