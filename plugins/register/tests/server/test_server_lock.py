"""A SQLite file has one server: a second is refused, whichever way it is started, and a killed one is in nobody's way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.register.tests.commands.test_administration import at
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._database.server_lock import single_server

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

Run = Callable[..., Result]
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
REFUSED = "is served by another process; stop that one first, or use PostgreSQL for more than one"
HOLDER = """
import sys, time
from pathlib import Path
from verwerkingenlogging_register._database.server_lock import single_server
with single_server(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@SQLITE
async def test_a_second_server_on_a_file_is_refused_in_one_line(api: Api, place: Place, verwerkingenlog: Run) -> None:
    await api.posted()
    done = verwerkingenlog("serve", **at(place))
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == f"verwerkingenlog: setting database: {place.location} {REFUSED}"


@SQLITE
async def test_a_second_application_under_any_server_is_refused_too(api: Api, settings: Settings) -> None:
    await api.posted()
    second = create_app(settings)
    with pytest.raises(ConfigurationError, match=REFUSED):
        async with second.router.lifespan_context(second):
            pass
    assert (await api.post()).status_code == 201  # the first goes on


@SQLITE
async def test_another_name_of_the_file_is_the_same_file(api: Api, place: Place, tmp_path: Path) -> None:
    await api.posted()
    assert isinstance(place.location, Path)
    link = tmp_path / "link.sqlite"
    link.symlink_to(place.location)
    with pytest.raises(ConfigurationError, match=REFUSED), single_server(link):
        pass


def test_the_lock_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "log.sqlite"
    command = [sys.executable, "-c", HOLDER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationError, match=REFUSED), single_server(file):
            pass
        holder.kill()
        holder.wait()
        with single_server(file):
            pass


@SQLITE
async def test_the_other_commands_work_beside_a_server(api: Api, place: Place, verwerkingenlog: Run) -> None:
    await api.posted()
    for arguments in (("client", "list"), ("client", "add", "een"), ("purge", "--execute")):
        assert verwerkingenlog(*arguments, **at(place)).exit_code == 0


@pytest.mark.parametrize("place", ["postgresql-18"], indirect=True)
async def test_on_postgresql_there_may_be_more_servers(api: Api, settings: Settings) -> None:
    await api.posted()
    second = create_app(settings)
    async with second.router.lifespan_context(second):
        assert (await api.post()).status_code == 201
