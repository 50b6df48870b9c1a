"""The database itself: append-only by its own hand, durable or refused, and what each role may do (B3891, P5)."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from plugins.register.tests import engines
from plugins.register.tests.clusters import OWNER, SERVER, Cluster
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging.errors import ConfigurationError, LogUnavailable
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._acties.repository import Repository, prepare_to_serve
from verwerkingenlogging_register._database import postgresql, schema, sqlite
from verwerkingenlogging_register._database.engines import prepare
from verwerkingenlogging_register._database.location import Location, location_of, shown
from verwerkingenlogging_register._database.schema import APPEND_ONLY, HEAD
from verwerkingenlogging_register._keys.key_file import init_keys
from verwerkingenlogging_register._model.tables import metadata
from verwerkingenlogging_register._model.versions import ActieVersie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugins.register.tests.conftest import Place

ALL = pytest.mark.parametrize("place", ["sqlite", "postgresql-18", "postgresql-15"], indirect=True)
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("place", ["postgresql-18", "postgresql-15"], indirect=True)
ACTIES = ("verwerkingsactie", "verwerkt_object")


def an_actie(tijdstip: str = "2024-04-05T14:35:42+01:00") -> ActieVersie:
    return ActieVersie.first(Verwerkingsactie(tijdstip=tijdstip, verwerkte_objecten=(VerwerktObject(object_id="1"),)))


@pytest.fixture
def repository(settings: Settings) -> Iterator[Repository]:
    with closing(Repository(settings)) as opened:
        yield opened


@ALL
@pytest.mark.parametrize("table", ACTIES)
@pytest.mark.parametrize("statement", ["UPDATE {table} SET versie = 99", "UPDATE {table} SET versie = versie", "DELETE FROM {table}"])
async def test_the_database_itself_refuses_to_change_a_row(
    repository: Repository, place: Place, stored: Callable[[], int], table: str, statement: str
) -> None:
    await repository.append(an_actie())
    with pytest.raises(DBAPIError, match=r"is append-only \(B3891\)"):
        place.execute(statement.format(table=table))
    assert stored() == 1


@SQLITE
@pytest.mark.parametrize("table", ACTIES)
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "INSERT OR IGNORE"])
async def test_sqlite_refuses_to_replace_a_row(
    repository: Repository, place: Place, stored: Callable[[], int], table: str, verb: str
) -> None:
    await repository.append(an_actie())
    assert isinstance(place.location, Path)
    with closing(sqlite3.connect(place.location)) as other, pytest.raises(sqlite3.IntegrityError, match=r"append-only \(B3891\)"):
        other.execute(f"{verb} INTO {table} SELECT * FROM {table}")
    assert stored() == 1


@POSTGRESQL
@pytest.mark.parametrize("table", ACTIES)
async def test_a_partition_refuses_what_its_table_refuses(
    repository: Repository, place: Place, stored: Callable[[], int], table: str
) -> None:
    await repository.append(an_actie())
    for statement in ("UPDATE {0}_default SET versie = 99", "DELETE FROM {0}_default", "TRUNCATE {0}_default", "TRUNCATE {0} CASCADE"):
        with pytest.raises(DBAPIError, match=r"is append-only \(B3891\)"):
            place.execute(statement.format(table))
    assert stored() == 1


@POSTGRESQL
async def test_the_role_of_the_server_can_add_and_nothing_else(repository: Repository, place: Place) -> None:
    await repository.append(an_actie())
    for table in APPEND_ONLY:
        for statement in (
            f"UPDATE {table} SET {'versie = 1' if table in ACTIES else 'reason = NULL'}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"DROP TABLE {table}",
        ):
            with pytest.raises(DBAPIError, match=r"permission denied|must be owner|does not exist"):
                place.execute(statement, server=True)
    for statement in (
        "INSERT INTO purging VALUES (1)",
        "INSERT INTO purge SELECT * FROM purge",
        "INSERT INTO client (name, oins, scopes, revoked, created) VALUES ('mij', '', '', false, '')",
        "ALTER TABLE verwerkingsactie DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "CREATE TABLE van_mij ()",
    ):
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            place.execute(statement, server=True)


@SQLITE
async def test_the_file_is_for_its_owner_only(repository: Repository, place: Place) -> None:
    await repository.append(an_actie())
    assert isinstance(place.location, Path)
    for path in (place.location, place.location.with_name(f"{place.location.name}-wal")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@SQLITE
def test_a_commit_reaches_the_disk_before_it_returns(place: Place) -> None:
    with engines.writer(place.location) as writer, writer.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"


@SQLITE
def test_sqlite_with_settings_that_can_lose_a_commit_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_WRITER_PRAGMAS", ("journal_mode=WAL", "synchronous=NORMAL"))
    with pytest.raises(ConfigurationError, match="synchronous=1 where 2 is needed"):
        prepare(place.location)


@pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)
@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_postgresql_with_a_setting_that_can_lose_a_commit_is_refused(
    postgresql_18: Cluster, settings: Settings, place: Place, setting: str
) -> None:
    postgresql_18.execute(f"ALTER SYSTEM SET {setting} = off", "SELECT pg_reload_conf()")
    try:
        wait_until_it_is(postgresql_18, setting, "off")
        with pytest.raises(
            ConfigurationError, match=f"has {setting}=off, so an acknowledged verwerkingsactie could be lost; set {setting}=on"
        ):
            prepare_to_serve(settings)
    finally:
        postgresql_18.execute(f"ALTER SYSTEM RESET {setting}", "SELECT pg_reload_conf()")
        wait_until_it_is(postgresql_18, setting, "on")


def wait_until_it_is(cluster: Cluster, setting: str, value: str) -> None:
    """A new connection has what the postmaster has read by then."""
    deadline = time.monotonic() + 60
    while True:
        with closing(psycopg.connect(cluster.dsn())) as connection:
            if connection.execute(f"SHOW {setting}").fetchone() == (value,):
                return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_reading_connection_cannot_write(place: Place) -> None:
    with (
        engines.reader(place.owner) as reader,
        reader.connect() as connection,
        pytest.raises(DBAPIError, match=r"readonly|read-only"),
    ):
        connection.execute(text("DELETE FROM client"))


@POSTGRESQL
def test_a_role_that_could_rewrite_the_log_may_not_serve(settings: Settings, place: Place) -> None:
    with pytest.raises(ConfigurationError, match=f"the role {OWNER} has UPDATE on verwerkingsactie, so it could rewrite the log"):
        prepare_to_serve(Settings(database=place.owner, keys=settings.keys))


def test_a_role_that_misses_a_right_is_told_how_to_get_it(postgresql_18: Cluster, tmp_path: Path) -> None:
    """As after a restore that leaves the rights out, or an update without naming the role."""
    database = postgresql_18.make_database()
    url, keys = postgresql_18.url(database), tmp_path / "keys"
    init_keys(keys)
    remedy = f"run, as the role that owns {{}}: verwerkingenlog migrate --server-role {SERVER}$"
    postgresql.update(postgresql_18.url(database, OWNER), server_role=None, since=None)
    with pytest.raises(ConfigurationError, match=f"the role {SERVER} may not read its tables; {remedy.format('them')}"):
        prepare(url)
    postgresql.update(postgresql_18.url(database, OWNER), server_role=SERVER, since=None)
    prepare_to_serve(Settings(database=url, keys=keys))
    postgresql_18.execute(
        f"REVOKE INSERT ON verwerkt_object FROM {SERVER}", f"REVOKE ALL ON SEQUENCE versie FROM {SERVER}",
        f"REVOKE EXECUTE ON FUNCTION make_partitions FROM {SERVER}", database=database,
    )  # fmt: skip
    missing = "INSERT on verwerkt_object, USAGE on versie, EXECUTE on make_partitions"
    with pytest.raises(ConfigurationError, match=f"the role {SERVER} lacks {missing}; {remedy.format('the tables')}"):
        prepare_to_serve(Settings(database=url, keys=keys))


@ALL
def test_the_migrations_make_the_tables_that_the_program_uses(place: Place) -> None:
    with engines.writer(place.owner) as writer, writer.begin() as connection:
        known = {*metadata.tables, "alembic_version"}
        options: dict[str, Any] = {"include_name": lambda name, kind, _parents: kind != "table" or name in known}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    # A foreign key would cost a look-up per row on PostgreSQL; SQLite has one.
    assert [difference for difference in differences if difference[0] != "remove_fk"] == []


def test_the_version_that_is_needed_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


@pytest.mark.parametrize("kind", ["sqlite", "postgresql-18"])
def test_an_update_of_the_tables_keeps_what_is_in_them(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """From the first version to this one: the keys of versions that the purge took away before are gone, and no other."""
    location: Location = tmp_path / "log.sqlite"
    if kind == "postgresql-18":
        cluster = request.getfixturevalue("postgresql_18")
        location = cluster.url(cluster.make_database(), OWNER)
    first = create_engine(f"sqlite:///{location}" if isinstance(location, Path) else location)
    with engines.disposed(first), first.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
        command.upgrade(config, "0001")
        uuid = "zeroblob(16)" if kind == "sqlite" else "gen_random_uuid()"
        names = "versie, tijdstip_instant, registratie_instant, actie_id, vervallen, ooit_vertrouwelijk, vertrouwelijkheid, tijdstip"
        connection.exec_driver_sql(f"INSERT INTO verwerkingsactie ({names}) VALUES (7, 1, 1, {uuid}, false, false, 'normaal', '')")
        connection.exec_driver_sql("INSERT INTO idempotency_key VALUES ('blijft', 'een', 0, 0, 7), ('wees', 'een', 0, 0, 6)")
        connection.exec_driver_sql(f"INSERT INTO purge VALUES ({uuid}, {uuid}, '', 1, 1, 1, 1, 1, 6)")
    if isinstance(location, Path):
        location.chmod(0o600)
        sqlite.update(location)
    else:
        postgresql.update(location, server_role=SERVER, since=None)
    prepare(location)
    with engines.reader(location) as reader, reader.connect() as connection:
        assert connection.execute(text("SELECT key, versie FROM idempotency_key")).all() == [("blijft", 7)]
        assert connection.execute(text("SELECT acties, idempotency_keys FROM purge")).all() == [(1, 0)]


def test_a_postgresql_without_the_tables_is_refused_with_the_remedy(postgresql_18: Cluster) -> None:
    url = postgresql_18.url(postgresql_18.make_database(), OWNER)
    with pytest.raises(ConfigurationError, match=r"has no tables yet; run, as the role that owns the tables: verwerkingenlog migrate$"):
        prepare(url)
    with pytest.raises(ConfigurationError, match=r"permission denied for schema public .*; run this as the role that owns the database$"):
        postgresql.update(url.set(username=SERVER), server_role=None, since=None)
    with pytest.raises(ConfigurationError, match="there is no role niemand; make it first"):
        postgresql.update(url, server_role="niemand", since=None)
    # Two tables. Three months ahead: of 92 days, so on some days there are four.
    now = datetime.now(UTC)
    assert postgresql.update(url, server_role=SERVER, since=None) in {2 * 4, 2 * 5}
    # Twelve months before the first of those; the rest was there.
    assert postgresql.update(url, server_role=SERVER, since=now.replace(year=now.year - 1, day=1)) == 2 * 12
    prepare(url)


def test_tables_of_another_version_are_refused_with_the_remedy(place: Place) -> None:
    how = "run: verwerkingenlog migrate --database " if isinstance(place.location, Path) else "run, as the role that owns the tables: "
    for version, remedy in (("0000", how), ("9999", "use the version that belongs to it")):
        place.execute(f"UPDATE alembic_version SET version_num = '{version}'")
        with pytest.raises(ConfigurationError, match=f"has tables of version {version}, this program needs {HEAD}; {remedy}"):
            prepare(place.location)
    place.execute(f"UPDATE alembic_version SET version_num = '{HEAD}'")


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    url = location_of("postgresql://server:geheim@127.0.0.1:1/log?sslmode=disable")
    init_keys(tmp_path / "keys")
    settings = Settings(database=url, keys=tmp_path / "keys")
    with pytest.raises(ConfigurationError) as refused:
        prepare(url)
    assert "Connection refused" in str(refused.value) or "refused" in str(refused.value)
    for shown_text in (str(refused.value), repr(settings), shown(url)):
        assert "geheim" not in shown_text


@pytest.mark.parametrize("text_of_it", ["mysql://x/y", "postgresql://", "postgresql://x:geheim@host:poort/y", "postgresql://host"])
def test_a_url_that_names_no_database_is_refused_without_its_password(text_of_it: str) -> None:
    with pytest.raises(ConfigurationError, match="setting database: ") as refused:
        location_of(text_of_it)
    assert "geheim" not in str(refused.value)


@POSTGRESQL
async def test_each_month_has_its_partition_and_any_other_moment_is_kept_too(
    settings: Settings, place: Place, stored: Callable[[], int]
) -> None:
    with closing(Repository(settings)) as repository:
        now = ActieVersie.first(Verwerkingsactie(tijdstip="2030-01-01T00:00:00Z")).registratie
        for tijdstip in (now.isoformat(), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-29T12:00:00Z"):
            await repository.append(an_actie(tijdstip))
    assert stored() == 4
    parts = place.query("SELECT tableoid::regclass::text FROM verwerkingsactie ORDER BY versie")
    assert [part[0] for part in parts] == [f"verwerkingsactie_{now:%Y_%m}", *["verwerkingsactie_default"] * 3]


@POSTGRESQL
async def test_a_lost_connection_costs_one_answer_and_no_more(settings: Settings, place: Place, stored: Callable[[], int]) -> None:
    with closing(Repository(settings)) as repository:
        await repository.append(an_actie())
        with pytest.raises(LogUnavailable):
            await asyncio.gather(
                repository.append(an_actie()),
                repository.read(lambda connection: connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))),
            )
        await repository.append(an_actie())
        assert (
            await repository.read(lambda connection: connection.execute(text("SELECT count(*) FROM verwerkingsactie")).scalar_one())
            == stored()
        )


@POSTGRESQL
async def test_connections_that_were_cut_while_nobody_used_them_cost_nothing(
    settings: Settings, place: Place, stored: Callable[[], int]
) -> None:
    with closing(Repository(settings)) as repository:
        await repository.append(an_actie())
        await repository.read(lambda connection: connection.execute(text("SELECT 1")).one())
        with engines.reader(place.location) as other, other.connect() as connection:
            cut = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
            assert {gone for (gone,) in connection.execute(text(cut))} == {True}
        await repository.append(an_actie())
        assert await repository.read(lambda connection: connection.execute(text("SELECT count(*) FROM verwerkingsactie")).scalar_one()) == 2
    assert stored() == 2


async def test_two_writers_never_give_out_the_same_number(settings: Settings, place: Place) -> None:
    with closing(Repository(settings)) as one, closing(Repository(settings)) as other:
        await asyncio.gather(*[each.append(an_actie()) for _ in range(100) for each in (one, other)])
    versies = [row[0] for row in place.query("SELECT versie FROM verwerkingsactie")]
    assert len(versies) == len(set(versies)) == 200
