"""``log_actie`` and ``alog_actie``: record a further step from inside a function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict, Unpack
from uuid import UUID

import msgspec

from verwerkingenlogging.calls.objecten import verwerkte_objecten
from verwerkingenlogging.context import Context, current
from verwerkingenlogging.errors import NotRecorded, not_recorded
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.model.template import Template

__all__ = ["Step", "alog_actie", "log_actie"]


class Step(TypedDict, total=False):
    """The arguments of ``log_actie`` and ``alog_actie`` other than the name and the persons.

    ``activiteit``, ``verwerking_naam``, ``verwerking_id``, ``vertrouwelijkheid`` and ``bewaartermijn`` are those of the verwerking
    under way when left out. ``soort_afnemer_id`` and ``afnemer_id`` say who receives the data when that is not the caller:
    a person at the desk (C2521), a subscriber (C9041). ``safety`` is what the record must survive, as in ``verwerkingsactie``.
    """

    activiteit: str
    handeling_naam: str
    verwerking_naam: str
    verwerking_id: UUID
    vertrouwelijkheid: Vertrouwelijkheid
    bewaartermijn: str
    gegevensbron: str
    soort_afnemer_id: str
    afnemer_id: str
    safety: Safety


def log_actie(actie_naam: str, *, objecten: str | VerwerktObject | Iterable[str | VerwerktObject], **step: Unpack[Step]) -> None:
    """Record one verwerkingsactie now. When this returns the record is safe, and the processing may be done (B7952)::

        log_actie("Opslaan persoonsgegevens", objecten=[VerwerktObject(object_id=bsn, betrokkenheid="Aanvrager")])

    A text in ``objecten`` is a BSN. Raises NotRecorded.
    """
    __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
    context = current()
    try:
        context.recorder.record((_actie(context, actie_naam, objecten, step),), step.get("safety"))
    except NotRecorded as error:
        context.fail(error)
        raise


async def alog_actie(actie_naam: str, *, objecten: str | VerwerktObject | Iterable[str | VerwerktObject], **step: Unpack[Step]) -> None:
    """The same, for asynchronous code."""
    __traceback_hide__ = True  # as above
    context = current()
    try:
        await _prepare(context)
        await context.recorder.arecord((_actie(context, actie_naam, objecten, step),), step.get("safety"))
    except NotRecorded as error:
        context.fail(error)
        raise


async def _prepare(context: Context) -> None:
    try:
        fetching = context.prepare()
        if fetching is not None:
            await fetching
    except Exception as error:
        raise not_recorded("log_actie", error) from None


def _actie(context: Context, actie_naam: str, objecten: Any, step: Step) -> Verwerkingsactie:
    __traceback_hide__ = True  # as above
    under = context.verwerking
    fixed: dict[str, Any] = dict(step)
    fixed.pop("safety", None)
    verwerking_id = fixed.pop("verwerking_id", None)
    afnemer = {name: fixed.pop(name) for name in ("soort_afnemer_id", "afnemer_id") if name in fixed}
    fixed.setdefault("activiteit", under.activiteit if under else None)
    if fixed["activiteit"] is None:
        raise NotRecorded(
            "log_actie: no verwerkingsactiviteit: pass activiteit, or call it within an annotated function or verwerking(...)"
        )
    try:
        template = Template(actie_naam=actie_naam, **fixed)
        actie, _ = context.begin(template, verwerkte_objecten(objecten), verwerking_id=verwerking_id)
        return msgspec.structs.replace(actie, **afnemer) if afnemer else actie
    except Exception as error:
        raise not_recorded("log_actie", error) from None
