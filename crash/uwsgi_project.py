"""The Django project that uWSGI serves. It records while it loads, as projects do that warm a cache or read a setting of a person."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from verwerkingenlogging import Activiteit, Activiteiten, Verwerkingenlog

_given: dict[str, Any] = json.loads(os.environ["CRASH_UWSGI"])
_OIN = "00000001821002193000"
_BUSY_SECONDS = 0.005
"""So that no worker can answer all that is asked."""


def make_log() -> Verwerkingenlog:
    """The log that is asked for, behind which is a real register."""
    from verwerkingenlogging.logs.api import ApiLog  # noqa: PLC0415  # each of these only where it is asked for
    from verwerkingenlogging.logs.outbox import OutboxLog  # noqa: PLC0415
    from verwerkingenlogging_django import DjangoLog  # noqa: PLC0415

    api = ApiLog(_given["address"], token=_given["token"], timeout=60)
    if _given["log"] == "outbox":
        return OutboxLog(Path(_given["folder"]) / "outbox", deliver_to=api)
    return DjangoLog(api, worker=True, lease=2.0, poll=0.05) if _given["log"] == "django" else api


settings.configure(
    SECRET_KEY="van een project dat seconden leeft",  # noqa: S106  # and is no secret
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["verwerkingenlogging_django"],
    MIDDLEWARE=["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"],
    DATABASES={"default": {**_given["database"], "ATOMIC_REQUESTS": True, "CONN_MAX_AGE": 60}} if _given["database"] else {},
    VERWERKINGENLOGGING={
        "OIN": _OIN,
        "ACTIVITEITEN": Activiteiten({_OIN: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}),
        "LOG": make_log,
    },
)

from django.core.wsgi import get_wsgi_application  # noqa: E402  # the settings come first
from django.db import connections, transaction  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import URLPattern, path  # noqa: E402

from verwerkingenlogging import log_actie, persoon, recording, verwerkingsactie  # noqa: E402
from verwerkingenlogging.context import current  # noqa: E402
from verwerkingenlogging_django.settings import recorder  # noqa: E402
from verwerkingenlogging_django.transactions import reading  # noqa: E402


@verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
def read(request: HttpRequest, bsn: str) -> JsonResponse:
    """Say which worker answers, and under which id that is recorded."""
    time.sleep(_BUSY_SECONDS)
    under = current().verwerking
    return JsonResponse({"pid": os.getpid(), "verwerking": str(under.id) if under is not None else None})


urlpatterns: list[URLPattern] = [path("<str:bsn>", read)]


def _read_while_loading() -> None:
    with recording(recorder()):
        log_actie("Laden", activiteit="brp", objecten="002308572")


application = get_wsgi_application()
if _given.get("command"):
    pass  # of manage.py, which serves nobody
elif _given["database"]:
    with transaction.atomic(), reading():
        _read_while_loading()
    connections.close_all()  # the application's own: workers that inherit one would speak on it at once
else:
    _read_while_loading()
