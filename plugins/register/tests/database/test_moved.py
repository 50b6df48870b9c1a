"""The file of the database is moved, removed or replaced while the register runs: nothing is acknowledged that goes nowhere."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from crash.receivers import Sink, register
from sqlalchemy.exc import OperationalError
from tests.outbox import actie, answers, wait_until

from verwerkingenlogging import LogUnavailable, Vertrouwelijkheid
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import wire_form
from verwerkingenlogging_register._database.sqlite import open_writer
from verwerkingenlogging_register._model.scopes import Scope


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with register(tmp_path, (Scope.CREATE_NORMAL, Scope.UPDATE_NORMAL, Scope.UPDATE_CONFIDENTIAL)) as running:
        wait_until(lambda: answers(running))
        yield running


@pytest.fixture
def log(sink: Sink) -> Iterator[ApiLog]:
    log = ApiLog(sink.address, token=sink.token, timeout=60)
    yield log
    log.close()


def _to(path: Path) -> Path:
    return path.with_name(path.name + ".elsewhere")


def move(path: Path) -> None:
    path.rename(_to(path))


def remove(path: Path) -> None:
    shutil.copy(path, _to(path))
    path.unlink()


def replace(path: Path) -> None:
    shutil.copy(path, _to(path))
    _to(path).rename(path)
    shutil.copy(path, _to(path))


def move_the_log_beside_it(path: Path) -> None:
    path.with_name(path.name + "-wal").rename(_to(path))


def remove_the_log_beside_it(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def move_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("way", [move, remove, move_the_folder])
def test_what_would_go_nowhere_is_not_acknowledged(sink: Sink, log: ApiLog, tmp_path: Path, way: Callable[[Path], None]) -> None:
    database = tmp_path / "register.sqlite"
    verwerking = uuid4()
    log.log([actie(0, verwerking)])
    way(database)
    for number in range(1, 4):
        with pytest.raises(LogUnavailable, match="503"):
            log.log([actie(number, verwerking)])
        with pytest.raises(LogUnavailable, match="503"):
            log.deliver([Entry(key=str(uuid4()), body=wire_form(actie(number, verwerking)))])
        with pytest.raises(LogUnavailable, match=r"50[03]"):
            log.change(verwerking, vertrouwelijkheid=Vertrouwelijkheid.OPGEHEVEN)
        with pytest.raises(LogUnavailable, match=r"50[03]"):
            log.missing(["a"])
    assert not database.exists()  # nor is an empty one made there


@pytest.mark.parametrize("way", [replace, move_the_log_beside_it, remove_the_log_beside_it])
def test_what_is_acknowledged_is_in_the_file_that_is_there(sink: Sink, log: ApiLog, tmp_path: Path, way: Callable[[Path], None]) -> None:
    verwerking = uuid4()
    log.log([actie(0, verwerking)])
    way(tmp_path / "register.sqlite")
    acknowledged = []
    for number in range(1, 6):
        try:
            log.log([actie(number, verwerking)])
        except LogUnavailable:
            continue
        acknowledged.append(str(number))
    if acknowledged:
        assert [naam for its, naam in sink.recorded() if its == str(verwerking) and naam != "0"] == acknowledged


def test_it_goes_on_when_the_file_is_back_with_what_was_acknowledged_before(sink: Sink, log: ApiLog, tmp_path: Path) -> None:
    database = tmp_path / "register.sqlite"
    verwerking = uuid4()
    log.log([actie(1, verwerking)])
    move(database)
    with pytest.raises(LogUnavailable):
        log.log([actie(2, verwerking)])
    _to(database).rename(database)
    log.log([actie(3, verwerking)])
    recorded = [naam for its, naam in sink.recorded() if its == str(verwerking)]
    assert recorded[0] == "1"
    assert recorded[-1] == "3"


def test_a_commit_into_a_file_that_goes_meanwhile_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite"
    sqlite3.connect(path).close()
    engine = open_writer(path)
    connection = engine.connect()
    connection.exec_driver_sql("CREATE TABLE t (x)")
    move(path)
    with pytest.raises(OperationalError, match="moved, removed or replaced"):
        connection.commit()
    connection.close()
    engine.dispose()
