"""The user's key: off by default, meaningless, that of who is authenticated when something is logged, and of nobody else."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path
from django.utils.asyncio import async_unsafe
from django.utils.functional import SimpleLazyObject
from plugins.django.tests.conftest import MIDDLEWARE, Asking, Project, connections_kept
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from verwerkingenlogging import ConfigurationError, MemoryLog, alog_actie, log_actie, persoon, verwerkingsactie
from verwerkingenlogging_django._requests.user import fetch_user
from verwerkingenlogging_django.settings import configuration
from verwerkingenlogging_django.users import key_of, pseudonym

KEY = "sleutel-van-de-gebruikers-van-32-tekens"
ON = {"gebruiker": "verwerkingenlogging_django.users.pseudonym", "gebruiker_key": KEY}
SESSIONS = {
    "middleware": (
        MIDDLEWARE,
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ),
    "django": {
        "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
        "AUTHENTICATION_BACKENDS": [f"{__name__}.Backend"],
    },
}
KNOWN = verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
fetched: list[int] = []


class Backend(BaseBackend):
    """Users who are in no database, but cannot be asked for from an event loop either, like those who are."""

    def get_user(self, user_id: int) -> User:
        return database(user_id)


@async_unsafe
def database(pk: int) -> User:
    fetched.append(threading.get_ident())
    return User(pk=pk)


@KNOWN
def read(request: HttpRequest, bsn: str) -> HttpResponse:
    log_actie("Ophalen details", objecten=bsn)
    return HttpResponse(bsn)


@KNOWN
async def aread(request: HttpRequest, bsn: str) -> HttpResponse:
    await asyncio.sleep(0)
    await alog_actie("Ophalen details", objecten=bsn)
    return HttpResponse(bsn)


async def step(request: HttpRequest, bsn: str) -> HttpResponse:
    await alog_actie("Ophalen details", objecten=bsn, activiteit="brp")
    return HttpResponse(bsn)


def leaving(request: HttpRequest, bsn: str) -> HttpResponse:
    log_actie("Ophalen details", objecten=bsn, activiteit="brp")
    request.user = AnonymousUser()  # as logout() does
    log_actie("Afmelden", objecten=bsn)
    return HttpResponse(bsn)


class Token(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, None]:
        return User(pk=int(request.headers["X-Token"])), None


class Drf(APIView):
    authentication_classes = (Token,)

    @KNOWN
    def get(self, request: Request, bsn: str) -> Response:
        return Response(bsn)


def jwt(request: HttpRequest, bsn: str) -> HttpResponse:
    request.user = User(pk=int(request.headers["X-Token"]))
    return read(request, bsn=bsn)


URLS = (
    path("read/<bsn>", read),
    path("aread/<bsn>", aread),
    path("step/<bsn>", step),
    path("leaving/<bsn>", leaving),
    path("drf/<bsn>", Drf.as_view()),
    path("jwt/<bsn>", jwt),
)


@pytest.fixture(autouse=True)
def _nobody_fetched() -> None:
    fetched.clear()


def cookie(pk: int) -> str:
    """The session of the user with that key."""
    session = SessionStore()
    user = User(pk=pk)
    session[SESSION_KEY], session[BACKEND_SESSION_KEY], session[HASH_SESSION_KEY] = (
        str(pk),
        f"{__name__}.Backend",
        user.get_session_auth_hash(),
    )
    session.save()
    return f"{django_settings.SESSION_COOKIE_NAME}={session.session_key}"


def test_it_is_off_when_nothing_is_said(project: Project, ask: Asking, log: MemoryLog) -> None:
    project(*URLS, **SESSIONS)
    for address in ("/read/1", "/aread/1"):
        assert ask(address, headers={"Cookie": cookie(5)}).status_code == 200
    assert {actie.gebruiker for actie in log.acties} == {None}
    assert fetched == []


@pytest.mark.parametrize("address", ["/read/1", "/aread/1", "/step/1"])
def test_the_user_of_the_session_is_named_by_a_meaningless_key(project: Project, ask: Asking, log: MemoryLog, address: str) -> None:
    project(*URLS, **SESSIONS, **ON)
    for pk in (5, 6, 5):
        assert ask(address, headers={"Cookie": cookie(pk)}).status_code == 200
    of_five, of_six = key_of(User(pk=5)), key_of(User(pk=6))
    named = [actie.gebruiker for actie in log.acties]
    assert list(dict.fromkeys(named)) == [of_five, of_six]
    assert named == named[::-1]
    assert of_five is not None
    assert (len(of_five), of_five != of_six) == (40, True)
    assert len(fetched) == 3  # once for each request


@pytest.mark.parametrize("address", ["/read/1", "/aread/1"])
def test_without_a_session_nobody_is_fetched(project: Project, ask: Asking, log: MemoryLog, address: str) -> None:
    project(*URLS, **SESSIONS, **ON)
    assert ask(address).status_code == 200
    assert [actie.gebruiker for actie in log.acties] == [None, None]
    assert fetched == []


@pytest.mark.parametrize("address", ["/drf/1", "/jwt/1"])
def test_who_is_authenticated_in_the_view_is_named(project: Project, ask: Asking, log: MemoryLog, address: str) -> None:
    project(*URLS, **ON)
    assert ask(address, headers={"X-Token": "7"}).status_code == 200
    assert {actie.gebruiker for actie in log.acties} == {key_of(User(pk=7))}


def test_who_has_left_is_named_no_more(project: Project, ask: Asking, log: MemoryLog) -> None:
    project(*URLS, **SESSIONS, **ON)
    ask("/leaving/1", headers={"Cookie": cookie(5)})
    assert [actie.gebruiker for actie in log.acties] == [key_of(User(pk=5)), None]


def test_a_project_without_users_names_none(project: Project, ask: Asking, log: MemoryLog) -> None:
    project(*URLS, **ON)
    assert ask("/read/1").status_code == ask("/aread/1").status_code == 200
    assert {actie.gebruiker for actie in log.acties} == {None}


@pytest.mark.parametrize("view", ["read", "aread", "step"])
def test_a_user_who_cannot_be_found_out_stops_the_view(project: Project, ask: Asking, log: MemoryLog, view: str, monkeypatch: Any) -> None:
    def fail(self: Backend, user_id: int) -> User:
        raise OSError("secret")

    project(*URLS, **SESSIONS, **ON)
    header = {"Cookie": cookie(5)}
    monkeypatch.setattr(Backend, "get_user", fail)
    assert ask(f"/{view}/1", headers=header).status_code == 503
    assert log.acties == []


def test_the_key_depends_on_the_secret_and_on_nothing_else(project: Project) -> None:
    project(**ON)
    before = key_of(User(pk=5, username="jansen"))
    assert before == key_of(User(pk=5, username="pietersen"))
    assert before is not None
    project(gebruiker=pseudonym, gebruiker_key="e" * 32)
    assert key_of(User(pk=5)) not in {None, before}
    assert key_of(User()) is None
    assert "e" * 32 not in repr(configuration())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"gebruiker": pseudonym}, '["GEBRUIKER_KEY"] is missing; make one with'),
        ({"gebruiker_key": "short"}, '["GEBRUIKER_KEY"]: must be text of at least 32 characters'),
        ({"gebruiker_key": 5}, '["GEBRUIKER_KEY"]: must be text of at least 32 characters'),
        ({"gebruiker_key": "s" * 32, "django": {"SECRET_KEY": "s" * 32}}, '["GEBRUIKER_KEY"]: must be another than SECRET_KEY'),
        ({"gebruiker_key": "f" * 32, "django": {"SECRET_KEY_FALLBACKS": ["f" * 32]}}, '["GEBRUIKER_KEY"]: must be another than SECRET_KEY'),
    ],
)
def test_the_secret_is_one_of_its_own(project: Project, keys: dict[str, Any], message: str) -> None:
    project(**keys)
    with pytest.raises(ConfigurationError) as caught:
        configuration()
    assert message in str(caught.value)
    assert "ssss" not in str(caught.value)


def test_without_the_secret_there_is_no_key(project: Project) -> None:
    project()
    with pytest.raises(ConfigurationError, match="GEBRUIKER_KEY"):
        key_of(User(pk=5))


def test_a_user_without_a_way_to_be_fetched_stays_as_it_is() -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore("key")
    lazy: Any = SimpleLazyObject(lambda: get_user(request))
    request.user = lazy  # by a middleware that is not Django's
    assert fetch_user(request) is None
    assert request.user is lazy


def own_users(get_response: Any) -> Any:
    """A middleware that sets the user as Django's does, but gives no other way to ask for it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        lazy: Any = SimpleLazyObject(lambda: get_user(request))
        request.user = lazy
        response: HttpResponse = get_response(request)
        return response

    return middleware


