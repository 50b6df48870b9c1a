"""The admin of the log in the database: the list tells of nobody, the page of one record only what was recorded first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import path, reverse
from django.utils import timezone
from plugins.django.tests.admin.test_admin_mixin import ADMIN
from plugins.django.tests.conftest import Project
from tests.conformance import actie as an_actie

from verwerkingenlogging import Activiteiten, MemoryLog, Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.outbox.encryption import add_key
from verwerkingenlogging.model import filled
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django._log.lease import DeliveryLease
from verwerkingenlogging_django._project_routes import project_routes
from verwerkingenlogging_django.models import Record

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/verwerkingenlogging/record/"
BSN, AFNEMER, GEBRUIKER = "999990019", "999990020", "sleutel-van-medewerker"
BRP = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")


def the_actie(**attributes: Any) -> Verwerkingsactie:
    return filled(
        an_actie(1),
        **{
            "actie_naam": "Ophalen persoonsgegevens",
            "handeling_naam": "Intake",
            "verwerkingsactiviteit_id": BRP,
            "verwerkte_objecten": (VerwerktObject(object_id=BSN, betrokkenheid="Aanvrager"),),
            "soort_afnemer_id": "BSN",
            "afnemer_id": AFNEMER,
            "gebruiker": GEBRUIKER,
            **attributes,
        },
    )


class Here:
    """A project with an admin, and what waits in it."""

    def __init__(self, project: Project, **keys: Any) -> None:
        self.log = keys.setdefault("log", DjangoLog())
        project(path("admin/", admin.site.urls), middleware=ADMIN, **keys)

    def waits(self, *, refused: bool = False, **attributes: Any) -> Record:
        self.log.log([the_actie(**attributes)])
        record = Record.objects.latest("id")
        if refused:
            Record.objects.filter(id=record.id).update(refused=timezone.now(), reason="te lang", status=400)
        return record


def logged_in(*permissions: str, superuser: bool = False) -> Client:
    user = User.objects.create_user("beheer", is_staff=True, is_superuser=superuser)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def detail(record: Record) -> str:
    return reverse("admin:verwerkingenlogging_record_change", args=[record.pk])


def test_the_list_says_what_waits_and_what_was_refused_and_of_nobody(project: Project) -> None:
    here = Here(project, admin_activiteit="brp")
    waiting, refused = here.waits(), here.waits(refused=True, actie_naam="Opslaan persoonsgegevens")
    Record.objects.filter(id=waiting.id).update(moment=timezone.now() - timedelta(hours=3))
    here.log.log([the_actie(verwerkingsactiviteit_id=None), the_actie(verwerkingsactiviteit_id=UUID(int=7))])
    client = logged_in("view_record")
    page = client.get(LIST).content.decode()
    for word in (
        "Ophalen persoonsgegevens",
        "Opslaan persoonsgegevens",
        "brp",
        str(UUID(int=7)),
        "Wacht",
        "Geweigerd",
        "te lang",
        "3\xa0uur",
    ):
        assert word in page, word
    assert not any(word in page for word in (BSN, AFNEMER, GEBRUIKER))
    assert Record.objects.count() == 4  # so it was not recorded either
    assert str(refused.pk) not in client.get(LIST, {"toestand": "wacht"}).context["cl"].result_list.values_list("pk", flat=True)
    assert [each.pk for each in client.get(LIST, {"toestand": "geweigerd"}).context["cl"].result_list] == [refused.pk]


def test_the_moments_of_a_record_are_by_one_clock(project: Project) -> None:
    here = Here(project, django={"TIME_ZONE": "Europe/Amsterdam"})
    record = here.waits(tijdstip="2024-04-05T13:35:42.000000Z")
    Record.objects.filter(id=record.id).update(moment=datetime(2024, 4, 5, 13, 36, tzinfo=UTC))
    page = logged_in("view_record").get(detail(record)).content.decode()
    assert "5 april 2024 15:35" in page
    assert "5 april 2024 15:36" in page


def test_above_the_list_stands_how_delivery_fares(project: Project) -> None:
    here = Here(project)
    client = logged_in("view_record")

    def told() -> str:
        return " ".join(client.get(LIST).content.decode().partition("verwerkingen-stand")[2].partition("</section>")[0].split())

    assert "0 wachten; 0 geweigerd. Er is nu geen bezorger." in told()
    here.waits(refused=True)
    record = here.waits()
    Record.objects.filter(id=record.id).update(moment=timezone.now() - timedelta(days=2))
    assert (
        "1 wacht, de oudste al 2\xa0dagen; 1 geweigerd. <strong>Let op: er is niemand die bezorgt.</strong>".replace("\xa0", " ") in told()
    )
    holding = DeliveryLease("default", 30)
    assert holding.acquire()
    assert "Bezorger: " in told()


def test_without_a_log_in_the_database_that_is_said(project: Project, log: MemoryLog) -> None:
    project(path("admin/", admin.site.urls), middleware=ADMIN)
    assert "legt niet vast in haar eigen database" in logged_in("view_record").get(LIST).content.decode()


def test_looking_at_a_record_is_recorded_before_its_page_is_made(project: Project) -> None:
    here = Here(project, admin_activiteit="brp")
    record = here.waits()
    client = logged_in("view_record")
    page = client.get(detail(record)).content.decode()
    assert all(word in page for word in (f"BSN {BSN}, Aanvrager", AFNEMER, GEBRUIKER, "Intake", "brp"))
    seen = Record.objects.latest("id")
    told = bytes(seen.body).decode()
    assert "Inzien te bezorgen verwerkingsactie" in told
    assert BSN in told
    assert AFNEMER in told
    assert "Aanvrager" not in told
    assert client.get(f"{LIST}999/change/").status_code == 302  # there is none


def test_looking_at_what_is_confidential_is_confidential(project: Project) -> None:
    here = Here(project, admin_activiteit="brp")
    logged_in("view_record").get(detail(here.waits(vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK)))
    assert '"vertrouwelijkheid":"vertrouwelijk"' in bytes(Record.objects.latest("id").body).decode()


def test_a_record_of_nobody_is_shown_without_a_record(project: Project) -> None:
    here = Here(project, admin_activiteit="brp")
    record = here.waits(verwerkte_objecten=(), afnemer_id=None, soort_afnemer_id=None)
    assert "niemand" in logged_in("view_record").get(detail(record)).content.decode()
    assert Record.objects.count() == 1


class Down(DjangoLog):
    """A log in the database that takes nothing more."""

    def log(self, acties: Any) -> None:
        raise OSError


def test_what_cannot_be_recorded_is_not_shown(project: Project) -> None:
    DjangoLog().log([the_actie()])
    Here(project, log=Down(), admin_activiteit="brp")
    response = logged_in("view_record").get(detail(Record.objects.get()))
    assert response.status_code == 503
    assert BSN not in response.content.decode()


def test_nor_when_the_settings_name_an_activiteit_that_is_not_there(project: Project) -> None:
    here = Here(project, admin_activiteit="brpp")
    response = logged_in("view_record").get(detail(here.waits()))
    assert (response.status_code, BSN in response.content.decode()) == (503, False)


def test_without_the_setting_persons_are_hidden_and_it_is_said_how_to_see_them(project: Project) -> None:
    here = Here(project)
    page = logged_in("view_record").get(detail(here.waits())).content.decode()
    assert "ADMIN_ACTIVITEIT" in page
    assert "Ophalen persoonsgegevens" in page
    assert not any(word in page for word in (BSN, AFNEMER, GEBRUIKER))
    assert Record.objects.count() == 1


@pytest.fixture
def sealed(project: Project, tmp_path: Path) -> Path:
    key = tmp_path / "key"
    add_key(key)
    DjangoLog(keys=key).log([the_actie()])
    return key


def test_with_the_key_what_is_sealed_is_shown(project: Project, sealed: Path) -> None:
    Here(project, log=DjangoLog(keys=sealed), admin_activiteit="brp")
    client = logged_in("view_record")
    assert "Ophalen persoonsgegevens" in client.get(LIST).content.decode()
    assert BSN in client.get(detail(Record.objects.get())).content.decode()


@pytest.mark.parametrize("with_another", [False, True])
def test_without_the_key_it_says_so(with_another: bool, project: Project, sealed: Path) -> None:
    sealed.unlink()
    add_key(sealed)
    Here(project, log=DjangoLog(keys=sealed if with_another else None), admin_activiteit="brp")
    client = logged_in("view_record")
    for address in (LIST, detail(Record.objects.get())):
        page = client.get(address).content.decode()
        assert "versleuteld; dit proces heeft de sleutel niet" in page
    assert "Verborgen" not in page
    assert Record.objects.count() == 1


@pytest.mark.parametrize("how", ["sealed", "clear", "wrong"])
def test_what_was_damaged_is_no_fault_of_the_page(how: str, project: Project, sealed: Path) -> None:
    wrong = {"body": b'{"actieNaam": 7}'} if how == "wrong" else {"body": b"x" * 50}
    Record.objects.update(sealed=how == "sealed", **wrong)
    if how == "sealed":
        Record.objects.update(body=bytes(Record.objects.get().body))
        DjangoLog(keys=sealed).log([the_actie()])
        good = Record.objects.latest("id")
        Record.objects.exclude(id=good.id).update(body=bytes(good.body))  # of another row
    Here(project, log=DjangoLog(keys=sealed), admin_activiteit="brp")
    client = logged_in("view_record")
    first = Record.objects.earliest("id")
    assert "niet te lezen" in client.get(LIST).content.decode()
    assert "niet te lezen" in client.get(detail(first)).content.decode()


def test_what_was_refused_is_offered_again_by_who_may(project: Project) -> None:
    here = Here(project)
    refused, waiting = here.waits(refused=True), here.waits()
    other = here.waits(refused=True)
    post = {"action": "opnieuw_aanbieden", "index": "0", "_selected_action": [str(refused.pk), str(waiting.pk)]}
    watcher = logged_in("view_record")
    assert "opnieuw_aanbieden" not in watcher.get(LIST).content.decode()
    watcher.post(LIST, post)
    assert Record.objects.filter(refused__isnull=False).count() == 2
    User.objects.all().delete()
    client = logged_in("change_record")
    page = client.post(LIST, post, follow=True).content.decode()
    assert "Opnieuw aangeboden: 1." in page
    assert Record.objects.get(refused__isnull=False).pk == other.pk
    assert (Record.objects.get(pk=refused.pk).reason, Record.objects.get(pk=refused.pk).status) == ("", None)
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.change_message) == (str(refused.key), "Opnieuw aangeboden.")
    assert "er is niets opnieuw aangeboden" in client.post(LIST, post, follow=True).content.decode()
    assert Record.objects.filter(refused__isnull=False).count() == 1


def test_nobody_adds_changes_or_deletes(project: Project) -> None:
    here = Here(project, admin_activiteit="brp")
    record = here.waits()
    client = logged_in(superuser=True)
    for address in (LIST + "add/", f"{LIST}{record.pk}/delete/", f"{LIST}{record.pk}/change/"):
        assert client.post(address, {"post": "yes", "reason": "x", "key": str(UUID(int=1))}).status_code == 403, address
    client.post(LIST, {"action": "delete_selected", "index": "0", "_selected_action": [record.pk], "post": "yes"})
    assert Record.objects.get().reason == ""


def test_back_doors_tell_of_nobody(project: Project) -> None:
    def export(*_: Any) -> HttpResponse:
        return HttpResponse(str(list(Record.objects.values_list("body"))))

    admin.site.add_action(export)
    try:
        here = Here(project, admin_activiteit="brp")
        record = here.waits(refused=True)
        client = logged_in("view_record", "change_record")
        client.post(LIST, {"action": "opnieuw_aanbieden", "index": "0", "_selected_action": [record.pk]})
        for address, query in (
            (LIST, {"body__contains": BSN}),
            (LIST, {"_popup": "1"}),
            (LIST, {"o": "2"}),
            (LIST, {"id": str(record.pk)}),
            (detail(record), {"_to_field": "body"}),
            (f"{LIST}{record.pk}/history/", {}),
            (f"{LIST}{record.pk}/delete/", {}),
            ("/admin/", {}),
            ("/admin/autocomplete/", {"app_label": "verwerkingenlogging", "model_name": "record", "field_name": "key"}),
        ):
            assert BSN not in client.get(address, query).content.decode(), address
        assert client.get(LIST, {"body__contains": BSN}).status_code == 400
        assert client.get(LIST, {"q": "niemand"}).context["cl"].result_count == 1  # which asks nothing of the records
        page = client.post(LIST, {"action": "export", "index": "0", "_selected_action": [record.pk]}, follow=True)
        assert BSN not in page.content.decode()
        assert Record.objects.count() == 1
    finally:
        admin.site.disable_action("export")


def test_its_pages_say_what_they_log(project: Project) -> None:
    def said() -> dict[str, Any]:
        mine = [route for route in project_routes() if LIST in route.name]
        return {
            route.name.removeprefix(f"* {LIST}"): [one.template.activiteit for one in route.annotations] or route.geen_verwerking
            for route in mine
        }

    for _ in range(2):  # the addresses are made before the settings of a test are there
        Here(project, admin_activiteit="brp")
    assert said() == dict.fromkeys(
        ("", "add/", "<path:object_id>/history/", "<path:object_id>/delete/", "<path:object_id>/"), "shows no persons"
    ) | {"<path:object_id>/change/": ["brp"]}
    for _ in range(2):
        Here(project)
    assert said()["<path:object_id>/change/"] == "shows no persons"


@pytest.mark.parametrize(("value", "wrong"), [("brp", False), (None, False), ("", True), (7, True)])
def test_its_setting_is_checked(value: Any, wrong: bool, project: Project) -> None:
    Here(project, admin_activiteit=value)
    found = [one for one in admin.site._registry[Record].check() if one.id == "verwerkingenlogging.E042"]
    assert bool(found) is wrong


def test_with_settings_that_are_wrong_the_admin_can_still_be_checked(project: Project, activiteiten: Activiteiten) -> None:
    project(path("admin/", admin.site.urls), oin="x")
    own = admin.site._registry[Record]
    assert own.check() == []
    assert own.get_urls()
    record = Record(body=b"", sealed=True)
    assert own.actie(record) == "versleuteld; dit proces heeft de sleutel niet"  # type: ignore[attr-defined]  # it is ours
    from verwerkingenlogging_django.admin._log_pages.record_contents import log_databases, naam_of_activiteit

    assert naam_of_activiteit(BRP) == str(BRP)
    assert log_databases() == ("default",)
    assert activiteiten.naam_of(BRP) == "brp"
