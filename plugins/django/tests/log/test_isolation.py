"""A record that the log behind does not take, though it takes others, holds up its own verwerking and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from verwerkingenlogging import ConfigurationError, LogRefused, LogUnavailable, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.outbox.encryption import add_key
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django._log import repository, retry_queue
from verwerkingenlogging_django.models import Record

LONG = 20.0
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)  # what is delivered when is not the database's doing
Outcomes = Sequence[LogRefused | LogUnavailable | None]


class Register:
    """Takes records one by one or in batches, but not those of that name: those it ``says`` or ``raises`` for."""

    def __init__(self, how: str, *fails: str) -> None:
        self.how = how
        self.fails = set(fails)
        self.refuses: set[str] = set()
        self.namen: list[str] = []
        self.asked = 0

    def deliver(self, entries: Sequence[Entry]) -> Outcomes:
        self.asked += 1
        outcomes: list[LogRefused | LogUnavailable | None] = []
        for entry in entries:
            naam = entry.actie.actie_naam or ""
            if naam in self.fails:
                if self.how == "raises":
                    raise LogUnavailable("the register answered 500")
                outcomes.append(LogUnavailable("the register answered 500"))
            elif naam in self.refuses:
                outcomes.append(LogRefused("the register answered 400", status=400))
            else:
                self.namen.append(naam)
                outcomes.append(None)
        return outcomes


def of(naam: str, verwerking: int | None = None) -> Verwerkingsactie:
    return Verwerkingsactie(
        tijdstip="2024-04-05T14:35:42.123+01:00",
        actie_naam=naam,
        verwerking_id=None if verwerking is None else UUID(int=verwerking),
        verwerkte_objecten=(VerwerktObject(object_id="2308572"),),
    )


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set apart is tried again at once, and an outage is not waited out."""
    monkeypatch.setattr(retry_queue, "SECONDS", (0.0, 0.0))
    monkeypatch.setattr("verwerkingenlogging.logs.delivery.backoff.Backoff.failed", lambda *_: 0.0)


@pytest.fixture
def relay_of(database: str) -> Iterator[Callable[..., Any]]:
    """Makes the relay of a log in the database; deliver with ``turn``."""
    logs: list[DjangoLog] = []

    def make(to: object, **settings: Any) -> tuple[DjangoLog, Any]:
        log = DjangoLog(to, database=database, **{"lease": LONG, "poll": 0.001, **settings})  # type: ignore[arg-type]  # one that is enough
        logs.append(log)
        return log, log.relay()

    yield make
    for log in logs:
        log.close()


def waiting(database: str) -> int:
    return Record.objects.using(database).filter(refused__isnull=True).count()


