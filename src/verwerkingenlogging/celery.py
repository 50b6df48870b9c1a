"""Celery: what a task records belongs to the request that sent it (needs the extra ``celery``)::

    app = Celery("zaken", broker=...)
    carry_context(recorder)

Who asked, on whose behalf, which user and within which verwerking go along in a header of the message, and around each task there is a
context of its own. That holds for all tasks of the process, whatever their class, and however they are sent: by name, in a chain, group
or chord, by a retry, on a schedule, and in eager mode. What is not recorded is not processed: the task fails with NotRecorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from contextlib import ExitStack
from typing import Any

import msgspec

from verwerkingenlogging.context import Context, _current, current, recording
from verwerkingenlogging.errors import OutsideContext
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.model.trace import Trace
from verwerkingenlogging.model.verwerking import Verwerking
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[celery]"):
    from celery import signals  # type: ignore[import-untyped]  # it has no types

__all__ = ["HEADER", "carry_context"]

HEADER = "verwerkingenlogging"
"""Name of the message header. It holds ids, names of verwerkingen and terms; the user as the meaningless key that is logged."""
_OPENED = "_verwerkingenlogging"
_UID = "verwerkingenlogging.celery"
logger = logging.getLogger("verwerkingenlogging")


class _Carried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What goes along with a message.

    Attributes:
        known: False where it is unknown on whose behalf the task was sent: then it records nothing, and so processes nothing.
    """

    caller: Doelbinding = NO_DOELBINDING
    oin: str | None = None
    gebruiker: str | None = None
    verwerking: Verwerking | None = None
    trace: Trace | None = None
    known: bool = True


_UNKNOWN = _Carried(known=False)


def carry_context(recorder: Recorder | Callable[[], Recorder]) -> None:
    """Let each Celery task record as the request that sent it. Call it beside the Celery app, which sender and worker import.

    ``recorder`` makes the records of tasks, or is a function that gives it, asked for each task. A second call replaces the first.
    A task that was sent where no context is, such as on a schedule, records on behalf of the settings' organisation.
    """
    give = recorder if callable(recorder) else lambda: recorder
    receivers: dict[Any, Callable[..., None]] = {
        signals.before_task_publish: _before_publish,
        signals.task_prerun: _before_task(give),
        signals.task_postrun: _after_task,
    }
    for signal, receiver in receivers.items():
        signal.disconnect(dispatch_uid=_UID)
        signal.connect(receiver, weak=False, dispatch_uid=_UID)


def _before_publish(headers: MutableMapping[str, Any], **_: Any) -> None:
    """Before a message leaves: also one that a task sends, that carries on a chain, or that tries again."""
    carried = _under_way()
    if carried is not None:
        headers[HEADER] = msgspec.to_builtins(carried)


def _under_way() -> _Carried | None:
    """What is under way here; None where nothing is, as in a script or the process that sends what is on a schedule."""
    if _current.get(None) is None:
        return None
    try:
        context = current()
        gebruiker = context.gebruiker() if context.gebruiker is not None else None
    except Exception as error:  # OutsideContext, or the application's, which may ask a database here
        what = str(error) if isinstance(error, OutsideContext) else f"the user is not known: {type(error).__name__} was raised"
        # Without the traceback: what the application raised may repeat what it had.
        logger.error("a task is sent that can record nothing, and so will do nothing: %s", what)  # noqa: TRY400  # as said above
        return _UNKNOWN
    return _Carried(caller=context.caller, oin=context.oin, gebruiker=gebruiker, verwerking=_decided(context), trace=context.trace)


def _decided(context: Context) -> Verwerking:
    """The verwerking under way. A task that is sent before the first record decides it, or each task of a group would have its own."""
    if context.verwerking is None:
        context.verwerking = Verwerking(id=context.recorder.new_id())
    return context.verwerking


def _before_task(give: Callable[[], Recorder]) -> Callable[..., None]:
    def receive(task: Any, **_: Any) -> None:
        """Open a context around a task. Where there is none, what is annotated refuses to run."""
        request = task.request
        carried = _under_way() if request.is_eager else _received(request)
        if carried is None:
            carried = _Carried()
        if carried.known:
            opened = ExitStack()
            given = give()
            context = opened.enter_context(
                recording(given, oin=carried.oin, caller=carried.caller, gebruiker=carried.gebruiker, trace=carried.trace)
            )
            context.verwerking = carried.verwerking
            setattr(request, _OPENED, opened)

    return receive


def _received(request: Any) -> _Carried | None:
    """What came with the message of a task; None when nothing did."""
    header = request.get(HEADER)
    if header is None:
        return None
    try:
        return msgspec.convert(header, _Carried)
    except msgspec.ValidationError:
        # Nor its message, which may repeat what it found.
        logger.error("a task came whose header %s cannot be read: it will record nothing, and so do nothing", HEADER)  # noqa: TRY400  # as said above
        return _UNKNOWN


def _after_task(task: Any, **_: Any) -> None:
    opened = getattr(task.request, _OPENED, None)
    if opened is not None:
        opened.close()
