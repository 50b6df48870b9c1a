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
    "django.contrib.staticfiles",
    "verwerkingenlogging_django",
    "plugins.django.tests.burgers",
    "simple_history",
    "import_export",
    "reversion",
    "plugins.django.tests.archief",
]
MIDDLEWARE: list[str] = []
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "tweede": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},  # made only for the tests that ask for it
}
BASE_DIR = Path(__file__).parent
