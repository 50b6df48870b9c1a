"""Makes new partitions in time, so that a server that runs for a year finds one for every month (PostgreSQL)."""

from __future__ import annotations

import logging
import threading

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from verwerkingenlogging.errors import VerwerkingenloggingError
from verwerkingenlogging_register._database.engines import open_writer, reason_of
from verwerkingenlogging_register._database.schema import make_partitions

__all__ = ["Months"]

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 12 * 60 * 60


class Months:
    """Makes the partitions of this month and some ahead: now, and twice a day in a thread of its own.

    When that fails it is logged and tried again: meanwhile the default partition takes what has no month.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="verwerkingenlog-months", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            engine = open_writer(self._url)
            try:
                with engine.begin() as connection:
                    make_partitions(connection)
            except (DBAPIError, VerwerkingenloggingError) as error:
                logger.warning("the partitions of new months could not be made: %s", reason_of(error))
            finally:
                engine.dispose()
            if self._stopped.wait(_EVERY_SECONDS):
                return
