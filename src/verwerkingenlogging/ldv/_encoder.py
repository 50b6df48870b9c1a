"""The encoder: from an actie to spans.

- **One span carries the whole actie**, under its own ``span_id``. That span alone gives the actie back, so a Collector may batch,
  split, reorder and send again as it likes, and a receiver keeps no state: it is idempotent on (trace_id, span_id).
- An actie about nobody or one person is that one span. An actie about several is that span, which then names no
  ``data_subject_id``, and a *part* per person: a child span with its own ``span_id``, for who looks for a person (LDV A4). A
  part repeats what the actie says, and has ``dpl.gemma.object_index``; a receiver of acties leaves parts alone.
- What LDV has a place for stands there; the rest stands under ``dpl.gemma.``, a local extension of LDV core. *Strict* leaves out
  what LDV keeps out of its records: gebruiker, vertrouwelijkheid, bewaartermijn.
- Identifiers of persons are written by ``subjects``.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Mapping
from uuid import UUID

import msgspec

from verwerkingenlogging.ldv import attributes as names
from verwerkingenlogging.ldv.span import LdvSpan, Value
from verwerkingenlogging.ldv.subjects import Subjects
from verwerkingenlogging.model import Verwerkingsactie, VerwerktObject, filled, plain
from verwerkingenlogging.model.limits import PERSOON, tijdstip_of
from verwerkingenlogging.model.trace import Span

__all__ = ["spans_of"]

_NAMELESS = "verwerkingsactie"
_MAX_NS = 2**63 - 1
_OIN = re.compile(r"[0-9]{20}", re.ASCII)
_FRACTION = re.compile(r"\.(\d+)")


def spans_of(
    actie: Verwerkingsactie, span: Span, subjects: Subjects, *, strict: bool = False, processors: Mapping[str, str] | None = None
) -> list[LdvSpan]:
    """The spans of ``actie``. The first one holds the whole actie.

    Args:
        actie: what happened.
        span: where it stands in a trace. The parts get ids that follow from it: the same at every attempt.
        subjects: how identifiers of persons are written.
        strict: leave out what LDV keeps out of its records.
        processors: address of the calling application, by the OIN of the afnemer (``dpl.core.foreign_operation.processor``).
    """
    said = _of_actie(actie, subjects, strict=strict, processors=processors or {})
    start = _nanoseconds(actie.tijdstip)

    def logregel(span_id: bytes, parent: bytes | None, attributes: dict[str, Value]) -> LdvSpan:
        return LdvSpan(
            name=actie.actie_naam or _NAMELESS,
            trace_id=span.trace_id,
            span_id=span_id,
            parent_span_id=parent,
            start=start,
            end=start,  # the record is made before what it describes is done, and GEMMA has no end
            attributes=attributes,
            resource={names.SERVICE_NAME: actie.systeem} if actie.systeem else {},
        )

    objecten = actie.verwerkte_objecten
    if len(objecten) <= 1:
        return [logregel(span.span_id, span.parent_span_id, said | (_of_object(objecten[0], subjects) if objecten else {}))]
    whole = logregel(span.span_id, span.parent_span_id, said | {names.OBJECTEN: tuple(_json(objekt, subjects) for objekt in objecten)})
    return [whole] + [
        logregel(_part_id(span, index), span.span_id, said | {names.OBJECT_INDEX: index} | _of_object(objekt, subjects))
        for index, objekt in enumerate(objecten)
    ]


def _of_actie(actie: Verwerkingsactie, subjects: Subjects, *, strict: bool, processors: Mapping[str, str]) -> dict[str, Value]:
    said: dict[str, Value] = {names.TIJDSTIP: actie.tijdstip}
    if actie.actie_naam is None:
        said[names.WITHOUT_NAME] = True
    said |= _of_activiteit(actie.verwerkingsactiviteit_id, actie.verwerkingsactiviteit_url)
    for field in names.TEXTS + names.UUIDS:
        value = getattr(actie, field)
        if value is not None and not (strict and field in names.NOT_IN_STRICT):
            said[names.GEMMA + field] = str(value)
    if actie.afnemer_id is not None:
        is_organisation = actie.soort_afnemer_id in {None, "OIN"} and _OIN.fullmatch(actie.afnemer_id) is not None
        said[names.AFNEMER_ID] = actie.afnemer_id if is_organisation else subjects.encode(actie.soort_afnemer_id or "", actie.afnemer_id)
        if is_organisation and actie.afnemer_id in processors:
            said[names.PROCESSOR] = processors[actie.afnemer_id]
    return said


def _of_activiteit(activiteit_id: UUID | None, url: str | None) -> dict[str, Value]:
    """LDV knows an activiteit by an URI only: the address, or else the id as one."""
    said: dict[str, Value] = {}
    if url is not None or activiteit_id is not None:
        said[names.ACTIVITEIT] = url or f"{names.URN}{activiteit_id}"
    if url is not None and activiteit_id is not None:
        said[names.ACTIVITEIT_ID] = str(activiteit_id)
    if url is not None and url.startswith(names.URN):  # an address that looks like an id
        said[names.ACTIVITEIT_URL] = url
    return said


def _of_object(objekt: VerwerktObject, subjects: Subjects) -> dict[str, Value]:
    """One object. A person is LDV's data subject; anything else is not, so it has a place of its own."""
    number = subjects.encode(objekt.soort_object_id, objekt.object_id)
    said: dict[str, Value] = (
        {names.SUBJECT: number, names.SUBJECT_TYPE: objekt.soort_object_id}
        if objekt.objecttype == PERSOON
        else {names.OBJECTTYPE: objekt.objecttype, names.OBJECT_ID: number, names.SOORT_OBJECT_ID: objekt.soort_object_id}
    )
    if objekt.betrokkenheid is not None:
        said[names.BETROKKENHEID] = objekt.betrokkenheid
    if objekt.verwerkte_soorten_gegevens:
        said[names.SOORTEN_GEGEVENS] = tuple(soort.soort_gegeven for soort in objekt.verwerkte_soorten_gegevens)
    return said


def _json(objekt: VerwerktObject, subjects: Subjects) -> str:
    """One of several objects, as the standard's own JSON but for its number."""
    return _ENCODER.encode(filled(objekt, object_id=subjects.encode(objekt.soort_object_id, objekt.object_id))).decode()


def _part_id(span: Span, index: int) -> bytes:
    return hashlib.sha256(span.trace_id + span.span_id + index.to_bytes(8)).digest()[:8]


def _nanoseconds(tijdstip: str) -> int:
    """The same moment in nanoseconds since 1970, as far as a span can say it: 1970 to 2262."""
    fraction = _FRACTION.search(tijdstip)
    nanoseconds = int(fraction[1][:9].ljust(9, "0")) if fraction else 0
    return min(max(calendar.timegm(tijdstip_of(tijdstip).utctimetuple()) * 10**9 + nanoseconds, 0), _MAX_NS)


_ENCODER = msgspec.json.Encoder(enc_hook=plain)
