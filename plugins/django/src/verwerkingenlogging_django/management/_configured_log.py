"""Shared by the commands: the configured log, and how errors are reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import Error as DatabaseError

from verwerkingenlogging.errors import VerwerkingenloggingError
from verwerkingenlogging_django._log.django_log import DjangoLog
from verwerkingenlogging_django.settings import recorder

__all__ = ["configured_log", "errors_of_command"]


@contextmanager
def errors_of_command() -> Iterator[None]:
    """Raises CommandError for wrong settings, and for a database that does not answer or lacks the tables."""
    try:
        yield
    except VerwerkingenloggingError as error:
        raise CommandError(str(error)) from None
    except DatabaseError as error:
        what = str(error).partition("\n")[0]  # these commands ask for nothing that is personal data, so it is not in the text either
        raise CommandError(
            f"{type(error).__name__}: {what}; where the table is missing, run: manage.py migrate verwerkingenlogging"
        ) from error


def configured_log() -> DjangoLog:
    """The log of the settings. Raises CommandError when it is no DjangoLog, VerwerkingenloggingError for wrong settings."""
    log = recorder().log
    if not isinstance(log, DjangoLog):
        raise CommandError(
            f'settings.VERWERKINGENLOGGING["LOG"] gives a {type(log).__name__}, which delivers by itself; this command is for a DjangoLog'
        )
    return log
