"""What is under way here and now: on whose behalf, at whose request, within which verwerking.

A middleware opens a context for each request; a job, a command or a script opens one with ``recording(recorder)``. It ends with that
request or job, and it remembers whether something in it could not be recorded.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from verwerkingenlogging.errors import FaultyRequest, NotRecorded, OutsideContext
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, check_vertrouwelijkheid, filled
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.model.limits import check_bewaartermijn, check_naam
from verwerkingenlogging.model.trace import Trace, new_span, new_trace
from verwerkingenlogging.recorder import Recorder, Template, Verwerking
from verwerkingenlogging.support import process
from verwerkingenlogging.support.representation import as_repr

__all__ = ["Context", "Fallback", "carried", "current", "enter", "leave", "recording", "verwerking"]

logger = logging.getLogger("verwerkingenlogging")

_deciding = threading.Lock()


@process.in_child
def _after_fork() -> None:
    """A thread that the child does not have may have held it."""
    global _deciding  # noqa: PLW0603  # there is one in a process
    _deciding = threading.Lock()


class Context(msgspec.Struct, eq=False):
    """Everything about an actie that its annotation does not say.

    Attributes:
        recorder: makes the acties and has the log.
        caller: doelbinding of who asked, as far as it is believed.
        oin: organisation on whose behalf, or None for the settings' own.
        gebruiker: gives the meaningless key of the user, or None (B9207). Asked at each actie, not when the request comes
            in: many applications authenticate in the view. Where it has a function ``prepare``, asynchronous code calls that
            first, and awaits what it gives, if anything: there it can fetch the user without blocking.
        verwerking: the task under way. Filled by the first actie, so that all that happens in one request, background
            tasks included, belongs to one verwerking.
        trace: where the next actie stands in a trace; None until there is one, and where the log has no use for it.
        root: the context of the whole request or job, in what was made from it; None in that one itself.
        outer: in the root, that of the request or job in which this one was opened, if any: it fails too when this one does.
        failed: in the root, why something in this request or job could not be recorded, whatever the application made of that error.
        ended: in the root, whether the request or job is over.
        warned: in the root, whether it was said that code runs on after it.
        configured: in the root, the configurations of routes around this request, each with what its adapter knows of the request; see
            ``configured_functions``. None in a job, where it is unknown which of them speak.
        in_steps: in the root, whether persons are recorded while the answer is made, which may not begin before the first of them.
    """

    # Made for each request, so a Struct: that is made in C.
    recorder: Recorder
    caller: Doelbinding = NO_DOELBINDING
    oin: str | None = None
    gebruiker: Callable[[], str | None] | None = None
    verwerking: Verwerking | None = None
    trace: Trace | None = None
    root: Context | None = None
    outer: Context | None = None
    failed: NotRecorded | None = None
    ended: bool = False
    warned: bool = False
    configured: tuple[tuple[Any, Any], ...] | None = ()
    in_steps: bool = False

    __repr__ = object.__repr__  # a Struct would show all that is in it
    __rich_repr__ = as_repr

    def fail(self, error: NotRecorded) -> None:
        """Remember that something could not be recorded, whatever the application makes of ``error``; whoever sends the answer asks.

        The first of a request or job is written to the technical log and counted. What is the client's to mend does not hide an outage.
        """
        root = self.root or self
        known = root.failed
        if known is None or (isinstance(known, FaultyRequest) and not isinstance(error, FaultyRequest)):
            root.failed = error
            self.recorder.failures[type(error).__name__] += 1
            # What a client has to mend is no trouble of ours, which somebody would have to look into.
            level = logging.WARNING if isinstance(error, FaultyRequest) else logging.ERROR
            logger.log(level, "not recorded, so not processed: %s", error)
        while root.outer is not None:
            root = root.outer
            root.failed = root.failed or error
        if self.recorder.on_failure is not None:
            self.recorder.on_failure()

    def prepare(self) -> Awaitable[None] | None:
        """Before an actie in asynchronous code: what to await so that ``gebruiker`` has what it needs, or None when it has."""
        prepare = getattr(self.gebruiker, "prepare", None)
        return None if prepare is None else prepare()

    def begin(
        self, template: Template, objecten: Sequence[VerwerktObject] = (), *, verwerking_id: UUID | None = None
    ) -> tuple[Verwerkingsactie, Context]:
        """The verwerkingsactie for ``template``, and the context of what runs inside it.

        The first one decides the verwerking of the request. Further steps and outgoing calls take over what was logged.
        """
        under = around = self.verwerking
        if under is None:
            under = Verwerking(id=verwerking_id or self.recorder.new_id())
        elif verwerking_id is not None and verwerking_id != under.id:
            under = Verwerking(id=verwerking_id)
        gebruiker = self.gebruiker() if self.gebruiker is not None else None
        actie = self.recorder.actie(template, under, objecten, oin=self.oin, caller=self.caller, gebruiker=gebruiker)
        inside = None
        if self.recorder.wants_spans:
            actie, inside = self._placed(actie)
        logged = _verwerking_of(actie, template.activiteit)
        if around is None:
            if verwerking_id is not None:  # a new id has seen to it
                process.check()
            with _deciding:
                decided = self.verwerking
                if decided is None:
                    self.verwerking = logged
                    return actie, self if inside is None else self._first(inside)
            if verwerking_id is None:  # another thread of this request decided meanwhile
                return self.begin(template, objecten)
        else:
            decided = around
        if decided.id == logged.id:
            self.verwerking = _completed(decided, logged)
        return actie, self._within(logged, inside)

    def _within(self, verwerking: Verwerking | None, trace: Trace | None) -> Context:
        """A part of this request or job, in which that verwerking is under way."""
        return Context(self.recorder, self.caller, self.oin, self.gebruiker, verwerking, trace, self.root or self)

    def _first(self, trace: Trace) -> Context:
        return _First(self.recorder, self.caller, self.oin, self.gebruiker, trace=trace, root=self.root or self, around=self)

    def _placed(self, actie: Verwerkingsactie) -> tuple[Verwerkingsactie, Trace]:
        """``actie`` with its place in the trace, and the trace as it is inside that actie."""
        if self.trace is None:
            with _deciding:
                self.trace = self.trace or new_trace()
        span = new_span(self.trace)
        return filled(actie, span=span), Trace(trace_id=span.trace_id, span_id=span.span_id)


class _First(Context, eq=False, kw_only=True):
    """Inside the first actie of a context: what it is part of is still that context's to say, but it is the parent of what follows."""

    around: Context

    __repr__ = object.__repr__
    __rich_repr__ = as_repr

    @property  # type: ignore[misc]  # a Struct is no dataclass: this hides the attribute, as it is meant to
    def verwerking(self) -> Verwerking | None:
        return self.around.verwerking

    @verwerking.setter
    def verwerking(self, verwerking: Verwerking | None) -> None:
        self.around.verwerking = verwerking


