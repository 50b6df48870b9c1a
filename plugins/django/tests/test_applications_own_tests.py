"""A14: the application's own tests go on as before: other URLs, views that return errors, queries that are counted, a database that is dropped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client, override_settings
from django.urls import path
from plugins.django.tests.conftest import MIDDLEWARE, Asking, Project
from plugins.register.tests.clusters import Cluster
from rest_framework.decorators import api_view
from rest_framework.response import Response

from verwerkingenlogging import ConfigurationError, MemoryLog
from verwerkingenlogging_django._project_routes import project_routes
from verwerkingenlogging_django._routes.configured_endpoints import remember_settings

BSN = "2308572"
ROUTES: dict[str, Any] = {
    "GET ophalen": {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": "bsn"},
    "/elders/": {"geen_verwerking": "x"},
}


def show(request: HttpRequest, bsn: str = "") -> HttpResponse:
    return HttpResponse(bsn)


@pytest.fixture
def written(project: Project) -> Iterator[None]:
    """A project whose settings were written so, before any test changed them."""
    project(path("personen/<bsn>", show, name="ophalen"), path("elders/", show), routes=ROUTES)
    remember_settings()
    yield
    with override_settings():
        pass
    remember_settings()


@pytest.mark.usefixtures("written")
def test_a_test_may_put_other_urls_in_the_place_of_the_projects(log: MemoryLog) -> None:
    for urls, recorded in (((path("x/", show),), 0), ((path("y/<bsn>", show, name="ophalen"),), 1)):
        with override_settings(ROOT_URLCONF=urls):
            client = Client()
            assert client.get("/x/" if not recorded else f"/y/{BSN}").status_code == 200
            assert [one.id for one in run_checks() if one.id == "verwerkingenlogging.E004"] == []
        assert len(log.acties) == recorded
    assert Client().get(f"/personen/{BSN}").status_code == 200
    assert len(log.acties) == 2


@pytest.mark.usefixtures("written")
def test_where_it_says_what_those_log_a_key_that_matches_nothing_is_an_error(project: Project) -> None:
    project(path("x/", show), routes={"nergens": {"geen_verwerking": "x"}})
    with pytest.raises(ConfigurationError, match="there is no such route"):
        project_routes()


# Views that return an error


@api_view(["GET"])
def drf(request: Any, status: int) -> Response:
    return Response({"results": [{"bsn": BSN}]} if status == 200 else {"detail": "wrong"}, status=status)


def page(request: HttpRequest, status: int) -> TemplateResponse:
    return TemplateResponse(
        request, engines["django"].from_string("{{ x }}"), {"results": [{"bsn": BSN}]} if status == 200 else {}, status=status
    )


def plain(request: HttpRequest, status: int) -> HttpResponse:
    response = JsonResponse({})
    response.status_code = status
    if status == 200:
        response.found = [BSN]  # type: ignore[attr-defined]  # of the application's own
    return response


DRF: dict[str, Any] = {"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}}


@pytest.mark.parametrize(("view", "where"), [(drf, "data.results.bsn"), (page, "context_data.results.bsn"), (plain, "found")])
@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_an_error_that_a_view_returns_shows_nobody(
    project: Project, ask: Asking, log: MemoryLog, view: Any, where: str, status: int
) -> None:
    routes = {"/<int:status>/": {"actie_naam": "Zoeken", "activiteit": "brp", "gevonden": where}}
    project(path("<int:status>/", view), routes=routes, django=DRF)
    assert (ask(f"/{status}/").status_code, log.acties) == (status, [])
    assert ask("/200/").status_code == 200
    assert [one.object_id for one in log.acties[0].verwerkte_objecten] == [BSN]


def test_an_error_that_shows_somebody_is_recorded_and_a_path_that_is_wrong_is_not_passed_over(
    project: Project, ask: Asking, log: MemoryLog
) -> None:
    @api_view(["GET"])
    def conflict(request: Any) -> Response:
        return Response({"results": [{"bsn": BSN}]}, status=409)

    entry = {"actie_naam": "Zoeken", "activiteit": "brp", "gevonden": "data.results.bsn"}
    project(path("conflict/", conflict), path("leeg/", show), routes={"/conflict/": entry, "/leeg/": entry}, django=DRF)
    assert ask("/conflict/").status_code == 409
    assert [one.object_id for one in log.acties[0].verwerkte_objecten] == [BSN]
    assert ask("/leeg/").status_code == 503


# Other URLconfs

urlpatterns = (path("intern/<bsn>", show, name="intern"),)


class OfHost:
    """A middleware that chooses a URLconf, as django-hosts does."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        if "intern" in request.path:
            request.urlconf = __name__
        return self.get_response(request)


