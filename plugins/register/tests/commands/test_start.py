"""What a command loads before it does anything: a command is quick when it loads what it runs on and nothing else.

Not measured in seconds, which depend on the machine, but in modules.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.register.tests.conftest import clean_environment

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Place

SERVER = ["fastapi", "starlette", "uvicorn", "prometheus_client", "google.protobuf", "verwerkingenlogging_register._server.app"]
MIGRATION = ["alembic", "mako"]
DATABASE = ["sqlalchemy", "sqlite3", "psycopg", "cryptography"]
TOKENS = ["jwt"]
HELP = ["rich"]
PROGRAM = """
import json, sys
from verwerkingenlogging_register._commands.main import app
try:
    app(sys.argv[1:])
finally:
    print("loaded:", json.dumps([name for name in sys.modules]), file=sys.stderr)
"""


def loaded(*arguments: str, **environment: str) -> set[str]:
    """The modules that the command has loaded when it ends."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**clean_environment(), **environment}, timeout=120)
    return set(json.loads(done.stderr.rpartition("loaded: ")[2]))


@pytest.mark.parametrize("arguments", [(), ("serve",)], ids=" ".join)
def test_help_loads_neither_a_server_nor_a_database(arguments: tuple[str, ...]) -> None:
    assert loaded(*arguments, "--help") & {*SERVER, *MIGRATION, *DATABASE, *TOKENS, *HELP} == set()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("arguments", [("client", "list"), ("keys", "status"), ("purge",)], ids=" ".join)
def test_a_command_about_the_database_loads_neither_a_server_nor_the_other_database(place: Place, arguments: tuple[str, ...]) -> None:
    assert isinstance(place.location, Path)
    found = loaded(*arguments, VERWERKINGENLOG_DATABASE=str(place.location), VERWERKINGENLOG_KEYS=str(place.keys))
    assert "sqlalchemy" in found
    assert found & {*SERVER, *MIGRATION, *TOKENS, *HELP, "psycopg", "sqlalchemy.dialects.postgresql"} == set()


def test_the_application_is_there_for_who_asks_for_it() -> None:
    import verwerkingenlogging_register
    from verwerkingenlogging_register._server.app import create_app

    assert verwerkingenlogging_register.create_app is create_app
    with pytest.raises(AttributeError, match="has no attribute 'er_niet'"):
        verwerkingenlogging_register.er_niet  # type: ignore[attr-defined]  # noqa: B018  # the attribute is what is asked for
