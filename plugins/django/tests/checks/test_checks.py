"""What ``manage.py check`` and ``manage.py verwerkingen_check`` say: each of it seen red, and seen green."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import django
import pytest
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.db import connections
from django.http import HttpRequest
from django.urls import path
from plugins.django.tests.conftest import GEMEENTE, MIDDLEWARE
from pytest_django.fixtures import Settings as DjangoSettings

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, geen_verwerking, gevonden, persoon, verwerkingsactie
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging_django._log.django_log import DjangoLog
from verwerkingenlogging_django._routes.configured_functions import install_routes
from verwerkingenlogging_django.checks import TAG
from verwerkingenlogging_django.models import Record

ACTIVITEITEN = Activiteiten({GEMEENTE: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}, source="a.toml")


@verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
def ophalen(request: HttpRequest, bsn: str) -> Any: ...


@verwerkingsactie("Zoeken", activiteit="onbekend", objecten=gevonden(lambda found: found))
def zoeken(request: HttpRequest) -> Any: ...


@geen_verwerking("health check")
def health(request: HttpRequest) -> Any: ...


def silent(request: HttpRequest) -> Any: ...


def raising() -> Any:
    raise KeyError("LOG_FOLDER")


def ids(*, deploy: bool = False, databases: list[str] | None = None) -> list[str]:
    found = run_checks(tags=[TAG], include_deployment_checks=deploy, databases=databases)
    assert all(message.hint or message.id in {"verwerkingenlogging.E004", "verwerkingenlogging.E005"} for message in found)
    return sorted(str(message.id).removeprefix("verwerkingenlogging.") for message in found)  # Django keeps its checks in a set


Setting = Callable[..., None]


@pytest.fixture
def setting(settings: DjangoSettings) -> Iterator[Setting]:
    """Sets keys of VERWERKINGENLOGGING in a project where nothing is wrong."""
    settings.ROOT_URLCONF = (path("personen/<str:bsn>/", ophalen, name="ophalen"), path("health/", health))
    settings.MIDDLEWARE = [MIDDLEWARE]

    def change(**keys: Any) -> None:
        settings.VERWERKINGENLOGGING = {"OIN": GEMEENTE, "ACTIVITEITEN": ACTIVITEITEN, "LOG": MemoryLog()} | keys

    change()
    yield change
    install_routes(None)


def test_nothing_is_said_of_a_project_where_nothing_is_wrong(setting: Setting) -> None:
    assert ids() == []


def test_a_wrong_setting_is_an_error_and_the_only_one(setting: Setting, settings: DjangoSettings) -> None:
    for keys in ({"OIN": "5"}, {"NOTHING": 5}, {"LOG": "no.such.log"}, {"LOG": f"{__name__}.raising"}, {"ACTIVITEITEN": "nothing.toml"}):
        setting(**keys)
        assert ids(deploy=True, databases=["default"]) == ["E001"], keys
    del settings.VERWERKINGENLOGGING
    assert ids(deploy=True, databases=["default"]) == ["E001"]


def test_a_log_that_cannot_be_made_is_told_with_what_was_raised(setting: Setting) -> None:
    setting(LOG=raising)
    (message,) = run_checks(tags=[TAG])
    assert message.msg == "settings.VERWERKINGENLOGGING[\"LOG\"]: KeyError was raised when the log was made: 'LOG_FOLDER'"
    assert "manage.py shell" in str(message.hint)
    assert message in run_checks()  # the checks of the admin read the setting too, and leave it to this one
    with pytest.raises(CommandError, match="KeyError was raised"):
        call_command("verwerkingen_check")


def test_what_django_log_delivers_to_is_made_by_the_check_too(setting: Setting) -> None:
    setting(LOG=DjangoLog(lambda: ApiLog.from_env({})))
    (message,) = run_checks(tags=[TAG])
    assert message.id == "verwerkingenlogging.E001"
    assert "VERWERKINGENLOGGING_REGISTER is missing" in message.msg


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "problem"), [(None, "cannot be read"), (0o644, "can be read by others"), (0o600, None)])
def test_a_key_file_must_be_there_and_be_ours_alone(setting: Setting, tmp_path: Path, mode: int | None, problem: str | None) -> None:
    keys = tmp_path / "keys"
    if mode is not None:
        keys.write_text("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n")
        keys.chmod(mode)
    setting(LOG=lambda: DjangoLog(None, keys=keys))
    found = run_checks(tags=[TAG])
    assert [message.id for message in found] == ([] if problem is None else ["verwerkingenlogging.E001"])
    assert all(str(keys) in message.msg for message in found)


def test_the_middleware_must_be_there_once(setting: Setting, settings: DjangoSettings) -> None:
    settings.MIDDLEWARE = ["no.such.Middleware"]
    assert ids() == ["E002"]
    settings.MIDDLEWARE = [MIDDLEWARE, MIDDLEWARE]
    assert ids() == ["E003"]


def test_a_cache_of_whole_pages_answers_unrecorded(setting: Setting, settings: DjangoSettings) -> None:
    settings.MIDDLEWARE = [MIDDLEWARE, "django.middleware.cache.FetchFromCacheMiddleware"]
    assert ids() == ["W001"]


def test_behind_a_proxy_it_must_be_said_who_is_believed(setting: Setting, settings: DjangoSettings) -> None:
    settings.USE_X_FORWARDED_HOST = True
    assert ids() == ["W002"]
    settings.USE_X_FORWARDED_HOST = False
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert ids() == ["W002"]
    setting(TRUSTED_PEERS=[])
    assert ids() == []
    setting(VERIFIED_OIN=lambda request: None)
    assert ids() == []


def test_what_is_said_of_urls_must_be_so(setting: Setting) -> None:
    setting(ROUTES={"nothing": {"geen_verwerking": "x"}})
    assert ids() == ["E004"]


def test_an_unknown_activiteit_is_an_error_for_each_that_names_it(setting: Setting, settings: DjangoSettings) -> None:
    settings.ROOT_URLCONF = (path("personen/", zoeken),)
    assert ids() == ["E005"]
    (message,) = run_checks(tags=[TAG])
    assert f'["{GEMEENTE}"].onbekend: no such verwerkingsactiviteit' in message.msg


def test_urls_that_say_nothing_are_counted(setting: Setting, settings: DjangoSettings) -> None:
    settings.ROOT_URLCONF = (path("health/", health), path("x/", silent), path("y/", silent))
    (message,) = run_checks(tags=[Tags.urls])
    assert (message.id, message.msg) == ("verwerkingenlogging.W003", "2 of 3 URLs say nothing about personal data, such as * /x/.")


def test_a_project_without_urls_has_none_to_check(setting: Setting, settings: DjangoSettings) -> None:
    settings.ROOT_URLCONF = None
    assert ids() == []


@pytest.mark.django_db
def test_the_table_of_django_log_must_be_in_its_database(setting: Setting) -> None:
    assert ids(databases=["default"]) == []
    setting(LOG=DjangoLog(None))
    assert ids(databases=["default"]) == []
    with connections["default"].cursor() as cursor:  # undone with the test's own transaction
        cursor.execute(f"ALTER TABLE {Record._meta.db_table} RENAME TO elsewhere")
    # Before Django 6 nobody may ask a database unless it is named.
    assert ids() == ([] if django.VERSION < (6,) else ["W004"])
    assert ids(databases=["default"]) == ["W004"]
    with connections["default"].cursor() as cursor:  # a database in which nothing is yet: the first migrate is to be quiet
        cursor.execute("ALTER TABLE django_migrations RENAME TO elsewhere_as_well")
    assert ids(databases=["default"]) == []


def test_a_database_that_cannot_be_reached_is_left_to_django(setting: Setting, django_db_blocker: Any, tmp_path: Path) -> None:
    connections.settings["away"] = connections.settings["default"] | {"NAME": str(tmp_path / "no" / "folder" / "db.sqlite3"), "TEST": {}}
    try:
        setting(LOG=DjangoLog(None, database="away"))
        with django_db_blocker.unblock():
            assert ids(databases=["away"]) == []
    finally:
        del connections.settings["away"]


@pytest.mark.django_db
def test_what_is_for_development_only_is_said_before_deployment(setting: Setting, settings: DjangoSettings, tmp_path: Path) -> None:
    assert ids(deploy=True) == ["W006"]
    setting(LOG=ApiLog("http://log.example.nl/api/v1", token="x", allow_http=True))
    assert ids(deploy=True) == ["W007"]
    assert ids() == []
    setting(LOG=ApiLog("http://localhost/api/v1", token="x"))
    assert ids(deploy=True) == []
    settings.DEBUG = True
    assert ids(deploy=True) == ["W005"]
    settings.DEBUG = False
    with OutboxLog(tmp_path / "outbox", ApiLog("http://log.example.nl/api/v1", token="x", allow_http=True)) as outbox:
        setting(LOG=outbox)
        assert ids(deploy=True) == ["W007"]
    setting(LOG=DjangoLog(lambda: ApiLog("https://log.example.nl/api/v1", token="x")))
    assert ids(deploy=True) == []
    setting(LOG=DjangoLog())
    assert ids(deploy=True) == ["W010"]


def test_the_command_lists_every_url_and_what_it_logs(setting: Setting) -> None:
    out = StringIO()
    call_command("verwerkingen_check", stdout=out)
    assert out.getvalue().splitlines() == [
        "* /personen/<str:bsn>/  ophalen  Ophalen [brp] before it runs",
        "* /health/              -        no personal data: health check",
        "2 routes, 0 that say nothing, 0 problems",
    ]


def test_the_command_fails_where_a_url_says_nothing_or_an_activiteit_is_unknown(setting: Setting, settings: DjangoSettings) -> None:
    settings.ROOT_URLCONF = (path("x/", silent), path("y/", health))
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="2 routes, 1 that say nothing, 0 problems"):
        call_command("verwerkingen_check", stdout=out, stderr=err)
    assert "* /x/  SAYS NOTHING" in out.getvalue()
    settings.ROOT_URLCONF = (path("personen/", zoeken),)
    with pytest.raises(CommandError, match="1 routes, 0 that say nothing, 1 problems"):
        call_command("verwerkingen_check", stdout=out, stderr=err)
    assert "onbekend: no such verwerkingsactiviteit" in err.getvalue()
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = (path("<str:bsn>/", ophalen),)
    with pytest.raises(CommandError, match="1 problems"):
        call_command("verwerkingen_check", stdout=out, stderr=err)
    assert "there is no verwerkingenlogging middleware around it" in err.getvalue()


def test_the_command_says_what_is_wrong_with_the_settings(setting: Setting) -> None:
    setting(ROUTES={"nothing": {"geen_verwerking": "x"}})
    with pytest.raises(CommandError, match="there is no such route"):
        call_command("verwerkingen_check")


def test_the_command_writes_json_for_other_programs(setting: Setting, settings: DjangoSettings) -> None:
    out = StringIO()
    call_command("verwerkingen_check", json=True, stdout=out)
    assert json.loads(out.getvalue()) == {
        "routes": [
            {
                "route": "* /personen/<str:bsn>/",
                "url_name": "ophalen",
                "acties": [{"actie_naam": "Ophalen", "activiteit": "brp", "moment": "before", "where": f"{__name__}.ophalen"}],
                "geen_verwerking": None,
                "wildcard": None,
            },
            {"route": "* /health/", "url_name": None, "acties": [], "geen_verwerking": "health check", "wildcard": None},
        ],
        "problems": [],
    }
    settings.ROOT_URLCONF = (path("personen/", zoeken),)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verwerkingen_check", json=True, stdout=out)
    (actie,) = json.loads(out.getvalue())["routes"][0]["acties"]
    assert actie["moment"] == "after"
