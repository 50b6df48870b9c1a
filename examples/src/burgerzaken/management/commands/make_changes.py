"""``make_changes``: change in the register what became known when a zaak was closed."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from burgerzaken import changes
from verwerkingenlogging.logs.api import ApiLog

__all__ = ["Command"]


class Command(BaseCommand):
    """Makes every change that is due. It can be stopped at any time: the rest is made the next time."""

    help = "Wijzig in het register wat bij het afsluiten van een zaak bekend werd."

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the command."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="doe dit steeds opnieuw, met zoveel seconden ertussen")

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        """Do it once, or until it is stopped."""
        register = ApiLog.from_env()
        changes.make(register)
        while every is not None:
            time.sleep(every)
            close_old_connections()
            changes.make(register)
