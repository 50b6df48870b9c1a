"""The verwerkingsactiviteiten: a name in code becomes the id and URL that each organisation's own register gives it (B0869).

One installation may serve several municipalities, and the same activiteit has another id in each. The file says so::

    # activiteiten.toml
    ["00000001821002193000"]  # OIN of the municipality
    brp-registratie = { id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf", url = "https://var.example.nl/5f0bef4c" }
    verhuur-sporthal = { id = "c63bc08f-071d-4dff-aaff-c40525ca4244", bewaartermijn = "P1Y" }

A JSON file has the same shape.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model.bewaartermijn import never_shorter
from verwerkingenlogging.model.limits import check_bewaartermijn, check_oin, check_uri
from verwerkingenlogging.support import strict_json

__all__ = ["Activiteit", "Activiteiten", "read_configuration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activiteit:
    """A verwerkingsactiviteit of one organisation.

    Attributes:
        naam: its name in code.
        id: its id in the organisation's register.
        url: its address there, if it has one.
        bewaartermijn: how long its records are kept, unless the annotation says otherwise. The header of a caller can make it
            longer, and never shorter.
        bewaartermijn_maximum: the longest term that the header of a caller can set; when left out, that of the settings.
    """

    naam: str
    id: UUID
    url: str | None = None
    bewaartermijn: str | None = None
    bewaartermijn_maximum: str | None = None


class Activiteiten:
    """The verwerkingsactiviteiten of one or more organisations, by OIN and name."""

    def __init__(self, activiteiten: Mapping[str, Iterable[Activiteit]], *, source: str = "Activiteiten(...)") -> None:
        self._by_oin = {oin: {activiteit.naam: activiteit for activiteit in many} for oin, many in activiteiten.items()}
        self._source = source

    @classmethod
    def from_file(cls, path: str | Path) -> Activiteiten:
        """Read a TOML or JSON file. Raises ConfigurationError naming file and key when anything in it is wrong."""
        content = read_configuration(path)
        activiteiten = {
            _checked(path, oin, check_oin, oin): [_activiteit(path, oin, naam, entry) for naam, entry in _table(path, oin, names)]
            for oin, names in content.items()
        }
        if not activiteiten:
            raise ConfigurationError(f'{path}: names no organisation; add a table ["<OIN>"] with its verwerkingsactiviteiten')
        return cls(activiteiten, source=str(path))

    @property
    def organisaties(self) -> tuple[str, ...]:
        """The OINs of the organisations in it."""
        return tuple(self._by_oin)

    def get(self, oin: str, naam: str) -> Activiteit:
        """The activiteit with the name ``naam`` of organisation ``oin``. Raises ConfigurationError when there is none."""
        try:
            return self._by_oin[oin][naam]
        except KeyError:
            raise ConfigurationError(self._unknown(oin, naam)) from None

    def naam_of(self, activiteit_id: UUID) -> str | None:
        """The name in code of the activiteit with that id, of any organisation; None when there is none."""
        every = (activiteit for names in self._by_oin.values() for activiteit in names.values())
        return next((activiteit.naam for activiteit in every if activiteit.id == activiteit_id), None)

    def problems(self, naam: str) -> list[str]:
        """A message for each organisation that lacks ``naam``. Empty when all have it."""
        return [self._unknown(oin, naam) for oin in self._by_oin if naam not in self._by_oin[oin]]

    def _unknown(self, oin: str, naam: str) -> str:
        if oin not in self._by_oin:
            return f'{self._source}: organisation "{oin}" is not in it; add a table ["{oin}"]'
        known = self._by_oin[oin]
        close = difflib.get_close_matches(naam, known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"it has {', '.join(sorted(known)) or 'none'}"
        return f'{self._source}: ["{oin}"].{naam}: no such verwerkingsactiviteit; add it with its id, or correct the name in code ({hint})'


def read_configuration(path: str | Path) -> dict[str, Any]:
    """The table in a TOML or JSON file. Raises ConfigurationError when it is missing, unreadable or not a table."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        content = strict_json.read(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); check that the file exists and may be read") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not valid {'JSON' if path.suffix == '.json' else 'TOML'}: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: must hold a table (an object)")
    return content


def _table(path: str | Path, oin: str, names: object) -> list[tuple[str, object]]:
    if not isinstance(names, dict):
        raise ConfigurationError(f'{path}: ["{oin}"] must be a table of verwerkingsactiviteiten')
    return list(names.items())


def _activiteit(path: str | Path, oin: str, naam: str, entry: object) -> Activiteit:
    key = f'["{oin}"].{naam}'
    if not isinstance(entry, dict):
        raise ConfigurationError(f'{path}: {key} must be a table with an id: {naam} = {{ id = "…" }}')
    unknown = set(entry) - {"id", "url", "bewaartermijn", "bewaartermijn_maximum"}
    if unknown:
        raise ConfigurationError(f"{path}: {key}.{min(unknown)}: unknown key; it may have id, url, bewaartermijn, bewaartermijn_maximum")
    try:
        activiteit_id = UUID(entry["id"])
    except KeyError:
        raise ConfigurationError(f"{path}: {key}.id is missing; give the UUID it has in the register of processing activities") from None
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(f"{path}: {key}.id is not a UUID; give the UUID it has in the register of processing activities") from None
    activiteit = Activiteit(
        naam=naam,
        id=activiteit_id,
        url=_optional(path, f"{key}.url", check_uri, entry.get("url")),
        bewaartermijn=_optional(path, f"{key}.bewaartermijn", check_bewaartermijn, entry.get("bewaartermijn")),
        bewaartermijn_maximum=_optional(path, f"{key}.bewaartermijn_maximum", check_bewaartermijn, entry.get("bewaartermijn_maximum")),
    )
    term, maximum = activiteit.bewaartermijn, activiteit.bewaartermijn_maximum
    if term and maximum and not never_shorter(maximum, term):
        raise ConfigurationError(f"{path}: {key}.bewaartermijn_maximum is shorter than bewaartermijn; make it as long, or leave it out")
    return activiteit


def _optional(path: str | Path, key: str, check: Any, value: Any) -> str | None:
    return None if value is None else _checked(path, key, check, value)


def _checked(path: str | Path, key: str, check: Any, value: Any) -> str:
    try:
        return str(check(key, value))
    except InvalidValue as error:
        raise ConfigurationError(f"{path}: {error}") from None
