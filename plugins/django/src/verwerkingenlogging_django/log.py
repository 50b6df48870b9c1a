"""A log in the application's own database: a record and the change that it describes are committed together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections

from verwerkingenlogging.errors import ConfigurationError, NotRecorded
from verwerkingenlogging.logs.outbox.sealing import Keys
from verwerkingenlogging.logs.protocol import Receiver, Verwerkingenlog
from verwerkingenlogging.model import Verwerkingsactie
from verwerkingenlogging_django import transactions
from verwerkingenlogging_django.rows import rows_of
from verwerkingenlogging_django.writing import is_a_test, is_open, write, write_apart

__all__ = ["DjangoLog"]

Target = Verwerkingenlog | Receiver


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
        keys: file with the keys that encrypt the records in the database (the extra ``encryption``); None: they are there in clear.

    Raises ConfigurationError when an alias is not in ``DATABASES``, or the key file is wrong.

    Attributes:
        databases: all of them, the first of which takes what belongs to no other.
    """

    def __init__(
        self,
        deliver_to: Target | Callable[[], Target] | None = None,
        *,
        database: str = DEFAULT_DB_ALIAS,
        databases: Sequence[str] = (),
        keys: str | Path | None = None,
    ) -> None:
        self.databases = tuple(dict.fromkeys((database, *databases)))
        for alias in self.databases:
            if alias not in connections.settings:
                raise ConfigurationError(f"DjangoLog: database {alias!r} is not in settings.DATABASES")
        self.keys = Keys(keys) if keys is not None else None
        self._make, self._target = _made_or_made_of(deliver_to)

    @property
    def deliver_to(self) -> Target | None:
        """The log behind it, made now if it was not yet."""
        if self._target is None and self._make is not None:
            self._target = self._make()
        return self._target

    @property
    def wants_spans(self) -> bool:
        """Whether the log behind it keeps acties as spans, and so needs their place in a trace."""
        return bool(getattr(self.deliver_to, "wants_spans", False))

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        """Write ``acties``: all of them, or an error. Raises NotRecorded; a transaction that failed to take them is rolled back."""
        if not acties:
            return
        rows = rows_of(acties, self.keys)
        mode = transactions.mode()
        alias = self.databases[0] if mode.reads else self._of_the_change(mode.using)
        connection = connections[alias]
        if mode.reads and is_open(connection) and not is_a_test(connection):
            write_apart(connection, rows)
        else:
            write(connection, rows)

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        """The same for asynchronous code, in the thread in which Django lets it use its database."""
        if acties:
            await sync_to_async(self.log, thread_sensitive=True)(acties)

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


def _made_or_made_of(deliver_to: Target | Callable[[], Target] | None) -> tuple[Callable[[], Target] | None, Target | None]:
    """What makes the log, or the log itself."""
    if deliver_to is None or (hasattr(deliver_to, "log") and not isinstance(deliver_to, type)):
        return None, cast("Target | None", deliver_to)
    return cast("Callable[[], Target]", deliver_to), None
