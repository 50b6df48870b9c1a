"""The terms of the organisation: how long an actie is kept by default, at least and at most (C1697, X30, X31)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model.bewaartermijn import never_shorter
from verwerkingenlogging.model.limits import check_bewaartermijn

__all__ = ["REGISTER", "Terms", "read_terms"]

REGISTER = "register"
"""The key of the term that holds for every verwerkingsactiviteit without one of its own."""
_TABLES = ("bewaartermijn", "minimum", "maximum")

ByActiviteit = Mapping[str, str]
"""Terms by verwerkingsactiviteitId in lower case, or ``REGISTER``."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of the organisation, by verwerkingsactiviteit or for the register as a whole.

    Attributes:
        bewaartermijn: for acties that say none themselves.
        minimum: an actie is kept at least so long after the register took it, whatever it says itself.
        maximum: an actie is kept at most so long after its tijdstip, whatever it says itself; the minimum goes before it.
    """

    bewaartermijn: ByActiviteit = field(default_factory=dict)
    minimum: ByActiviteit = field(default_factory=dict)
    maximum: ByActiviteit = field(default_factory=dict)

    def of(self, bewaartermijn: str | None, activiteit: str | None) -> str | None:
        """The term of an actie that has ``bewaartermijn``. None when nobody sets one; it then stays, up to the maximum."""
        return bewaartermijn or _for(self.bewaartermijn, activiteit)

    def floor(self, activiteit: str | None) -> str | None:
        """The minimum for a verwerkingsactiviteit (a UUID in lower case, or None); None when there is none."""
        return _for(self.minimum, activiteit)

    def ceiling(self, activiteit: str | None) -> str | None:
        """The maximum for a verwerkingsactiviteit (a UUID in lower case, or None); None when there is none."""
        return _for(self.maximum, activiteit)


def _for(terms: ByActiviteit, activiteit: str | None) -> str | None:
    return terms.get(activiteit or REGISTER) or terms.get(REGISTER)


def read_terms(var_file: Path | None, bewaartermijn: str | None = None) -> Terms:
    """The terms in a TOML file with the optional tables ``[bewaartermijn]``, ``[minimum]`` and ``[maximum]``.

    A key is a verwerkingsactiviteitId, or ``register``. ``bewaartermijn`` goes before the ``register`` of that table.
    Raises ConfigurationError, naming file, table, key and remedy, when something in it is wrong.
    """
    tables = {} if var_file is None else _tables(var_file)
    if bewaartermijn is not None:
        try:
            tables.setdefault("bewaartermijn", {})[REGISTER] = check_bewaartermijn("bewaartermijn", bewaartermijn)
        except InvalidValue as error:
            raise ConfigurationError(f"setting {error.field}: {error.rule}") from None
    terms = Terms(**tables)
    _check_order(terms, f"setting {'bewaartermijn' if var_file is None else f'var_file: {var_file}'}")
    return terms


def _tables(file: Path) -> dict[str, dict[str, str]]:
    where = f"setting var_file: {file}"
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{where}: {error.strerror}") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise ConfigurationError(f"{where} is not a TOML file: {error}") from None
    if unknown := set(document) - set(_TABLES):
        raise ConfigurationError(f"{where}: {min(unknown)} is not known here; the tables are {', '.join(f'[{name}]' for name in _TABLES)}")
    return {name: _table(f"{where}: [{name}]", given) for name, given in document.items()}


def _table(where: str, given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise ConfigurationError(f'{where} must be a table with lines such as "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" = "P5Y"')
    terms: dict[str, str] = {}
    for key, term in given.items():
        try:
            name = key if key == REGISTER else str(UUID(key))
            check_bewaartermijn(name, term)
        except InvalidValue as error:
            raise ConfigurationError(f"{where} {key}: {error.rule}") from None
        except ValueError:
            raise ConfigurationError(f"{where} {key}: the key must be a verwerkingsactiviteitId (a UUID) or {REGISTER}") from None
        if name in terms:
            raise ConfigurationError(f"{where} {key}: is there twice, in another spelling; leave one out")
        terms[name] = term
    return terms


def _check_order(terms: Terms, where: str) -> None:
    """Minimum, bewaartermijn and maximum of each activiteit in that order, from whatever day they count."""
    for key in sorted({*terms.bewaartermijn, *terms.minimum, *terms.maximum}):
        floor, term, ceiling = ("minimum", terms.floor(key)), ("bewaartermijn", terms.of(None, key)), ("maximum", terms.ceiling(key))
        for (lower, shorter), (upper, longer) in ((floor, ceiling), (floor, term), (term, ceiling)):
            if shorter is not None and longer is not None and not never_shorter(longer, shorter):
                raise ConfigurationError(
                    f"{where}: {key}: the {lower} {shorter} can be longer than the {upper} {longer}; "
                    f"change one of them, in [{lower}] or [{upper}], or give {key} one of its own"
                )
