"""The Django application that is killed: one view that changes a row, and reads one, in a transaction for each request."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from crash.request_outcomes import undone
from verwerkingenlogging import persoon, verwerkingsactie
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging_django import DjangoLog

__all__ = ["make_log", "urlpatterns"]


def make_log() -> DjangoLog:
    """Delivers to the register that the settings name."""
    from crash.django_settings import ADDRESS, TOKEN  # noqa: PLC0415  # they are there only in a process of this project

    return DjangoLog(ApiLog(ADDRESS, token=TOKEN), lease=1.0, poll=0.02, batch=20)


@verwerkingsactie("Vastleggen", activiteit="brp", objecten=persoon("bsn"), verwerking_id=lambda verwerking: verwerking)
def keep(request: HttpRequest, bsn: str, verwerking: UUID) -> HttpResponse:
    """Write a row. Some are undone, and then there must be no record either."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO regel (verwerking) VALUES (%s)", [str(verwerking)])
    return _answer(verwerking)


@verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"), verwerking_id=lambda verwerking: verwerking)
def read(request: HttpRequest, bsn: str, verwerking: UUID) -> HttpResponse:
    """Read, in a transaction that is sometimes undone: the record stays."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM regel WHERE verwerking = %s", [str(verwerking)])
    return _answer(verwerking)


def _answer(verwerking: UUID) -> HttpResponse:
    if undone(verwerking):
        transaction.set_rollback(True)
    return HttpResponse()


def ask(request: HttpRequest, bsn: str, verwerking: UUID) -> HttpResponse:
    """One address for both."""
    return (read if request.method == "GET" else keep)(request, bsn=bsn, verwerking=verwerking)


urlpatterns: list[URLPattern] = [path("<str:bsn>/<uuid:verwerking>", ask)]
