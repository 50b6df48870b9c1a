"""The transactional outbox of Django: a record is a row in the application's own database.

The record and the change that it describes are committed together, or neither is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections

from verwerkingenlogging.errors import ConfigurationError, NotRecorded
from verwerkingenlogging.logs.delivery.receivers import receiver_of
from verwerkingenlogging.logs.outbox.encryption import Keys
from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging.support import process
from verwerkingenlogging_django._log.delivery import Delivery
from verwerkingenlogging_django._log.destination import Target, make_target, target_or_factory
from verwerkingenlogging_django._log.relay import Relay
from verwerkingenlogging_django._log.repository import put_back
from verwerkingenlogging_django._log.rows import rows_of
from verwerkingenlogging_django._log.second_connection import close_second_connections
from verwerkingenlogging_django._log.status import Status, status_of
from verwerkingenlogging_django._log.worker import Worker
from verwerkingenlogging_django._log.writer import is_open, is_test_database, write, write_on_second_connection
from verwerkingenlogging_django._transaction_mode import mode as transaction_mode

__all__ = ["DjangoLog"]


class DjangoLog:
    """Keeps verwerkingsacties as rows in the application's database until another log has them::

        DjangoLog(ApiLog.from_env)

    A record of a **change** is written in the transaction that is open: both commit, or neither does. Where none is open it is
    committed at once, before the change. A record of **reading** is committed at once, also where a transaction is open: on a
    second connection then, so that it stays when the view is rolled back. ``transactions`` says which of the two code is.

    ``manage.py verwerkingen_deliver`` brings the records to the log behind it, or a thread of the application itself, each under a
    key that stays the same, and deletes them here.

    Args:
        deliver_to: the log behind it, or what makes it when it is first needed. None: nothing is delivered from this process.
            One that is a Receiver, such as ``ApiLog``, ends with exactly one of each record.
        database: the alias of the database that records go to.
        databases: the aliases of others that the application changes, with the same table. A record goes to the one in whose
            transaction it is made; where transactions are open on several, ``transactions.changing(using=…)`` must say which.
        session: names of the settings of a PostgreSQL session, such as ``app.tenant``, that the application sets and that policies or
            triggers of the table read. They hold on the second connection too, as the role and the schema do without being named.
        keys: file with the keys that encrypt the records in the database (the extra ``encryption``); None: they are there in clear.
        worker: whether a thread of each process that serves requests delivers too, so that no process apart is needed for it.
        batch: most records that are delivered at once.
        lease: seconds after which another delivers when the process that did is killed.
        poll: seconds between looks when nothing waits.
        max_age: seconds that a record may wait before that is an alarm.

    Raises ConfigurationError when an alias is not in ``DATABASES``, ``deliver_to`` is neither, or missing beside ``worker``, the key file
    is wrong, or a number is not more than 0.

    Attributes:
        databases: all of them, the first of which takes what belongs to no other.
        keys: what encrypts records, if anything does.
        max_age: as it was given.
    """

    def __init__(
        self,
        deliver_to: Target | Callable[[], Target] | None = None,
        *,
        database: str = DEFAULT_DB_ALIAS,
        databases: Sequence[str] = (),
        session: Sequence[str] = (),
        keys: str | Path | None = None,
        worker: bool = False,
        batch: int = 500,
        lease: float = 30.0,
        poll: float = 0.5,
        max_age: float = 900.0,
    ) -> None:
        if not all(each > 0 for each in (batch, lease, poll, max_age)):  # nor is nan more than 0
            raise ConfigurationError("DjangoLog: batch, lease, poll and max_age must be more than 0")
        if worker and deliver_to is None:
            raise ConfigurationError("DjangoLog: worker=True delivers, so deliver_to must be given: the log behind it")
        self.databases = tuple(dict.fromkeys((database, *databases)))
        for alias in self.databases:
            if alias not in connections.settings:
                raise ConfigurationError(f"DjangoLog: database {alias!r} is not in settings.DATABASES")
        self.keys = Keys(keys) if keys is not None else None
        self.max_age = max_age
        self._session = tuple(session)
        self._make, self._target = target_or_factory(deliver_to)
        self._batch, self._lease, self._poll = batch, lease, poll
        self._worker = Worker(self.relay) if worker else None

    @property
    def deliver_to(self) -> Target | None:
        """The log behind it, made now if it was not yet. Raises ConfigurationError when it cannot be made."""
        if self._target is None and self._make is not None:
            self._target = make_target(self._make)
        return self._target

    @property
    def wants_spans(self) -> bool:
        """Whether the log behind it keeps acties as spans, and so needs their place in a trace."""
        return bool(getattr(self.deliver_to, "wants_spans", False))

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Write all ``acties``. Raises NotRecorded when that fails, and then the transaction is rolled back."""
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        if not acties:
            return
        rows = rows_of(acties, self.keys)
        mode = transaction_mode()
        alias = self.databases[0] if mode.reads else self._of_the_change(mode.using)
        connection = connections[alias]
        if mode.reads and is_open(connection) and not is_test_database(connection):
            write_on_second_connection(connection, rows, self._session)
        else:
            write(connection, rows)
        if process.no_threads() is process.NoThreads.LOADING:  # whom it forks must not find these open
            close_second_connections()
            if not is_open(connection):
                connection.close()

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same for asynchronous code, in the thread in which Django lets it use its database."""
        if acties:
            await sync_to_async(self.log, thread_sensitive=True)(acties)

    def start(self) -> None:
        """With ``worker``, begin to deliver with the first request that a server hands to this process."""
        if self._worker is not None:
            self._worker.watch()

    def close(self, timeout: float = 5.0) -> None:
        """Stop that thread after the current batch, waiting at most ``timeout`` seconds. Then close the log behind it.

        What still waits is safe.
        """
        if self._worker is not None:
            self._worker.stop(timeout)
        close = getattr(self._target, "close", None)
        if close is not None:
            close()

    def flush(self, timeout: float = 30.0) -> bool:
        """Deliver what was written before now, or wait until another process has. False when that took too long.

        Raises ConfigurationError when it is not known whereto.
        """
        return self.relay().flush(timeout)

    def status(self) -> tuple[Status, ...]:
        """The state of each database. Raises what Django does."""
        return tuple(status_of(alias, max_age=self.max_age) for alias in self.databases)

    def retry(self) -> int:
        """Offer all refused records again, under the same keys; gives their number. Raises what Django does."""
        return sum(put_back(alias) for alias in self.databases)

    def relay(self) -> Relay:
        """The relay of all databases, which delivers in the thread that runs it. Raises ConfigurationError without a log behind it."""
        target = self.deliver_to
        if target is None:
            raise ConfigurationError(
                "DjangoLog: deliver_to is not given, so nothing can be delivered from here; give it the log behind it, such as "
                "DjangoLog(ApiLog.from_env)"
            )
        receiver, limit = receiver_of(target, self._batch)
        deliveries = [Delivery(alias, receiver, limit=limit, keys=self.keys) for alias in self.databases]
        return Relay(deliveries, lease=self._lease, poll=self._poll)

    def _of_the_change(self, using: str | None) -> str:
        """The database in whose transaction a record of a change is made. Raises NotRecorded when that cannot be known."""
        if using is not None:
            if using not in self.databases:
                raise NotRecorded(f"DjangoLog: changing(using={using!r}) names a database that it was not given; add it to databases")
            return using
        if len(self.databases) == 1:
            return self.databases[0]
        found = [alias for alias in self.databases if is_open(connections[alias])]
        if len(found) > 1:
            names = " and ".join(found)
            raise NotRecorded(
                f"DjangoLog: transactions are open on {names}; say to which change it belongs: transactions.changing(using=…)"
            )
        return found[0] if found else self.databases[0]
