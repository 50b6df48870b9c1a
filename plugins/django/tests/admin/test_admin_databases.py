"""The admin of a log in several databases: each has its list, and a page of a record is of the database that its list was of."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from plugins.django.tests.admin.test_record_admin import BSN, LIST, Here, logged_in, the_actie
from plugins.django.tests.conftest import Project
from plugins.django.tests.databases import records

from verwerkingenlogging import VerwerktObject
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django.models import Record
from verwerkingenlogging_django.transactions import changing

OTHER = "999990032"
TWEEDE = "tweede"
OF_TWEEDE = {"database": TWEEDE}
both = pytest.mark.django_db(transaction=True, databases=["default", TWEEDE])
pytestmark = both


@pytest.fixture
def here(project: Project) -> Here:
    """A project that logs in two databases: a record in each, which have the same id."""
    made = Here(project, log=DjangoLog(databases=[TWEEDE]), admin_activiteit="brp", django={"ALLOWED_HOSTS": ["*"]})
    first = made.waits(refused=True)
    Record.objects.filter(pk=first.pk).update(id=1)
    with changing(using=TWEEDE):
        made.log.log([the_actie(actie_naam="Archiveren persoonsgegevens", verwerkte_objecten=(VerwerktObject(object_id=OTHER),))])
    Record.objects.using(TWEEDE).update(id=1)
    return made


def text(client: Client, address: str, query: dict[str, str] | None = None) -> str:
    response = client.get(address, query or {})
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_each_database_has_its_list(here: Here) -> None:
    client = logged_in("view_record")
    first, second, neither = text(client, LIST), text(client, LIST, OF_TWEEDE), text(client, LIST, {"database": "geen"})
    assert ("Ophalen persoonsgegevens" in first, "Archiveren persoonsgegevens" in first) == (True, False)
    assert ("Ophalen persoonsgegevens" in second, "Archiveren persoonsgegevens" in second) == (False, True)
    assert "Ophalen persoonsgegevens" in neither
    assert "Database default (hieronder getoond): 0 wachten" in first
    assert "Database tweede: 1 wacht" in first
    assert "Database tweede (hieronder getoond)" in second


def test_the_other_filter_goes_together_with_it(here: Here) -> None:
    client = logged_in("view_record")
    assert "Archiveren" in text(client, LIST, {**OF_TWEEDE, "toestand": "wacht"})
    refused = text(client, LIST, {**OF_TWEEDE, "toestand": "geweigerd"})
    assert "Archiveren" not in refused
    assert '<a href="?database=default&amp;toestand=geweigerd">default</a>' in refused


def test_the_page_of_a_record_is_of_the_list_it_was_opened_from(here: Here) -> None:
    client = logged_in("view_record")
    link = client.get(LIST, OF_TWEEDE).content.decode().partition('field-actie"><a href="')[2].partition('"')[0]
    page = text(client, link.replace("&amp;", "&"))
    assert OTHER in page
    assert BSN not in page
    assert "Database:" in page
    assert TWEEDE in page
    (seen,) = [actie for actie in records("default") if actie.actie_naam and actie.actie_naam.startswith("Inzien")]
    assert [one.object_id for one in seen.verwerkte_objecten][:1] == [OTHER]
    assert BSN in text(client, f"{LIST}1/change/")


def test_what_was_refused_there_is_offered_again_there(here: Here) -> None:
    Record.objects.using(TWEEDE).update(refused="2026-01-01T00:00:00Z", reason="te lang", status=400)
    client = logged_in("change_record")
    post = {"action": "opnieuw_aanbieden", "index": "0", "_selected_action": ["1"]}
    page = client.post(f"{LIST}?database=tweede", post, follow=True).content.decode()
    assert "Opnieuw aangeboden: 1." in page
    assert not Record.objects.using(TWEEDE).filter(refused__isnull=False).exists()
    assert Record.objects.filter(refused__isnull=False).count() == 1
    assert LogEntry.objects.get().change_message == "Opnieuw aangeboden in database tweede."


def test_with_one_database_there_is_nothing_to_choose(project: Project) -> None:
    made = Here(project, admin_activiteit="brp")
    record = made.waits()
    client = logged_in("view_record")
    assert "database=" not in text(client, LIST)
    assert "Database:" not in text(client, f"{LIST}{record.pk}/change/")
