"""Whose data: how the verwerkte objecten of an actie come from a function's arguments or from its result.

A value is named by the path to it, ``"bsn"``, ``"verhuizing.medebewoners.bsn"``, ``"request.path_params.bsn"``; where a path
is not enough, by a function whose parameters are named after the arguments it needs::

    persoon("bsn", betrokkenheid="Aanvrager")
    persoon(lambda verhuizing: [m.bsn for m in verhuizing.medebewoners], betrokkenheid="Medebewoner")
    gevonden(lambda personen: [p.bsn for p in personen], soorten_gegevens=lambda velden: velden)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any
from uuid import UUID

import uuid_utils

from verwerkingenlogging.calls.arguments import Arguments, Value, readable
from verwerkingenlogging.errors import ConfigurationError, InvalidInRequest, InvalidValue
from verwerkingenlogging.model import VerwerktObject, VerwerktSoortGegeven, filled, identified, plain
from verwerkingenlogging.model.limits import IDENTIFICATOR_MAX, PERSOON, check_identificator, check_naam, check_objecttype, check_soort_id

__all__ = ["Objecten", "bound", "gevonden", "objecten_of", "persoon", "verwerkt_object", "verwerkte_objecten"]

Soorten = Sequence[str] | Callable[..., Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objecten:
    """Result of ``persoon``, ``verwerkt_object`` and ``gevonden``: where the ids come from, and what is recorded with each."""

    value: Value
    found: bool
    betrokkenheid: str | None
    soort_object_id: str
    objecttype: str
    soorten_gegevens: Soorten

    def __post_init__(self) -> None:
        object.__setattr__(self, "soort_object_id", check_soort_id("soort_object_id", self.soort_object_id))
        check_objecttype("objecttype", self.objecttype)
        if self.betrokkenheid is not None:
            check_naam("betrokkenheid", self.betrokkenheid)
        if not callable(self.soorten_gegevens):
            _soorten(self.soorten_gegevens)

    def bind(self, arguments: Arguments) -> Callable[..., tuple[VerwerktObject, ...]]:
        """A function that gives the objecten: of ``(args, kwargs)``, or of ``(result, args, kwargs)`` for found ones.

        Raises ConfigurationError when an argument that it names is not there, or is a number.
        """
        if not self.found:
            arguments.refuse_numbers(self.value)
        ids = arguments.of_result(self.value) if self.found else arguments.getter(self.value)
        prototype = VerwerktObject(
            object_id="-", soort_object_id=self.soort_object_id, objecttype=self.objecttype, betrokkenheid=self.betrokkenheid
        )
        if not callable(self.soorten_gegevens):
            fixed = filled(prototype, verwerkte_soorten_gegevens=_soorten(self.soorten_gegevens))
            return self._found(ids, fixed) if self.found else self._known(arguments, ids, fixed)
        asks: Value = self.soorten_gegevens
        soorten = arguments.getter(asks)

        def asked(args: tuple[Any, ...], kwargs: dict[str, Any]) -> VerwerktObject:
            try:
                return filled(prototype, verwerkte_soorten_gegevens=_soorten(soorten(args, kwargs)))
            except InvalidValue as error:  # also of who was found: the client asked for these
                raise InvalidInRequest(str(error), names=arguments.names(asks), code=error.code) from None

        if self.found:
            return lambda result, args, kwargs: self._found(ids, asked(args, kwargs))(result, args, kwargs)
        return lambda args, kwargs: self._known(arguments, ids, asked(args, kwargs))(args, kwargs)

    @staticmethod
    def _found(ids: Callable[..., Any], prototype: VerwerktObject) -> Callable[..., tuple[VerwerktObject, ...]]:
        return lambda *call: verwerkte_objecten(ids(*call), prototype)

    def _known(self, arguments: Arguments, ids: Callable[..., Any], prototype: VerwerktObject) -> Callable[..., tuple[VerwerktObject, ...]]:
        def known(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[VerwerktObject, ...]:
            value = ids(args, kwargs)
            if type(value) is str and 0 < len(value) <= IDENTIFICATOR_MAX and value.isprintable():  # nearly every value is
                return (identified(prototype, value),)
            try:
                return verwerkte_objecten(value if callable(self.value) else readable(value), prototype)
            except NoText as error:
                if not arguments.sent(self.value, args, kwargs):
                    raise  # the application's own mistake
                failed: InvalidValue = error
            except InvalidValue as error:
                failed = error
            raise InvalidInRequest(str(failed), names=arguments.names(self.value), code=failed.code)

        return known


def persoon(value: Value, *, betrokkenheid: str | None = None, soort_object_id: str = "BSN", soorten_gegevens: Soorten = ()) -> Objecten:
    """Persons known before the function runs; the actie is recorded before it (B7952).

    Args:
        value: where their ids are among the arguments: one, several, or None for nobody.
        betrokkenheid: capacity in which they take part (B1598).
        soort_object_id: another than ``BSN`` where the BSN may not be used (B7972, C3538).
        soorten_gegevens: kinds of data, fixed or as a function of the arguments (B6247, C7293).
    """
    return verwerkt_object(
        value, objecttype=PERSOON, soort_object_id=soort_object_id, betrokkenheid=betrokkenheid, soorten_gegevens=soorten_gegevens
    )


def verwerkt_object(
    value: Value, *, objecttype: str, soort_object_id: str, betrokkenheid: str | None = None, soorten_gegevens: Soorten = ()
) -> Objecten:
    """Objects of another kind than a person, known before the function runs. The settings' ``objecttypen`` must allow it (X61)."""
    return Objecten(
        value=value,
        found=False,
        betrokkenheid=betrokkenheid,
        soort_object_id=soort_object_id,
        objecttype=objecttype,
        soorten_gegevens=soorten_gegevens,
    )


