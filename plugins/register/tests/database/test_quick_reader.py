"""Reading a SQLite file on the event loop: nothing that is long is done there, and everything is done somewhere."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from plugins.register.tests import engines
from sqlalchemy.exc import OperationalError

from verwerkingenlogging_register._access.clients import Client, new_secret, register_client
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._database.quick_reader import QuickReader, TookLonger
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugins.register.tests.conftest import Place
    from sqlalchemy import Connection

    from verwerkingenlogging_register import Settings

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

A_MILLION = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000) SELECT max(n) FROM numbers"
FOR_EVER = 3600.0


@pytest.fixture
def quick_reader(place: Place) -> Iterator[Callable[..., QuickReader]]:
    opened: list[QuickReader] = []

    def make(**limits: float) -> QuickReader:
        opened.append(QuickReader(place.location, Keys(KeySource(file=place.keys)), **limits))  # type: ignore[arg-type]  # SQLite has a path
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def one(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT 1").scalar_one())


def clients(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM client").scalar_one())


def a_million(connection: Connection) -> int:
    return int(connection.exec_driver_sql(A_MILLION).scalar_one())


async def test_what_is_short_is_read_here_and_what_is_long_in_a_thread(settings: Settings) -> None:
    def where(query: Callable[[Connection], int]) -> Callable[[Connection], tuple[int, int]]:
        return lambda connection: (query(connection), threading.get_ident())

    with closing(Repository(settings)) as repository:
        assert await repository.read(where(one)) == (1, threading.get_ident())
        found, thread = await repository.read(where(a_million))
    assert found == 1_000_000
    assert thread != threading.get_ident()


def test_a_long_read_ends_and_leaves_no_state_of_the_database_behind(quick_reader: Callable[..., QuickReader], place: Place) -> None:
    """A transaction that stayed open would show the past from then on, a revoked client among it."""
    reading = quick_reader(away=0)
    with pytest.raises(TookLonger):
        reading.read(a_million)
    before = reading.read(clients)
    with engines.writer(place.location, Keys(KeySource(file=place.keys))) as writer:
        register_client(writer, Client(name="nieuw", secret=new_secret()))
    assert reading.read(clients) == before + 1


def test_after_a_long_read_the_next_ones_are_left_to_threads(quick_reader: Callable[..., QuickReader]) -> None:
    reading = quick_reader(away=FOR_EVER)
    assert reading.read(one) == 1
    with pytest.raises(TookLonger):
        reading.read(a_million)
    with pytest.raises(TookLonger):
        reading.read(one)


def test_a_fault_of_the_database_is_left_to_a_thread(quick_reader: Callable[..., QuickReader]) -> None:
    with pytest.raises(TookLonger):
        quick_reader().read(lambda connection: connection.exec_driver_sql("SELECT 1 FROM nowhere").scalar_one())


async def test_there_it_is_raised_as_ever(settings: Settings) -> None:
    with closing(Repository(settings)) as repository, pytest.raises(OperationalError):
        await repository.read(lambda connection: connection.exec_driver_sql("SELECT 1 FROM nowhere").scalar_one())


def test_another_event_loop_does_not_wait(quick_reader: Callable[..., QuickReader]) -> None:
    reading = quick_reader()
    inside, ready = threading.Event(), threading.Event()

    def held(connection: Connection) -> int:
        inside.set()
        assert ready.wait(60)
        return one(connection)

    other = threading.Thread(target=reading.read, args=(held,))
    other.start()
    assert inside.wait(60)
    with pytest.raises(TookLonger):
        reading.read(one)
    ready.set()
    other.join()
    assert reading.read(one) == 1
