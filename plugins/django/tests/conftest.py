"""What the tests of the Django plugin share: Django itself, set up before any of them is imported."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plugins.django.tests.settings")
django.setup()