def gevonden(
    value: Callable[..., Any],
    *,
    betrokkenheid: str | None = "Getoond in zoekresultaat",
    soort_object_id: str = "BSN",
    objecttype: str = PERSOON,
    soorten_gegevens: Soorten = (),
) -> Objecten:
    """Persons known only from the result. The actie is recorded before the result leaves, and not at all when nobody was found.

    ``value`` is called with the result first, and then with the arguments that its other parameters name. It gives ids, or
    VerwerktObjects when persons take part in different capacities. Never record the search criteria (B0233).
    """
    return Objecten(
        value=value,
        found=True,
        betrokkenheid=betrokkenheid,
        soort_object_id=soort_object_id,
        objecttype=objecttype,
        soorten_gegevens=soorten_gegevens,
    )


_BSN = VerwerktObject(object_id="-")
_UUIDS = (UUID, uuid_utils.UUID)


class NoText(InvalidValue):
    """An id is neither text nor a UUID. The message names the type, not the value."""

    def __init__(self, value: object) -> None:
        what = f"must be text or an iterable of texts, not {type(value).__name__}"
        if isinstance(value, Number):
            what += ': a number loses its leading zeros (R5); give it as text, such as persoon(lambda bsn: f"{bsn:09d}")'
        super().__init__("object_id", "invalid", what)


def verwerkte_objecten(value: Any, prototype: VerwerktObject = _BSN) -> tuple[VerwerktObject, ...]:
    """VerwerktObjecten from an id, a VerwerktObject, None, or an iterable of these.

    An id takes the rest from ``prototype``. It is text or a UUID: a number would lose its leading zeros (R5). Raises InvalidValue.
    """
    if isinstance(value, str):
        if not (0 < len(value) <= IDENTIFICATOR_MAX and value.isprintable()):  # as above
            check_identificator("object_id", value)
        return (identified(prototype, value if type(value) is str else plain(value)),)
    if value is None:
        return ()
    if isinstance(value, VerwerktObject):
        return (value,)
    if isinstance(value, _UUIDS):
        return (identified(prototype, str(value)),)
    if isinstance(value, bytes | Mapping) or not isinstance(value, Iterable):
        raise NoText(value)
    return tuple(objekt for item in value for objekt in verwerkte_objecten(item, prototype))


def _soorten(names: Iterable[str] | None) -> tuple[VerwerktSoortGegeven, ...]:
    if isinstance(names, str):
        raise InvalidValue("soorten_gegevens", "invalid", "must be a list of names, not one text")
    return tuple(VerwerktSoortGegeven(soort_gegeven=name) for name in names or ())


def objecten_of(objecten: object, where: str) -> list[Objecten]:
    """What an annotation was given as its objecten. Raises ConfigurationError, which says ``where`` it stands, when it is anything else."""
    if isinstance(objecten, Objecten):
        return [objecten]
    if isinstance(objecten, Iterable):
        specs = list(objecten)
        if all(isinstance(spec, Objecten) for spec in specs):
            return specs
    raise ConfigurationError(
        f"{where}: @verwerkingsactie: objecten says whose data: persoon(...), gevonden(...), a list of one of the two, or [] for nobody"
    )


def bound(objecten: Sequence[Objecten], arguments: Arguments) -> Callable[..., tuple[VerwerktObject, ...]]:
    """One function for all the objecten. Nearly every annotation names one kind of person, and that one is called as it is.

    Raises ConfigurationError when the function lacks an argument that is named.
    """
    many = [spec.bind(arguments) for spec in objecten]
    if len(many) == 1:
        return many[0]
    return lambda *call: tuple(objekt for each in many for objekt in each(*call))
