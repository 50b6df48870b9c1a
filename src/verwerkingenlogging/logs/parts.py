"""Splits a verwerkingsactie about more persons than one record can hold into several. The same for every log.

A register takes so much at once, and so does what stands before it; what is larger would be acknowledged here and refused there,
for ever. The parts have the same verwerking, moment and names, and each has some of the objecten, in their order: nothing of what
they say is less.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from verwerkingenlogging.errors import LogRefused
from verwerkingenlogging.model import Verwerkingsactie, filled, wire_form
from verwerkingenlogging.model.limits import RECORD_MAX
from verwerkingenlogging.model.trace import Span

__all__ = ["bodies_of", "each_in_parts", "parts_of"]

FEW = 500
"""Objecten that need not be measured: nobody gives that many and says more of each than its number."""


def parts_of(actie: Verwerkingsactie) -> list[Verwerkingsactie]:
    """``actie``, or the parts in which it is recorded. Raises LogRefused when the data about one object is too much."""
    if len(wire_form(actie)) <= RECORD_MAX:
        return [actie]
    objecten = actie.verwerkte_objecten
    if len(objecten) < 2:  # noqa: PLR2004  # one cannot be divided
        raise LogRefused(f"a verwerkingsactie of more than {RECORD_MAX} bytes about one objekt is more than a register takes", status=413)
    middle = len(objecten) // 2
    first = filled(actie, verwerkte_objecten=objecten[:middle])
    second = filled(actie, verwerkte_objecten=objecten[middle:], span=_beside(actie.span))
    return [*parts_of(first), *parts_of(second)]


def each_in_parts(acties: Sequence[Verwerkingsactie]) -> Sequence[Verwerkingsactie]:
    """``acties``, a large one in parts, for a log that does not write JSON. Raises as ``parts_of`` does."""
    for actie in acties:
        if len(actie.verwerkte_objecten) > FEW:
            return [part for one in acties for part in ([one] if len(one.verwerkte_objecten) <= FEW else parts_of(one))]
    return acties  # nearly always


def bodies_of(acties: Iterable[Verwerkingsactie]) -> Iterator[bytes]:
    """The JSON of ``acties``, a large one in parts. Raises as ``parts_of`` does."""
    for actie in acties:
        body = wire_form(actie)
        if len(body) <= RECORD_MAX:
            yield body
        else:
            yield from map(wire_form, parts_of(actie))


def _beside(span: Span | None) -> Span | None:
    """A place of its own for a further part, under the same parent: by its place a register knows what it has had before."""
    return None if span is None else Span(trace_id=span.trace_id, span_id=os.urandom(8), parent_span_id=span.parent_span_id)
