"""The second connection is as the first: in the same schema, under the same role, with what row-level security reads (A11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from plugins.django.tests.databases import Make, names, records
from tests.conformance import actie

from verwerkingenlogging import LogUnavailable
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django._log import second_connection
from verwerkingenlogging_django.transactions import reading


@pytest.fixture
def kind() -> str:
    """Of other databases nothing is known that would be said to a connection."""
    return "postgresql"


@pytest.fixture
def roles(database: str) -> Iterator[str]:
    """Two roles: ``aanmelder``, as whom is logged in, who may do nothing but become ``gemeente``. Tables belong to the latter."""
    run(
        database,
        "CREATE ROLE gemeente",
        "GRANT USAGE ON SCHEMA public TO public",
        "CREATE ROLE aanmelder LOGIN NOINHERIT IN ROLE gemeente",
        "GRANT ALL ON SCHEMA public TO gemeente",
    )
    run(database, "ALTER TABLE verwerkingenlogging_record OWNER TO gemeente", "ALTER TABLE regel OWNER TO gemeente")
    connections[database].close()
    connections[database].settings_dict["USER"] = "aanmelder"
    yield database
    connections[database].close()
    connections[database].settings_dict["USER"] = "postgres"
    run(database, "REASSIGN OWNED BY gemeente TO postgres", "DROP OWNED BY gemeente", "DROP ROLE aanmelder", "DROP ROLE gemeente")


def run(alias: str, *statements: str) -> None:
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def value(alias: str, statement: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def tenants(alias: str, *schemas: str) -> None:
    """A schema for each, with a table of records in it."""
    for schema in schemas:
        run(
            alias,
            f"DROP SCHEMA IF EXISTS {schema} CASCADE",
            f"CREATE SCHEMA {schema}",
            f"CREATE TABLE {schema}.verwerkingenlogging_record (LIKE verwerkingenlogging_record INCLUDING ALL)",
        )


def counted(alias: str, *schemas: str) -> dict[str, int]:
    return {schema: value(alias, f"SELECT count(*) FROM {schema}.verwerkingenlogging_record") for schema in schemas}


def read(alias: str, number: int = 1, **log: Any) -> None:
    with reading():
        DjangoLog(database=alias, **log).log([actie(number)])


@pytest.mark.parametrize("statement", ["SET search_path = utrecht, public", "SET LOCAL search_path = utrecht"])
def test_what_is_read_in_a_schema_is_recorded_there(database: str, statement: str) -> None:
    tenants(database, "utrecht")
    with transaction.atomic(using=database):
        run(database, statement)
        read(database)
    run(database, "RESET search_path")
    assert counted(database, "utrecht", "public") == {"utrecht": 1, "public": 0}
    with transaction.atomic(using=database):
        read(database)
    assert counted(database, "utrecht", "public") == {"utrecht": 1, "public": 1}


def test_a_schema_without_a_table_is_refused_with_what_to_do(database: str) -> None:
    run(database, "DROP SCHEMA IF EXISTS leiden CASCADE", "CREATE SCHEMA leiden")
    with transaction.atomic(using=database):
        run(database, "SET LOCAL search_path = leiden")
        with pytest.raises(LogUnavailable, match=r"not found .* migrate --database=eigen, for each schema"):
            read(database)


@pytest.mark.parametrize("statement", ["SET ROLE gemeente", "SET LOCAL ROLE gemeente"])
def test_what_is_read_under_a_role_is_recorded_under_it(roles: str, statement: str) -> None:
    with transaction.atomic(using=roles):
        run(roles, statement)
        read(roles)
    with second_connection.second_connection_to(roles).cursor() as cursor:  # and nothing of it stays there
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("aanmelder",)
    run(roles, "SET ROLE gemeente")
    assert names(roles) == ["Ophalen 1"]


def test_very_many_are_recorded_under_it_too(roles: str) -> None:
    with transaction.atomic(using=roles), reading():
        run(roles, "SET LOCAL ROLE gemeente")
        DjangoLog(database=roles).log([actie(number) for number in range(250)])
        assert len(records(roles)) == 250


def test_who_may_not_write_is_told_so(roles: str) -> None:
    with transaction.atomic(using=roles), pytest.raises(LogUnavailable, match="may the role that is set there write into the table"):
        read(roles)


def test_somebody_else_in_whose_place_a_superuser_works(database: str) -> None:
    run(database, "CREATE ROLE ander", "GRANT USAGE ON SCHEMA public TO ander", "GRANT ALL ON verwerkingenlogging_record TO ander")
    try:
        run(database, "ALTER TABLE verwerkingenlogging_record ADD COLUMN wie text DEFAULT session_user")
        with transaction.atomic(using=database):
            run(database, "SET LOCAL SESSION AUTHORIZATION ander")
            read(database)
        assert value(database, "SELECT wie FROM verwerkingenlogging_record") == "ander"
    finally:
        run(database, "DROP OWNED BY ander", "DROP ROLE ander")


def secured(alias: str) -> None:
    """A row is of the tenant that ``app.tenant`` names, and of no other."""
    run(
        alias,
        "ALTER TABLE verwerkingenlogging_record ADD COLUMN tenant text NOT NULL DEFAULT current_setting('app.tenant', true)",
        "ALTER TABLE verwerkingenlogging_record ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY eigen ON verwerkingenlogging_record USING (tenant = current_setting('app.tenant', true))",
    )
    run(alias, "ALTER TABLE verwerkingenlogging_record FORCE ROW LEVEL SECURITY")


@pytest.mark.parametrize("statement", ["SET app.tenant = 'utrecht'", "SELECT set_config('app.tenant', 'utrecht', true)"])
def test_what_row_level_security_reads_holds_when_it_is_named(roles: str, statement: str) -> None:
    connection = connections[roles]
    with transaction.atomic(using=roles):
        run(roles, "SET LOCAL ROLE gemeente")
        secured(roles)
    with transaction.atomic(using=roles):
        run(roles, "SET LOCAL ROLE gemeente", statement)
        read(roles, session=["app.tenant"])
        assert value(roles, "SELECT tenant FROM verwerkingenlogging_record") == "utrecht"
    assert connection.get_autocommit()


def test_where_it_is_not_named_it_is_refused_with_what_to_do(roles: str) -> None:
    with transaction.atomic(using=roles):
        run(roles, "SET LOCAL ROLE gemeente")
        secured(roles)
    run(roles, "SET ROLE gemeente", "ALTER TABLE verwerkingenlogging_record ALTER COLUMN tenant SET DEFAULT 'utrecht'", "RESET ROLE")
    with transaction.atomic(using=roles):
        run(roles, "SET LOCAL ROLE gemeente", "SET LOCAL app.tenant = 'utrecht'")
        with pytest.raises(LogUnavailable, match=r"DjangoLog\(session=\[…\]\)"):
            read(roles)


def test_in_a_transaction_that_has_failed_it_is_said_what_to_do(database: str) -> None:
    with transaction.atomic(using=database):
        with pytest.raises(Exception, match="division by zero"):
            run(database, "SELECT 1/0")
        with pytest.raises(LogUnavailable, match=r"a block of its own, transaction\.atomic\(\)"):
            read(database)
        transaction.set_rollback(True, using=database)


def test_no_query_of_it_is_counted(database: str) -> None:
    with transaction.atomic(using=database), CaptureQueriesContext(connections[database]) as queries:
        read(database)
    assert len(queries) == 0


# django-tenants, whose connection knows of whom it is and says so to the database at each query


@pytest.fixture
def of_tenants(make: Make) -> str:
    alias = make(ENGINE="django_tenants.postgresql_backend", ATOMIC_REQUESTS=True)
    tenants(alias, "utrecht", "leiden")
    return alias


def test_what_is_read_for_a_tenant_is_recorded_in_its_schema(of_tenants: str) -> None:
    connection: Any = connections[of_tenants]
    for schema in ("utrecht", "leiden", "utrecht"):
        connection.set_schema(schema)
        with transaction.atomic(using=of_tenants):
            read(of_tenants)
            DjangoLog(database=of_tenants).log([actie(2)])  # of a change, on the connection itself
    connection.set_schema_to_public()
    assert counted(of_tenants, "public", "utrecht", "leiden") == {"public": 0, "utrecht": 4, "leiden": 2}


def test_a_table_that_all_tenants_share_takes_the_records_of_all(of_tenants: str) -> None:
    """The application in SHARED_APPS, and not in TENANT_APPS."""
    connection: Any = connections[of_tenants]
    run(of_tenants, "DROP TABLE utrecht.verwerkingenlogging_record")
    connection.set_schema("utrecht")
    with transaction.atomic(using=of_tenants):
        read(of_tenants)
    connection.set_schema_to_public()
    assert counted(of_tenants, "public", "leiden") == {"public": 1, "leiden": 0}


# How long it lives


def test_a_pool_of_one_connection_is_enough(make: Make) -> None:
    """From the pool it would wait for the connection that the request itself has."""
    alias = make(CONN_MAX_AGE=0, OPTIONS={"pool": {"min_size": 1, "max_size": 1, "timeout": 5}})
    try:
        with transaction.atomic(using=alias):
            read(alias)
        assert names(alias) == ["Ophalen 1"]
        request_finished.send(sender=object)
        assert not second_connection._local.connections
    finally:
        connections[alias].close()
        connections[alias].close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's


def test_it_is_closed_with_the_first_so_that_a_test_database_can_be_dropped(make: Make) -> None:
    alias = make(CONN_MAX_AGE=600)
    for _ in range(2):
        with transaction.atomic(using=alias):
            read(alias)
        assert value(alias, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 2
        connections.close_all()
        assert value(alias, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 1


def test_it_goes_to_the_database_that_the_first_goes_to_now(make: Make) -> None:
    """A worker of ``test --parallel`` gets a copy of the database, and says so to the connection."""
    alias, other = make("eigen"), make("kopie")
    connection = connections[alias]
    with transaction.atomic(using=alias):
        read(alias)
    connection.close()
    connection.settings_dict["NAME"] = connections[other].settings_dict["NAME"]
    with transaction.atomic(using=alias):
        read(alias, 2)
    assert names(other) == ["Ophalen 2"]
