"""Everything about an actie that its annotation does not say, for one request or job: what ``context`` opens and gives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from verwerkingenlogging.errors import FaultyRequest, NotRecorded
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, filled
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.model.template import Template
from verwerkingenlogging.model.trace import Trace, new_span, new_trace
from verwerkingenlogging.model.verwerking import Verwerking, completed, verwerking_of
from verwerkingenlogging.recorder import Recorder
from verwerkingenlogging.support import process
from verwerkingenlogging.support.representation import as_repr

__all__ = ["Context"]

logger = logging.getLogger("verwerkingenlogging")

_deciding = threading.Lock()


@process.in_child
def _after_fork() -> None:
    """A thread that the child does not have may have held it."""
    global _deciding  # noqa: PLW0603  # there is one in a process
    _deciding = threading.Lock()


class Context(msgspec.Struct, eq=False):
    """The part of an actie that does not come from its annotation: caller, user, verwerking and settings.

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
        """Remember that something could not be recorded, even when the application catches ``error``. The middleware asks for it.

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
        """Before an actie in asynchronous code: an awaitable that fetches what ``gebruiker`` needs, or None when nothing is needed."""
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
        logged = verwerking_of(actie, template.activiteit)
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
            self.verwerking = completed(decided, logged)
        return actie, self.within(logged, inside)

    def decided(self) -> Verwerking:
        """The verwerking of this request or job: a new one where no actie decided it yet."""
        if self.verwerking is None:
            with _deciding:
                self.verwerking = self.verwerking or Verwerking(id=self.recorder.new_id())
        return self.verwerking

    def within(self, verwerking: Verwerking | None, trace: Trace | None) -> Context:
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
