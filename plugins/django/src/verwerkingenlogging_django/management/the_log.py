"""The log that the commands are about."""

from __future__ import annotations

from django.core.management.base import CommandError

from verwerkingenlogging.errors import VerwerkingenloggingError
from verwerkingenlogging_django.log import DjangoLog
from verwerkingenlogging_django.settings import recorder

__all__ = ["the_log"]


def the_log() -> DjangoLog:
    """The log in the settings. Raises CommandError when it is no DjangoLog, or the settings are wrong."""
    try:
        log = recorder().log
    except VerwerkingenloggingError as error:
        raise CommandError(str(error)) from None
    if not isinstance(log, DjangoLog):
        raise CommandError(
            f'settings.VERWERKINGENLOGGING["LOG"] gives a {type(log).__name__}, which delivers by itself; this command is for a DjangoLog'
        )
    return log
