"""From spans to verwerkingsacties: which spans of a request are stored, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from verwerkingenlogging.errors import InvalidValue, KeyMissing
from verwerkingenlogging.ldv import LdvSpan, actie_of, is_part, key_of
from verwerkingenlogging.ldv.span import Value
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie
from verwerkingenlogging_register._acties.append import Append, Key
from verwerkingenlogging_register._errors import NotPermitted
from verwerkingenlogging_register._model.scopes import Scope, check_create
from verwerkingenlogging_register._model.versions import ActieVersie
from verwerkingenlogging_register._otlp.binary import MESSAGE_MAX, SpanGroup
from verwerkingenlogging_register._requests.recent_refusals import Refused
from verwerkingenlogging_register._rules.acceptance import Flag, OutsideWindow, Rules
from verwerkingenlogging_register._rules.bsn_places import texts_with_bsn

__all__ = ["Judge", "Refusal", "Unreadable", "Verdict"]

_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8
_SCALARS = frozenset({"string_value", "bool_value", "int_value", "double_value"})
_RESOURCE = ("service.",)
_ATTRIBUTES = ("dpl.",)
_DOUBLED = Refused(400, "een attribuut komt meer dan één keer voor")
_OUTSIDE_WINDOW = Refused(400, "tijdstip (ligt te ver van nu)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason that a span is refused for good.

    Attributes:
        refused: the reason is Dutch, for whoever runs the Collector.
        key: what its actie is known by, where its ids say that.
    """

    refused: Refused
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A span that cannot be read now: the register lacks the secret that encrypted it, which is named by its id."""

    key_id: str


_IS_TOO_LARGE = Refusal(Refused(413, f"groter dan {MESSAGE_MAX} bytes"))
_IS_NO_LOGREGEL = Refusal(Refused(400, "geen attribuut dat met dpl. begint"))

Verdict = Append | Refusal | Unreadable | None
"""What is to be stored, or why nothing is; None for a span that says nothing which its actie's own span does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges spans for one request.

    Attributes:
        client, scopes: who sends them, and what it may.
        objecttypen: kinds of object that this deployment registers (X61).
        vertrouwelijkheid: of an actie that does not say it: LDV keeps that out of its records.
        decode: turns back what stands for a person, given the kind of identifier.
        rules: what the organisation asks of an actie.
        flags: gets what is to be said of those that are to be stored.
        refuse_bsn_in_text: an actie whose texts hold what can be a BSN is refused.
        look: is shown each actie that is to be stored.
    """

    client: str
    scopes: AbstractSet[Scope]
    objecttypen: AbstractSet[str]
    vertrouwelijkheid: Vertrouwelijkheid
    decode: Callable[[str, str], str]
    rules: Rules
    flags: list[Flag] = field(default_factory=list)
    refuse_bsn_in_text: bool = False
    look: Callable[[Verwerkingsactie], None] = lambda _: None

    def verdicts(self, groups: Iterable[SpanGroup]) -> Iterator[Verdict]:
        """The verdict on each span, in order."""
        for resource, spans in groups:
            attributes = _values(resource.attributes, _RESOURCE)
            for span in spans:
                yield _IS_TOO_LARGE if span is None else self._verdict(span, attributes)

    def _verdict(self, span: Span, resource: Mapping[str, Value] | None) -> Verdict:
        attributes = _values(span.attributes, _ATTRIBUTES)
        if attributes is None or resource is None:
            return Refusal(_DOUBLED)
        if not attributes:
            return _IS_NO_LOGREGEL
        try:
            logregel = _logregel(span, attributes, resource)
        except InvalidValue as error:
            return Refusal(_refused(error))
        return None if is_part(logregel) else self._verdict_on(logregel, key_of(logregel))

    def _verdict_on(self, logregel: LdvSpan, key: str) -> Verdict:
        try:
            actie = actie_of(logregel, decode=self.decode, vertrouwelijkheid=self.vertrouwelijkheid)
            self._check(actie)
            offered = self.rules.offered(actie)
        except OutsideWindow:
            return Refusal(_OUTSIDE_WINDOW, key)
        except KeyMissing as error:
            return Unreadable(error.key_id)
        except InvalidValue as error:
            return Refusal(_refused(error), key)
        except NotPermitted as error:
            return Refusal(Refused(403, str(error)), key)
        self.look(actie)
        self.flags.extend(offered.flags)
        return Append(ActieVersie.first(offered.actie, term_raised=offered.term_raised).rows(), Key(self.client, key))

    def _check(self, actie: Verwerkingsactie) -> None:
        for objekt in actie.verwerkte_objecten:
            if objekt.objecttype not in self.objecttypen:
                raise InvalidValue("objecttype", "invalid-choice", "is not registered here")
        place = next(texts_with_bsn(actie), None) if self.refuse_bsn_in_text else None
        if place is not None:
            raise InvalidValue(place, "invalid", "holds what can be a BSN")
        check_create(self.scopes, actie.vertrouwelijkheid)


def _refused(error: InvalidValue) -> Refused:
    return Refused(400, f"{error.field} ({error.code})")


def _logregel(span: Span, attributes: Mapping[str, Value], resource: Mapping[str, Value]) -> LdvSpan:
    return LdvSpan(
        name=span.name,
        trace_id=_id("trace_id", span.trace_id, _TRACE_ID_BYTES),
        span_id=_id("span_id", span.span_id, _SPAN_ID_BYTES),
        parent_span_id=_id("parent_span_id", span.parent_span_id, _SPAN_ID_BYTES) if span.parent_span_id else None,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=attributes,
        resource=resource,
    )


def _id(field: str, value: bytes, length: int) -> bytes:
    if len(value) != length or not any(value):
        raise InvalidValue(field, "invalid", f"must be {length} bytes, and not all zero")
    return value


def _values(attributes: Iterable[KeyValue], prefixes: tuple[str, ...]) -> dict[str, Value] | None:
    """The attributes whose key begins so. What has no form that LDV knows, such as a map, is left out.

    None when one key is there twice: OTLP forbids it and leaves open which one counts.
    """
    found: dict[str, Value | None] = {}
    for attribute in attributes:
        if attribute.key.startswith(prefixes):
            if attribute.key in found:
                return None
            found[attribute.key] = _value(attribute.value)
    return {key: value for key, value in found.items() if value is not None}


def _value(value: AnyValue) -> Value | None:
    kind = value.WhichOneof("value")
    if kind in _SCALARS:
        scalar: Value = getattr(value, kind)
        return scalar
    if kind == "array_value":
        items = value.array_value.values
        return tuple([item.string_value for item in items]) if all(item.WhichOneof("value") == "string_value" for item in items) else None
    return None