def test_a_user_whom_another_middleware_sets_is_fetched_beside_the_event_loop(project: Project, ask: Asking, log: MemoryLog) -> None:
    middleware = (MIDDLEWARE, "django.contrib.sessions.middleware.SessionMiddleware", f"{__name__}.own_users")
    project(*URLS, middleware=middleware, django=SESSIONS["django"], **ON)
    assert ask("/aread/1", headers={"Cookie": cookie(5)}).status_code == 200
    assert {actie.gebruiker for actie in log.acties} == {key_of(User(pk=5))}
    assert len(fetched) == 1


async def test_no_request_is_given_the_user_of_another(project: Project, log: MemoryLog) -> None:
    project(*URLS, **SESSIONS, **ON)
    cookies = {pk: cookie(pk) for pk in range(1, 41)}
    with connections_kept():
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=ASGIHandler()), base_url="http://testserver") as client:  # type: ignore[arg-type]  # Django's is typed more narrowly
            answers = [client.get(f"/{view}/{pk}", headers={"Cookie": cookies[pk]}) for view in ("aread", "read") for pk in cookies]
            assert {answer.status_code for answer in await asyncio.gather(*answers)} == {200}
    assert len(log.acties) == 160
    for actie in log.acties:
        assert actie.gebruiker == key_of(User(pk=int(actie.verwerkte_objecten[0].object_id)))


def test_no_thread_is_given_the_user_of_another(project: Project, log: MemoryLog) -> None:
    project(*URLS, **SESSIONS, **ON)
    cookies = {pk: cookie(pk) for pk in range(1, 41)}
    ask = Asking("wsgi")
    with ThreadPoolExecutor(8) as threads, connections_kept():
        for pk, answer in [(pk, threads.submit(ask._ask, f"/read/{pk}", "GET", headers={"Cookie": cookies[pk]})) for pk in cookies]:
            assert answer.result().text == str(pk)
    assert len(log.acties) == 80
    for actie in log.acties:
        assert actie.gebruiker == key_of(User(pk=int(actie.verwerkte_objecten[0].object_id)))
