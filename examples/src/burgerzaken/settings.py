"""The settings of burgerzaken. What a deployment decides comes from the environment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from burgerzaken.deployment import database, own

BASE_DIR = Path(__file__).parent
SECRET_KEY = os.environ.get("BURGERZAKEN_SECRET_KEY") or secrets.token_urlsafe(50)
"""Nothing is signed here that must be valid after a restart."""
ALLOWED_HOSTS = ["127.0.0.1", "localhost", *filter(None, os.environ.get("BURGERZAKEN_HOSTS", "").split(","))]

INSTALLED_APPS = ["django.contrib.contenttypes", "rest_framework", "verwerkingenlogging_django", "burgerzaken"]
MIDDLEWARE = ["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"]
ROOT_URLCONF = "burgerzaken.urls"
WSGI_APPLICATION = "burgerzaken.wsgi.application"
DATABASES = {"default": database(os.environ.get("BURGERZAKEN_DATABASE", "burgerzaken.sqlite"))}
LANGUAGE_CODE = "nl"
TIME_ZONE = "Europe/Amsterdam"
USE_TZ = True

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "burgerzaken.problems.answer",
    # Employees are not authenticated and persons are not authorised here: that is no part of logging.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

GEGEVENSMAGAZIJN = os.environ.get("BURGERZAKEN_GEGEVENSMAGAZIJN", "http://127.0.0.1:8002")
LONGEST_REQUEST_SECONDS = float(os.environ.get("BURGERZAKEN_LONGEST_REQUEST_SECONDS", "30"))
"""How long a request may take: as long as the server lets it."""

VERWERKINGENLOGGING = {
    # What the application knows of itself; the environment may say otherwise.
    "OIN": own("OIN", "00000001821002193000"),
    "ACTIVITEITEN": own("ACTIVITEITEN", str(BASE_DIR / "activiteiten.toml")),
    "SYSTEEM": own("SYSTEEM", "FooBarApp v2.1"),
    "GEGEVENSBRON": own("GEGEVENSBRON", "FooBar Database Publiekszaken"),
    "UITVOERDER": own("UITVOERDER", None),
    "LOG": "burgerzaken.log.make_log",
    "GEBRUIKER": "burgerzaken.log.medewerker",
}
