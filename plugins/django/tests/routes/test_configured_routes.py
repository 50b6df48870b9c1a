"""What URLs log, said in the settings: every kind of view, and only when its code really runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import ResolverMatch, clear_url_caches, path, resolve, reverse
from plugins.django.tests import all_kinds
from plugins.django.tests.conftest import Asking, Project
from pytest_django.fixtures import Settings as DjangoSettings

from verwerkingenlogging import ConfigurationError, LogUnavailable, MemoryLog, Vertrouwelijkheid
from verwerkingenlogging.testing import CapturedLog
from verwerkingenlogging_django._routes.configured_functions import install_routes

OPHALEN = {"actie_naam": "Ophalen persoonsgegevens", "activiteit": "brp", "objecten": "bsn"}
SECRET = {"X-Secret": "yes"}


@pytest.fixture(autouse=True)
def _project(settings: DjangoSettings) -> Iterator[None]:
    settings.ROOT_URLCONF = all_kinds.__name__
    settings.LANGUAGES = [("nl", "Nederlands"), ("en", "English")]
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    all_kinds.seen.clear()
    yield
    install_routes(None)


def logged_in(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        request.user = User(username="jan")
        return get_response(request)

    return middleware


def text_of(bsn: int) -> str:
    return str(bsn)


KINDS = {
    "a function": ("personen:ophalen", "get", "/personen/2308572/", {}),
    "a function, by its template": ("/personen/<str:bsn>/", "get", "/personen/2308572/", {}),
    "one method of a function": ("PUT personen:ophalen", "put", "/personen/2308572/", {}),
    "a method that comes with another": ("GET personen:ophalen", "head", "/personen/2308572/", {}),
    "an async function": ("personen:async", "get", "/personen/2308572/async/", {}),
    "a decorated async function": ("personen:decorated-async", "get", "/personen/2308572/decorated-async/", {}),
    "what a decorator gave other arguments": ("personen:injected", "get", "/personen/2308572/injected/", {}),
    "a decorator that is an object": ("personen:kept", "get", "/personen/2308572/kept/", {}),
    "a view that is an object": ("personen:callable", "get", "/personen/2308572/callable/", {}),
    "an argument of the pattern itself": ("personen:default", "get", "/personen/default/", {}),
    "an include in an include": ("gemeente:ophalen", "get", "/gemeente/utrecht/2308572/", {}),
    "a regular expression": ("/re/<bsn>/", "get", "/re/2308572/", {}),
    "a class": ("GET class", "get", "/class/2308572/", {}),
    "OPTIONS of its own": ("OPTIONS class", "options", "/class/2308572/", {}),
    "an async class": ("async-class", "get", "/async-class/2308572/", {}),
    "a class that dispatches": ("dispatch", "get", "/dispatch/2308572/", {}),
    "an action of a viewset": ("GET persoon-detail", "get", "/drf/personen/2308572/", {"objecten": "pk"}),
    "its other address": ("GET persoon-detail", "get", "/drf/personen/2308572.json", {"objecten": "pk"}),
    "an extra action": ("POST persoon-verhuizing", "post", "/drf/personen/2308572/verhuizing/", {"objecten": "pk"}),
    "an APIView": ("ouders", "get", "/drf/ouders/2308572/", {}),
    "a function of DRF": ("PUT functional", "put", "/drf/functional/2308572/", {}),
    "a ninja operation": ("ninja:ophalen", "get", "/ninja/personen/2308572", {}),
    "another on the same path": ("DELETE /ninja/personen/<bsn>", "delete", "/ninja/personen/2308572", {}),
    "a language before it": ("vertaald", "get", "/en/vertaald/2308572/", {}),
    "the default language": ("/<language>/vertaald/<str:bsn>/", "get", "/nl/vertaald/2308572/", {}),
    "a translated address": ("delete", "get", "/Verwijderen/2308572/", {}),
    "what the request holds": ("personen:ophalen", "get", "/personen/1/?bsn=2308572", {"objecten": "request.GET.bsn"}),
    "what the class has": ("GET class", "get", "/class/2308572/", {"objecten": "self.kwargs.bsn"}),
    "a number, by a function": ("personen:int", "get", "/personen/2308572/int/", {"objecten": f"{__name__}:text_of"}),
    "an optional part": ("re", "get", "/re/1/2308572.html", {"objecten": "ouder"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_view_records_before_it_runs(kind: str, client: Client, verwerkingenlog: CapturedLog) -> None:
    key, method, address, more = KINDS[kind]
    install_routes({key: OPHALEN | more})
    verwerkingenlog.be_down()
    with pytest.raises(Exception, match="the log is down"):
        getattr(client, method)(address, headers=SECRET)
    assert all_kinds.seen == []
    verwerkingenlog.be_up()
    assert getattr(client, method)(address, headers=SECRET).status_code == 200
    verwerkingenlog.assert_logged("Ophalen persoonsgegevens")
    verwerkingenlog.assert_persons("2308572")


def test_what_does_not_run_is_not_recorded(client: Client, verwerkingenlog: CapturedLog) -> None:
    install_routes(
        {
            "personen:decorated": OPHALEN,
            "personen:decorated-async": OPHALEN,
            "class": OPHALEN,
            "inherited": OPHALEN,
            "persoon-detail": OPHALEN | {"objecten": "pk"},
            "functional": OPHALEN,
            "ninja:ophalen": OPHALEN,
            "personen:int": OPHALEN | {"objecten": "request.path"},
        }
    )
    for method, address, status in [
        ("get", "/personen/2308572/decorated/", 302),  # to the login page
        ("post", "/personen/2308572/decorated-async/", 405),
        ("put", "/class/2308572/", 405),
        ("post", "/class/2308572/", 302),
        ("get", "/inherited/2308572/", 302),
        ("get", "/drf/personen/2308572/", 403),
        ("put", "/drf/functional/2308572/", 403),
        ("post", "/ninja/personen/2308572", 405),
        ("get", "/personen/abc/int/", 404),
    ]:
        assert getattr(client, method)(address).status_code == status, address
    assert all_kinds.seen == []
    verwerkingenlog.assert_logged()


def test_what_does_run_is_recorded_once_under_all_that_decorates_it(
    client: Client, settings: DjangoSettings, verwerkingenlog: CapturedLog
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.logged_in"]
    install_routes({"personen:decorated": OPHALEN, "class": OPHALEN, "inherited": OPHALEN | {"actie_naam": "Inherited"}})
    for method, address in [
        ("get", "/personen/1/decorated/"),
        ("post", "/personen/2/decorated/"),
        ("post", "/class/3/"),
        ("get", "/inherited/4/"),
    ]:
        assert getattr(client, method)(address).status_code == 200
    # The POST of a class calls its GET, on which the key stands too.
    verwerkingenlog.assert_logged(*["Ophalen persoonsgegevens"] * 4, "Inherited")
    verwerkingenlog.assert_persons("1", "2", "3", "4")
    assert client.post("/personen/5/decorated/", headers={"Accept": "x"}).status_code == 200


async def test_an_async_server_records_the_same(async_client: AsyncClient, verwerkingenlog: CapturedLog) -> None:
    install_routes(
        {
            "personen:async": OPHALEN,
            "async-class": OPHALEN,
            "personen:ophalen": OPHALEN,
            "ninja:verhuizen": OPHALEN | {"objecten": "verhuizing.bsn"},
        }
    )
    for address in ("/personen/1/async/", "/async-class/2/", "/personen/3/"):
        assert (await async_client.get(address)).status_code == 200
    response = await async_client.post("/ninja/verhuizingen/2026", {"bsn": "4"}, content_type="application/json")
    assert response.status_code == 200
    verwerkingenlog.assert_persons("1", "2", "3", "4")


FOUND = {
    "the data of DRF": ("GET persoon-list", "/drf/personen/?naam={}", "data.results.bsn", ["2308572", "5649587"]),
    "a list": ("ouders", "/drf/ouders/2308572/?{}", "data.bsn", ["5649587"]),
    "the context of a template": ("personen:zoeken", "/personen/?naam={}", "context_data.object_list.bsn", ["2308572", "5649587"]),
    "by a function": ("personen:zoeken", "/personen/?naam={}", lambda response, request: [request.GET["naam"]], ["Jansen"]),
}


@pytest.mark.parametrize("kind", FOUND)
def test_persons_found_in_the_result_are_recorded_after_it(kind: str, client: Client, verwerkingenlog: CapturedLog) -> None:
    key, address, gevonden, bsns = FOUND[kind]
    install_routes({key: {"actie_naam": "Zoeken personen", "activiteit": "brp", "gevonden": gevonden}})
    assert client.get(address.format("Jansen"), headers=SECRET).status_code == 200
    assert [objekt.object_id for objekt in verwerkingenlog.only().verwerkte_objecten] == bsns
    verwerkingenlog.be_down()
    with pytest.raises(Exception, match="the log is down"):
        client.get(address.format("Jansen"), headers=SECRET)


def test_nobody_found_is_not_recorded(client: Client, verwerkingenlog: CapturedLog) -> None:
    install_routes({"GET persoon-list": {"actie_naam": "Zoeken personen", "activiteit": "brp", "gevonden": "data.results.bsn"}})
    assert client.get("/drf/personen/?naam=Pietersen", headers=SECRET).json() == {"results": []}
    verwerkingenlog.assert_logged()


def test_known_and_found_persons_are_two_acties(client: Client, verwerkingenlog: CapturedLog) -> None:
    install_routes({"ouders": [OPHALEN, {"actie_naam": "Tonen ouders", "activiteit": "brp", "gevonden": "data.bsn"}]})
    assert client.get("/drf/ouders/2308572/", headers=SECRET).status_code == 200
    verwerkingenlog.assert_logged("Ophalen persoonsgegevens", "Tonen ouders")
    assert len({actie.verwerking_id for actie in verwerkingenlog.acties}) == 1


def test_a_body_is_recorded_when_it_was_found_valid(client: Client, verwerkingenlog: CapturedLog) -> None:
    opslaan = {"actie_naam": "Opslaan", "activiteit": "brp", "objecten": "serializer.validated_data.bsn", "function": "perform_create"}
    verhuizing = {"actie_naam": "Verhuizen", "activiteit": "brp", "objecten": ["verhuizing.bsn", "verhuizing.medebewoners"]}
    install_routes({"POST persoon-list": opslaan, "ninja:verhuizen": verhuizing})
    assert client.post("/drf/personen/", {"bsn": "x"}, headers=SECRET).status_code == 400
    assert client.post("/ninja/verhuizingen/2026", {"bsn": 5}, content_type="application/json").status_code == 422
    verwerkingenlog.assert_logged()
    assert client.post("/drf/personen/", {"bsn": "1"}, headers=SECRET).status_code == 201
    assert client.post("/ninja/verhuizingen/2026", {"bsn": "2", "medebewoners": ["3"]}, content_type="application/json").status_code == 200
    verwerkingenlog.assert_logged("Opslaan", "Verhuizen")
    verwerkingenlog.assert_persons("1", "2", "3")


def test_a_method_of_its_own_may_record_beside_what_handles_the_request(client: Client, verwerkingenlog: CapturedLog) -> None:
    own = {"actie_naam": "Nogmaals", "activiteit": "brp", "objecten": "pk", "function": "retrieve"}
    install_routes({"persoon-detail": [OPHALEN | {"objecten": "pk"}, own]})
    assert client.get("/drf/personen/2308572/", headers=SECRET).status_code == 200
    verwerkingenlog.assert_logged("Ophalen persoonsgegevens", "Nogmaals")


def test_all_that_an_annotation_says_can_be_said(client: Client, verwerkingenlog: CapturedLog) -> None:
    install_routes(
        {
            "personen:ophalen": OPHALEN
            | {
                "objecten": {"value": "bsn", "betrokkenheid": "Aanvrager"},
                "verwerking_naam": "Huwelijk",
                "verwerking_id": "request.GET.zaak",
                "vertrouwelijkheid": "vertrouwelijk",
            }
        }
    )
    assert client.get("/personen/2308572/?zaak=5f0bef4c-f66f-4311-84a5-19e8bf359eaf").status_code == 200
    actie = verwerkingenlog.only()
    assert (actie.verwerking_naam, str(actie.verwerking_id)) == ("Huwelijk", "5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
    assert actie.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK
    assert actie.verwerkte_objecten[0].betrokkenheid == "Aanvrager"


def test_the_most_specific_key_counts(client: Client, verwerkingenlog: CapturedLog) -> None:
    install_routes(
        {
            "/personen/*": {"geen_verwerking": "nobody"},
            "personen:ophalen": OPHALEN,
            "PUT personen:ophalen": OPHALEN | {"actie_naam": "Wijzigen"},
            "DELETE personen:ophalen": {"geen_verwerking": "answers 405"},
            "OPTIONS personen:out-of-reach": {"geen_verwerking": "answers 405"},
            "OPTIONS personen:kept": {"geen_verwerking": "answers 405"},
        }
    )
    for method in ("get", "put", "delete"):
        getattr(client, method)("/personen/2308572/")
    verwerkingenlog.assert_logged("Ophalen persoonsgegevens", "Wijzigen")


def test_other_routes_of_the_same_function_are_left_alone(client: Client, verwerkingenlog: CapturedLog) -> None:
    install_routes({"gemeente:ophalen": OPHALEN, "inherited": OPHALEN, "personen:decorated-async": OPHALEN})
    for address in ("/personen/1/", "/class/2/", "/gemeente/utrecht/3/decorated-async/"):
        assert client.get(address).status_code == 200
    verwerkingenlog.assert_logged()


def test_views_and_patterns_stay_what_they_are() -> None:
    before = [
        (match.func, match.view_name, match._func_path) for match in map(resolve, ("/personen/1/", "/personen/1/async/", "/class/1/"))
    ]
    classes = {name: dict(vars(view)) for name, view in vars(all_kinds).items() if isinstance(view, type)}
    address = reverse(all_kinds.plain, args=["1"])
    names = ("personen:ophalen", "personen:async", "class", "GET inherited", "ninja:ophalen", "delete", "vertaald")
    install_routes(dict.fromkeys(names, OPHALEN))
    clear_url_caches()
    matches: list[ResolverMatch] = [resolve("/personen/1/"), resolve("/personen/1/async/"), resolve("/class/1/")]
    assert [(match.func, match.view_name, match._func_path) for match in matches] == before
    assert (matches[0].func, resolve("/class/1/").func.view_class) == (all_kinds.plain, all_kinds.Persoon)  # type: ignore[attr-defined]  # as Django has it
    assert reverse(all_kinds.plain, args=["1"]) == address
    assert {name: dict(vars(view)) for name, view in vars(all_kinds).items() if isinstance(view, type)} == classes
    assert all_kinds.ninja_get is all_kinds.ninja_get._ninja_operation.view_func  # type: ignore[attr-defined]  # ninja's own
    code = all_kinds.plain.__code__
    install_routes(None)
    assert {name: dict(vars(view)) for name, view in vars(all_kinds).items() if isinstance(view, type)} == classes
    assert all_kinds.plain.__code__ is not code


def test_the_same_again_does_nothing_and_something_else_takes_its_place(client: Client, verwerkingenlog: CapturedLog) -> None:
    first = install_routes({"personen:ophalen": OPHALEN})
    assert install_routes({"personen:ophalen": dict(OPHALEN)}) is first
    client.get("/personen/1/")
    install_routes({"personen:async": OPHALEN})
    client.get("/personen/2/")
    client.get("/personen/3/async/")
    verwerkingenlog.assert_persons("1", "3")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"personen:ophale": OPHALEN},
            '["personen:ophale"]: there is no such route (did you mean personen:ophalen?); manage.py verwerkingen_check',
        ),
        ({"/nothing/like/it/in/the/world/": OPHALEN}, "there is no such route (there are none like it)"),
        ({"/zzz*": {"geen_verwerking": "x"}}, "there is no such route"),
        ({"DELETE class": OPHALEN}, "there is no such route (it takes GET, OPTIONS, POST)"),
        (
            {"personen:ophalen": OPHALEN, "/personen/<str:bsn>/": OPHALEN},
            '["/personen/<str:bsn>/"]: personen:ophalen is the same route; say it once',
        ),
        ({"personen:zoeken": OPHALEN}, 'names the argument "bsn", which /personen/ lacks; it has request'),
        ({"GET persoon-detail": OPHALEN}, 'names the argument "bsn", which /drf/personen/<pk>/ lacks; it has request, self, pk'),
        ({"personen:int": OPHALEN}, '"bsn" is no text in /personen/<int:bsn>/int/, and a number loses its leading zeros (R5)'),
        ({"ninja:beide": OPHALEN}, 'names the argument "bsn", which the function lacks; it has request'),
        ({"personen:ophalen": OPHALEN | {"function": "get"}}, "/personen/<str:bsn>/ is not handled by a class, so it has no other method"),
        ({"class": OPHALEN | {"function": "perform_create"}}, '["class"].function: perform_create: Persoon has no such method'),
        ({"personen:out-of-reach": OPHALEN}, "/personen/<str:bsn>/out-of-reach/: a cache (functools.lru_cache) answers in the place"),
        ({"personen:ophalen": {"objecten": []}}, '["personen:ophalen"].actie_naam is missing'),
    ],
)
def test_what_is_wrong_is_said_when_the_application_starts(source: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        install_routes(source)
    assert str(raised.value).startswith('settings.VERWERKINGENLOGGING["ROUTES"]["')
    assert message in str(raised.value)
    assert resolve("/personen/1/").func is all_kinds.plain


def test_a_uuid_in_an_address_is_an_id(project: Project, ask: Asking, log: MemoryLog) -> None:
    number = "48086bf2-11b7-4603-9526-67d7c3bb6587"
    project(path("<uuid:bsn>/", all_kinds.plain, name="uuid"), routes={"uuid": OPHALEN})
    assert ask(f"/{number}/").status_code == 200
    assert [objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten] == [number]


def test_the_middleware_puts_it_in_place_and_refuses_what_cannot_be_recorded(project: Project, ask: Asking, log: MemoryLog) -> None:
    project(path("<str:bsn>/", all_kinds.plain, name="ophalen"), routes={"ophalen": OPHALEN})
    assert ask("/2308572/").status_code == 200
    assert [objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten] == ["2308572"]
    log.failure = LogUnavailable("down")
    assert ask("/5649587/").status_code == 503
    assert all_kinds.seen == ["2308572"]
    project(path("<str:bsn>/", all_kinds.plain, name="ophalen"))
    assert ask("/5649587/").status_code == 200
    assert len(log.acties) == 1


def test_a_wrong_key_stops_the_server_from_starting(project: Project) -> None:
    project(routes={"nothing": {"geen_verwerking": "x"}})
    with pytest.raises(ConfigurationError, match="there is no such route"):
        get_wsgi_application()
