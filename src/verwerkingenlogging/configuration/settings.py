"""The settings of an application: its organisation, its name, and its verwerkingsactiviteiten.

Nothing here reads the environment or a file by itself: ``Settings(...)`` takes keyword arguments, ``Settings.from_file`` reads
one file, ``Settings.from_env`` reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from verwerkingenlogging.configuration.activiteiten import Activiteiten, read_configuration
from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model.bewaartermijn import never_shorter
from verwerkingenlogging.model.limits import PERSOON, check_bewaartermijn, check_naam, check_objecttype, check_oin

__all__ = ["Settings", "check_setting"]

_PREFIX = "VERWERKINGENLOGGING_"
_ENVIRONMENT = f"environment ({_PREFIX}…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of an application. Raises ConfigurationError naming the key when one is wrong.

    Attributes:
        oin: OIN of the organisation responsible for the processing, sent in our header. One installation for several
            organisations: this is the default, the middleware's ``organisatie`` says which per request.
        activiteiten: the verwerkingsactiviteiten of each organisation.
        systeem: name and version, as in the GEMMA Softwarecatalogus: ``FooBarApp v2.1`` (B0378).
        gegevensbron: where the data is kept, unless an annotation says otherwise (B8585).
        uitvoerder: OIN of the organisation that executes, only when that is not the responsible one (B7191, X38).
        bewaartermijn: how long records are kept when neither annotation nor activiteit says it (B9559).
        bewaartermijn_minimum: the shortest term that the header of a caller can set, for a record of which nothing here says how
            long it is kept. Five years, in which somebody may claim damages (art. 3:310 BW).
        bewaartermijn_maximum: the longest term that the header of a caller can set, when the activiteit has no maximum. 150 years,
            as in the standard's own example.
        objecttypen: kinds of object this deployment logs (X61).
        vertrouwelijk_from: OINs of the callers that may make our record confidential by their header; None: every trusted
            caller, as the standard says (X36).
    """

    oin: str
    activiteiten: Activiteiten
    systeem: str | None = None
    gegevensbron: str | None = None
    uitvoerder: str | None = None
    bewaartermijn: str | None = None
    bewaartermijn_minimum: str = "P5Y"
    bewaartermijn_maximum: str = "P150Y"
    objecttypen: frozenset[str] = frozenset({PERSOON})
    vertrouwelijk_from: frozenset[str] | None = None

    def __post_init__(self) -> None:
        try:
            for name in _CHECKS:
                check_setting(name, getattr(self, name))
        except InvalidValue as error:
            raise ConfigurationError(f"setting {error}") from None
        if not never_shorter(self.bewaartermijn_maximum, self.bewaartermijn_minimum):
            raise ConfigurationError("setting bewaartermijn_maximum: is shorter than bewaartermijn_minimum; make it as long")
        if self.oin not in self.activiteiten.organisaties:
            # The same message as when it is looked up, but now, at start-up.
            self.activiteiten.get(self.oin, "")

    @classmethod
    def from_file(cls, path: str | Path) -> Settings:
        """Read a TOML or JSON file with these attributes as keys; ``activiteiten`` is a path beside that file.

        Raises ConfigurationError naming file and key.
        """
        path = Path(path)
        return cls._from_mapping(read_configuration(path), source=str(path), folder=path.parent)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **defaults: Any) -> Settings:
        """Read ``VERWERKINGENLOGGING_OIN`` and so on; sets are separated by commas, ``…_ACTIVITEITEN`` is a path.

        ``defaults`` are what the application knows of itself, where the environment says nothing::

            Settings.from_env(systeem="FooBarApp v2.1", activiteiten=Path(__file__).with_name("activiteiten.toml"))

        Raises ConfigurationError naming the variable.
        """
        environ = os.environ if environ is None else environ
        names = {_PREFIX + field.name.upper(): field.name for field in fields(cls)}
        values: dict[str, Any] = {names[name]: value for name, value in environ.items() if name in names and value}
        for name in _SETS & values.keys():
            values[name] = [item.strip() for item in values[name].split(",")]
        return cls._from_mapping(defaults | values, source=_ENVIRONMENT, folder=Path())

    @classmethod
    def _from_mapping(cls, values: Mapping[str, Any], *, source: str, folder: Path) -> Settings:
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigurationError(f"{source}: {unknown[0]}: unknown key; known are {', '.join(sorted(known))}")
        missing = sorted({"oin", "activiteiten"} - set(values))
        if missing:
            place = missing[0] if source != _ENVIRONMENT else f"{_PREFIX}{missing[0].upper()}"
            raise ConfigurationError(f"{source}: {place} is missing")
        given = dict(values)
        try:
            activiteiten = Activiteiten.from_file(folder / given.pop("activiteiten"))
            for name in _SETS & given.keys():
                given[name] = _set(name, given[name])
            return cls(activiteiten=activiteiten, **given)
        except TypeError:
            raise ConfigurationError(f"{source}: activiteiten must be the path of a file") from None
        except ConfigurationError as error:
            raise ConfigurationError(f"{source}: {error}") from None


def check_setting(name: str, value: object) -> None:
    """Raises InvalidValue when ``value`` is not one for that attribute of Settings, other than ``activiteiten``."""
    if value is None and name in _OPTIONAL:
        return
    for one in value if name in _SETS else (value,):  # type: ignore[attr-defined]  # a set, by its name
        _CHECKS[name](name, one)


_CHECKS: Mapping[str, Callable[[str, Any], object]] = {
    "oin": check_oin,
    "systeem": check_naam,
    "gegevensbron": check_naam,
    "uitvoerder": check_oin,
    "bewaartermijn": check_bewaartermijn,
    "bewaartermijn_minimum": check_bewaartermijn,
    "bewaartermijn_maximum": check_bewaartermijn,
    "objecttypen": check_objecttype,
    "vertrouwelijk_from": check_oin,
}
_OPTIONAL = _CHECKS.keys() - {"oin", "objecttypen", "bewaartermijn_minimum", "bewaartermijn_maximum"}
_SETS = frozenset({"objecttypen", "vertrouwelijk_from"})


def _set(name: str, items: object) -> frozenset[str]:
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ConfigurationError(f"setting {name}: must be a list of texts")
    return frozenset(items)
