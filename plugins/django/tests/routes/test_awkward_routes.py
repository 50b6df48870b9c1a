"""Awkward patterns of real projects in Django: bare, annotated and configured they answer alike and record alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from django.urls import clear_url_caches
from plugins.django.tests.conftest import Asking, Project
from tests.awkward.django_urls import ASKED, BSN, ENTRIES, LOST, build
from tests.awkward.saying import annotated_as, nothing, recorded

from verwerkingenlogging import LogUnavailable, MemoryLog
from verwerkingenlogging.routes.annotation_check import describe
from verwerkingenlogging_django._project_routes import project_routes
from verwerkingenlogging_django._routes.configured_functions import install_routes

pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")  # a stream of the other kind, which projects have


class Answer(NamedTuple):
    """All of an answer that somebody sees."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    yield
    install_routes(None)
    clear_url_caches()


Ask = Callable[..., Answer]


@pytest.fixture
def ask(ask: Asking) -> Ask:
    def asked(method: str, path: str, **more: Any) -> Answer:
        answer = ask(path, method, **more)
        return Answer(
            answer.status_code, sorted((name, value) for name, value in answer.headers.items() if name != "expires"), answer.content
        )

    return asked


def bare(project: Project) -> None:
    project(*build(nothing), middleware=(), django=OF_DRF)


def annotated(project: Project) -> None:
    project(*build(annotated_as(ENTRIES)), django=OF_DRF)


def configured(project: Project) -> None:
    project(*build(nothing), routes=dict(ENTRIES), django=OF_DRF)


OF_DRF = {"REST_FRAMEWORK": {"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"], "UNAUTHENTICATED_USER": None}}
WAYS = (annotated, configured)
IDS = [f"{method} {path}" for method, path, _ in ASKED]


@pytest.mark.parametrize(("method", "path", "more"), ASKED, ids=IDS)
def test_answers_are_what_they_were_and_records_are_alike(
    project: Project, log: MemoryLog, ask: Ask, method: str, path: str, more: dict[str, Any]
) -> None:
    bare(project)
    before = ask(method, path, **more)
    logged: list[Any] = []
    for way in WAYS:
        way(project)
        assert ask(method, path, **more) == before, way.__name__
        logged.append(recorded(log))
        log.acties.clear()
    assert logged[0] == logged[1]
    assert (logged[0] == []) is ("none" in path or "fout" in path or method == "OPTIONS" or before.status in {405} or "nothing" in path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("method", "path", "more"), ASKED, ids=IDS)
def test_nothing_is_answered_that_could_not_be_recorded(
    project: Project, log: MemoryLog, ask: Ask, way: Callable[[Project], None], method: str, path: str, more: dict[str, Any]
) -> None:
    way(project)
    ask(method, path, **more)
    records = bool(log.acties)
    log.failure = LogUnavailable("down")
    answer = ask(method, path, **more)
    assert (answer.status == 503) is records
    assert not records or BSN.encode() not in answer.body


@pytest.mark.parametrize("way", WAYS)
def test_a_function_that_cannot_know_its_request_is_not_called(
    project: Project, log: MemoryLog, ask: Ask, way: Callable[[Project], None]
) -> None:
    """A2: its decorator runs it in a thread without the context variables of the request."""
    bare(project)
    assert ask(*LOST).status == 200
    way(project)
    assert ask(*LOST).status == 503
    assert log.acties == []


def test_the_check_says_the_same_of_both(project: Project) -> None:
    listed: list[Any] = []
    for way in WAYS:
        way(project)
        listed.append(sorted((route.name, describe(route)) for route in project_routes() if not route.name.startswith("OPTIONS")))
    assert listed[0] == listed[1]
