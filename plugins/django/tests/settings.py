"""The settings of the Django project in which the plugin is tested."""

from __future__ import annotations

from pathlib import Path

SECRET_KEY = "only for tests"
USE_TZ = True
LANGUAGE_CODE = "nl"
ROOT_URLCONF = "plugins.django.tests.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "verwerkingenlogging_django",
]
MIDDLEWARE: list[str] = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
BASE_DIR = Path(__file__).parent
