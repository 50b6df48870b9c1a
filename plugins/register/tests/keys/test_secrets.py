"""The secrets of clients at rest: whoever has a copy of the database, or its logs, cannot log in with it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config
from plugins.register.tests import engines
from plugins.register.tests.clusters import OWNER, SERVER, Cluster
from plugins.register.tests.keys.test_key_file import dump, occurs
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._access.client_lookup import Clients
from verwerkingenlogging_register._access.clients import Client, register_client, registrations, revoke_client, rotate_client
from verwerkingenlogging_register._acties.repository import prepare_to_serve
from verwerkingenlogging_register._database import postgresql, schema, sqlite
from verwerkingenlogging_register._database.location import Location
from verwerkingenlogging_register._keys import key_file, protection
from verwerkingenlogging_register._keys.key_file import KeySource, init_keys, rotate_keys
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.scopes import Scope

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

Run = Callable[..., Result]
SECRET, OTHER = "een-geheim-om-te-zoeken-van-meer-dan-32", "nog-een-geheim-om-te-zoeken-van-meer-dan-32"
QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


def known_to(place: Place) -> Keys:
    return Keys(KeySource(file=place.keys))


def test_no_dump_holds_the_secret_of_a_client_not_even_a_former_one(
    place: Place, add_client: Callable[[Client], None], change_client: Callable[..., None]
) -> None:
    add_client(Client(name="een", secret=SECRET))
    change_client("een", secret=OTHER)
    change_client("een", revoked=True)
    whole = dump(place)
    assert [secret for secret in (SECRET, OTHER) if occurs(secret, whole)] == []
    assert "een" in whole


@SQLITE
def test_the_files_themselves_hold_no_secret_of_a_client(place: Place, add_client: Callable[[Client], None]) -> None:
    add_client(Client(name="een", secret=SECRET))
    assert files_with(place.owner, SECRET) == []


def files_with(location: Location, *secrets: str) -> list[str]:
    """The files of that SQLite database that hold one of ``secrets``: the database, and what stands beside it."""
    assert isinstance(location, Path)
    beside = [path for path in location.parent.glob(f"{location.name}*") if path.suffix != ".keys"]
    assert location in beside
    return [path.name for path in beside if any(secret.encode() in path.read_bytes() for secret in secrets)]


@pytest.mark.parametrize("who", ["add", "rotate"])
def test_no_statement_that_is_logged_holds_a_secret(
    place: Place, add_client: Callable[[Client], None], change_client: Callable[..., None], caplog: pytest.LogCaptureFixture, who: str
) -> None:
    """Neither by SQLAlchemy, nor by PostgreSQL with what is bound to its statements: it only ever gets what is sealed."""
    add_client(Client(name="een", secret=OTHER))
    log, begun = None, 0
    with caplog.at_level(logging.DEBUG, "sqlalchemy"):
        if isinstance(place.owner, URL):
            log = Path(str(place.owner.query["host"])) / "log"
            begun = log.stat().st_size
            cluster_sets(place.owner, "SET log_statement = 'all'")
        try:
            if who == "add":
                add_client(Client(name="twee", secret=SECRET))
            else:
                change_client("een", secret=SECRET)
        finally:
            if isinstance(place.owner, URL):
                cluster_sets(place.owner, "RESET log_statement")
    logs = [caplog.text, *([log.read_bytes()[begun:].decode()] if log else [])]
    assert all("INSERT INTO client" in each for each in logs)
    assert [each for each in logs if occurs(SECRET, each)] == []


def cluster_sets(owner: URL, what: str) -> None:
    """As the superuser, for the connections to that database that come."""
    with engines.disposed(create_engine(owner.set(username="postgres"), isolation_level="AUTOCOMMIT")) as engine, engine.connect() as one:
        one.exec_driver_sql(f'ALTER DATABASE "{owner.database}" {what}')


@SQLITE
async def test_a_secret_that_was_copied_to_another_client_lets_nobody_in_and_keeps_nobody_out(
    api: Api, place: Place, token: Callable[..., str], add_client: Callable[[Client], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever can write to the database but has no key file, cannot give another client the secret that he knows."""

    async def status(name: str, secret: str) -> int:
        headers = {"Authorization": f"Bearer {token(name, secret=secret)}"}
        return (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code

    add_client(Client(name="mijn", secret=SECRET))
    add_client(Client(name="rijk", scopes=frozenset({Scope.READ_CONFIDENTIAL}), secret=OTHER))
    assert await status("rijk", OTHER) == 200
    copied = (
        "INSERT INTO client (name, oins, scopes, secret_sealed, revoked, created) SELECT 'rijk', '', 'read:confidential', secret_sealed, "
    )
    place.execute(f"{copied} FALSE, '' FROM client WHERE name = 'mijn'")
    assert [await status("rijk", SECRET), await status("rijk", OTHER), await status("mijn", SECRET)] == [401, 401, 403]
    assert "client rijk is not let in: the secret that stands at client rijk is not its own: the database was changed" in caplog.text
    assert [secret for secret in (SECRET, OTHER) if secret in caplog.text] == []


async def test_after_a_rotation_of_the_keys_older_ones_open_older_secrets(
    api: Api, place: Place, token: Callable[..., str], add_client: Callable[[Client], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file, "_IN_USE_AFTER", timedelta(0))
    monkeypatch.setattr(protection, "_FRESH_SECONDS", 0)
    add_client(Client(name="oud", secret=SECRET))
    rotate_keys(place.keys)
    add_client(Client(name="nieuw", secret=OTHER))
    for name, secret in (("oud", SECRET), ("nieuw", OTHER)):
        headers = {"Authorization": f"Bearer {token(name, secret=secret)}"}
        assert (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code == 403
    with engines.reader(place.owner) as reader, reader.connect() as connection:
        found = registrations(connection)
    assert [protection.key_id_of(found[name].secret_sealed or b"") for name in ("oud", "nieuw")] == [1, 2]


async def test_a_registration_is_opened_once_however_often_others_change(
    place: Place, add_client: Callable[[Client], None], change_client: Callable[..., None]
) -> None:
    with engines.reader(place.location, known_to(place)) as reader, closing(Clients(reader)) as clients:
        before = await clients.get("alles")
        add_client(Client(name="een", secret=SECRET))
        assert (await clients.get("een")) is not None
        assert await clients.get("alles") is before
        change_client("alles", secret=OTHER)
        after = await clients.get("alles")
    assert after is not None
    assert after.secret == OTHER


@SQLITE
def test_a_database_whose_clients_have_secrets_is_not_served_with_another_key_file(place: Place, settings: Settings) -> None:
    place.keys.unlink()
    init_keys(place.keys)
    with pytest.raises(ConfigurationError, match=r"was written with key 1 of fingerprint [0-9a-f]{16}, which is another"):
        prepare_to_serve(settings)


@SQLITE
@pytest.mark.parametrize("arguments", [("client", "add", "een"), ("client", "rotate", "alles"), ("token", "alles")])
def test_no_secret_is_sealed_or_opened_with_another_key_file(
    place: Place, verwerkingenlog: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    init_keys(tmp_path / "andere")
    done = verwerkingenlog(*arguments, "--database", str(place.owner), "--keys", str(tmp_path / "andere"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "the database was written with key 1" in done.stderr


def test_the_first_client_of_a_new_file_gets_its_key_file_and_serve_takes_it(verwerkingenlog: Run, tmp_path: Path) -> None:
    assert verwerkingenlog("client", "add", "een").exit_code == 0
    opened = prepare_to_serve(Settings(database=tmp_path / "verwerkingenlog.sqlite"))
    assert [key.key_id for key in opened.all()] == [1]


# From the tables of before, in which secrets stood in clear.


FORMER = [f"een-geheim-van-vroeger-met-nummer-{number:04}" for number in range(120)]


def in_clear(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Location:
    """A database of before: some clients added, changed and revoked again, some of whose rows fill pages and overflow them."""
    location: Location = tmp_path / "log.sqlite"
    if kind != "sqlite":
        cluster: Cluster = request.getfixturevalue("postgresql_18")
        location = cluster.url(cluster.make_database(), OWNER)
    else:
        location.touch(0o600)  # type: ignore[union-attr]  # a path
    with engines.writer(location) as writer, writer.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
        command.upgrade(config, "0005")
    with engines.writer(location) as writer:
        for number, secret in enumerate(FORMER):
            with writer.begin() as connection:
                connection.execute(
                    text(
                        "INSERT INTO client (name, oins, scopes, secret, revoked, created) VALUES (:name, :oins, :scopes, :secret, FALSE, '')"
                    ),
                    {
                        "name": f"c{number % 50}",
                        "oins": "",
                        "scopes": "read:normal" + " read:normal" * (number % 7 * 100),
                        "secret": secret,
                    },
                )
        with writer.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO client (name, oins, scopes, issuer, revoked, created) VALUES ('portaal', '', 'read:normal', 'https://idp', FALSE, '')"
            )
            if kind != "sqlite":
                connection.exec_driver_sql(f"GRANT SELECT ON client TO {SERVER}")
    return location


def update(location: Location, known: Keys | None) -> None:
    if isinstance(location, Path):
        sqlite.update(location, keys=known)
    else:
        postgresql.update(location, server_role=None, since=None, keys=known)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql-18"])
def test_an_update_seals_the_secrets_that_stood_in_clear_and_leaves_them_nowhere(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    location = in_clear(request, tmp_path, kind)
    init_keys(tmp_path / "keys")
    known = Keys(KeySource(file=tmp_path / "keys"))
    former = relation(location)
    with pytest.raises(ConfigurationError, match="sealed with the key file from now on, and there is none; name it with --keys"):
        update(location, None)
    update(location, known)
    with engines.reader(location, known) as reader, reader.connect() as connection:
        found = registrations(connection)
        # Of each name the newest: 100 to 119 came after 50 to 69.
        assert {name: one.opened(known).secret for name, one in found.items() if name != "portaal"} == {
            f"c{number}": FORMER[number + (100 if number < 20 else 50)] for number in range(50)
        }
        assert found["portaal"].opened(known).issuer == "https://idp"
        assert {one.scopes for one in found.values()} == {frozenset({Scope.READ_NORMAL})}
        assert connection.execute(text("SELECT count(*) FROM client WHERE secret_sealed IS NOT NULL")).scalar() == len(FORMER)
        assert connection.execute(text("SELECT key_id FROM protection_key")).scalar() == 1
    with engines.writer(location) as writer:
        for statement in ("UPDATE client SET scopes = ''", "DELETE FROM client"):
            with pytest.raises(DBAPIError, match="append-only"), writer.begin() as connection:
                connection.execute(text(statement))
    with engines.writer(location, known) as writer:
        rotate_client(writer, "c1", SECRET)
        revoke_client(writer, "c2")
        register_client(writer, Client(name="nieuw", secret=OTHER))
    if isinstance(location, Path):
        assert files_with(location, *FORMER) == []
    else:
        assert former is not None
        assert not former.exists() or former.stat().st_size == 0
        with engines.reader(location.set(username=SERVER)) as reader, reader.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM client")).scalar() == len(FORMER) + 4


def relation(location: Location) -> Path | None:
    """The file in which PostgreSQL keeps the clients."""
    if isinstance(location, Path):
        return None
    with engines.reader(location) as reader, reader.connect() as connection:
        path = connection.execute(text("SELECT pg_relation_filepath('client')")).scalar_one()
    return Path(str(location.query["host"])) / "data" / str(path)


def test_what_an_update_took_away_is_not_left_in_the_log_of_somebody_who_still_reads(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    location = in_clear(request, tmp_path, "sqlite")
    init_keys(tmp_path / "keys")
    known = Keys(KeySource(file=tmp_path / "keys"))
    with closing(sqlite3.connect(str(location), isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM client").fetchone()
        with pytest.raises(ConfigurationError, match=r"still holds what was there before, .* stop the register and run this again"):
            sqlite.update(location, keys=known)  # type: ignore[arg-type]  # a path
    sqlite.update(location, keys=known)  # type: ignore[arg-type]  # a path
    assert files_with(location, *FORMER) == []


def test_the_command_migrate_takes_the_key_file(request: pytest.FixtureRequest, tmp_path: Path, verwerkingenlog: Run) -> None:
    location = in_clear(request, tmp_path, "sqlite")
    refused = verwerkingenlog("migrate", "--database", str(location))
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "or if this database never had one, make it with: verwerkingenlog keys init" in refused.stderr
    assert verwerkingenlog("keys", "init", "--database", str(location)).exit_code == 0
    assert verwerkingenlog("migrate", "--database", str(location)).exit_code == 0
    assert verwerkingenlog("token", "c3", "--database", str(location)).exit_code == 0
