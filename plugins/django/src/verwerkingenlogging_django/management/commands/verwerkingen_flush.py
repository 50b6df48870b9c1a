"""``manage.py verwerkingen_flush``: deliver what waits now, and end."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from verwerkingenlogging_django.management._configured_log import configured_log, errors_of_command

__all__ = ["Command"]


class Command(BaseCommand):
    """Delivers what was written before now, or waits until another process has. Exit status 1 when that took too long."""

    help = "Deliver what waits now, and end when that is done."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--timeout``."""
        parser.add_argument("--timeout", type=float, default=60.0, help="seconds that it may take (%(default)s)")

    def handle(self, *, timeout: float, **_: Any) -> None:
        """Deliver. Raises CommandError when something still waits, or the settings name no log to deliver to."""
        with errors_of_command():
            log = configured_log()
            if not log.flush(timeout):
                waiting = sum(status.waiting for status in log.status())
                raise CommandError(f"not all was delivered within {timeout:g} s: {waiting} records wait; the log says why")
