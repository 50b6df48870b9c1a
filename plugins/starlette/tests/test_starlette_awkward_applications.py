"""Awkward patterns of real applications in FastAPI and Starlette: bare, annotated and configured they answer alike and record alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.awkward.fastapi_app import ASKED, BSN, ENTRIES, LOST, build
from tests.awkward.saying import Entry, annotated_as, make_recorder, nothing, recorded

from verwerkingenlogging import LogUnavailable, MemoryLog
from verwerkingenlogging.routes.annotation_check import describe
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware, routes


class Answer(NamedTuple):
    """All of an answer that somebody sees."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Built(NamedTuple):
    """An application, started, and what it logs."""

    client: TestClient
    log: MemoryLog

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        answer = self.client.request(method, path, **more)
        return Answer(answer.status_code, sorted(answer.headers.items()), answer.content)


def built(app: FastAPI, entries: dict[str, Entry] | None, *, bare: bool = False) -> Iterator[Built]:
    log = MemoryLog()
    if not bare:
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=make_recorder(log), routes=entries)
    with TestClient(app, client=("testclient", 1)) as client:
        yield Built(client, log)


@pytest.fixture(scope="module")
def all_of_them() -> Iterator[dict[str, Built]]:
    """The application in three ways, each made once."""
    with ExitStack() as stack:
        made = {
            "bare": built(build(nothing), None, bare=True),
            "annotated": built(build(annotated_as(ENTRIES)), None),
            "configured": built(build(nothing), dict(ENTRIES)),
        }
        yield {name: stack.enter_context(contextmanager(lambda one=one: one)()) for name, one in made.items()}


@pytest.fixture
def bare(all_of_them: dict[str, Built]) -> Built:
    return all_of_them["bare"]


@pytest.fixture
def annotated(all_of_them: dict[str, Built]) -> Iterator[Built]:
    yield all_of_them["annotated"]
    _emptied(all_of_them["annotated"].log)


@pytest.fixture
def configured(all_of_them: dict[str, Built]) -> Iterator[Built]:
    yield all_of_them["configured"]
    _emptied(all_of_them["configured"].log)


def _emptied(log: MemoryLog) -> None:
    log.acties.clear()
    log.failure = None


IDS = [f"{method} {path}" for method, path, _ in ASKED]


@pytest.mark.parametrize(("method", "path", "more"), ASKED, ids=IDS)
def test_answers_are_what_they_were_and_records_are_alike(
    bare: Built, annotated: Built, configured: Built, method: str, path: str, more: dict[str, Any]
) -> None:
    before = bare.ask(method, path, **more)
    assert annotated.ask(method, path, **more) == before
    assert configured.ask(method, path, **more) == before
    assert recorded(configured.log) == recorded(annotated.log)
    assert (recorded(annotated.log) == []) is (
        path in {"/empty", "/nothing", "/uuid/no-uuid"} or "none" in path or before.status in {405, 422}
    )


@pytest.mark.parametrize(("method", "path", "more"), ASKED, ids=IDS)
def test_nothing_is_answered_that_could_not_be_recorded(
    annotated: Built, configured: Built, method: str, path: str, more: dict[str, Any]
) -> None:
    annotated.ask(method, path, **more)
    records = bool(annotated.log.acties)
    for one in (annotated, configured):
        one.log.failure = LogUnavailable("down")
        answer = one.ask(method, path, **more)
        assert (answer.status == 503) is records
        assert not records or BSN.encode() not in answer.body


def test_a_function_that_cannot_know_its_request_is_not_called(bare: Built, annotated: Built, configured: Built) -> None:
    """A2: its decorator runs it in a thread without the context variables of the request."""
    assert bare.ask(*LOST).status == 200
    for one in (annotated, configured):
        assert one.ask(*LOST).status == 503
        assert one.log.acties == []


def test_the_check_says_the_same_of_both(annotated: Built, configured: Built) -> None:
    def listed(one: Built) -> list[tuple[str, str]]:
        found = routes(one.client.app)
        assert found is not None
        return sorted((route.name, describe(route)) for route in found)

    assert listed(configured) == listed(annotated)
    assert [name for name, said in listed(annotated) if "SAYS NOTHING" in said] == []
