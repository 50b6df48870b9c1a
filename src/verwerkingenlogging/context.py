"""The context of the code that runs: on whose behalf, at whose request, and within which verwerking.

A middleware opens a context for each request; a job, a command or a script opens one with ``recording(recorder)``. It ends with that
request or job, and it remembers whether something in it could not be recorded.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar
from uuid import UUID

from verwerkingenlogging._context import Context
from verwerkingenlogging.errors import OutsideContext
from verwerkingenlogging.model import Vertrouwelijkheid, check_vertrouwelijkheid
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.model.limits import check_bewaartermijn, check_naam
from verwerkingenlogging.model.trace import Trace
from verwerkingenlogging.model.verwerking import Verwerking
from verwerkingenlogging.recorder import Recorder

__all__ = ["Context", "Fallback", "carried", "current", "enter", "leave", "recording", "verwerking"]

logger = logging.getLogger("verwerkingenlogging")


class Fallback:
    """For tests: makes a context for code that has none; see ``testing.capture``."""

    make: ClassVar[Callable[[], Context] | None] = None


_current: ContextVar[Context] = ContextVar("verwerkingenlogging")


def current() -> Context:
    """The context of the calling code. Raises OutsideContext when there is none.

    What runs on after its request or job gets one of its own at each call: no user, no afnemer and no verwerking of a request that is
    over. See ``carried`` for what belongs to it all the same.
    """
    try:
        context = _current.get()
    except LookupError:
        if Fallback.make is not None:
            return Fallback.make()
        raise OutsideContext(
            "no verwerkingenlogging context here: add the middleware, open one around a job with recording(recorder), or give a thread "
            "the context variables of its request, as asyncio.to_thread does and executor.submit(carried().run, function)"
        ) from None
    return context if not (context.root or context).ended else _after(context)


def _after(context: Context) -> Context:
    """For what runs on after its request, such as a worker that the first request started: it may well serve somebody else now.

    Nothing of that request is said of it but its confidentiality. Raises OutsideContext where each request has an organisation of its
    own, for then it is not known on whose behalf this is done.
    """
    root = context.root or context
    if not root.warned:
        root.warned = True
        root.recorder.faults["context: code runs on after its request"] += 1
        logger.warning(
            "code runs on after the request or job in which it was started, so it is recorded as a verwerking of its own, without user; "
            "give a worker recording(recorder), and a task that belongs to the request create_task(…, context=carried())"
        )
    if root.oin is not None:
        raise OutsideContext(
            "code runs on after its request, and on behalf of which organisation is unknown: give a worker recording(recorder, oin=…), "
            "and a task that belongs to the request create_task(…, context=carried())"
        )
    strict, under = Vertrouwelijkheid.VERTROUWELIJK, context.verwerking
    hidden = strict in (context.caller.vertrouwelijkheid, under.vertrouwelijkheid if under else None)
    verwerking = Verwerking(id=root.recorder.new_id(), vertrouwelijkheid=strict) if hidden else None
    return Context(root.recorder, verwerking=verwerking, configured=_of_no_request(root))


def _of_no_request(root: Context) -> tuple[tuple[Any, Any], ...] | None:
    """The configurations of routes that count there, for what is not called by a route."""
    return root.configured and tuple((functions, None) for functions, _ in root.configured)


def carried() -> contextvars.Context:
    """A copy of the context variables, for work that goes on after its request or job and still belongs to it::

        asyncio.create_task(send_letter(bsn), context=carried())
        executor.submit(carried().run, send_letter, bsn)

    Records that are made in it belong to the same verwerking, user, caller and organisation. Each call gives a new copy. A worker
    that serves many requests uses ``recording(recorder)`` around each piece of work instead. Raises OutsideContext.
    """
    around = current()
    context = Context(around.recorder, around.caller, around.oin, around.gebruiker, around.decided(), around.trace)
    context.outer = around.root or around
    context.configured = context.outer.configured
    copy = contextvars.copy_context()
    copy.run(enter, context)
    return copy


# Not functions around these: each is called several times in a request.
enter = _current.set
"""Make a context the current one; gives the token for ``leave``. For adapters; application code uses ``recording`` and ``verwerking``."""
leave = _current.reset
"""Go back to what was current before ``enter`` gave this token."""


@contextmanager
def recording(
    recorder: Recorder,
    *,
    oin: str | None = None,
    caller: Doelbinding = NO_DOELBINDING,
    gebruiker: str | None = None,
    trace: Trace | None = None,
) -> Iterator[Context]:
    """Open a context around a job, a command or a script, which no middleware surrounds.

    ``oin`` is the organisation on whose behalf the work is done, if not that of the settings. ``gebruiker`` is a meaningless key of
    the user (B9207). ``trace`` is the trace of whoever started the work, as ``read_trace`` reads it from the headers of a message.
    """
    context = Context(recorder, oin=oin, caller=caller, gebruiker=(lambda: gebruiker) if gebruiker else None, trace=trace)
    around = _current.get(None)
    context.outer = around and (around.root or around)
    context.configured = None if context.outer is None else _of_no_request(context.outer)
    token = enter(context)
    try:
        yield context
    finally:
        leave(token)
        context.ended = True


@contextmanager
def verwerking(
    naam: str | None = None,
    *,
    id: UUID | str | None = None,  # the standard's name for it
    activiteit: str | None = None,
    handeling_naam: str | None = None,
    vertrouwelijkheid: Vertrouwelijkheid | None = None,
    bewaartermijn: str | None = None,
) -> Iterator[Verwerking]:
    """Let all acties inside this block belong to one verwerking (B8157)::

        with verwerking("Huwelijk", id=zaak.uuid, activiteit="brp-registratie"):
            ...

    Without ``id`` it gets a new one. Store that id with the case if its term or confidentiality may change later (R8). Every other
    attribute that is left out is taken from the verwerking around it. Raises OutsideContext when there is no context, InvalidValue
    when a value breaks a limit, and ValueError when ``id`` is not a UUID.
    """
    around = current()
    for field, text in (("naam", naam), ("handeling_naam", handeling_naam)):
        if text is not None:
            check_naam(field, text)
    if bewaartermijn is not None:
        check_bewaartermijn("bewaartermijn", bewaartermijn)
    if vertrouwelijkheid is not None:
        vertrouwelijkheid = check_vertrouwelijkheid("vertrouwelijkheid", vertrouwelijkheid)
    outer = around.verwerking
    inner = Verwerking(
        id=UUID(str(id)) if id is not None else around.recorder.new_id(),
        naam=naam or (outer.naam if outer else None),
        handeling_naam=handeling_naam,
        activiteit=activiteit or (outer.activiteit if outer else None),
        vertrouwelijkheid=vertrouwelijkheid or (outer.vertrouwelijkheid if outer else None),
        bewaartermijn=bewaartermijn or (outer.bewaartermijn if outer else None),
    )
    token = enter(around.within(inner, around.trace))
    try:
        yield inner
    finally:
        leave(token)
