"""A10: every view that a class or a package adds to an admin says what it does, or is refused; and no wildcard speaks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, reverse
from django.views import View
from import_export.admin import ExportActionMixin, ImportExportModelAdmin
from import_export.formats.base_formats import CSV
from plugins.django.tests.admin.test_admin_mixin import ADMIN, logged_in, recorded
from plugins.django.tests.archief.models import Besluit, Dossier
from plugins.django.tests.conftest import GEMEENTE, Project
from plugins.django.tests.docs.test_docs_admin import example
from reversion.admin import VersionAdmin
from simple_history.admin import SimpleHistoryAdmin

from verwerkingenlogging import (
    Activiteit,
    Activiteiten,
    LogUnavailable,
    MemoryLog,
    NotRecorded,
    geen_verwerking,
    gevonden,
    persoon,
    verwerkingsactie,
)
from verwerkingenlogging.context import recording
from verwerkingenlogging_django._project_routes import project_routes
from verwerkingenlogging_django.admin import VerwerkingsactieAdminMixin
from verwerkingenlogging_django.settings import recorder

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # what Django 6.1 says of the packages that extend its admin
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # as above
]

JAN, PIET, OLD = "999990019", "999990020", "999990081"
D = "/admin/archief/dossier/"
B = "/admin/archief/besluit/"


class Recording(VerwerkingsactieAdminMixin):
    verwerkingsactie_activiteit = "brp"
    verwerkingsactie_objecten: ClassVar[Any] = persoon("bsn")


class WithHistory(Recording, SimpleHistoryAdmin):  # type: ignore[misc]  # a class without types
    pass


class WithFiles(Recording, ImportExportModelAdmin):  # type: ignore[misc]  # as above
    pass


class WithExportOfSome(Recording, ExportActionMixin, admin.ModelAdmin):  # type: ignore[misc,type-arg]  # as above
    pass


class WithVersions(Recording, VersionAdmin):  # type: ignore[misc]  # as above
    pass


class Users(VerwerkingsactieAdminMixin, UserAdmin):  # type: ignore[type-arg]  # as above
    verwerkingsactie_activiteit = "brp"
    verwerkingsactie_objecten: ClassVar[Any] = persoon("username", soort_object_id="gebruikersnaam")


def a_site(project: Project, of: type[admin.ModelAdmin[Any]], model: Any = Dossier, **keys: Any) -> Client:
    made = admin.AdminSite()
    made.register(model, of)
    project(path("admin/", made.urls), middleware=ADMIN, **keys)
    return logged_in()


@pytest.fixture
def jan() -> Any:
    """Somebody whose number was corrected."""
    made = Dossier.objects.create(naam="Jan", bsn=OLD)
    made.bsn = JAN
    made.save()
    Dossier.objects.create(naam="Piet", bsn=PIET)
    return made


def persons(log: MemoryLog) -> list[tuple[str, set[str]]]:
    return [(name, set(found)) for name, *found in recorded(log)]


def refused(client: Client, address: str, log: MemoryLog) -> None:
    """The same, when the log is down."""
    log.failure = LogUnavailable("down")
    response = client.get(address)
    assert response.status_code == 503
    assert not any(text in response.content.decode() for text in ("Jan", JAN, OLD))
    log.failure = None


# django-simple-history


def test_the_history_is_recorded_with_who_it_was_about_before(project: Project, log: MemoryLog, jan: Any) -> None:
    client = a_site(project, WithHistory)
    assert "Jan" in client.get(f"{D}{jan.pk}/history/").content.decode()
    assert persons(log) == [("Ophalen geschiedenis dossiers", {JAN, OLD})]
    refused(client, f"{D}{jan.pk}/history/", log)


def test_an_old_version_is_recorded_as_what_it_is(project: Project, log: MemoryLog, jan: Any) -> None:
    client = a_site(project, WithHistory)
    first = jan.history.earliest()
    address = f"{D}{jan.pk}/history/{first.pk}/"
    assert OLD in client.get(address).content.decode()
    assert persons(log) == [("Ophalen oude versie dossiers", {JAN, OLD})]
    refused(client, address, log)
    log.acties.clear()
    assert client.post(address, {"naam": "Jan", "bsn": OLD}).status_code == 302
    assert persons(log) == [("Wijzigen dossiers", {JAN, OLD})]
    assert Dossier.objects.get(pk=jan.pk).bsn == OLD


def test_the_history_of_who_is_gone_is_recorded_too(project: Project, log: MemoryLog, jan: Any) -> None:
    client, key = a_site(project, WithHistory), jan.pk
    jan.delete()
    assert "Jan" in client.get(f"{D}{key}/history/").content.decode()
    assert persons(log) == [("Ophalen geschiedenis dossiers", {JAN, OLD})]


# django-reversion


def test_a_revision_and_what_is_recovered_are_recorded(project: Project, log: MemoryLog) -> None:
    client = a_site(project, WithVersions, Besluit)
    assert client.post(B + "add/", {"naam": "Jan", "bsn": OLD}).status_code == 302
    jan = Besluit.objects.get()
    assert client.post(f"{B}{jan.pk}/change/", {"naam": "Jan", "bsn": JAN}).status_code == 302
    revision, _ = reversed(_revisions(jan))
    log.acties.clear()
    assert client.get(f"{B}{jan.pk}/history/").status_code == 200
    address = f"{B}{jan.pk}/history/{revision}/"
    assert OLD in client.get(address).content.decode()
    assert persons(log) == [("Ophalen geschiedenis besluiten", {JAN}), ("Ophalen oude versie besluiten", {OLD})]
    refused(client, address, log)
    assert Besluit.objects.get().bsn == JAN
    log.acties.clear()
    assert client.post(address, {"naam": "Jan", "bsn": OLD}).status_code == 302
    assert persons(log) == [("Wijzigen besluiten", {OLD, JAN})]
    jan.delete()
    log.acties.clear()
    assert OLD in client.get(f"{B}recover/{revision}/").content.decode()
    assert client.post(f"{B}recover/{revision}/", {"naam": "Jan", "bsn": OLD}).status_code == 302
    assert persons(log) == [("Ophalen oude versie besluiten", {OLD}), ("Toevoegen besluiten", {OLD})]
    assert client.get(f"{B}recover/").status_code == 503  # it lists the texts of all who are gone, and does not say so


def _revisions(instance: Any) -> list[int]:
    from reversion.models import Version

    return [version.pk for version in Version.objects.get_for_object(instance)]


# django-import-export


def test_an_export_is_recorded_with_whom_is_in_it(project: Project, log: MemoryLog, jan: Any) -> None:
    client = a_site(project, WithFiles)
    assert client.get(D + "export/").status_code == 200
    assert log.acties == []
    fields = {"format": "0", "resource": "", "dossierresource_id": "on", "dossierresource_bsn": "on"}
    exported = client.post(D + "export/", fields)
    assert JAN in exported.content.decode()
    assert persons(log) == [("Exporteren dossiers", {JAN, PIET})]
    log.acties.clear()
    assert PIET not in client.post(D + "export/?q=", fields | {"format": "x"}).content.decode()  # the form again
    assert log.acties == []
    log.failure = LogUnavailable("down")
    down = client.post(D + "export/", fields)
    assert (down.status_code, JAN in down.content.decode()) == (503, False)


def test_an_export_of_some_is_of_those(project: Project, log: MemoryLog, jan: Any, settings: Any) -> None:
    settings.IMPORT_EXPORT_SKIP_ADMIN_ACTION_EXPORT_UI = True
    client = a_site(project, WithExportOfSome)
    selected = {"action": "export_admin_action", "_selected_action": [str(jan.pk)], "index": "0"}
    assert PIET not in client.post(D, selected).content.decode()
    assert persons(log)[0][1] == {JAN}
    assert {name for name, _ in persons(log)} == {"Exporteren dossiers", log.acties[0].actie_naam}
    log.acties.clear()
    change = client.post(f"{D}{jan.pk}/change/", {"naam": "Jan", "bsn": JAN, "_export-item": "1"})
    assert JAN in change.content.decode()
    assert ("Exporteren dossiers", {JAN}) in persons(log)


def test_an_import_is_refused_until_it_says_what_it_does(project: Project, log: MemoryLog) -> None:
    client = a_site(project, WithFiles)
    for address in ("import/", "process_import/"):
        assert client.get(D + address).status_code == client.post(D + address).status_code == 503
    told = list(dict.fromkeys(one.msg for one in run_checks() if one.id == "verwerkingenlogging.E043" and one.obj is WithFiles))
    assert told == [
        "process_import (process_import/) does not say what it does with personal data, and answers 503",
        "import_action (import/) does not say what it does with personal data, and answers 503",
    ]


def test_an_import_that_says_it_is_recorded(project: Project, log: MemoryLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the page about the admin."""
    made = admin.AdminSite()
    monkeypatch.setattr(admin, "register", lambda model: lambda of: made.register(model, of))
    exec(compile(example("import.py"), "import.py", "exec"), {"Persoon": Dossier, "__name__": "example"})
    activiteiten = Activiteiten({GEMEENTE: [Activiteit(naam="brp-registratie", id=UUID(int=9))]})
    project(path("admin/", made.urls), middleware=ADMIN, activiteiten=activiteiten)
    client = logged_in()
    file = tmp_path / "dossiers.csv"
    file.write_text(f"id,bsn,naam\n,{JAN},Jan\n,{PIET},Piet\n")
    assert client.get(D + "import/").status_code == 200
    with file.open() as sent:
        page = client.post(D + "import/", {"format": "0", "import_file": sent})
    assert page.status_code == 200
    assert client.post(D + "process_import/", page.context["confirm_form"].initial).status_code == 302
    assert persons(log) == [("Voorbereiden import", {JAN, PIET}), ("Importeren persoonsgegevens", {JAN, PIET})]
    assert Dossier.objects.count() == 2
    log.failure = LogUnavailable("down")
    with file.open() as sent:
        assert client.post(D + "import/", {"format": "0", "import_file": sent}).status_code == 503
    assert not [one for one in made._registry[Dossier].check() if one.id == "verwerkingenlogging.E043"]


