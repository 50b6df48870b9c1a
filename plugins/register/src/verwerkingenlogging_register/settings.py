"""The settings of a register. The command line reads the environment, and not this module."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging.model.limits import PERSOON, check_bewaartermijn, check_objecttype, check_uri
from verwerkingenlogging_register._keys.key_source import KeySource

if TYPE_CHECKING:  # with them come SQLAlchemy and more, which the commands that only show settings do not need
    from verwerkingenlogging_register._database.location import Location
    from verwerkingenlogging_register._keys.issuers import Issuer

__all__ = [
    "API_VERSION",
    "BASE_PATH",
    "DEFAULT_DATABASE",
    "INZAGE_BEWAARTERMIJN",
    "LegeVelden",
    "Settings",
    "TijdstipOutside",
    "key_file_beside",
]

API_VERSION = "1.0.0"
"""Version of the APIs as published here, on every answer too (X60)."""
BASE_PATH = "/api/v1"
"""Where both APIs live; the major version stands in it (ADR uri-version)."""
DEFAULT_DATABASE = Path("verwerkingenlog.sqlite")
_PAST_DAYS_MAX, _FUTURE_SECONDS_MAX = 36_525, 86_400
INZAGE_BEWAARTERMIJN = "P5Y"
"""How long the record of an inspection is kept, unless a deployment says otherwise."""

_LIMITS = (
    "body_limit",
    "batch_body_limit",
    "header_limit",
    "depth_limit",
    "queue_limit",
    "rate_burst",
    "token_lifetime",
    "connection_limit",
)
_TIMEOUTS = ("header_timeout", "body_timeout", "idle_timeout")


class LegeVelden(StrEnum):
    """The form in which an attribute that was not given comes back (X20)."""

    LEEG = "leeg"
    WEG = "weg"


class TijdstipOutside(StrEnum):
    """The treatment of an actie with a tijdstip outside the window around now."""

    FLAG = "flag"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one register. Raises ConfigurationError, naming setting and remedy, when one is wrong.

    Attributes:
        database: the SQLite file, made when it does not exist yet, or the URL of a PostgreSQL database.
        keys: the key file that protects the numbers of persons (B2042); for SQLite, ``.keys`` beside the database if not given.
        keys_command: a command that prints what a key file holds, instead of such a file.
        base_url: address at which clients reach the register, without ``/api/v1``; every ``url`` is built from it (X53).
        require_inzage_headers: the Inzage API demands the doelbinding headers (X16).
        log_inzage: every read is itself recorded as a verwerkingsactie (C3677, C5953, X18).
        inzage_activiteit: verwerkingsactiviteit of those records.
        inzage_bewaartermijn: how long they are kept at least; a reader's header may lengthen that. Five years if not given, as long as
            somebody can claim damages once he knows of them (art. 3:310 BW).
        var_file: TOML file with the terms of the organisation, as the purge reads it: no correction makes a bewaartermijn less than the
            minimum, and nothing new gets less.
        tijdstip_past_days: how long ago an actie that is offered may have been; wide, for outboxes that could not deliver.
        tijdstip_future_seconds: how far ahead it may be; narrow, for clocks that differ.
        tijdstip_outside: whether an actie of another tijdstip is kept and flagged, or refused (threat 12).
        objecttypen: kinds of object that this deployment registers (X61).
        tijdzone: where a calendar day of ``beginDatum`` and ``eindDatum`` begins (X41).
        onbekend_als_404: what PUT, PATCH and DELETE do not find is 404 instead of 400 (X02).
        actie_id_per_versie: a correction gives the actie a new actieId; those of before lead to it still (X01).
        put_volledig: a PUT without each attribute, be it empty, is 400; else what is absent is not given (X14).
        lege_velden: what was not given comes back not at all (``weg``) or empty (``leeg``) (X20).
        issuers: who may sign tokens, beside the clients themselves.
        token_lifetime: longest life of a token, in seconds: one that is valid for longer is refused, whoever signed it.
        body_limit: most bytes of a request body (X59).
        batch_body_limit: the same for a batch of verwerkingsacties.
        header_limit: most bytes of the header block of a request.
        header_timeout: seconds for the address and headers of a request to come.
        body_timeout: seconds for a whole request to come or an answer to be taken; large ones have more.
        idle_timeout: seconds that a connection stays open after an answer.
        connection_limit: most connections of one process; one more, and the one that waits longest for a request is closed.
        depth_limit: deepest nesting of a request body (D11).
        queue_limit: most verwerkingsacties waiting for the disk; beyond it the register answers 503.
        rate_limit: most requests per second of one client; 0: no limit. Counted over all workers of a server.
        rate_burst: how many of them may come at once.
        subject_secrets: file with the secrets that applications encrypt the numbers of persons with in their spans; None: they do not.
        otlp_vertrouwelijkheid: of a span that does not say it, as LDV has it (``normaal`` or ``vertrouwelijk``).
        refuse_bsn_in_text: an actie is refused when a text that names something holds what can be a BSN (P3).
        contact_email: whom users of the API can ask (ADR doc-openapi-contact); the postmaster of its host if not given.
    """

    database: Location = DEFAULT_DATABASE
    keys: Path | None = None
    keys_command: str | None = None
    base_url: str = "http://127.0.0.1:8080"
    require_inzage_headers: bool = True
    log_inzage: bool = True
    inzage_activiteit: UUID | None = None
    inzage_bewaartermijn: str = INZAGE_BEWAARTERMIJN
    var_file: Path | None = None
    tijdstip_past_days: int = 31
    tijdstip_future_seconds: int = 300
    tijdstip_outside: TijdstipOutside = TijdstipOutside.FLAG
    objecttypen: frozenset[str] = frozenset({PERSOON})
    tijdzone: str = "Europe/Amsterdam"
    onbekend_als_404: bool = False
    actie_id_per_versie: bool = False
    put_volledig: bool = False
    lege_velden: LegeVelden = LegeVelden.WEG
    issuers: tuple[Issuer, ...] = ()
    token_lifetime: int = 3600
    body_limit: int = 1024 * 1024
    batch_body_limit: int = 16 * 1024 * 1024
    header_limit: int = 16 * 1024
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    idle_timeout: float = 65.0
    connection_limit: int = 4096
    depth_limit: int = 32
    queue_limit: int = 10_000
    rate_limit: float = 1000.0
    rate_burst: int = 2000
    subject_secrets: Path | None = None
    otlp_vertrouwelijkheid: Vertrouwelijkheid = Vertrouwelijkheid.VERTROUWELIJK
    refuse_bsn_in_text: bool = False
    contact_email: str | None = None

    @property
    def key_source(self) -> KeySource:
        """The source of the keys."""
        if self.keys_command is not None:
            return KeySource(command=self.keys_command)
        return KeySource(file=self.keys or key_file_beside(self.database))

    def __post_init__(self) -> None:
        self._check_keys()
        self._check_window()
        object.__setattr__(self, "base_url", _checked_base_url(self.base_url))
        if not self.objecttypen:
            raise ConfigurationError("setting objecttypen: is empty; name at least one kind of object, such as 'persoon'")
        try:
            for objecttype in self.objecttypen:
                check_objecttype("objecttypen", objecttype)
            check_bewaartermijn("inzage_bewaartermijn", self.inzage_bewaartermijn)
        except InvalidValue as error:
            raise ConfigurationError(f"setting {error}") from None
        try:
            ZoneInfo(self.tijdzone)
        except (OSError, ValueError, KeyError):
            raise ConfigurationError(_TIJDZONE_REMEDY) from None
        self._check_limits()
        if self.otlp_vertrouwelijkheid is Vertrouwelijkheid.OPGEHEVEN:
            raise ConfigurationError("setting otlp_vertrouwelijkheid: must be normaal or vertrouwelijk; nothing new is opgeheven")
        names = [issuer.iss for issuer in self.issuers]
        if len(set(names)) < len(names):
            raise ConfigurationError("setting issuers: one iss stands there twice; put its algorithms in one table")

    def _check_window(self) -> None:
        if not 1 <= self.tijdstip_past_days <= _PAST_DAYS_MAX:
            raise ConfigurationError(f"setting tijdstip_past_days: must be 1 to {_PAST_DAYS_MAX} days")
        if not 0 <= self.tijdstip_future_seconds <= _FUTURE_SECONDS_MAX:
            raise ConfigurationError(f"setting tijdstip_future_seconds: must be 0 to {_FUTURE_SECONDS_MAX} seconds")

    def _check_limits(self) -> None:
        for name in _LIMITS:
            if getattr(self, name) < 1:
                raise ConfigurationError(f"setting {name}: must be at least 1")
        for name in _TIMEOUTS:
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigurationError(f"setting {name}: must be a number of seconds greater than 0")
        if not 0 <= self.rate_limit < math.inf:
            raise ConfigurationError("setting rate_limit: must be 0 or more requests per second; 0 is no limit")

    def _check_keys(self) -> None:
        if self.keys is not None and self.keys_command is not None:
            raise ConfigurationError("setting keys: give keys or keys_command, not both")
        if self.keys is None and self.keys_command is None and not isinstance(self.database, Path):
            raise ConfigurationError(
                "setting keys: a PostgreSQL database needs a key file elsewhere; name it with --keys FILE or VERWERKINGENLOG_KEYS, "
                "or for a new database make one with: verwerkingenlog keys init --keys FILE"
            )


_TIJDZONE_REMEDY = "setting tijdzone: no such time zone; give an IANA name such as Europe/Amsterdam, or install the package tzdata"


def key_file_beside(database: Location) -> Path | None:
    """The default key file of a SQLite database."""
    return database.with_name(f"{database.name}.keys") if isinstance(database, Path) else None


def _checked_base_url(base_url: str) -> str:
    remedy = "setting base_url: must be an http(s) address without query, such as https://log.example.nl"
    try:
        check_uri("base_url", base_url)
        parts = urlsplit(base_url)
    except (InvalidValue, ValueError):
        raise ConfigurationError(remedy) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ConfigurationError(remedy)
    return base_url.rstrip("/").removesuffix(BASE_PATH)
