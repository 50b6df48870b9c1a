"""The app itself."""

from __future__ import annotations

from django.apps import apps


def test_a_project_knows_the_app_by_the_name_of_the_standard() -> None:
    assert apps.get_app_config("verwerkingenlogging").name == "verwerkingenlogging_django"
