"""``manage.py verwerkingen_status``: show what waits, what was refused, and who delivers."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from verwerkingenlogging_django._log.status import Status
from verwerkingenlogging_django.management._configured_log import configured_log, errors_of_command

__all__ = ["Command"]


class Command(BaseCommand):
    """Prints the status of the log, without personal data. Exit status 1 when somebody must look."""

    help = "Show what waits, what was refused, and who delivers. Exit status 1 when somebody must look."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--json``."""
        parser.add_argument("--json", action="store_true", help="write one JSON object, for other programs")

    def handle(self, *, json: bool, **_: Any) -> None:
        """Print it. Raises SystemExit with status 1 when there is an alarm."""
        with errors_of_command():
            found = configured_log().status()
        self.stdout.write(_as_json(found) if json else "\n".join(_as_text(status) for status in found))
        if any(status.alarms for status in found):
            sys.exit(1)


def _as_json(found: tuple[Status, ...]) -> str:
    return json.dumps([status.as_dict() for status in found])


def _as_text(status: Status) -> str:
    oldest = "" if status.oldest_seconds is None else f", the oldest for {status.oldest_seconds:.0f} s"
    lines = [
        f"database  {status.database}",
        f"waiting   {status.waiting} records{oldest}",
        f"refused   {status.refused} records",
        f"relay     {status.relay or 'none'}",
        *(f"alarm     {alarm}" for alarm in status.alarms),
    ]
    return "\n".join(lines)
