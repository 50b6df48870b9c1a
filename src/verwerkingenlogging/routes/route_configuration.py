"""The configuration of routes: what they log when their code cannot be touched.

Plain data, in settings or in a TOML or JSON file; an adapter for a framework finds the routes, and the code to annotate::

    # verwerkingen.toml
    ["GET personen:ophalen"]          # a method, if it matters, and the name of a route or its whole template
    actie_naam = "Ophalen persoonsgegevens"
    activiteit = "brp-bevraging"
    objecten = "bsn"                  # known beforehand: the path to the ids among the arguments

    ["POST /personen/zoek/"]
    actie_naam = "Zoeken personen"
    activiteit = "brp-bevraging"
    gevonden = "data.results.bsn"     # found: the path to the ids in the result; nobody where an error (400 and more) lacks it

    ["/static/*"]                     # all that begins so
    geen_verwerking = "style sheets and images"

Where a path is not enough, ``module:function`` names a function, as ``persoon`` and ``gevonden`` take one.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from verwerkingenlogging.calls.arguments import Value, follow
from verwerkingenlogging.calls.objecten import Objecten, gevonden, verwerkt_object
from verwerkingenlogging.configuration.activiteiten import read_configuration
from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.logs.protocol import Safety
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.limits import PERSOON
from verwerkingenlogging.model.template import Template
from verwerkingenlogging.routes.configured_route import ConfiguredActie, ConfiguredRoute

__all__ = ["read_routes"]


_TEXTS = ("actie_naam", "activiteit", "handeling_naam", "verwerking_naam", "bewaartermijn", "gegevensbron", "function")
_FIELDS = (*_TEXTS, "objecten", "gevonden", "verwerking_id", "vertrouwelijkheid", "safety")
_OF_OBJECTEN = ("value", "betrokkenheid", "soort_object_id", "objecttype", "soorten_gegevens")


def read_routes(source: object, *, setting: str) -> list[ConfiguredRoute]:
    """Read ``setting``: a dict by key, or the path of a TOML or JSON file with such a table. None gives no routes.

    Raises ConfigurationError naming setting or file, key, and remedy when anything in it is wrong.
    """
    if source is None:
        return []
    if isinstance(source, str | Path):
        entries: Mapping[Any, object] = read_configuration(source)
        place = f"{source}: "
    elif isinstance(source, Mapping):
        entries, place = source, setting
    else:
        raise ConfigurationError(f"{setting}: must be a dict of routes, or the path of a TOML or JSON file")
    return [_route(f'{place}["{key}"]', key, entry) for key, entry in entries.items()]


def _route(where: str, key: object, entry: object) -> ConfiguredRoute:
    if not isinstance(key, str) or not key.strip():
        raise ConfigurationError(f'{where}: a key is the name of a route or its template, such as "GET personen:ophalen"')
    if isinstance(entry, Mapping) and "geen_verwerking" in entry:
        reason = entry["geen_verwerking"]
        if len(entry) > 1 or not isinstance(reason, str) or not reason.strip():
            raise ConfigurationError(f"{where}.geen_verwerking: must be a reason, and stand alone")
        return ConfiguredRoute(where=where, key=key, geen_verwerking=reason)
    if not isinstance(entry, list | tuple):
        return ConfiguredRoute(where=where, key=key, acties=(_actie(where, entry),))
    if not entry:
        raise ConfigurationError(f'{where}: says nothing; write {{"geen_verwerking": "…"}} with a reason when it handles no personal data')
    return ConfiguredRoute(where=where, key=key, acties=tuple(_actie(f"{where}[{index}]", one) for index, one in enumerate(entry)))


def _actie(where: str, entry: object) -> ConfiguredActie:
    given = dict(_table(where, entry, _FIELDS))
    texts = {name: _text(f"{where}.{name}", given.pop(name)) for name in _TEXTS if name in given}
    for name in ("actie_naam", "activiteit"):
        if name not in texts:
            raise ConfigurationError(f"{where}.{name} is missing")
    if ("objecten" in given) == ("gevonden" in given):
        raise ConfigurationError(
            f"{where}: say objecten, the persons known beforehand (or [] for nobody), or gevonden, those found in the result; "
            "for both, make it a list of two"
        )
    function = texts.pop("function", None)
    try:
        template = Template(**texts, vertrouwelijkheid=_vertrouwelijkheid(where, given.get("vertrouwelijkheid")))
        name = "gevonden" if "gevonden" in given else "objecten"
        objecten = tuple(_objecten(f"{where}.{name}", given[name], found=name == "gevonden"))
    except InvalidValue as error:
        raise ConfigurationError(f"{where}.{error}") from None
    safety = given.get("safety")
    if safety not in (None, *get_args(Safety)):
        raise ConfigurationError(f'{where}.safety: must be "process" or "power"')
    verwerking_id = given.get("verwerking_id")
    return ConfiguredActie(
        where=where,
        entry=entry,
        template=template,
        objecten=objecten,
        verwerking_id=None if verwerking_id is None else _value(f"{where}.verwerking_id", verwerking_id),
        safety=safety,
        function=function,
    )


def _table(where: str, entry: object, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{where}: must be a table with {', '.join(known)}")
    unknown = sorted(str(name) for name in entry if name not in known)
    if unknown:
        raise ConfigurationError(f"{where}.{unknown[0]}: unknown field; known are {', '.join(sorted(known))}")
    return entry


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{where}: must be text")
    return value


def _vertrouwelijkheid(where: str, value: Any) -> Vertrouwelijkheid | None:
    try:
        return None if value is None else Vertrouwelijkheid(value)
    except ValueError:
        raise ConfigurationError(f'{where}.vertrouwelijkheid: must be "normaal" or "vertrouwelijk"') from None


def _objecten(where: str, value: object, *, found: bool) -> Iterator[Objecten]:
    for one in value if isinstance(value, list | tuple) else [value]:
        given = dict(_table(where, one, _OF_OBJECTEN)) if isinstance(one, Mapping) else {"value": one}
        if "value" not in given:
            raise ConfigurationError(f"{where}.value is missing: the path to the ids")
        its = _value(f"{where}.value", given.pop("value"))
        for name in ("betrokkenheid", "soort_object_id", "objecttype"):
            if name in given:
                _text(f"{where}.{name}", given[name])
        if "soort_object_id" not in given and given.get("objecttype", PERSOON) != PERSOON:
            raise ConfigurationError(f"{where}.soort_object_id is missing: what kind of id it is")
        soorten = given.get("soorten_gegevens", ())
        if isinstance(soorten, str):
            given["soorten_gegevens"] = _function(f"{where}.soorten_gegevens", soorten)
        elif callable(soorten):
            _readable(f"{where}.soorten_gegevens", soorten)
        elif not (isinstance(soorten, list | tuple) and all(isinstance(soort, str) for soort in soorten)):
            raise ConfigurationError(f"{where}.soorten_gegevens: must be a list of names, or module:function")
        if found:
            yield gevonden(its if callable(its) else _found_at(its), **given)
        else:
            yield verwerkt_object(its, **{"objecttype": PERSOON, "soort_object_id": "BSN"} | given)


def _value(where: str, value: object) -> Value:
    if callable(value):
        return _readable(where, value)
    text = _text(where, value)
    if ":" in text:
        return _function(where, text)
    if not all(text.split(".")):
        raise ConfigurationError(f'{where}: must be a path such as "bsn" or "request.data.bsn", or module:function')
    return text


def _function(where: str, text: str) -> Callable[..., Any]:
    module, _, name = text.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{where}: {text}: cannot be loaded: {error}; write it as module:function") from None
    if not callable(found):
        raise ConfigurationError(f"{where}: {text}: is not a function")
    return _readable(where, found)


def _readable(where: str, function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        inspect.signature(function)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{where}: the signature of this function cannot be read; write a function of your own") from None
    return function


def _found_at(path: str) -> Callable[[Any], Any]:
    steps = path.split(".")
    return lambda result: follow(result, steps)
