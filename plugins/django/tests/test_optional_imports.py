"""A project that has only Django and our app: without its admin, its users, or any extra of ours."""

from __future__ import annotations

from tests.optional import without

EXTRAS = ("anyio", "cryptography", "httpcore", "httpcore2", "httpx", "httpx2", "jwt", "opentelemetry", "pydantic", "pytest")
OTHERS = ("_pytest", "celery", "docutils", "fastapi", "ninja", "psycopg", "requests", "rest_framework", "rich", "sqlalchemy", "starlette")
CONTRIB = (
    "django.contrib.admin",
    "django.contrib.admindocs.views",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
)
FOR_OTHERS = ("verwerkingenlogging_django.admin", "verwerkingenlogging_django.ninja")

SCRIPT = """
    import pathlib, tempfile
    from django.conf import settings
    from verwerkingenlogging import MemoryLog

    kept = MemoryLog()
    activiteiten = pathlib.Path(tempfile.mkdtemp()) / "activiteiten.toml"
    activiteiten.write_text('["00000001821002193000"]\\nbrp = { id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }\\n')
    settings.configure(
        SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DATABASES={}, INSTALLED_APPS=["verwerkingenlogging_django"],
        MIDDLEWARE=["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"],
        VERWERKINGENLOGGING={"OIN": "00000001821002193000", "ACTIVITEITEN": activiteiten, "LOG": kept},
    )
    import django
    django.setup()
    imported("verwerkingenlogging_django", but=FOR_OTHERS)

    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path, re_path
    from verwerkingenlogging import persoon, verwerkingsactie

    @verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
    def read(request, bsn):
        return HttpResponse("recorded")

    urlpatterns = [path("<bsn>", read), re_path(r"^oud/(?P<bsn>[0-9]{9})/$", read)]

    from django.core.management import call_command
    from django.test import RequestFactory
    application = get_wsgi_application()
    answer = application(RequestFactory().get("/230857266").environ, lambda status, headers: print(status))
    print(b"".join(answer).decode(), len(kept.acties))
    call_command("check")
    call_command("verwerkingen_check")
"""


def test_every_part_that_is_not_for_another_package_is_imported_and_a_request_is_served() -> None:
    printed = without((*EXTRAS, *OTHERS, *CONTRIB), SCRIPT.replace("FOR_OTHERS", repr(FOR_OTHERS)))
    assert printed.splitlines()[:2] == ["200 OK", "recorded 1"]
    assert "/oud/<bsn>/" in printed
