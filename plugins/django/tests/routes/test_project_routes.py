"""Every way in which Django lets views be routed, and the list of what they log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles.views import serve as serve_static
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from django.views.static import serve
from ninja import NinjaAPI
from plugins.django.tests import all_kinds
from pytest_django.fixtures import Settings as DjangoSettings
from rest_framework.decorators import api_view
from rest_framework.viewsets import ViewSet

from verwerkingenlogging import Activiteit, Activiteiten, ConfigurationError, MemoryLog, geen_verwerking, persoon, verwerkingsactie
from verwerkingenlogging.routes.annotation_check import Route, problems, unannotated
from verwerkingenlogging_django._project_routes import project_routes, routes
from verwerkingenlogging_django.middleware import VerwerkingenloggingMiddleware
from verwerkingenlogging_django.settings import recorder

OIN = "00000001821002193000"
MIDDLEWARE = "verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"


def ophalen(naam: str = "Ophalen") -> Callable[[Any], Any]:
    return verwerkingsactie(naam, activiteit="brp", objecten=persoon("bsn"))


class Ours(VerwerkingenloggingMiddleware):
    """One derived from ours."""


def function_middleware(get_response: Any) -> Any:
    return get_response


@pytest.fixture(autouse=True)
def _project(settings: DjangoSettings) -> None:
    activiteiten = Activiteiten({OIN: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]})
    settings.VERWERKINGENLOGGING = {"OIN": OIN, "ACTIVITEITEN": activiteiten, "LOG": MemoryLog()}
    settings.MIDDLEWARE = [f"{__name__}.function_middleware", MIDDLEWARE]
    settings.LANGUAGES = [("nl", "Nederlands")]


def listed(settings: DjangoSettings, *patterns: Any) -> dict[str, Route]:
    settings.ROOT_URLCONF = patterns
    return {route.name: route for route in project_routes()}


def said(route: Route) -> list[str]:
    return [annotation.template.actie_naam for annotation in route.annotations]


def test_an_annotation_is_seen_through_what_decorates_it(settings: DjangoSettings) -> None:
    @login_required
    @cache_page(60)
    @require_http_methods(["GET", "POST"])
    @ophalen()
    @csrf_exempt
    @ophalen("Binnen")
    def view(request: HttpRequest, bsn: str) -> Any: ...

    found = listed(settings, path("personen/<str:bsn>/", view))
    assert {name: said(route) for name, route in found.items()} == {
        "GET /personen/<str:bsn>/": ["Ophalen", "Binnen"],
        "POST /personen/<str:bsn>/": ["Ophalen", "Binnen"],
    }
    assert {route.recorder for route in found.values()} == {recorder()}


def test_each_method_of_a_class_speaks_for_itself(settings: DjangoSettings) -> None:
    class Persoon(View):
        @ophalen()
        def get(self, request: HttpRequest, bsn: str) -> Any: ...

        @method_decorator([csrf_exempt, login_required])
        @ophalen("Wijzigen")
        def put(self, request: HttpRequest, bsn: str) -> Any: ...

        @geen_verwerking("answers 405")
        def delete(self, request: HttpRequest, bsn: str) -> Any: ...

        def patch(self, request: HttpRequest, bsn: str) -> Any: ...

    found = listed(settings, path("<str:bsn>/", login_required(Persoon.as_view())))
    assert {name: said(route) or route.geen_verwerking for name, route in found.items()} == {
        "GET /<str:bsn>/": ["Ophalen"],
        "PUT /<str:bsn>/": ["Wijzigen"],
        "PATCH /<str:bsn>/": None,
        "DELETE /<str:bsn>/": "answers 405",
    }
    assert [route.name for route in unannotated(found.values())] == ["PATCH /<str:bsn>/"]


def test_what_is_said_of_dispatch_or_of_the_class_counts_for_every_method(settings: DjangoSettings) -> None:
    class Dispatching(View):
        @ophalen()
        def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any: ...

        def get(self, request: HttpRequest) -> Any: ...

    @geen_verwerking("health check")
    class Health(View):
        def get(self, request: HttpRequest) -> Any: ...

    found = listed(settings, path("d/<str:bsn>/", Dispatching.as_view()), path("health/", Health.as_view()))
    assert said(found["GET /d/<str:bsn>/"]) == ["Ophalen"]
    assert found["GET /health/"].geen_verwerking == "health check"


def test_an_annotation_by_method_decorator_is_seen_once(settings: DjangoSettings) -> None:
    @method_decorator([ophalen("Wijzigen"), csrf_exempt], name="put")
    @method_decorator([csrf_exempt, ophalen()], name="get")
    class Persoon(View):
        def get(self, request: HttpRequest, bsn: str) -> Any: ...

        @ophalen("Binnen")
        def put(self, request: HttpRequest, bsn: str) -> Any: ...

    found = listed(settings, path("<str:bsn>/", Persoon.as_view()))
    assert said(found["GET /<str:bsn>/"]) == ["Ophalen"]
    assert said(found["PUT /<str:bsn>/"]) == ["Wijzigen", "Binnen"]


def test_a_view_that_is_an_object_speaks_by_its_call(settings: DjangoSettings) -> None:
    class Called:
        @ophalen()
        def __call__(self, request: HttpRequest, bsn: str) -> Any: ...

    assert said(listed(settings, path("<str:bsn>/", Called()))["* /<str:bsn>/"]) == ["Ophalen"]


def test_drf_and_ninja_are_seen_to_the_function(settings: DjangoSettings) -> None:
    @api_view(["GET"])
    @ophalen()
    def functional(request: Any, bsn: str) -> Any: ...

    class Personen(ViewSet):
        @ophalen()
        def retrieve(self, request: Any, bsn: str) -> Any: ...

    api = NinjaAPI(urls_namespace="seen")

    @api.get("/{bsn}")
    @ophalen()
    def operation(request: HttpRequest, bsn: str) -> Any: ...

    found = listed(
        settings,
        path("f/<str:bsn>/", functional),
        path("v/<str:bsn>/", Personen.as_view({"get": "retrieve"})),
        path("n/", api.urls),
    )
    assert [name for name, route in found.items() if said(route) == ["Ophalen"]] == [
        "GET /f/<str:bsn>/",
        "GET /v/<str:bsn>/",
        "GET /n/<bsn>",
    ]
    assert unannotated(found.values()) == []


def test_every_kind_of_route_is_listed_with_its_whole_address(settings: DjangoSettings) -> None:
    settings.ROOT_URLCONF = all_kinds.__name__
    names = [route.name for route in project_routes()]
    for name in (
        "* /personen/<str:bsn>/",
        "* /gemeente/<slug:gemeente>/<str:bsn>/",
        "GET /personen/<str:bsn>/decorated/",
        "GET /class/<str:bsn>/",
        "OPTIONS /class/<str:bsn>/",
        "* /dispatch/<str:bsn>/",
        "* /re/<bsn>/",
        "GET /drf/personen/<pk>/",
        "POST /drf/personen/<pk>/verhuizing.<format>/",
        "GET /drf/",
        "PUT /drf/functional/<str:bsn>/",
        "DELETE /ninja/personen/<bsn>",
        "PATCH /ninja/verhuizingen/",
        "* /<language>/vertaald/<str:bsn>/",
        "* /Verwijderen/<str:bsn>/",
        "* /admin/auth/user/<path:object_id>/change/",
    ):
        assert names.count(name) == 1, name


def test_what_a_framework_serves_of_itself_need_not_say_anything(settings: DjangoSettings, tmp_path: Path) -> None:
    settings.ROOT_URLCONF = all_kinds.__name__
    reasons = {route.name: route.geen_verwerking for route in project_routes()}
    assert reasons["* /redirect/"] == "redirects only"
    assert reasons["* /i18n/setlang/"] == "translations, and the choice of a language"
    assert reasons["GET /drf/"] == "the root of the API: addresses only"
    assert reasons["* /ninja/docs"] == "the description of the API"
    assert reasons["* /admin/"] is None
    settings.STATIC_ROOT = str(tmp_path)
    found = listed(
        settings,
        path("own/", serve_static),
        path("static/", serve, {"document_root": settings.STATIC_ROOT}),
        path("media/", serve, {"document_root": str(tmp_path / "media")}),
    )
    assert [route.geen_verwerking for route in found.values()] == ["static files", "static files", None]


def test_what_the_settings_say_is_listed_with_the_rest(settings: DjangoSettings) -> None:
    actie = {"actie_naam": "Opvragen", "activiteit": "onbekend", "objecten": "bsn"}
    settings.VERWERKINGENLOGGING = settings.VERWERKINGENLOGGING | {
        "ROUTES": {
            "GET bekijken": actie,
            "/annotated/*": {"geen_verwerking": "all but what says so itself"},
            "POST persoon": actie | {"function": "opslaan"},
            "admin:*": {"geen_verwerking": "personnel only"},
        }
    }

    @ophalen()
    def annotated(request: HttpRequest, bsn: str) -> Any: ...

    class Persoon(View):
        def post(self, request: HttpRequest, bsn: str) -> Any: ...

        def opslaan(self, bsn: str) -> None: ...

    admin = ([path("x/", csrf_exempt(all_kinds.zoeken), name="x")], "admin")
    found = listed(
        settings,
        path("annotated/<str:bsn>/", annotated),
        path("<str:bsn>/", all_kinds.plain, name="bekijken"),
        path("p/<str:bsn>/", Persoon.as_view(), name="persoon"),
        path("admin/", include(admin)),
    )
    assert {name: said(route) or route.geen_verwerking for name, route in found.items()} == {
        "* /annotated/<str:bsn>/": ["Ophalen"],
        "GET /<str:bsn>/": ["Opvragen"],
        "* /<str:bsn>/": None,
        "POST /p/<str:bsn>/": ["Opvragen"],
        "* /admin/x/": "personnel only",
    }
    where = 'named by settings.VERWERKINGENLOGGING["ROUTES"]["GET bekijken"]'
    assert [problem.rsplit("; ")[-1] for problem in problems(found.values())] == [where, where.replace("GET bekijken", "POST persoon")]


@pytest.mark.parametrize("said", [{"actie_naam": "Opvragen", "activiteit": "brp", "objecten": "bsn"}, {"geen_verwerking": "none"}])
def test_what_the_code_says_is_not_said_by_the_settings_too(settings: DjangoSettings, said: dict[str, str]) -> None:
    settings.VERWERKINGENLOGGING = settings.VERWERKINGENLOGGING | {"ROUTES": {"bekijken": said}}
    with pytest.raises(ConfigurationError, match=r'\["bekijken"\]: /<str:bsn>/ is annotated in its code; remove this key'):
        listed(settings, path("<str:bsn>/", ophalen()(all_kinds.plain), name="bekijken"))


def test_a_middleware_of_ones_own_counts_and_none_is_seen(settings: DjangoSettings) -> None:
    pattern = path("<str:bsn>/", ophalen()(all_kinds.plain))
    settings.MIDDLEWARE = [f"{__name__}.Ours"]
    assert listed(settings, pattern)["* /<str:bsn>/"].recorder is recorder()
    settings.MIDDLEWARE = []
    assert problems(listed(settings, pattern).values()) == [
        "* /<str:bsn>/: annotated, but there is no verwerkingenlogging middleware around it"
    ]


@geen_verwerking("health check")
def health(request: HttpRequest) -> Any: ...


class Around:
    """A WSGI application around another, such as WhiteNoise."""

    def __init__(self, application: Any) -> None:
        self.application = application


def test_only_handlers_of_django_are_django(settings: DjangoSettings) -> None:
    settings.ROOT_URLCONF = (path("health/", health),)
    for application in (get_wsgi_application(), get_asgi_application(), Around(get_wsgi_application())):
        assert [route.name for route in routes(application) or []] == ["* /health/"]
    assert routes(object()) is None


def test_a_wrong_key_is_said(settings: DjangoSettings) -> None:
    settings.VERWERKINGENLOGGING = settings.VERWERKINGENLOGGING | {"ROUTES": {"nothing": {"geen_verwerking": "x"}}}
    with pytest.raises(ConfigurationError, match="there is no such route"):
        listed(settings)


PROJECT = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, INSTALLED_APPS=["verwerkingenlogging_django"],
    MIDDLEWARE=["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"],
    VERWERKINGENLOGGING={"OIN": "00000001821002193000", "ACTIVITEITEN": "activiteiten.toml", "LOG": "verwerkingenlogging.MemoryLog"},
)
from django.core.wsgi import get_wsgi_application
from django.urls import path
from verwerkingenlogging import persoon, verwerkingsactie

@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
def ophalen(request, bsn): ...

urlpatterns = [path("personen/<str:bsn>/", ophalen)]
application = get_wsgi_application()
"""


def test_the_command_of_the_core_checks_a_django_project_too(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "activiteiten.toml").write_text(f'["{OIN}"]\nbrp = {{ id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }}\n')
    command = [str(Path(sys.executable).with_name("verwerkingenlogging")), "check", "project:application"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [
        "* /personen/<str:bsn>/  Ophalen persoonsgegevens [brp] before it runs",
        "1 routes, 0 that say nothing, 0 problems",
    ], done.stderr


def test_a_safe_view_takes_get_alone(settings: DjangoSettings) -> None:
    assert list(listed(settings, path("x/", require_safe(all_kinds.zoeken)))) == ["GET /x/"]
