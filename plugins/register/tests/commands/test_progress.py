"""What commands that take long say meanwhile."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from plugins.register.tests import engines
from plugins.register.tests.clusters import OWNER, SERVER
from sqlalchemy import create_engine, text

from verwerkingenlogging_register._commands import progress
from verwerkingenlogging_register._database import postgresql, schema, sqlite

_BEFOREHAND = "CREATE INDEX ON verwerkingsactie_default (verwerkingsactiviteit_id, bewaartermijn, tijdstip_instant)"

if TYPE_CHECKING:
    from verwerkingenlogging_register._database.location import Location


def wait_until(said: Any, *words: str) -> None:
    deadline = time.monotonic() + 60
    while not all(word in said() for word in words):
        assert time.monotonic() < deadline, said()
        time.sleep(0.005)


def test_elsewhere_than_on_a_terminal_it_is_a_line_now_and_then(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_EVERY_SECONDS", 0.01)
    lines: list[str] = []

    def said() -> str:
        lines.append(capfd.readouterr().err)
        return "".join(lines)

    with progress.progress("purge") as show:
        wait_until(said, "verwerkingenlog: purge: started (0 s)\n")
        show("12 acties removed")
        wait_until(said, "verwerkingenlog: purge: 12 acties removed (")
    before = said()
    time.sleep(0.05)
    assert said() == before


def test_what_is_done_at_once_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.progress("purge") as show:
        show("12 acties removed")
    assert capfd.readouterr().err == ""


def test_on_a_terminal_it_is_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    shown: list[bytes] = []

    def said() -> str:
        shown.append(os.read(master, 65536))
        return b"".join(shown).decode()

    with open(slave, "w", encoding="utf-8") as terminal:  # noqa: PTH123  # a descriptor has no path
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with progress.progress("purge") as show:
            show("12 acties [removed]")
            wait_until(said, "purge: 12 acties [removed]", "0:00:0")
        terminal.flush()
        wait_until(said, "\x1b[2K")
    os.close(master)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql-18"])
def test_an_update_of_a_database_of_before_says_what_it_does_and_gives_it_the_index(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    location: Location = tmp_path / "log.sqlite"
    if kind == "postgresql-18":
        cluster = request.getfixturevalue("postgresql_18")
        location = cluster.url(cluster.make_database(), OWNER)
    first = create_engine(f"sqlite:///{location}" if isinstance(location, Path) else location)
    with engines.disposed(first), first.begin() as connection:
        config = Config(attributes={"connection": connection, "progress": lambda _: None})
        config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
        command.upgrade(config, "0003")
        if kind == "postgresql-18":
            schema.make_partitions(connection, datetime.now(UTC) - timedelta(days=100))
            connection.exec_driver_sql(_BEFOREHAND)
    said: list[str] = []
    if isinstance(location, Path):
        location.chmod(0o600)
        sqlite.update(location, said.append)
        assert any("index of verwerkingsactie" in line for line in said), said
        return
    postgresql.update(location, server_role=SERVER, since=None, progress=said.append)
    said = [line for line in said if "index of verwerkingsactie" in line]
    with engines.reader(location) as reader, reader.connect() as connection:
        indexes = connection.execute(text("SELECT relid FROM pg_partition_tree('verwerkingsactie_term') WHERE isleaf")).all()
        of_months = text(
            "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%(verwerkingsactiviteit_id, bewaartermijn, tijdstip_instant)'"
        )
        # One for each month and for what has none, and that of the parent; no month has it twice.
        assert connection.execute(of_months).scalar_one() == len(indexes) + 1
        # The one that was made beforehand, as the how-to has it, is taken over.
        assert 3 < len(indexes) == len(said)
        assert not [line for line in said if "verwerkingsactie_default" in line]