def until(relay: Any, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not reached():
        assert time.monotonic() < deadline
        relay.turn()


@pytest.mark.parametrize("how", ["says", "raises"])
@pytest.mark.parametrize("bad", [0, 4, 9])
def test_all_others_are_delivered_in_order_and_the_rest_of_its_verwerking_when_it_is_taken(
    relay_of: Callable[..., Any], database: str, caplog: pytest.LogCaptureFixture, how: str, bad: int
) -> None:
    register = Register(how, str(bad))
    log, relay = relay_of(register, batch=4)
    log.log([of(str(number), number % 3) for number in range(10)])
    behind = [str(number) for number in range(10) if number % 3 == bad % 3 and number >= bad]
    until(relay, lambda: {*map(str, range(10))} - {*behind} <= {*register.namen})
    log.log([of("later", bad % 3), of("other", 7)])
    until(relay, lambda: "other" in register.namen)
    assert waiting(database) == (len({*behind} - {*register.namen}) + 1)
    assert caplog.text.count("a record in database 'eigen' is set apart, with what follows of its verwerking, while others are") == 1
    assert "2308572" not in caplog.text
    register.fails.clear()
    until(relay, lambda: not waiting(database))
    delivered = list(dict.fromkeys(register.namen))
    for verwerking in range(3 if how == "raises" else 0):  # a receiver that takes the rest of the same request knows no order
        assert [naam for naam in delivered if naam.isdigit() and int(naam) % 3 == verwerking] == [
            str(number) for number in range(10) if number % 3 == verwerking
        ]
    assert delivered[-1] == "later"


def test_one_that_is_refused_at_last_is_kept_with_the_reason(relay_of: Callable[..., Any], database: str) -> None:
    register = Register("says", "1")
    log, relay = relay_of(register)
    log.log([of("1", 1), of("2", 2)])
    until(relay, lambda: register.namen == ["2"])
    register.refuses, register.fails = {"1"}, set()
    until(relay, lambda: Record.objects.using(database).get().refused is not None)
    assert log.retry() == 1


def test_one_that_somebody_took_away_is_looked_for_no_more(relay_of: Callable[..., Any], database: str) -> None:
    register = Register("raises", "1")
    log, relay = relay_of(register)
    log.log([of("1", 1), of("2", 2), of("3", 1)])
    until(relay, lambda: "2" in register.namen)
    Record.objects.using(database).order_by("id")[0].delete()
    until(relay, lambda: not waiting(database))
    assert register.namen == ["2", "3"]


def test_a_long_verwerking_is_compared_with_another_that_comes_after_it(relay_of: Callable[..., Any], database: str) -> None:
    register = Register("raises", *map(str, range(12)))
    log, relay = relay_of(register, batch=2)
    log.log([*(of(str(number), 1) for number in range(12)), of("other", 2)])
    until(relay, lambda: register.namen == ["other"])
    assert waiting(database) == 12


def test_a_log_that_is_away_is_not_looked_for_through_all_that_waits(
    relay_of: Callable[..., Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_LOOKED_PAST", 4)
    register = Register("raises", *map(str, range(12)))
    log, relay = relay_of(register, batch=2)
    log.log([*(of(str(number), 1) for number in range(12)), of("other", 2)])
    for _ in range(6):
        relay.turn()
    assert register.namen == []
    assert waiting(database) == 13


def test_a_log_that_takes_nothing_sets_nothing_apart(relay_of: Callable[..., Any], database: str, caplog: pytest.LogCaptureFixture) -> None:
    register = Register("raises", *map(str, range(6)))
    log, relay = relay_of(register)
    log.log([of(str(number), number) for number in range(6)])
    for _ in range(5):
        relay.turn()
    assert "set apart" not in caplog.text
    assert waiting(database) == 6
    register.fails.clear()
    until(relay, lambda: not waiting(database))
    assert sorted(set(register.namen)) == [str(number) for number in range(6)]


def test_when_too_many_fail_it_is_not_the_records_that_are_at_fault(
    relay_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retry_queue, "MOST", 2)
    monkeypatch.setattr("verwerkingenlogging_django._log.relay.ALARM_SECONDS", 0.0)
    register = Register("raises", "1", "2", "3")
    log, relay = relay_of(register)
    log.log([of(str(number), number) for number in range(6)])
    until(relay, lambda: "the log behind fails for the records of more than 2 verwerkingen: the register answered 500" in caplog.text)


def test_what_a_log_without_keys_has_taken_is_not_given_to_it_again(relay_of: Callable[..., Any], database: str) -> None:
    register = Register("says", "1")
    log, relay = relay_of(register)
    log.log([of("0"), of("1"), of("2")])
    until(relay, lambda: len(register.namen) == 2)
    for _ in range(3):
        relay.turn()
    assert sorted(register.namen) == ["0", "2"]
    assert waiting(database) == 1


def test_without_the_key_of_one_record_all_others_are_delivered(
    relay_of: Callable[..., Any], database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost, kept = tmp_path / "lost", tmp_path / "kept"
    add_key(lost)
    add_key(kept)
    register = Register("says")
    relay_of(register, keys=lost)[0].log([of("1", 1)])
    log, relay = relay_of(register, keys=kept)
    log.log([of("2", 2)])
    until(relay, lambda: register.namen == ["2"])
    assert "lacks a key that records were sealed with; put it back, as a further line" in caplog.text
    connections[database].close()
    kept.write_text(kept.read_text() + lost.read_text())
    until(relay, lambda: not waiting(database))
    assert register.namen == ["2", "1"]


def test_without_any_keys_nothing_is_delivered_and_that_is_said(
    relay_of: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_key(tmp_path / "keys")
    register = Register("says")
    relay_of(register, keys=tmp_path / "keys")[0].log([of("1", 1)])
    _, relay = relay_of(register)
    relay.turn()
    assert "records are sealed; give the key file that they were sealed with as keys" in caplog.text
    assert not issubclass(ConfigurationError, LogUnavailable)  # or it would be tried as if the register were away


def test_a_seal_that_is_broken_while_its_record_is_set_apart_is_a_refusal(
    relay_of: Callable[..., Any], database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_key(tmp_path / "keys")
    register = Register("raises", "1")
    log, relay = relay_of(register, keys=tmp_path / "keys")
    log.log([of("1", 1), of("2", 2)])
    until(relay, lambda: "is set apart" in caplog.text)
    row = Record.objects.using(database).get()
    Record.objects.using(database).filter(id=row.id).update(body=bytes(row.body)[:-1] + bytes([bytes(row.body)[-1] ^ 1]))
    until(relay, lambda: Record.objects.using(database).get().refused is not None)
