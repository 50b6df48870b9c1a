"""The recorder: makes a verwerkingsactie from the annotation, the caller and the settings, and gives it to the log.

``Recorder.actie`` is a pure function: no I/O, and clock and ids come from outside. What it gives is made safe by the
recorder's log; only then may the processing go on (B7952).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

from msgspec import to_builtins

from verwerkingenlogging._prototype import prototype_of
from verwerkingenlogging.configuration.settings import Settings
from verwerkingenlogging.errors import ConfigurationError, InvalidValue, LogUnavailable, NotRecorded
from verwerkingenlogging.logs.protocol import Safety, Starting, Verwerkingenlog, at_safety
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, filled, happening
from verwerkingenlogging.model.bewaartermijn import Kept
from verwerkingenlogging.model.doelbinding import NO_DOELBINDING, Doelbinding
from verwerkingenlogging.model.limits import check_identificator, check_tijdstip
from verwerkingenlogging.model.template import Template
from verwerkingenlogging.model.verwerking import Verwerking
from verwerkingenlogging.support.ids import new_id

__all__ = ["Recorder"]


def _failed(log: Verwerkingenlog, error: Exception) -> LogUnavailable:
    # The message of a foreign error might repeat what was being logged.
    return LogUnavailable(f"{type(log).__name__} raised {type(error).__name__}")


def _now() -> datetime:
    return datetime.now(UTC)


def _tijdstip_of(moment: Any) -> str:
    """The text of another moment than the standard library's own: one that a test has frozen, pendulum's, or one of whenever."""
    to_stdlib = getattr(moment, "to_stdlib", None)
    return check_tijdstip("tijdstip", (moment if to_stdlib is None else to_stdlib()).isoformat().replace("+00:00", "Z"))


class Recorder:
    """Makes verwerkingsacties and gives them to a log.

    Args:
        log: where they are kept.
        settings: what the application says about itself.
        clock: the current moment, with its offset: a ``datetime`` of any class, or a moment of ``whenever``. Keep the machine's clock
            synchronised (R9).
        new_id: a new random id (B2357).

    Raises ConfigurationError when the clock gives a moment without an offset.

    Attributes:
        wants_spans: whether the log, or the one that it delivers to, keeps acties as spans, and so needs their place in a trace.
        faults: how often each thing went wrong that did not stop a record: ``{"header VerwerkingId: invalid": 3}``.
        failures: how many requests and jobs could not be recorded, by the name of the error: ``{"LogUnavailable": 2}``.
        on_failure: called where something could not be recorded, in that thread; an adapter rolls back what is open there.
        diverted_to: in a test, the log that takes the place of every recorder's own; see ``testing.capture``.
    """

    diverted_to: ClassVar[Verwerkingenlog | None] = None

    def __init__(
        self,
        log: Verwerkingenlog,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = _now,
        new_id: Callable[[], UUID] = new_id,
    ) -> None:
        self.log = log
        self.settings = settings
        self.new_id = new_id
        self.wants_spans = bool(getattr(log, "wants_spans", False))
        self.faults: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.on_failure: Callable[[], None] | None = None
        self._clock = clock
        try:
            check_tijdstip("tijdstip", self._tijdstip())
        except (InvalidValue, AttributeError):
            raise ConfigurationError("Recorder: clock gives a moment without an offset; use datetime.now(UTC)") from None
        self._prototype = lru_cache(maxsize=1024)(self._make_prototype)

    def actie(
        self,
        template: Template,
        verwerking: Verwerking,
        objecten: Sequence[VerwerktObject] = (),
        *,
        oin: str | None = None,
        caller: Doelbinding = NO_DOELBINDING,
        gebruiker: str | None = None,
    ) -> Verwerkingsactie:
        """The verwerkingsactie that describes what is about to happen.

        ``oin`` is the organisation on whose behalf, if not the settings'. The caller's doelbinding fills the attributes of the
        afnemer; of ours it can only make the confidentiality stricter and the term longer (B7259, threats 1-3).

        Raises ConfigurationError when the organisation lacks the activiteit, InvalidValue when a value breaks a limit.
        """
        if (
            type(objecten) is not tuple or len(objecten) != 1 or objecten[0].objecttype not in self.settings.objecttypen
        ):  # nearly every actie is about one
            objecten = self.each(objecten)
        if caller.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK:
            self.faults["confidentiality asked for by a caller"] += 1  # for the privacy officer (X36)
        prototype, kept = self._prototype(
            template, oin, caller, verwerking.naam, verwerking.handeling_naam, verwerking.vertrouwelijkheid, verwerking.bewaartermijn
        )
        try:
            tijdstip = to_builtins(self._clock())  # not _tijdstip, for the time that a call takes
        except TypeError:
            tijdstip = self._tijdstip()
        if kept is not None:  # which of the terms is the longest depends on the day
            prototype = filled(prototype, bewaartermijn=kept.at(tijdstip))
        return happening(
            prototype,
            tijdstip,
            verwerking.id,
            check_identificator("gebruiker", gebruiker) if gebruiker else None,
            objecten,
        )

    def each(self, objecten: Sequence[VerwerktObject]) -> tuple[VerwerktObject, ...]:
        """``objecten`` in their order, each once. Raises InvalidValue when the settings do not allow an objecttype."""
        allowed = self.settings.objecttypen
        for objekt in objecten:
            if objekt.objecttype not in allowed:
                raise InvalidValue("objecttype", "invalid-choice", "is not among the objecttypen that the settings allow (X61)")
        return tuple(objecten if len(objecten) < 2 else dict.fromkeys(objecten))  # noqa: PLR2004  # one cannot be there twice

    def _tijdstip(self) -> Any:
        moment = self._clock()
        try:
            return to_builtins(moment)
        except TypeError:  # msgspec takes each type exactly
            return _tijdstip_of(moment)

    def start(self) -> None:
        """Start the background work of the log. A middleware does this when the application starts; the first record does too."""
        if Recorder.diverted_to is None and isinstance(self.log, Starting):
            self.log.start()

    def record(self, acties: Sequence[Verwerkingsactie], safety: Safety | None = None) -> None:
        """Make ``acties`` safe in the log, at that level of safety if it has levels. Raises NotRecorded for any error of the log."""
        try:
            log = Recorder.diverted_to or self.log
            (log if safety is None else at_safety(log, safety)).log(acties)
        except NotRecorded:
            raise
        except Exception as error:
            raise _failed(self.log, error) from None

    async def arecord(self, acties: Sequence[Verwerkingsactie], safety: Safety | None = None) -> None:
        """The same, without blocking the event loop."""
        try:
            log = Recorder.diverted_to or self.log
            await (log if safety is None else at_safety(log, safety)).alog(acties)
        except NotRecorded:
            raise
        except Exception as error:
            raise _failed(self.log, error) from None

    def _make_prototype(
        self,
        template: Template,
        oin: str | None,
        caller: Doelbinding,
        verwerking_naam: str | None,
        handeling_naam: str | None,
        vertrouwelijkheid: Vertrouwelijkheid | None,
        bewaartermijn: str | None,
    ) -> tuple[Verwerkingsactie, Kept | None]:
        named = verwerking_naam, handeling_naam, vertrouwelijkheid, bewaartermijn
        return prototype_of(self.settings, self._tijdstip(), template, oin, caller, *named)
