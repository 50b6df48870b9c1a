"""The annotations: decorators that say on a function itself what it does with personal data.

The annotation wraps the function and keeps its signature, so it works wherever the function is used: as a route, a method, a
task. It records when that code really runs, and not on a 404, a 405 or a rejected body.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar, cast, get_args

from verwerkingenlogging.calls.arguments import Arguments, Value
from verwerkingenlogging.calls.objecten import Objecten, bound, objecten_of
from verwerkingenlogging.calls.recorded_call import Annotation
from verwerkingenlogging.calls.signatures import partial_in, typed_signature
from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.template import Template
from verwerkingenlogging.wrapping import wrapped

__all__ = ["Annotation", "annotated", "annotations_of", "geen_verwerking", "geen_verwerking_reason", "marked", "verwerkingsactie"]

P = ParamSpec("P")
R = TypeVar("R")

_ANNOTATIONS = "__verwerkingsacties__"
_GEEN_VERWERKING = "__geen_verwerking__"


def verwerkingsactie(
    actie_naam: str,
    *,
    activiteit: str,
    objecten: Objecten | Iterable[Objecten],
    handeling_naam: str | None = None,
    verwerking_naam: str | None = None,
    verwerking_id: Value | None = None,
    vertrouwelijkheid: Vertrouwelijkheid | None = None,
    bewaartermijn: str | None = None,
    gegevensbron: str | None = None,
    safety: Safety | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record a verwerkingsactie whenever the annotated function runs.

    For persons who are known in advance (``persoon``), the record is safe before the function's body runs. For persons who are only
    known from the result (``gevonden``), it is safe before the result is returned, and there is no record when nobody was found.
    When the record cannot be made safe, NotRecorded is raised: the body has not run, or its result is withheld (B7952).

    Args:
        actie_naam: infinitive and noun: ``Ophalen persoonsgegevens`` (A7838).
        activiteit: name of the verwerkingsactiviteit, as the file of activiteiten has it (B0869).
        objecten: whose data; ``[]`` for an actie without persons (C5272). Known and found persons need an annotation each.
        handeling_naam: the step, where that makes it clearer (B6872).
        verwerking_naam: the task (A5924).
        verwerking_id: where among the arguments the id of the task is, such as that of the zaak (B8157). Otherwise the
            acties of one request share a new one.
        vertrouwelijkheid: ``Vertrouwelijkheid.VERTROUWELIJK`` when every use of this function is confidential.
        bewaartermijn: how long the record is kept (B9559).
        gegevensbron: where this function's data is kept, if not where the settings say (B8585).
        safety: ``"process"`` or ``"power"``: what the record must survive, if not what the log is set to. For logs that know
            the difference, such as an outbox.

    Routes with much in common can share it: ``verhuizing = functools.partial(verwerkingsactie, activiteit="brp-registratie",
    verwerking_naam="Registratie verhuizing")``, and then ``@verhuizing("Ophalen persoonsgegevens", objecten=…)``.

    Raises ConfigurationError at once when the annotation is wrong, or when the function cannot be annotated.
    """

    written = sys._getframe(1)
    written_at = (str(written.f_globals.get("__name__")), written.f_lineno)
    kept: dict[object, Annotation] = {}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        method = _method_of(function)
        if method is not None and method in kept:
            return _wrap(function, kept[method])  # what was found out about it need not be found out again at each call
        where = _annotatable(function, *written_at)
        if safety not in (None, *get_args(Safety)):
            raise ConfigurationError(f'{where}: @verwerkingsactie: safety must be "process" or "power"')
        try:
            template = Template(
                actie_naam=actie_naam,
                activiteit=activiteit,
                handeling_naam=handeling_naam,
                verwerking_naam=verwerking_naam,
                vertrouwelijkheid=vertrouwelijkheid,
                bewaartermijn=bewaartermijn,
                gegevensbron=gegevensbron,
            )
        except InvalidValue as error:
            raise ConfigurationError(f"{where}: @verwerkingsactie: {error}") from None
        annotation = _annotation(function, template, objecten_of(objecten, where), verwerking_id, safety, where)
        if method is not None:
            kept[method] = annotation
        return _wrap(function, annotation)

    return decorate


def annotated(
    function: Callable[P, R],
    template: Template,
    objecten: Sequence[Objecten],
    *,
    verwerking_id: Value | None = None,
    safety: Safety | None = None,
    where: str,
) -> Callable[P, R]:
    """``function`` as ``verwerkingsactie`` decorates it. For adapters, which have the annotation from a configuration.

    ``where`` says where that stands, for messages. Raises ConfigurationError when the function lacks an argument that is named.
    """
    return _wrap(function, _annotation(function, template, objecten, verwerking_id, safety, where))


def geen_verwerking(reason: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """State that a function handles no personal data, and why. The function does not change; the check of the routes accepts it."""
    if not isinstance(reason, str) or not reason.strip():
        raise ConfigurationError('@geen_verwerking needs a reason, such as @geen_verwerking("health check")')

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        setattr(function, _GEEN_VERWERKING, reason)
        return function

    return decorate


def annotations_of(function: object) -> tuple[Annotation, ...]:
    """The annotations on ``function``, the outermost first."""
    return cast("tuple[Annotation, ...]", getattr(function, _ANNOTATIONS, ()))


def marked(function: Callable[P, R], *annotations: Annotation) -> Callable[P, R]:
    """Mark ``function`` as recording what ``annotations`` say, so that ``annotations_of`` finds them. For adapters."""
    setattr(function, _ANNOTATIONS, (*annotations, *annotations_of(function)))
    return function


def geen_verwerking_reason(function: object) -> str | None:
    """The reason that ``function`` gives for handling no personal data; None when it gives none."""
    return cast("str | None", getattr(function, _GEEN_VERWERKING, None))


def _annotation(
    function: Callable[..., Any],
    template: Template,
    objecten: Sequence[Objecten],
    verwerking_id: Value | None,
    safety: Safety | None,
    where: str,
) -> Annotation:
    if len({spec.found for spec in objecten}) > 1:
        raise ConfigurationError(f"{where}: known and found persons are recorded at different moments; give each its own annotation")
    arguments = Arguments(function)
    return Annotation(
        where=where,
        template=template,
        objecten=bound(objecten, arguments),
        found=bool(objecten) and objecten[0].found,
        verwerking_id=arguments.getter(verwerking_id) if verwerking_id is not None else None,
        safety=safety,
    )


def _wrap(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    wrapper = wrapped(function, annotation)
    if _method_of(function) is None and (signature := typed_signature(function)) is not None:
        wrapper.__signature__ = signature  # type: ignore[attr-defined]  # as functions have it, PEP 362
    return marked(wrapper, annotation)


def _method_of(function: Callable[..., Any]) -> object | None:
    """The method for which ``function`` stands, when it is made anew at each call: Django's ``method_decorator`` then decorates a
    partial of the bound method."""
    return None if partial_in(function) is None else cast("object", inspect.unwrap(function))


def _annotatable(function: Callable[..., Any], module: str, line: int) -> str:
    where = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', function)}"
    if getattr(function, "__module__", module) != module:  # inherited, or somebody else's: the reader wants to know who annotates it
        where = f"{module}, line {line}"
    if isinstance(function, staticmethod | classmethod):
        raise ConfigurationError(f"{where}: put @verwerkingsactie under @{type(function).__name__}, on the function itself")
    if not inspect.isroutine(function) and partial_in(function) is None:
        raise ConfigurationError(f"{where}: @verwerkingsactie stands on functions and methods, not on {type(function).__name__} objects")
    return where