# Views of anybody


def show(request: HttpRequest, key: str = "") -> HttpResponse:
    return HttpResponse(f"Jan {JAN}")


class Page(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return show(request)

    @geen_verwerking("takes a notice")
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class Own(Recording, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """With views of each kind that people add."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("afdruk/", wrap(self.afdruk), name="afdruk"),
            path("lijst/", self.lijst),
            path("functie/", wrap(show)),
            path("klasse/", wrap(Page.as_view())),
            path("elders/", include([path("<key>/", wrap(show))])),
            path("gezegd/", wrap(self.gezegd)),
            path("niemand/", wrap(self.niemand)),
            path("erbij/", wrap(self.erbij)),
            *super().get_urls(),
        ]

    def afdruk(self, request: HttpRequest) -> HttpResponse:
        return show(request)

    def lijst(self, request: HttpRequest) -> HttpResponse:
        return show(request)

    @verwerkingsactie("Afdrukken", activiteit="brp", objecten=gevonden(lambda response: [JAN]))
    def gezegd(self, request: HttpRequest) -> HttpResponse:
        return show(request)

    @geen_verwerking("shows a number only")
    def niemand(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("7")

    def erbij(self, request: HttpRequest) -> HttpResponse:
        return show(request)

    verwerkingsactie_views: ClassVar[Any] = {
        "erbij": verwerkingsactie("Erbij halen", activiteit="brp", objecten=gevonden(lambda response: [JAN])),
    }


SILENT = ["afdruk/", "lijst/", "functie/", "klasse/", "elders/1/"]


@pytest.mark.parametrize("wildcard", [False, True])
def test_a_view_that_says_nothing_is_refused_whatever_a_wildcard_says(project: Project, log: MemoryLog, wildcard: bool) -> None:
    routes = {"/admin/*": {"geen_verwerking": "the admin"}} if wildcard else None
    client = a_site(project, Own, routes=routes)
    for address in SILENT:
        response = client.get(D + address)
        assert (response.status_code, JAN in response.content.decode()) == (503, False), address
    assert log.acties == []
    assert client.get(D + "niemand/").content == b"7"
    assert [JAN in client.get(D + address).content.decode() for address in ("gezegd/", "erbij/")] == [True, True]
    assert [name for name, *_ in recorded(log)] == ["Afdrukken", "Erbij halen"]
    said = {route.name.removeprefix("* ").removeprefix("GET "): route for route in project_routes()}
    assert [said[D + address.replace("1/", "<key>/")].geen_verwerking for address in SILENT] == [None] * len(SILENT)
    assert said[D].geen_verwerking is None
    assert said[D].annotations


def test_who_may_not_come_in_is_told_no_more(project: Project) -> None:
    a_site(project, Own)
    assert {Client().get(D + address).status_code for address in SILENT} == {503}


def test_what_only_a_wildcard_exempts_is_counted_apart(project: Project) -> None:
    a_site(project, Recording_, routes={"/admin/*": {"geen_verwerking": "the admin"}, "/admin/login/": {"geen_verwerking": "a form"}})
    out = StringIO()
    call_command("verwerkingen_check", stdout=out)
    lines = out.getvalue().splitlines()
    (index,) = [line for line in lines if line.split()[1] == "/admin/"]
    assert index.endswith("no personal data: the admin (only by /admin/*)")
    (login,) = [line for line in lines if line.split()[1] == "/admin/login/"]
    assert login.endswith("no personal data: a form")
    (words,) = [line for line in lines if line.split()[1] == f"{D}add/"]
    assert "Ophalen dossiers" in words
    exempt = sum("only by" in line for line in lines)
    assert lines[-1] == f"{len(lines) - 1} routes, 0 that say nothing, {exempt} exempt by a wildcard only, 0 problems"
    out = StringIO()
    call_command("verwerkingen_check", "--json", stdout=out)
    told = {route["route"]: route for route in json.loads(out.getvalue())["routes"]}
    assert (told["* /admin/"]["wildcard"], told["* /admin/"]["url_name"]) == ("/admin/*", "admin:index")
    assert told["* /admin/login/"]["wildcard"] is None


class Recording_(Recording, admin.ModelAdmin):  # type: ignore[type-arg]  # as above  # noqa: N801  # beside the one without ModelAdmin
    pass


def test_the_check_gives_the_names_by_which_settings_may_call_a_url(project: Project) -> None:
    a_site(project, Own)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verwerkingen_check", stdout=out, stderr=StringIO())
    (line,) = [line for line in out.getvalue().splitlines() if f"{D}afdruk/" in line]
    assert line.split()[:3] == ["*", f"{D}afdruk/", "admin:afdruk"]
    assert "admin:archief_dossier_changelist" in out.getvalue()
    assert reverse("admin:afdruk") == f"{D}afdruk/"


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ({"nergens": geen_verwerking("none")}, r'verwerkingsactie_views\["nergens"\]: the class has no such view'),
        ({"afdruk": 7}, r'verwerkingsactie_views\["afdruk"\]: give it @verwerkingsactie'),
        ({"afdruk": "lijst"}, r'verwerkingsactie_views\["afdruk"\]: names the method "lijst", which is not annotated'),
        ({"afdruk": "nergens"}, r'verwerkingsactie_views\["afdruk"\]: names the method "nergens", which is not annotated'),
        ({"afdruk": verwerkingsactie("A", activiteit="brp", objecten=persoon("bsn"))}, r'the argument "bsn"'),
    ],
)
def test_what_is_said_wrong_is_told_and_refused(project: Project, views: dict[str, Any], message: str) -> None:
    wrong = type("Wrong", (Own,), {"verwerkingsactie_views": views})
    client = a_site(project, wrong)
    assert any(one.id == "verwerkingenlogging.E040" and __import__("re").search(message, one.msg) for one in run_checks())
    assert client.get(D).status_code == client.get(D + "erbij/").status_code == 503


def test_the_password_of_a_user_is_changed_on_the_record(project: Project, log: MemoryLog) -> None:
    client = a_site(project, Users, User)
    address = f"/admin/auth/user/{User.objects.get().pk}/password/"
    assert "beheer" in client.get(address).content.decode()
    assert (
        client.post(address, {"usable_password": "true", "password1": "een-lang-woord", "password2": "een-lang-woord"}).status_code == 302
    )
    assert persons(log) == [("Ophalen gebruikers", {"beheer"}), ("Wijzigen gebruikers", {"beheer"})]
    assert not [one for one in run_checks() if one.id == "verwerkingenlogging.E043" and one.obj is Users]


@pytest.mark.parametrize("go", [lambda client: client.get(D + "export/"), lambda client: client.post(D + "export/", {"format": "0"})])
def test_an_export_by_another_way_or_of_an_admin_that_is_wrong_is_refused(project: Project, jan: Any, go: Callable[[Client], Any]) -> None:
    class Wild(WithFiles):
        def export_action(self, request: HttpRequest) -> HttpResponse:
            return show(request)

    class Wrong(WithFiles):
        verwerkingsactie_activiteit = ""

    assert go(a_site(project, Wild)).status_code == 503
    User.objects.all().delete()
    assert go(a_site(project, Wrong)).status_code == 503


def test_elsewhere_what_the_packages_added_does_what_it_did(project: Project, log: MemoryLog, jan: Any) -> None:
    """Called by code of the application, and not by a view of the admin."""
    made = admin.AdminSite()
    made.register(Dossier, type("Both", (WithFiles, WithHistory), {}))
    project(path("admin/", made.urls), middleware=ADMIN)
    own: Any = made._registry[Dossier]
    request = HttpRequest()
    request.user = User.objects.create_superuser("chef")
    with recording(recorder()):
        exported = own.get_export_data(CSV(), request, queryset=Dossier.objects.filter(pk=jan.pk))
        assert own.render_history_view(request, "admin/404.html", {}).status_code == 200
    assert JAN in exported
    assert PIET not in exported
    assert persons(log) == [("Exporteren dossiers", {JAN})]
    wrong = type("Wrong", (WithFiles,), {"verwerkingsactie_activiteit": ""})(Dossier, made)
    with recording(recorder()), pytest.raises(NotRecorded):
        wrong.get_export_data(CSV(), request, Dossier.objects.all())


def test_what_is_known_of_a_view_gives_way_to_what_the_class_says(project: Project, log: MemoryLog, jan: Any) -> None:
    class Own(WithFiles):
        def export_action(self, request: HttpRequest) -> HttpResponse:
            return show(request)

        verwerkingsactie_views: ClassVar[Any] = {
            "export_action": verwerkingsactie("Uitgeven", activiteit="brp", objecten=gevonden(lambda response: [JAN])),
        }

    assert JAN in a_site(project, Own).get(D + "export/").content.decode()
    assert persons(log) == [("Uitgeven", {JAN})]
