"""How a URL that is a regular expression is listed, and may be named in ``ROUTES``."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from plugins.django.tests.conftest import Asking, Project

from verwerkingenlogging import MemoryLog
from verwerkingenlogging_django._routes.endpoints import endpoints
from verwerkingenlogging_django._routes.regexes import readable

WRITTEN = {
    r"^personen/(?P<bsn>\d{9})/$": "personen/<bsn>/",
    r"^personen/([^/]+)/history/([^/]+)/$": "personen/<var>/history/<var>/",
    r"^jaar/\d{4}/$": r"jaar/\d{4}/",
    r"^lijst/(?:blad-(?P<nummer>\d+)/)?$": "lijst/",
    r"^lijst/(?:blad-(?:(?P<nummer>\d+)/){1,2})+$": "lijst/blad-<nummer>/",
    r"\Apersonen\.(?P<soort>json|xml)/?\Z": "personen.<soort>/",
    r"^(?P<pad>(?:a|\((b)[)])+)/x$": "<pad>/x",
    r"^(?i)lijst/(?!geheim)(?P<a>.*)$": "lijst/<a>",
    r"^x(?#a remark)y{2}/[]a-z]+/.*$": "xy/[]a-z]+/.*",
    r"^a|b$": "a|b",
    r"^(?P<een>[(])(?i:z)/\w+$": r"<een>z/\w+",
}


@pytest.mark.parametrize("regex", WRITTEN)
def test_a_regular_expression_is_listed_as_a_path_would_be(regex: str) -> None:
    assert readable(regex) == WRITTEN[regex]


def view(request: HttpRequest, **_: str) -> HttpResponse:
    return HttpResponse("ok")


def test_it_is_named_as_it_is_listed(project: Project, ask: Asking, log: MemoryLog) -> None:
    urls = (path("api/", include([re_path(r"^v\d/personen/(?P<bsn>[0-9]{7})\.json$", view)])),)
    routes = {r"/api/v\d/personen/<bsn>.json": {"actie_naam": "Ophalen", "activiteit": "brp", "objecten": "bsn"}}
    project(*urls, routes=routes)
    assert [one.template for one in endpoints()] == list(routes)
    assert ask("/api/v1/personen/2308572.json").text == "ok"
    assert [actie.verwerkte_objecten[0].object_id for actie in log.acties] == ["2308572"]
