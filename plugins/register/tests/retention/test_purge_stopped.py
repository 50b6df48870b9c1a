"""A purge that is stopped, killed, or not alone: what it counted is gone, and what it did not count is there (C1697)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import typer
from plugins.register.tests.retention.test_expiry import actie, later_version, store
from plugins.register.tests.retention.test_purge import purged
from sqlalchemy import URL, Engine, event

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_register._commands.progress import stoppable
from verwerkingenlogging_register._commands.shared import loud
from verwerkingenlogging_register._retention import expiry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugins.register.tests.conftest import Place
    from typer.testing import Result

    from verwerkingenlogging_register._model.versions import ActieVersie

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CHUNK = 20
ACTIES = 400

# Small transactions, and a line on standard output after each.
_PURGE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sqlalchemy import make_url
from verwerkingenlogging_register._retention import expiry
from verwerkingenlogging_register._database.engines import open_reader, open_writer
from verwerkingenlogging_register._retention.purge import purge
from verwerkingenlogging_register._rules.terms import Terms

expiry.AT_ONCE = int(sys.argv[2])
location = make_url(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1])
purge(open_reader(location), open_writer(location), Terms(), go_on=lambda purged: print(purged.acties, flush=True) or True)
"""


def expired(number: int) -> list[ActieVersie]:
    """So many acties that are past their term, one in ten with a second version."""
    acties = [actie(LONG_AGO + timedelta(hours=hour), "P1Y") for hour in range(number)]
    return [*acties, *(later_version(one, term="P1Y") for one in acties[::10])]


def left(place: Place) -> tuple[int, int, int]:
    """What is there: acties, versies and objecten. Nothing that belongs to a version that is gone."""
    acties, versies = [int(count) for count in place.query("SELECT count(DISTINCT actie_id), count(*) FROM verwerkingsactie")[0]]
    ((objecten,),) = place.query("SELECT count(*) FROM verwerkt_object")
    for table in ("verwerkt_object", "successor"):
        ((orphans,),) = place.query(f"SELECT count(*) FROM {table} WHERE versie NOT IN (SELECT versie FROM verwerkingsactie)")
        assert orphans == 0
    assert place.query("SELECT * FROM purging") == []
    return acties, versies, objecten


def counted(place: Place) -> tuple[int, int, int]:
    """What all purges say that they removed."""
    names = ("acties", "versies", "objecten")
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    acties, versies, objecten = [int(count) for count in place.query(f"SELECT {sums} FROM purge")[0]]
    return acties, versies, objecten


def test_a_purge_that_is_killed_at_any_moment_leaves_nothing_half_removed(place: Place) -> None:
    store(place, *expired(ACTIES))
    before = left(place)
    location = place.owner.render_as_string(hide_password=False) if isinstance(place.owner, URL) else str(place.owner)
    for enough in (1, 100):
        command = [sys.executable, "-c", _PURGE, location, str(CHUNK)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while int(process.stdout.readline()) < enough:
                pass
            time.sleep(random.random() / 200)  # anywhere within a transaction
            process.kill()
        now, gone = left(place), counted(place)
        assert tuple(map(sum, zip(now, gone, strict=True))) == before
        assert gone[0] >= enough
    purged(place, datetime.now(UTC).isoformat())
    assert left(place) == (0, 0, 0)
    assert counted(place) == before


def test_two_purges_at_once_each_remove_what_the_other_did_not(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "AT_ONCE", CHUNK)
    store(place, *expired(ACTIES))
    before = left(place)
    results = []
    now = datetime.now(UTC).isoformat()
    threads = [threading.Thread(target=lambda: results.append(purged(place, now))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert left(place) == (0, 0, 0)
    assert counted(place) == before
    assert len(results) == len(threads)
    assert sum(result.acties for result in results) == before[0]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_purge_that_is_asked_to_stop_says_what_it_removed_and_another_goes_on(
    place: Place, verwerkingenlog: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, asked: signal.Signals
) -> None:
    store(place, *expired(ACTIES))
    monkeypatch.setattr(expiry, "AT_ONCE", CHUNK)
    settings = {"VERWERKINGENLOG_DATABASE": str(place.owner), "VERWERKINGENLOG_KEYS": str(place.keys)}
    with after_commits(10, lambda: os.kill(os.getpid(), asked)):
        stopped = verwerkingenlog("purge", "--execute", **settings)
    assert stopped.exit_code == 128 + asked
    assert "stopped before the end; start it again to go on" in stopped.stderr
    gone = counted(place)
    assert 0 < gone[0] < ACTIES
    assert stopped.stdout.startswith(f"removed: {gone[0]} acties in {gone[1]} versies with {gone[2]} objecten")
    assert verwerkingenlog("purge", "--execute", **settings).exit_code == 0
    assert left(place) == (0, 0, 0)


@contextmanager
def after_commits(number: int, what: Callable[[], None]) -> Iterator[None]:
    """Do ``what`` at the given commit, counted from now, of whatever engine."""
    commits = iter(range(1, 10_000))

    def committing(_: object) -> None:
        if next(commits) == number:
            what()

    event.listen(Engine, "commit", committing)
    try:
        yield
    finally:
        event.remove(Engine, "commit", committing)


def test_the_second_ctrl_c_stops_at_once_and_the_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stoppable() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.by is signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_database_that_is_away_ends_a_command_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), loud():
        raise LogUnavailable("the database cannot be read")
    assert capsys.readouterr().err == "verwerkingenlog: the database cannot be read\n"