def test_other_urlconfs_are_named_in_the_setting(project: Project, ask: Asking, log: MemoryLog) -> None:
    routes = {"intern": {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": "bsn"}, "/x/": {"geen_verwerking": "x"}}
    project(path("x/", show), routes=routes, urlconfs=[__name__], middleware=(MIDDLEWARE, f"{__name__}.OfHost"))
    assert ask(f"/intern/{BSN}").text == BSN
    assert [actie.actie_naam for actie in log.acties] == ["Ophalen"]
    assert [route.name for route in project_routes()] == ["* /x/", "* /intern/<bsn>"]


@pytest.mark.parametrize("name", ["nergens.urls", "", "plugins.nergens"])
def test_one_that_is_not_there_is_told(project: Project, name: str) -> None:
    project(path("x/", show), urlconfs=[name])
    with pytest.raises(ConfigurationError, match=r'\["URLCONFS"\]: there is no module'):
        project_routes()


# A suite of the application's own, run by Django

SUITE = """
from django.test import Client, LiveServerTestCase, RequestFactory, TestCase, TransactionTestCase, override_settings
from django.urls import path
from urllib.request import urlopen

import urls
from verwerkingenlogging_django.models import Record


class InTransaction(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.answer = Client().get("/personen/2308572").content

    def test_queries(self):
        with self.assertNumQueries(3):  # a savepoint around the view, its query, and the end of the savepoint
            self.assertEqual(self.client.get("/personen/2308572").content, self.answer)

    def test_other_urls(self):
        with override_settings(ROOT_URLCONF=type("Urls", (), {"urlpatterns": [path("x/", urls.health)]})):
            self.assertEqual(self.client.get("/x/").status_code, 200)

    def test_by_hand(self):
        self.assertEqual(urls.Zoek().get(RequestFactory().get("/")).status_code, 200)


class Committed(TransactionTestCase):
    def test_get(self):
        for _ in range(3):
            self.assertEqual(Client().get("/personen/2308572").content, b"1")
        self.assertEqual(Record.objects.count(), 3)

    def test_post(self):
        self.assertEqual(Client().post("/personen/2308572").status_code, 200)


class Live(LiveServerTestCase):
    def test_get(self):
        with urlopen(f"{self.live_server_url}/personen/2308572") as answer:
            self.assertEqual(answer.read(), b"1")
"""
URLS = """
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from django.views import View
from verwerkingenlogging import persoon, verwerkingsactie


@verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
def show(request, bsn):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return HttpResponse(cursor.fetchone()[0])


class Zoek(View):
    def get(self, request):
        return HttpResponse("ok")


def health(request):
    return HttpResponse("ok")


urlpatterns = [path("personen/<bsn>", show), path("zoek/", Zoek.as_view(), name="zoek")]
"""
SETTINGS = """
import os
from pathlib import Path

SECRET_KEY = "only for tests"
USE_TZ = True
STATIC_URL = "static/"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["verwerkingenlogging_django"]
MIDDLEWARE = ["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql", "HOST": os.environ["CLUSTER"], "USER": "postgres", "NAME": "eigen",
        "ATOMIC_REQUESTS": True, "CONN_MAX_AGE": 600, "TEST": {"NAME": f"test_{os.environ['RUN']}"},
    }
}
VERWERKINGENLOGGING = {
    "OIN": "00000001821002193000",
    "ACTIVITEITEN": Path(__file__).parent / "activiteiten.toml",
    "LOG": "verwerkingenlogging_django.DjangoLog",
    "ROUTES": {"zoek": {"actie_naam": "Zoeken", "activiteit": "brp", "objecten": []}},
}
"""


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_a_suite_of_the_applications_own_goes_on_as_before(django_cluster: Cluster, tmp_path: Path, parallel: str) -> None:
    for name, text in (("tests.py", SUITE), ("urls.py", URLS), ("settings.py", SETTINGS)):
        (tmp_path / name).write_text(text)
    (tmp_path / "activiteiten.toml").write_text('["00000001821002193000"]\nbrp = { id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }\n')
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "CLUSTER": str(django_cluster.folder), "RUN": f"parallel_{parallel}"}
    command = [sys.executable, "-W", "error", "-m", "django", "test", "--noinput", "--parallel", parallel]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Ran 6 tests" in run.stderr
