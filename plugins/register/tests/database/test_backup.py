"""A copy of the register, put back with its key file: all is there, found by its number, and as append-only as before."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.register.tests import engines
from plugins.register.tests.clusters import OWNER, SERVER, Cluster
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._acties.repository import prepare_to_serve
from verwerkingenlogging_register._acties.search import search_acties
from verwerkingenlogging_register._acties.search_statements import Search
from verwerkingenlogging_register._database import postgresql
from verwerkingenlogging_register._database.location import Location
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.scopes import ALL, Visibility
from verwerkingenlogging_register._model.subjects import Persoon

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

PLUGIN = Path(__file__).parents[2]
BSN = Persoon("persoon", "BSN", "2308572")
EVERYTHING = Visibility(frozenset(ALL), former=True)


def found(location: Location, keys: Keys) -> int:
    """How many acties about our person are found in it."""
    with engines.reader(location, keys) as reader, reader.connect() as connection:
        return search_acties(connection, Search(persoon=BSN, visibility=EVERYTHING, offset=0, limit=10)).count


def assert_append_only(owner: Location) -> None:
    with engines.writer(owner) as writer:
        for statement in ("UPDATE verwerkingsactie SET systeem = ''", "DELETE FROM verwerkt_object"):
            with pytest.raises(DBAPIError, match="append-only"), writer.begin() as connection:
                connection.execute(text(statement))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_copy_as_the_readme_makes_it_while_the_register_runs(api: Api, place: Place, tmp_path: Path) -> None:
    assert isinstance(place.location, Path)
    for _ in range(3):
        await api.posted()
    (copying,) = re.findall(r"^\(umask 077; python (.*)\)$", (PLUGIN / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    shell = f"umask 077; {sys.executable} {copying}"
    await asyncio.to_thread(subprocess.run, ["sh", "-c", shell], cwd=place.location.parent, check=True)
    copy = tmp_path / "elders.sqlite"
    shutil.move(place.location.with_name("kopie.sqlite"), copy)
    keys = prepare_to_serve(Settings(database=copy, keys=place.keys))
    assert found(copy, keys) == 3
    assert_append_only(copy)


@pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)
async def test_a_dump_restored_into_an_empty_database(api: Api, place: Place, postgresql_18: Cluster) -> None:
    for _ in range(3):
        await api.posted()
    for options in ([], ["--no-privileges"]):
        database = postgresql_18.make_database()
        copied(postgresql_18, str(place.owner.database), database, options)  # type: ignore[union-attr]  # a URL here
        server, owner = postgresql_18.url(database), postgresql_18.url(database, OWNER)
        settings = Settings(database=server, keys=place.keys)
        if options:
            with pytest.raises(ConfigurationError, match=f"the role {SERVER} may not read its tables"):
                prepare_to_serve(settings)
            postgresql.update(owner, server_role=SERVER, since=None)
        assert found(server, prepare_to_serve(settings)) == 3
        assert_append_only(owner)


def copied(cluster: Cluster, source: str, target: str, options: list[str]) -> None:
    """What the page about PostgreSQL says."""
    programs = cluster.programs
    dump = subprocess.run([programs / "pg_dump", "--format=custom", cluster.dsn(source, OWNER)], capture_output=True, check=True).stdout
    restore: list[str | Path] = [programs / "pg_restore", "--exit-on-error", *options, "--dbname", cluster.dsn(target, OWNER)]
    subprocess.run(restore, input=dump, check=True)
