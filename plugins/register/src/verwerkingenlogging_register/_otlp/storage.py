"""Stores each span once, however often it is sent, and finds span ids that are not unique."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from itertools import islice

from sqlalchemy import Connection

from verwerkingenlogging_register._acties.append import OTHER_REQUEST, Append, append_all
from verwerkingenlogging_register._acties.lookup import versions_by_number
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._otlp.spans import Refusal, Unreadable, Verdict
from verwerkingenlogging_register._requests.recent_refusals import Refused

__all__ = ["Appends", "Outcome", "appends_in", "results_of", "store_all"]

_AT_ONCE = 500
"""Most acties stored in one job: others wait for their turn no longer than that takes."""
_OTHER = Refused(422, "trace_id en span_id zijn al gebruikt voor een andere verwerkingsactie")


class Outcome(StrEnum):
    """The outcome of a span, as the metrics count it.

    ``part``: its actie's own span says it too. ``unreadable``: encrypted with a key that is not here, so it must come again.
    """

    STORED = "stored"
    REPEATED = "repeated"
    PART = "part"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


Appends = dict[str, Append]
"""What is to be stored, by its key: the first span that bears it."""


def appends_in(verdicts: Iterable[Verdict]) -> Appends:
    """The versions to store, from ``verdicts``."""
    appends: Appends = {}
    for verdict in verdicts:
        if isinstance(verdict, Append):
            appends.setdefault(_key(verdict), verdict)
    return appends


async def store_all(repository: Repository, appends: Appends) -> Mapping[str, Outcome | Refusal]:
    """Store them, and give the outcome of each once it is on disk.

    Raises LogUnavailable when that did not come to an end: then some may be stored, which is known when they come again.
    """
    waiting = iter(appends.values())
    outcomes: dict[str, Outcome | Refusal] = {}
    while some := list(islice(waiting, _AT_ONCE)):
        outcomes.update(await repository.write(partial(_store, appends=some)))
    return outcomes


def results_of(verdicts: Iterable[Verdict], appends: Appends, outcomes: Mapping[str, Outcome | Refusal]) -> list[Outcome | Refusal]:
    """The outcome of each span."""
    return [_outcome(verdict, appends, outcomes) for verdict in verdicts]


def _outcome(verdict: Verdict, first: Appends, outcomes: Mapping[str, Outcome | Refusal]) -> Outcome | Refusal:
    if verdict is None:
        return Outcome.PART
    if isinstance(verdict, Unreadable):
        return Outcome.UNREADABLE
    if isinstance(verdict, Refusal):
        return verdict
    key = _key(verdict)
    if verdict is first[key]:
        return outcomes[key]
    return Outcome.REPEATED if verdict.version.says_the_same(first[key].version) else Refusal(_OTHER, key)


def _store(connection: Connection, appends: Sequence[Append]) -> dict[str, Outcome | Refusal]:
    """A job for the writer: store what is new of ``appends``."""
    earlier = append_all(connection, appends)
    found = versions_by_number(connection, [versie for versie in earlier if versie is not None])
    outcomes: dict[str, Outcome | Refusal] = {}
    for append, versie in zip(appends, earlier, strict=True):
        key = _key(append)
        if versie is None:
            outcomes[key] = Outcome.STORED
        elif versie != OTHER_REQUEST and (versie not in found or append.version.says_the_same(found[versie])):
            outcomes[key] = Outcome.REPEATED  # also what the purge took away: it was kept for as long as it had to be
        else:
            outcomes[key] = Refusal(_OTHER, key)
    return outcomes


def _key(append: Append) -> str:
    assert append.key is not None  # noqa: S101  # every span has one
    return append.key.key
