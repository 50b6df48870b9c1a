"""``manage.py verwerkingen_retry``: offer refused records again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from verwerkingenlogging_django.management._configured_log import configured_log, errors_of_command

__all__ = ["Command"]


class Command(BaseCommand):
    """Offers all refused records again, under the same keys. Remove the cause first."""

    help = "Offer refused verwerkingsacties again."

    def handle(self, **_: Any) -> None:
        """Offer them again, and print how many."""
        with errors_of_command():
            self.stdout.write(f"{configured_log().retry()} records are put back")
