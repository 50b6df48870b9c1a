"""The settings of the Django application that is killed: where it is, the environment says."""

from __future__ import annotations

import json
import os
from typing import Any
from uuid import UUID

from verwerkingenlogging import Activiteit, Activiteiten

_given: dict[str, Any] = json.loads(os.environ["CRASH_DJANGO"])
_OIN = "00000099123456780000"

SECRET_KEY = "of a project that lives for seconds"  # noqa: S105  # see its text
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "crash.django_urls"
INSTALLED_APPS = ["verwerkingenlogging_django"]
MIDDLEWARE = ["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"]
DATABASES = {"default": {**_given["database"], "ATOMIC_REQUESTS": True, "CONN_MAX_AGE": None}}
VERWERKINGENLOGGING = {
    "OIN": _OIN,
    "ACTIVITEITEN": Activiteiten({_OIN: [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}),
    "LOG": "crash.django_urls.make_log",
}
ADDRESS: str = _given["address"]
TOKEN: str = _given["token"]
