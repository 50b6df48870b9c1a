"""What the README says of personal data elsewhere in Django, and that none of it comes from us."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django import VERSION
from django.core import mail
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.log import AdminEmailHandler
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from plugins.django.tests.conftest import Project, connections_kept

from verwerkingenlogging import LogUnavailable, MemoryLog, log_actie, persoon, recording, verwerkingsactie
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django.settings import recorder

# Django 5.2 does not know MAILERS yet, and this is not about how mails are sent.
pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")
BSN = "999990342"
ophalen = verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("request.POST.bsn"))


@ophalen
def open_crash(request: HttpRequest) -> HttpResponse:
    bsn = request.POST["bsn"]
    raise ValueError(f"of {len(bsn)}")


@sensitive_post_parameters()
@ophalen
@sensitive_variables()
def guarded_crash(request: HttpRequest) -> HttpResponse:
    bsn = request.POST["bsn"]
    raise ValueError(f"of {len(bsn)}")


@pytest.fixture
def mails(project: Project) -> Iterator[None]:
    """What a project that mails all errors to its ADMINS sends, with the variables of functions."""
    handler = AdminEmailHandler(include_html=True)
    handler.setLevel(logging.ERROR)
    names = ("django", "verwerkingenlogging")
    for name in names:
        logging.getLogger(name).addHandler(handler)
    admins = [("beheer", "beheer@example.nl")] if VERSION < (6,) else ["beheer@example.nl"]
    project(path("open", open_crash), path("guarded", guarded_crash), django={"ADMINS": admins})
    yield
    for name in names:
        logging.getLogger(name).removeHandler(handler)


def mailed(address: str) -> str:
    """All that is mailed about a form that is posted there."""
    mail.outbox = []
    with connections_kept():
        Client(raise_request_exception=False).post(address, {"bsn": BSN})
    return "".join(f"{one.subject} {one.body} {getattr(one, 'alternatives', '')}" for one in mail.outbox)


@pytest.mark.usefixtures("mails")
def test_a_mail_to_the_admins_shows_what_a_form_posted_unless_the_view_guards_it() -> None:
    assert BSN in mailed("/open")
    guarded = mailed("/guarded")
    assert "ValueError" in guarded
    assert BSN not in guarded


@pytest.mark.usefixtures("mails")
def test_a_mail_about_what_was_not_recorded_shows_nobody(log: MemoryLog) -> None:
    log.failure = LogUnavailable("down")
    refused = mailed("/open")
    assert "not recorded, so not processed" in refused
    assert BSN not in refused


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_dump_holds_what_waits_unless_it_is_left_out(project: Project, database: str) -> None:
    project(log=DjangoLog(database=database))
    with recording(recorder()):
        log_actie("Ophalen", activiteit="brp", objecten=BSN)

    def dumped(**options: Any) -> str:
        out = io.StringIO()
        call_command("dumpdata", "verwerkingenlogging", database=database, stdout=out, **options)
        return out.getvalue()

    assert '"verwerkingenlogging.record"' in dumped()
    assert '"verwerkingenlogging.record"' not in dumped(exclude=["verwerkingenlogging"])
