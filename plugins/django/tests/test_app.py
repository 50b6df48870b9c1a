"""The app itself."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command

import verwerkingenlogging_django


def test_a_project_knows_the_app_by_the_name_of_the_standard() -> None:
    assert apps.get_app_config("verwerkingenlogging").name == "verwerkingenlogging_django"


@pytest.mark.django_db
def test_its_migrations_make_the_tables_that_its_models_say() -> None:
    call_command("makemigrations", "verwerkingenlogging", check=True, dry_run=True, verbosity=0, skip_checks=True)


def test_the_log_can_be_imported_from_it_and_nothing_else_is_made_up() -> None:
    from verwerkingenlogging_django._log.django_log import DjangoLog

    assert verwerkingenlogging_django.DjangoLog is DjangoLog
    with pytest.raises(AttributeError, match="has no attribute 'OtherLog'"):
        verwerkingenlogging_django.OtherLog  # noqa: B018  # the error is what is asked for
