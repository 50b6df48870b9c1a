"""``OutboxLog``: a record is safe on the local disk at once, and delivered to another log, however long that takes."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, get_args

from verwerkingenlogging.errors import ConfigurationError, LogUnavailable
from verwerkingenlogging.logs.delivery.receivers import receiver_of, register_of
from verwerkingenlogging.logs.outbox._environment import read_environment
from verwerkingenlogging.logs.outbox._relay.delivery import Delivery
from verwerkingenlogging.logs.outbox._relay.relay import Relay
from verwerkingenlogging.logs.outbox._storage.folder import Folder
from verwerkingenlogging.logs.outbox._storage.owner import claim
from verwerkingenlogging.logs.outbox._writer.active_segment import ActiveSegment
from verwerkingenlogging.logs.outbox._writer.async_group_commit import AsyncGroupCommit
from verwerkingenlogging.logs.outbox._writer.durable_log import DurableLog, Parts
from verwerkingenlogging.logs.outbox._writer.group_commit import GroupCommit
from verwerkingenlogging.logs.outbox._writer.quota import Quota
from verwerkingenlogging.logs.outbox.encryption import Keys
from verwerkingenlogging.logs.outbox.status import Status, status_of
from verwerkingenlogging.logs.protocol import Receiver, Safety, Verwerkingenlog
from verwerkingenlogging.support import process

__all__ = ["OutboxLog"]

logger = logging.getLogger("verwerkingenlogging.outbox")

_MIB = 1024 * 1024
_BATCH_BYTES = 768 * 1024
"""With keys and the like still less than the megabyte that proxies let through when nobody tells them otherwise."""
_STOP_SECONDS = 2.0


class OutboxLog(DurableLog):
    """Keeps verwerkingsacties in the folder at ``path`` until another log has them::

        OutboxLog("/var/lib/app/outbox", deliver_to=ApiLog.from_env())

    ``log`` and ``alog`` return when the records are safe on the local disk, whether or not the other log can be reached. A thread
    delivers them in order, and tries again until it succeeds, each record under a key that stays the same. Any number of processes
    may share a folder: when one dies, another delivers its records. The folder must be on a disk of this machine.

    Args:
        path: the folder, made with mode 0700 when it is not there.
        deliver_to: the log behind it. A Receiver, such as ``ApiLog``, gets exactly one of each record.
        safety: ``power``: a record survives a power failure; ``process``: it survives whatever happens to the process (kill -9
            too), and costs a tenth. ``power_safe`` and ``process_safe`` are the same outbox at either level.
        keys: file with the keys that encrypt records on the disk (the extra ``encryption``); None: they lie there in clear.
        min_free: bytes that must stay free on the file system; with less, records are refused.
        max_bytes: most bytes that may wait; with more, records are refused.
        max_age: seconds that a record may wait before that is an alarm.
        segment_bytes: size at which a file is followed by the next.
        batch: most records that are delivered at once.

    Raises ConfigurationError when a setting is wrong, the folder cannot be made or written, or is that of another client of the
    register: two applications need a folder each.

    Attributes:
        deliver_to: as it was given.
        wants_spans: whether the log behind it keeps acties as spans, and so needs their place in a trace.
    """

    def __init__(
        self,
        path: str | Path,
        deliver_to: Verwerkingenlog | Receiver,
        *,
        safety: Safety = "power",
        keys: str | Path | None = None,
        min_free: int = 64 * _MIB,
        max_bytes: int = 4096 * _MIB,
        max_age: float = 900.0,
        segment_bytes: int = 16 * _MIB,
        batch: int = 1000,
    ) -> None:
        if safety not in get_args(Safety):
            raise ConfigurationError('outbox: safety must be "power" or "process"')
        if min_free < 0 or not all(each > 0 for each in (max_bytes, max_age, segment_bytes, batch)):  # nor is nan more than 0
            raise ConfigurationError("outbox: max_bytes, max_age, segment_bytes and batch must be more than 0, min_free at least 0")
        self._folder = Folder(Path(path).absolute())
        if not self._folder.is_private:
            logger.warning("outbox %s: others can look into it; run: chmod 700 %s", path, path)
        self._keys = Keys(keys) if keys is not None else None
        self._client: str | None = getattr(deliver_to, "client_id", None)
        self._claim()
        self.deliver_to = deliver_to
        self._max_age = max_age
        self._quota = Quota(self._folder, min_free=min_free, max_bytes=max_bytes)
        receiver, limit = receiver_of(deliver_to, batch)
        self._delivery = Delivery(self._folder, receiver, limit=limit, limit_bytes=_BATCH_BYTES, keys=self._keys)
        self._active_segment = ActiveSegment(self._folder, self._quota, segment_bytes=segment_bytes, deliver=self.start)
        self._group_commit = GroupCommit(self._active_segment.append_and_sync)
        self._async_group_commit = AsyncGroupCommit(self._group_commit.commit)
        parts = Parts(
            active_segment=self._active_segment,
            group_commit=self._group_commit,
            async_group_commit=self._async_group_commit,
            seal=self._keys.seal if self._keys is not None else None,
            wants_spans=bool(getattr(deliver_to, "wants_spans", False)),
        )
        super().__init__(**parts, power=safety == "power")
        self.power_safe: Verwerkingenlog = DurableLog(**parts, power=True)
        self.process_safe: Verwerkingenlog = DurableLog(**parts, power=False)
        self._begin()
        process.register(self)

    _relay: Relay | None

    @classmethod
    def from_env(cls, deliver_to: Verwerkingenlog | Receiver | None = None, environ: Mapping[str, str] | None = None) -> OutboxLog:
        """Read ``VERWERKINGENLOGGING_OUTBOX`` (the folder), and ``…_OUTBOX_SAFETY``, ``KEYS``, ``MIN_FREE``, ``MAX_BYTES``, ``MAX_AGE``.

        ``deliver_to`` is ``ApiLog.from_env()`` when it is left out. Raises ConfigurationError naming the variable.
        """
        environ = os.environ if environ is None else environ
        path, settings = read_environment(environ)
        return cls(path, register_of(environ) if deliver_to is None else deliver_to, **settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Begin to deliver, also records that a former process left. The first record does this too. Raises LogUnavailable.

        Nothing begins in a process of uWSGI that only loads the application, nor where that lets no thread go on by itself; the latter
        is logged as an error. What is recorded there is safe, and another process delivers it.
        """
        process.check()
        try:
            self._claim()  # somebody else may have taken it since, while nothing was in it
        except ConfigurationError as error:
            raise LogUnavailable(str(error)) from None
        with self._lock:
            self._start()

    def _claim(self) -> None:
        if self._client is not None:
            try:
                claim(self._folder, self._client)
            except OSError as error:
                raise ConfigurationError(f"outbox: {self._folder.path}: whose it is cannot be read ({error.strerror})") from None

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything that was logged before now is delivered. False when that took more than ``timeout`` seconds.

        Raises LogUnavailable when nothing can be delivered from here, OSError when the folder cannot be read.
        """
        process.check()
        with self._lock:
            relay = self._start()
        if relay is None:
            raise LogUnavailable("outbox: no thread can deliver from here")
        return relay.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what can be delivered in ``timeout`` seconds, and stop. The rest is safe, and the next process delivers it."""
        process.check()
        self._active_segment.close()
        with self._lock:
            relay, self._relay = self._relay, None
        if relay is not None:
            if timeout > 0:
                with suppress(OSError):  # the folder cannot be read: what is in it waits for the next process
                    relay.flush(timeout)
            relay.stop(_STOP_SECONDS)
        close = getattr(self.deliver_to, "close", None)
        if close is not None:
            close()

    async def aclose(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  # of the delivery, not of this coroutine
        """The same on an event loop of asyncio, without blocking it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.close(timeout)
        else:
            await asyncio.to_thread(self.close, timeout)

    def status(self) -> Status:
        """The state of the whole outbox, of all processes together. Raises OSError.

        It reads all that waits, seconds for a million records: on an event loop, call it in a thread.
        """
        return status_of(self._folder, max_age=self._max_age, min_free=self._quota.min_free, max_bytes=self._quota.max_bytes)

    def after_fork(self) -> None:
        """In a forked child: begin anew. For ``support.process``."""
        self._active_segment.after_fork()
        self._group_commit.after_fork()
        self._async_group_commit.after_fork()
        inherited = self._relay
        self._begin()
        if inherited is not None:
            inherited.disown()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._relay = None
        self._told = False

    def _start(self) -> Relay | None:
        """What delivers, if anything may. Raises LogUnavailable when there is no thread for that."""
        if self._relay is None:
            why_not = process.no_threads()
            if why_not is not None:
                self._tell(why_not)
                return None
            try:
                self._relay = Relay(self._folder, self._delivery, max_age=self._max_age, housekeeping=self._active_segment.keep_house)
            except RuntimeError:  # as many as this process may have, or the interpreter is ending
                raise LogUnavailable("outbox: the thread that delivers could not be started") from None
        return self._relay

    def _tell(self, why_not: process.NoThreads) -> None:
        if why_not is process.NoThreads.STILL and not self._told:
            self._told = True
            logger.error(
                "outbox %s: nothing is delivered by this process: %s, or let `verwerkingenlogging outbox flush` run every few minutes",
                self._folder.path,
                why_not.value,
            )
