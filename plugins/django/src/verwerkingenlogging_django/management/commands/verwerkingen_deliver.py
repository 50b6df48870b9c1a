"""``manage.py verwerkingen_deliver``: deliver the records of the database to the log behind it, until stopped."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from verwerkingenlogging_django.management._configured_log import configured_log, errors_of_command

__all__ = ["Command"]

_STOP = frozenset({signal.SIGTERM, signal.SIGINT})


class Command(BaseCommand):
    """Delivers until SIGTERM or SIGINT, after the current batch. Several may run: one delivers, the others stand by."""

    help = "Deliver verwerkingsacties from the database to the log behind it, until this is stopped. Several may run at once."

    def handle(self, **_: Any) -> None:
        """Deliver. Raises CommandError when the settings name no log to deliver to."""
        with errors_of_command():
            log = configured_log()
            relay = log.relay()
        self.stdout.write(f"delivering from {', '.join(log.databases)}, until SIGTERM or Ctrl-C")
        self.stdout.flush()  # where it is no terminal, such as in a journal
        # In a thread, for a handler might come at a moment at which it could wake nobody.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        try:
            thread = threading.Thread(target=relay.run, name="verwerkingenlogging-django", daemon=True)
            thread.start()
            signal.sigwait(_STOP)
            relay.stopping.set()
            thread.join()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