def _verwerking_of(actie: Verwerkingsactie, activiteit: str) -> Verwerking:
    return Verwerking(
        id=actie.verwerking_id,  # type: ignore[arg-type]  # the recorder always fills it
        naam=actie.verwerking_naam,
        handeling_naam=actie.handeling_naam,
        activiteit=activiteit,
        vertrouwelijkheid=actie.vertrouwelijkheid,
        bewaartermijn=actie.bewaartermijn,
    )


def _completed(verwerking: Verwerking, logged: Verwerking) -> Verwerking:
    """``verwerking`` with what its first actie decided: activiteit, confidentiality and term are sent on as they were logged."""
    if None not in (verwerking.activiteit, verwerking.vertrouwelijkheid, verwerking.bewaartermijn):
        return verwerking
    return msgspec.structs.replace(
        verwerking,
        activiteit=verwerking.activiteit or logged.activiteit,
        vertrouwelijkheid=verwerking.vertrouwelijkheid or logged.vertrouwelijkheid,
        bewaartermijn=verwerking.bewaartermijn or logged.bewaartermijn,
    )


class Fallback:
    """In a test, what makes a context where there is none; see ``testing.capture``."""

    make: ClassVar[Callable[[], Context] | None] = None


_current: ContextVar[Context] = ContextVar("verwerkingenlogging")


def current() -> Context:
    """The context of the code that calls. Raises OutsideContext when there is none.

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
    """A copy of the context variables for what goes on after the request or job and belongs to it all the same::

        asyncio.create_task(send_letter(bsn), context=carried())
        executor.submit(carried().run, send_letter, bsn)

    What is recorded in it is part of the same verwerking, for the same user, caller and organisation. Each call gives a new one. A worker
    that serves many requests needs no copy but ``recording(recorder)`` around each piece of its work. Raises OutsideContext.
    """
    around = current()
    if around.verwerking is None:
        with _deciding:
            around.verwerking = around.verwerking or Verwerking(id=around.recorder.new_id())
    context = Context(around.recorder, around.caller, around.oin, around.gebruiker, around.verwerking, around.trace)
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
    """Open a context around a job, a command or a script, where no middleware does.

    ``oin`` says on whose behalf, if not the settings' organisation; ``gebruiker`` is a meaningless key (B9207); ``trace`` is that
    of who started it, such as ``read_trace`` finds in the headers of a message.
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
    """All acties within belong to this verwerking (B8157)::

        with verwerking("Huwelijk", id=zaak.uuid, activiteit="brp-registratie"):
            ...

    Without ``id`` it gets a new one; keep it with the case if its term or confidentiality may change later (R8). What is left
    out is taken over from the verwerking around it, but for the id. Raises OutsideContext where there is no context,
    InvalidValue when a value breaks a limit, ValueError when ``id`` is not a UUID.
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
    token = enter(around._within(inner, around.trace))
    try:
        yield inner
    finally:
        leave(token)
