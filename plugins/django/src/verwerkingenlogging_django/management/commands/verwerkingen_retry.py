"""``manage.py verwerkingen_retry``: let what was refused be delivered again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from verwerkingenlogging_django.management._configured_log import configured_log, errors_of_command

__all__ = ["Command"]


class Command(BaseCommand):
    """Puts all that was refused back, under the keys that it had. Mend the cause first."""

    help = "Offer refused verwerkingsacties again."

    def handle(self, **_: Any) -> None:
        """Put back, and say how many."""
        with errors_of_command():
            self.stdout.write(f"{configured_log().retry()} records are put back")
