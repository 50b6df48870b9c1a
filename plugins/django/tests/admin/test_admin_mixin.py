"""Nothing of a person is shown or changed in a project's own admin without a record: every door of it, one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import Client
from django.urls import path
from plugins.django.tests.burgers.models import Adres, Partner, Persoon, Zaak
from plugins.django.tests.burgers.sites import PersoonAdmin, ZaakAdmin, site
from plugins.django.tests.conftest import MIDDLEWARE, Project

from verwerkingenlogging import (
    ConfigurationError,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    Vertrouwelijkheid,
    gevonden,
    persoon,
    verwerkt_object,
)
from verwerkingenlogging.annotation import annotations_of
from verwerkingenlogging.context import recording
from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django._project_routes import project_routes
from verwerkingenlogging_django.admin import VerwerkingsactieAdminMixin
from verwerkingenlogging_django.admin._acties import with_function
from verwerkingenlogging_django.models import Record
from verwerkingenlogging_django.settings import recorder

pytestmark = pytest.mark.django_db(transaction=True)

JAN, PIET, KAAT, MIEN, PARTNER = "999990019", "999990020", "999990032", "999990044", "999990056"
ADMIN = (
    MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)
P = "/admin/burgers/persoon/"
Z = "/admin/burgers/zaak/"


def a_project(project: Project, own_site: admin.AdminSite = site, **keys: Any) -> None:
    project(path("admin/", own_site.urls), middleware=ADMIN, **keys)


@pytest.fixture(autouse=True)
def people() -> None:
    for number, (naam, bsn) in enumerate([("Jan", JAN), ("Piet", PIET), ("Kaat", KAAT), ("Mien", MIEN)], start=1):
        Persoon.objects.create(id=number, naam=naam, bsn=bsn)
    Partner.objects.create(id=1, persoon_id=1, bsn=PARTNER)
    Adres.objects.create(id=1, persoon_id=1, straat="Dam")
    Zaak.objects.create(id=1, naam="Huwelijk", aanvrager_id=1, gemachtigde_id=2).getuigen.add(3)
    Zaak.objects.create(id=2, naam="Naam", aanvrager_id=1)


@pytest.fixture
def client(project: Project) -> Client:
    a_project(project)
    return logged_in()


def logged_in(*permissions: str) -> Client:
    user = User.objects.create_user("beheer", is_staff=True, is_superuser=not permissions)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def form(**values: Any) -> dict[str, Any]:
    """What the page of a person posts: with one partner and one address, unless it says otherwise."""
    posted = {"naam": "Jan", "bsn": JAN}
    for prefix, kept in (("partner_set", {"bsn": PARTNER}), ("adres_set", {"straat": "Dam"})):
        posted |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "1", f"{prefix}-0-id": "1", f"{prefix}-0-persoon": "1"}
        posted |= {f"{prefix}-0-{name}": value for name, value in kept.items()}
    return posted | values


def empty(**values: Any) -> dict[str, Any]:
    counts = {f"{prefix}-{name}_FORMS": "0" for prefix in ("partner_set", "adres_set") for name in ("TOTAL", "INITIAL")}
    return counts | values


ROWS = {"form-TOTAL_FORMS": "3", "form-INITIAL_FORMS": "3", "_save": "1"} | {
    f"form-{row}-{name}": value
    for row, (id_, bsn) in enumerate([("4", MIEN), ("3", KAAT), ("2", PIET)])
    for name, value in (("id", id_), ("bsn", bsn))
}
FOUND = ("Zoeken persoonsgegevens", JAN, PIET, KAAT)
OPHALEN, WIJZIGEN, TOEVOEGEN, VERWIJDEREN = (f"{doing} persoonsgegevens" for doing in ("Ophalen", "Wijzigen", "Toevoegen", "Verwijderen"))


@dataclass(frozen=True)
class Door:
    """A way to an object: its URL pattern, how it is taken, what is then recorded, and what is on the page."""

    url: str
    name: str
    go: Callable[[Client], Any]
    records: tuple[tuple[str, ...], ...]
    shows: str = ""
    status: int = 200

    def __str__(self) -> str:
        return f"{self.url}: {self.name}"


def get(address: str, **query: str) -> Callable[[Client], Any]:
    return lambda client: client.get(address, query)


def post(address: str, **values: Any) -> Callable[[Client], Any]:
    return lambda client: client.post(address, values)


def act(action: str, *ids: int, **more: str) -> Callable[[Client], Any]:
    return post(P, action=action, _selected_action=[str(each) for each in ids], index="0", **more)


DOORS = [
    Door("changelist", "a page", get(P), (FOUND,), "Jan"),
    Door("changelist", "the next page", get(P, p="2"), (("Zoeken persoonsgegevens", MIEN),), "Mien"),
    Door("changelist", "all at once", get(P, all=""), ((*FOUND, MIEN),), "Mien"),
    Door("changelist", "a search", get(P, q="Piet"), (("Zoeken persoonsgegevens", PIET),), "Piet"),
    Door("changelist", "a filter", get(P, naam__startswith="K"), (("Zoeken persoonsgegevens", KAAT),), "Kaat"),
    Door("changelist", "the popup of a field", get(P, _popup="1", q="Piet"), (("Zoeken persoonsgegevens", PIET),), "Piet"),
    Door("changelist", "nobody found", get(P, q="niemand"), ()),
    Door("changelist", "a malformed filter", get(P, id__exact="x"), (), status=302),
    Door("changelist", "an action that shows", act("exporteer", 1, 3), (("Exporteer personen", JAN, KAAT),), "Kaat"),
    Door("changelist", "an action that changes", act("anonimiseer", 1, 3), (("Anonimiseer personen", JAN, KAAT),), status=302),
    Door(
        "changelist", "an action on all", act("exporteer", 1, select_across="1"), (("Exporteer personen", JAN, PIET, KAAT, MIEN),), "Mien"
    ),
    Door("changelist", "deleting who is not there", act("delete_selected", 99, post="yes"), (), status=302),
    Door("changelist", "no such action", act("niet", 1), (), status=302),
    Door("changelist", "the question whether to delete", act("delete_selected", 4), ((OPHALEN, MIEN),), "Mien"),
    Door("changelist", "deleting what is selected", act("delete_selected", 4, post="yes"), ((VERWIJDEREN, MIEN),), status=302),
    Door(
        "changelist", "saving rows", post(P + "?o=-1", **ROWS | {"form-0-bsn": "999990068"}), ((WIJZIGEN, MIEN, "999990068"),), status=302
    ),
    Door("changelist", "rows that are wrong", post(P, **ROWS | {"form-0-bsn": ""}), (FOUND,), "Jan"),
    Door("add", "an empty form", get(P + "add/"), ()),
    Door("add", "adding", post(P + "add/", **empty(naam="Els", bsn="999990068")), ((TOEVOEGEN, "999990068"),), status=302),
    Door(
        "add", "adding from a popup", post(P + "add/", **empty(naam="Els", bsn="999990068", _popup="1")), ((TOEVOEGEN, "999990068"),), "Els"
    ),
    Door("add", "a form that is wrong", post(P + "add/", **empty(naam="", bsn="999990068")), ()),
    Door("change", "looking", get(P + "1/change/"), ((OPHALEN, JAN, PARTNER),), "Jan"),
    Door("change", "looking from a popup", get(P + "1/change/", _popup="1"), ((OPHALEN, JAN, PARTNER),), "Jan"),
    Door("change", "somebody who is not there", get(P + "99/change/"), (), status=302),
    Door("change", "changing", post(P + "1/change/", **form(naam="Johan")), ((WIJZIGEN, JAN),), status=302),
    Door("change", "changing who it is", post(P + "1/change/", **form(bsn="999990068")), ((WIJZIGEN, JAN, "999990068"),), status=302),
    Door(
        "change",
        "changing an inline",
        post(P + "1/change/", **form(**{"partner_set-0-bsn": "999990068"})),
        ((WIJZIGEN, JAN, PARTNER, "999990068"),),
        status=302,
    ),
    Door(
        "change",
        "deleting an inline",
        post(P + "1/change/", **form(**{"partner_set-0-DELETE": "1"})),
        ((WIJZIGEN, JAN, PARTNER),),
        status=302,
    ),
    Door(
        "change",
        "adding an inline",
        post(P + "1/change/", **form(**{"partner_set-TOTAL_FORMS": "2", "partner_set-1-persoon": "1", "partner_set-1-bsn": "999990068"})),
        ((WIJZIGEN, JAN, "999990068"),),
        status=302,
    ),
    Door("change", "a change that is wrong", post(P + "1/change/", **form(naam="")), ((OPHALEN, JAN, PARTNER),), JAN),
    Door("change", "changing from a popup", post(P + "1/change/", **form(naam="Johan", _popup="1")), ((WIJZIGEN, JAN),), "Johan"),
    Door(
        "change",
        "saving as new",
        post(P + "1/change/", **empty(naam="Els", bsn="999990068", _saveasnew="1")),
        ((TOEVOEGEN, "999990068"),),
        status=302,
    ),
    Door("delete", "the question", get(P + "4/delete/"), ((OPHALEN, MIEN),), "Mien"),
    Door("delete", "the question, with what forbids it", get(P + "2/delete/"), ((OPHALEN, PIET, JAN),), "Huwelijk"),
    Door("delete", "what forbids it", post(P + "2/delete/", post="yes"), ((OPHALEN, PIET, JAN),), "Huwelijk"),
    Door("delete", "deleting", post(P + "4/delete/", post="yes"), ((VERWIJDEREN, MIEN),), status=302),
    Door("delete", "deleting what has more", post(P + "1/delete/", post="yes"), ((VERWIJDEREN, JAN),), status=302),
    Door("delete", "somebody who is not there", post(P + "99/delete/", post="yes"), (), status=302),
    Door("history", "looking", get(P + "1/history/"), (("Ophalen geschiedenis persoonsgegevens", JAN),), "Jan"),
    Door("", "the old address", get(P + "1/"), (), status=302),
    Door(
        "autocomplete",
        "a field of another page",
        get("/admin/autocomplete/", term="i", app_label="burgers", model_name="zaak", field_name="aanvrager"),
        (("Zoeken persoonsgegevens", PIET, MIEN),),
        "Piet",
    ),
    Door("zaak", "a list that names others", get(Z), (("Zoeken zaken", JAN, PIET, KAAT, MIEN),), "Mien"),
    Door("zaak", "fields that name others", get(Z + "1/change/"), (("Ophalen zaken", PIET, KAAT, JAN),), "Piet"),
    Door(
        "zaak",
        "a field that is filled from the address",
        get(Z + "add/", gemachtigde="x", aanvrager="4"),
        (("Ophalen zaken", MIEN),),
        "Mien",
    ),
    Door(
        "zaak",
        "a wrong form that names others",
        post(Z + "add/", gemachtigde="4", aanvrager="2", getuigen="3"),
        (("Ophalen zaken", PIET, MIEN, KAAT),),
        "Mien",
    ),
    Door("zaak", "deleting", post(Z + "1/delete/", post="yes"), (("Verwijderen zaken", JAN),), status=302),
]


def recorded(log: MemoryLog) -> list[tuple[str, ...]]:
    return [(actie.actie_naam or "", *(one.object_id for one in actie.verwerkte_objecten)) for actie in log.acties]


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_what_is_shown_or_changed_is_recorded(door: Door, client: Client, log: MemoryLog) -> None:
    response = door.go(client)
    assert response.status_code == door.status
    assert door.shows in response.content.decode()
    got = [(name, *sorted(persons)) for name, *persons in recorded(log)]
    assert got == [(name, *sorted(persons)) for name, *persons in door.records]


def everything() -> list[Any]:
    return [list(model.objects.order_by("id").values()) for model in (Persoon, Partner, Adres, Zaak, LogEntry)]


@pytest.mark.parametrize("door", [door for door in DOORS if door.records], ids=str)
def test_what_cannot_be_recorded_is_not_shown_and_not_changed(door: Door, client: Client, log: MemoryLog) -> None:
    before = everything()
    log.failure = LogUnavailable("down")
    response = door.go(client)
    assert (response.status_code, response.headers["Content-Type"]) == (503, "application/problem+json")
    assert not any(word in response.content.decode() for word in ("Jan", "Piet", "Kaat", "Mien", "Els", JAN, PIET, KAAT, MIEN, PARTNER))
    assert everything() == before


def test_every_page_of_the_admin_is_among_these_doors_and_says_what_it_logs(client: Client) -> None:
    urls = site._registry[Persoon].get_urls()
    names = {(url.name or "").rpartition("_")[2] for url in urls}
    assert names == {door.url for door in DOORS} - {"autocomplete", "zaak"}
    assert {url.name for url in urls if not annotations_of(url.callback)} == {None}  # which only redirects
    said = {route.name: [one.template.actie_naam for one in route.annotations] for route in project_routes() if P in route.name}
    assert said.pop(f"* {P}<path:object_id>/") == []
    assert said == {
        f"* {P}": ["Zoeken persoonsgegevens", WIJZIGEN],
        f"* {P}add/": [OPHALEN, TOEVOEGEN],
        f"* {P}<path:object_id>/change/": [OPHALEN, WIJZIGEN],
        f"* {P}<path:object_id>/delete/": [OPHALEN, VERWIJDEREN],
        f"* {P}<path:object_id>/history/": ["Ophalen geschiedenis persoonsgegevens", WIJZIGEN],
    }


def test_a_page_for_who_may_only_look_is_recorded_too(project: Project, log: MemoryLog) -> None:
    a_project(project)
    client = logged_in("view_persoon", "view_zaak")
    assert "Piet" in client.get(Z + "1/change/").content.decode()
    ((name, *persons),) = recorded(log)
    assert (name, set(persons)) == ("Ophalen zaken", {JAN, PIET, KAAT})


def test_who_may_not_look_leaves_no_record(project: Project, log: MemoryLog) -> None:
    a_project(project)
    client = logged_in("view_partner")
    addresses = [P, P + "add/", P + "1/change/", P + "1/delete/", P + "1/history/"]
    assert {client.get(address).status_code for address in addresses} == {403}
    assert {Client().get(address).status_code for address in addresses} == {302}
    assert log.acties == []
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(User.objects.create_superuser("chef"))
    assert forged.post(P + "1/delete/", {"post": "yes"}).status_code == 403
    assert log.acties == []


def test_who_is_found_takes_part_as_found_and_who_is_looked_at_as_the_admin_says(client: Client, log: MemoryLog) -> None:
    client.get(P)
    client.get(P + "1/change/")
    client.get(Z + "1/change/")
    as_what = [{one.object_id: one.betrokkenheid for one in actie.verwerkte_objecten} for actie in log.acties]
    assert as_what[0][JAN] == "Getoond in zoekresultaat"
    assert as_what[1] == {JAN: None, PARTNER: "Partner"}
    assert as_what[2][JAN] == "Aanvrager"


def test_a_change_and_its_record_are_one_transaction(project: Project) -> None:
    a_project(project, log=DjangoLog())
    client = logged_in()
    client.post(P + "1/change/", form(bsn="999990068"))
    assert Record.objects.count() == 1
    before = everything()

    def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    own = site._registry[Persoon]
    for name, go in (
        ("response_change", post(P + "1/change/", **form(naam="Johan"))),
        ("response_delete", post(P + "4/delete/", post="yes")),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(own, name, fails)
            assert go(client).status_code == 500
        assert (everything(), Record.objects.count()) == (before, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, "delete_queryset", fails)
        assert act("delete_selected", 4, post="yes")(client).status_code == 500
    assert (everything(), Record.objects.count()) == (before, 1)


def test_the_admins_own_log_names_nobody(client: Client) -> None:
    client.post(P + "add/", empty(naam="Els", bsn="999990068"))
    client.post(P + "1/change/", form(naam="Johan", **{"partner_set-0-bsn": "999990070"}))
    client.post(P + "4/delete/", {"post": "yes"})
    told = " ".join(f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.order_by("id"))
    assert not any(word in told for word in ("Els", "Johan", "Mien", "9999"))
    els = Persoon.objects.get(naam="Els").pk
    assert [entry.object_repr for entry in LogEntry.objects.order_by("id")] == [f"persoon {els}", "persoon 1", "persoon 4"]
    client.get(P)  # where it is said that all this succeeded
    page = client.get("/admin/").content.decode()
    assert "persoon 1" in page
    assert "Johan" not in page
    assert "Bsn" in client.get(P + "1/history/").content.decode()


def test_elsewhere_the_functions_of_the_admin_do_what_they_did(project: Project, log: MemoryLog) -> None:
    a_project(project)
    own: Any = site._registry[Persoon]
    request = HttpRequest()
    request.user = User.objects.create_superuser("chef")
    jan = own.get_object(request, "1")
    own.save_model(request, jan, None, True)
    partners, _ = next(iter(own.get_formsets_with_inlines(request, jan)))
    posted = {f"partner_set-{name}": value for name, value in (("TOTAL_FORMS", "1"), ("INITIAL_FORMS", "0"), ("0-bsn", "999990068"))}
    added = partners(posted, instance=jan)
    assert added.is_valid()
    added.save()
    assert Partner.objects.count() == 2
    assert log.acties == []
    found = own.get_actions(request)["exporteer"]
    with recording(recorder()):
        (getattr(found, "func", None) or found[0])(own, request, Persoon.objects.filter(id=1))
    assert recorded(log) == [("Exporteer personen", JAN)]


class Stubborn(PersoonAdmin):
    """A project's own admin, that does as it pleases."""

    list_editable: ClassVar[Any] = ()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponse("alles") if "plat" in request.GET else super().changelist_view(request, extra_context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return HttpResponse(str(Persoon.objects.get(id=object_id)))

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> Any:
        found: Any = self.get_object(request, object_id)
        if request.method == "POST":
            found.delete()
        return HttpResponse(f"afdruk van {found}")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save()

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        return form.save(commit=False)

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        return {"eigen": (lambda admin, request, queryset: HttpResponse(str(queryset[0])), "eigen", "Eigen actie")}


def own_site(of: type[admin.ModelAdmin[Any]], model: Any = Persoon) -> admin.AdminSite:
    made = admin.AdminSite()
    made.register(model, of)
    return made


def test_what_a_class_overrides_without_super_is_recorded_all_the_same(project: Project, log: MemoryLog) -> None:
    a_project(project, own_site(Stubborn))
    client = logged_in()
    assert "Jan" in client.get(P + "1/change/").content.decode()
    client.post(P + "add/", empty(naam="Els", bsn="999990068"))
    client.post(P + "4/change/")
    assert "Kaat" in act("eigen", 3)(client).content.decode()
    assert recorded(log) == [(OPHALEN, JAN), (TOEVOEGEN, "999990068"), (WIJZIGEN, MIEN), ("Eigen actie", KAAT)]


def test_a_history_is_of_the_object_in_its_address_however_it_was_found(project: Project, log: MemoryLog) -> None:
    """A10: it was a 503, always."""
    a_project(project, own_site(Stubborn))
    assert "Jan" in logged_in().get(P + "1/history/").content.decode()
    assert recorded(log) == [("Ophalen geschiedenis persoonsgegevens", JAN)]


class ByItself(PersoonAdmin):
    """Gets what it shows in ways of its own."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponse("\n".join(map(str, Persoon.objects.all())))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return HttpResponse(str(Persoon.objects.get(id=object_id)))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return HttpResponse("Jan, who is gone")


@pytest.mark.parametrize("address", ["", "?e=1", "1/delete/", "99/history/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_view_that_gets_its_object_by_a_way_of_its_own_is_refused(project: Project, log: MemoryLog, address: str, method: str) -> None:
    a_project(project, own_site(ByItself))
    response = getattr(logged_in(), method)(P + address)
    assert response.status_code == 503
    assert "Jan" not in response.content.decode()
    assert log.acties == []


class Forgiving(PersoonAdmin):
    """A project's own admin, which would rather show something than an error."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        try:
            return super().changelist_view(request, extra_context)
        except Exception:
            return HttpResponseRedirect("/elders/")

    def get_object(self, request: HttpRequest, object_id: Any, from_field: Any = None) -> Any:
        try:
            return super().get_object(request, object_id, from_field)
        except Exception:
            return None


class ForgivingSite(admin.AdminSite):
    """A site that does so for all of its pages."""

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        def forgiving(*args: Any, **kwargs: Any) -> Any:
            try:
                return view(*args, **kwargs)
            except Exception:
                return HttpResponseRedirect("/elders/")

        return super().admin_view(forgiving, cacheable)


def broken(instance: Any) -> list[str]:
    raise ValueError(instance.bsn)


class Broken(Forgiving):
    verwerkingsactie_objecten: ClassVar[Any] = persoon(broken)


@pytest.mark.parametrize("of", [Forgiving, Broken])
@pytest.mark.parametrize("of_site", [admin.AdminSite, ForgivingSite])
@pytest.mark.parametrize(
    "go", [get(P), get(P + "1/change/"), act("exporteer", 1), act("anonimiseer", 1), post(P + "4/delete/", post="yes")]
)
def test_an_admin_that_eats_the_error_is_refused_all_the_same(
    project: Project,
    log: MemoryLog,
    of: type[admin.ModelAdmin[Any]],
    of_site: type[admin.AdminSite],
    go: Callable[[Client], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A1, in what the mixin records by itself; and nothing is changed."""
    made = of_site()
    made.register(Persoon, of)
    a_project(project, made)
    log.failure = LogUnavailable("down") if of is Forgiving else None
    before = everything()
    assert go(logged_in()).status_code == 503
    assert everything() == before
    assert [one.levelname for one in caplog.records if one.name == "verwerkingenlogging"] == ["ERROR"]
    assert not any(bsn in caplog.text for bsn in (JAN, MIEN))


def test_very_many_persons_are_recorded_in_parts(client: Client, log: MemoryLog) -> None:
    Persoon.objects.bulk_create(Persoon(naam="x", bsn=f"{number:09}") for number in range(1000))
    act("anonimiseer", 1, select_across="1")(client)
    assert [len(actie.verwerkte_objecten) for actie in log.acties] == [1000, 4]
    assert len({(actie.verwerking_id, actie.tijdstip) for actie in log.acties}) == 1
    assert set(Persoon.objects.values_list("naam", flat=True)) == {"anoniem"}


class Busy(MemoryLog):
    """A log that takes so long that somebody is added meanwhile."""

    def log(self, acties: Any) -> None:
        super().log(acties)
        Persoon.objects.create(naam="Nieuw", bsn="999990081")


def test_who_comes_after_the_record_is_not_part_of_the_action(project: Project) -> None:
    a_project(project, log=Busy())
    act("anonimiseer", 1, select_across="1")(logged_in())
    assert set(Persoon.objects.values_list("naam", flat=True)) == {"anoniem", "Nieuw"}


def test_all_that_is_done_can_be_confidential(project: Project, log: MemoryLog) -> None:
    class Geheim(PersoonAdmin):
        verwerkingsactie_vertrouwelijkheid = Vertrouwelijkheid.VERTROUWELIJK
        verwerkingsactie_bewaartermijn = "P10Y"
        verwerkingsactie_gegevens = ""

    a_project(project, own_site(Geheim))
    logged_in().get(P + "2/change/")
    (actie,) = log.acties
    assert (actie.actie_naam, actie.vertrouwelijkheid, actie.bewaartermijn) == ("Ophalen personen", Vertrouwelijkheid.VERTROUWELIJK, "P10Y")


def test_a_function_and_kinds_of_data_may_say_whose_data_it_is(project: Project, log: MemoryLog) -> None:
    class Getuigen(ZaakAdmin):
        verwerkingsactie_objecten: ClassVar[Any] = (
            persoon(lambda zaak: [each.bsn for each in zaak.getuigen.all()], betrokkenheid="Getuige", soorten_gegevens=lambda z: [z.naam]),
        )

    a_project(project, own_site(Getuigen, Zaak))
    logged_in("view_zaak").get(Z + "1/change/")
    (only,) = log.acties[0].verwerkte_objecten
    assert (only.object_id, only.betrokkenheid, only.verwerkte_soorten_gegevens[0].soort_gegeven) == (KAAT, "Getuige", "Huwelijk")


def test_an_object_of_which_it_cannot_be_said_whose_it_is_is_not_shown(project: Project, log: MemoryLog) -> None:
    class Fout(PersoonAdmin):
        verwerkingsactie_objecten: ClassVar[Any] = persoon(lambda persoon: {}[persoon.bsn])

    a_project(project, own_site(Fout))
    response = logged_in().get(P + "1/change/")
    assert (response.status_code, JAN in response.content.decode()) == (503, False)


def problems(of: type[Any], model: Any = Persoon, *others: tuple[Any, type[Any]]) -> list[tuple[str | None, str]]:
    made = own_site(of, model)
    for other, its_admin in others:
        made.register(other, its_admin)
    return [(found.id, found.msg) for found in made._registry[model].check() if str(found.id).startswith("verwerkingenlogging")]


def wrong(**attributes: Any) -> type[Any]:
    return type("Fout", (VerwerkingsactieAdminMixin, admin.ModelAdmin), {"verwerkingsactie_activiteit": "brp", **attributes})


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"verwerkingsactie_activiteit": ""}, "verwerkingsactie_activiteit is missing"),
        ({}, "verwerkingsactie_objecten is missing"),
        ({"verwerkingsactie_objecten": gevonden(lambda found: found)}, "say whose data an object is with persoon"),
        ({"verwerkingsactie_objecten": ["bsn"]}, "say whose data an object is with persoon"),
        ({"verwerkingsactie_objecten": (), "verwerkingsactie_gegevens": "x" * 240}, "actie_naam"),
    ],
)
def test_an_admin_that_does_not_say_what_it_records_shows_nothing(
    attributes: dict[str, Any], says: str, project: Project, log: MemoryLog
) -> None:
    of = wrong(search_fields=("naam",), actions=("delete_selected",), **attributes)
    ((code, message),) = problems(of)
    assert code == "verwerkingenlogging.E040"
    assert says in message
    made: Any = own_site(of)
    made.register(Zaak, ZaakAdmin)
    a_project(project, made)
    client = logged_in()
    for door in DOORS:
        if door.url not in ("", "zaak"):
            assert door.go(client).status_code == 503, door
    request = HttpRequest()
    request.user = User.objects.get()
    found: Any = made._registry[Persoon].get_actions(request)["delete_selected"]
    with pytest.raises(NotRecorded, match="Fout"):
        (getattr(found, "func", None) or found[0])(None, request, Persoon.objects.all())


@dataclass
class Action:
    """An action as Django 6.1 has it."""

    func: Any
    name: str
    plural_description: str


def test_the_actions_of_every_django_get_another_function() -> None:
    def make(function: Any, name: str, description: str) -> str:
        return f"{function} {name} {description}"

    assert with_function(("f", "n", "d"), make) == ("f n d", "n", "d")
    assert with_function(Action("f", "n", "d"), make) == Action("f n d", "n", "d")


def test_the_mixin_stands_before_what_it_is_mixed_with() -> None:
    with pytest.raises(ConfigurationError, match="before ModelAdmin"):
        type("Fout", (admin.ModelAdmin, VerwerkingsactieAdminMixin), {})


def test_a_path_that_leads_nowhere_is_found_before_anybody_is() -> None:
    of = wrong(
        verwerkingsactie_objecten=[persoon("bsm"), verwerkt_object(lambda p: p.bsn, objecttype="zaak", soort_object_id="x"), persoon("bsn")]
    )
    assert problems(of) == [("verwerkingenlogging.E041", 'verwerkingsactie_objecten names "bsm", which Persoon lacks')]


def test_doors_of_others_to_its_persons_are_told() -> None:
    class Inline(admin.TabularInline):  # type: ignore[type-arg]  # it takes some when types are checked only
        model = Partner

    class Wrong(Inline):
        verwerkingsactie_objecten: ClassVar[Any] = gevonden(lambda found: found)

    class Lists(ZaakAdmin):
        raw_id_fields: ClassVar[Any] = ()
        fields = (("naam", "aanvrager"), "getuigen")
        exclude = ("gemachtigde",)

    class Sets(ZaakAdmin):
        raw_id_fields: ClassVar[Any] = ()
        fieldsets: ClassVar[Any] = ((None, {"fields": ("naam", "gemachtigde")}),)

    class Silent(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
        pass

    of = wrong(
        verwerkingsactie_objecten=persoon("bsn"),
        inlines=(Inline, Wrong),
        search_fields=("naam",),
        list_filter=(
            "naam",
            ("bsn", admin.AllValuesFieldListFilter),
            "aangevraagd",
            ("naam", admin.EmptyFieldListFilter),
            admin.SimpleListFilter,
        ),
    )
    found = problems(of, Persoon, (Zaak, Lists))
    assert [code for code, _ in found] == [f"verwerkingenlogging.{code}" for code in ("W040", "E041", "W041", "W041", "W043")]
    assert [message for code, message in found if code and code.endswith("W043")] == [
        "Zaak.getuigen lists all personen on its page, and each time all of them are recorded"
    ]
    assert problems(PersoonAdmin, Persoon, (Zaak, ZaakAdmin)) == []
    assert [message.partition(" lists")[0] for _, message in problems(PersoonAdmin, Persoon, (Zaak, Sets))] == ["Zaak.gemachtigde"]
    assert [code for code, _ in problems(PersoonAdmin, Persoon, (Zaak, Silent))] == ["verwerkingenlogging.W042"] * 3


@pytest.fixture
def lists(project: Project) -> Client:
    class Inline(admin.TabularInline):  # type: ignore[type-arg]  # it takes some when types are checked only
        model = Zaak
        fk_name = "aanvrager"
        extra = 0

    class Lists(PersoonAdmin):
        list_editable: ClassVar[Any] = ()
        inlines: ClassVar[Any] = (Inline,)

    class Plain(ZaakAdmin):
        autocomplete_fields: ClassVar[Any] = ()
        raw_id_fields: ClassVar[Any] = ()
        readonly_fields = ("getuigen",)
        list_editable: ClassVar[Any] = ("gemachtigde",)
        list_filter: ClassVar[Any] = (("gemachtigde", admin.EmptyFieldListFilter),)

    made = own_site(Lists)
    made.register(Zaak, Plain)
    a_project(project, made)
    return logged_in()


def test_a_list_to_choose_from_shows_all_that_are_in_it(lists: Client, log: MemoryLog) -> None:
    everybody = {JAN, PIET, KAAT, MIEN}
    for address in (Z + "1/change/", Z + "add/", Z, P + "1/change/"):
        log.acties.clear()
        assert "Mien" in lists.get(address).content.decode()
        assert {one.object_id for actie in log.acties for one in actie.verwerkte_objecten} == everybody, address
