"""What a function does with personal data, said on the function itself.

The annotation wraps the function and keeps its signature, so it works wherever the function is used: as a route, a method, a
task. It records when that code really runs, and not on a 404, a 405 or a rejected body.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast, get_args
from uuid import UUID

from verwerkingenlogging.context import Context, current, enter, leave
from verwerkingenlogging.errors import ConfigurationError, InvalidValue, not_recorded
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject, filled
from verwerkingenlogging.objecten import Arguments, Objecten, Value, partial_in, typed_signature
from verwerkingenlogging.recorder import Template

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

    Persons known beforehand (``persoon``): the record is safe before the function's body runs. Persons only known from the
    result (``gevonden``): it is safe before the result goes on, and there is none when nobody was found. When it cannot be
    made safe, NotRecorded is raised and the body has not run, or its result is withheld (B7952).

    Args:
        actie_naam: infinitive and noun: ``Ophalen persoonsgegevens`` (A7838).
        activiteit: name of the verwerkingsactiviteit, as the file of activiteiten has it (B0869).
        objecten: whose data; ``[]`` for an actie without persons (C5272). Known and found persons take an annotation each.
        handeling_naam: the step, where that makes it clearer (B6872).
        verwerking_naam: the task (A5924).
        verwerking_id: where among the arguments the id of the task is, such as that of the zaak (B8157). Otherwise the
            acties of one request share a new one.
        vertrouwelijkheid: ``Vertrouwelijkheid.VERTROUWELIJK`` when every use of this function is confidential.
        bewaartermijn: how long the record is kept (B9559).
        gegevensbron: where this function's data is kept, if not where the settings say (B8585).
        safety: ``"process"`` or ``"power"``: what the record must survive, if not what the log is set to. For logs that know
            the difference, such as an outbox.

    Routes that share much can share it by name: ``verhuizing = functools.partial(verwerkingsactie, activiteit="brp-registratie",
    verwerking_naam="Registratie verhuizing")``, and then ``@verhuizing("Ophalen persoonsgegevens", objecten=…)``.

    Raises ConfigurationError at once when anything is wrong with the annotation or the function cannot be annotated.
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
        specs = [objecten] if isinstance(objecten, Objecten) else list(objecten)
        annotation = _annotation(function, template, specs, verwerking_id, safety, where)
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
    """``function`` so that it records, as ``verwerkingsactie`` makes it. For adapters, which know it from elsewhere.

    ``where`` says where that stands, for messages. Raises ConfigurationError when the function lacks an argument that is named.
    """
    return _wrap(function, _annotation(function, template, objecten, verwerking_id, safety, where))


def geen_verwerking(reason: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """State that a function handles no personal data, and why. It stays as it is; the check of the routes accepts it."""
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
    """``function``, which records by itself what ``annotations`` say, for whoever asks ``annotations_of``. For adapters."""
    setattr(function, _ANNOTATIONS, (*annotations, *annotations_of(function)))
    return function


def geen_verwerking_reason(function: object) -> str | None:
    """Why ``function`` handles no personal data, if it says so."""
    return cast("str | None", getattr(function, _GEEN_VERWERKING, None))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """What an annotated function records: the fixed part, and how the rest comes from its arguments and result."""

    where: str
    template: Template
    objecten: Callable[..., tuple[VerwerktObject, ...]]
    found: bool
    verwerking_id: Callable[..., Any] | None
    safety: Safety | None = None

    async def prepare(self, context: Context) -> None:
        """Fetch the user, in asynchronous code. Raises NotRecorded."""
        try:
            fetching = context.prepare()
            if fetching is not None:
                await fetching
        except Exception as error:
            raise not_recorded(self.where, error) from None

    def begin(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Verwerkingsactie, Context]:
        """The actie as far as it is known before the body runs, and the context of that body.

        Raises NotRecorded. What a framework says against the request while its arguments are read, such as a body that is no
        JSON, passes unchanged: the body does not run for that either.
        """
        try:
            verwerking_id = None if self.verwerking_id is None else _uuid(context, self.verwerking_id(args, kwargs))
            objecten = () if self.found else self.objecten(args, kwargs)
            return context.begin(self.template, objecten, verwerking_id=verwerking_id)
        except Exception as error:
            if _blames_the_request(error):
                raise
            raise not_recorded(self.where, error) from None

    def finish(self, actie: Verwerkingsactie, result: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Verwerkingsactie | None:
        """The actie with the persons in ``result``, or None when there are none. Raises NotRecorded."""
        try:
            objecten = self.objecten(result, args, kwargs)
            return filled(actie, verwerkte_objecten=objecten) if objecten else None
        except Exception as error:
            raise not_recorded(self.where, error) from None


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
        objecten=_together([spec.bind(arguments) for spec in objecten]),
        found=bool(objecten) and objecten[0].found,
        verwerking_id=arguments.getter(verwerking_id) if verwerking_id is not None else None,
        safety=safety,
    )


def _together(many: list[Callable[..., tuple[VerwerktObject, ...]]]) -> Callable[..., tuple[VerwerktObject, ...]]:
    """One function for all the objecten. Nearly every annotation names one kind of person, and that one is called as it is."""
    if len(many) == 1:
        return many[0]
    return lambda *call: tuple(objekt for objecten in many for objekt in objecten(*call))


def _blames_the_request(error: Exception) -> bool:
    """Whether it is a framework's own, for an answer 400 to 499; Django REST framework, Ninja, Starlette and FastAPI say so alike."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and 400 <= status < 500  # noqa: PLR2004  # HTTP's own numbers


def _uuid(context: Context, value: object) -> UUID | None:
    """The verwerkingId that an argument holds. A malformed one does not stop the record: it gets a new id, and is counted."""
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        context.recorder.faults["verwerking_id: invalid"] += 1
        return None


_asynchronous: Callable[[Callable[..., Any]], bool] = (
    asyncio.iscoroutinefunction if sys.version_info < (3, 12) else inspect.iscoroutinefunction
)
"""Whether a function gives a coroutine: it is ``async def``, or marked as such, like the views that Django makes of classes."""


def _wrap(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    wrap = _wrap_async if _asynchronous(function) else _wrap_sync
    wrapper = wrap(function, annotation)
    if _method_of(function) is None and (signature := typed_signature(function)) is not None:
        wrapper.__signature__ = signature  # type: ignore[attr-defined]  # as functions have it, PEP 362
    return marked(wrapper, annotation)


def _wrap_sync(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        context = current()
        actie, inside = annotation.begin(context, args, kwargs)
        if not annotation.found:
            context.recorder.record((actie,), annotation.safety)
        token = enter(inside)
        try:
            result = function(*args, **kwargs)
        finally:
            leave(token)
        if annotation.found:
            found = annotation.finish(actie, result, args, kwargs)
            if found is not None:
                context.recorder.record((found,), annotation.safety)
        return result

    return wrapper


def _wrap_async(function: Callable[P, R], annotation: Annotation) -> Callable[P, R]:
    call = cast("Callable[P, Coroutine[Any, Any, Any]]", function)

    @functools.wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
        __traceback_hide__ = True  # as above
        context = current()
        if context.gebruiker is not None:
            await annotation.prepare(context)
        actie, inside = annotation.begin(context, args, kwargs)
        if not annotation.found:
            await context.recorder.arecord((actie,), annotation.safety)
        token = enter(inside)
        try:
            result = await call(*args, **kwargs)
        finally:
            leave(token)
        if annotation.found:
            found = annotation.finish(actie, result, args, kwargs)
            if found is not None:
                await _to_the_end(context.recorder.arecord((found,), annotation.safety))
        return result

    return cast("Callable[P, R]", wrapper)


_ending: set[asyncio.Task[None]] = set()


async def _to_the_end(record: Coroutine[Any, Any, None]) -> None:
    """Run ``record`` to its end even when the request is cancelled: what it describes has already happened."""
    try:
        task = asyncio.get_running_loop().create_task(record)
    except RuntimeError:  # another event loop than asyncio, which cannot be told to go on
        await record
        return
    _ending.add(task)  # the loop itself holds tasks weakly
    task.add_done_callback(_ending.discard)
    await asyncio.shield(task)


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
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigurationError(
            f"{where}: a generator runs after its annotation has ended; annotate the function that returns it, or use log_actie inside it"
        )
    return where
