"""What the setting ``VERWERKINGENLOGGING`` says, once it is read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from django.conf import settings as django_settings
from django.http import HttpRequest

from verwerkingenlogging import VNG, ConfigurationError, HeaderProfile, InvalidValue, Settings, Verwerkingenlog
from verwerkingenlogging.configuration.settings import check_setting
from verwerkingenlogging.requests.peers import THIS_MACHINE, Trust, trust
from verwerkingenlogging_django._setting_values import (
    NAME,
    activiteiten_of,
    function_of,
    key_of,
    log_of,
    profile_of,
    setting_path,
    texts_of,
    urlconfs_of,
)

__all__ = ["KNOWN_KEYS", "Configuration", "parse_configuration", "raw_setting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The setting, read and checked.

    Attributes:
        settings: what the application says about itself: the keys of the core's ``Settings`` in capitals.
        log: where it logs. Key ``LOG``: a Verwerkingenlog, the dotted path of one, or of a function without arguments that gives one.
        trusts: whether the headers of a request are believed. Key ``TRUSTED_PEERS``: addresses and networks, or ``unix``; by default
            this machine only, for what bears no header that a proxy adds. Key ``TRUSTED_PROXIES``: those that let doelbinding headers
            through only of who is to be believed. Behind another proxy, let the server restore the client's address.
        verified_oin: gives the OIN that the client certificate or a token proves, or None. It takes the place of ``TRUSTED_PEERS``.
        organisatie: OIN of the organisation on whose behalf a request is handled, where one installation serves several.
        gebruiker: meaningless key of the user, at most 40 characters; off when it is left out (B9207).
        gebruiker_key: what ``users.pseudonym`` makes such keys with. Key ``GEBRUIKER_KEY``: a secret text of at least 32
            characters, of its own.
        profile: names of the doelbinding headers, if not the standard's.
        routes: what routes log whose code stays untouched, as it was given.
        urlconfs: other URLconfs than ``ROOT_URLCONF``, for where a middleware sets ``request.urlconf``.
        admin_activiteit: verwerkingsactiviteit of looking into the log by the admin, as it was given.
    """

    settings: Settings
    log: Verwerkingenlog
    trusts: Trust
    verified_oin: Callable[[HttpRequest], str | None] | None = None
    organisatie: Callable[[HttpRequest], str] | None = None
    gebruiker: Callable[[HttpRequest], str | None] | None = None
    gebruiker_key: bytes | None = field(default=None, repr=False)
    profile: HeaderProfile = VNG
    routes: Any = None
    urlconfs: tuple[str, ...] = ()
    admin_activiteit: Any = None


_OF_SETTINGS = {field.name.upper(): field.name for field in fields(Settings)}
_SETS = frozenset({"OBJECTTYPEN", "VERTROUWELIJK_FROM"})
_FUNCTIONS = ("VERIFIED_OIN", "ORGANISATIE", "GEBRUIKER")
KNOWN_KEYS = {
    *_OF_SETTINGS,
    *_FUNCTIONS,
    "LOG",
    "TRUSTED_PEERS",
    "TRUSTED_PROXIES",
    "PROFILE",
    "GEBRUIKER_KEY",
    "ROUTES",
    "URLCONFS",
    "ADMIN_ACTIVITEIT",
}
_REQUIRED = ("OIN", "ACTIVITEITEN", "LOG")


def raw_setting() -> Mapping[str, Any]:
    """The setting as it was written. Raises ConfigurationError when it is missing, no dict, or has an unknown key."""
    values = getattr(django_settings, NAME, None)
    if not isinstance(values, Mapping):
        problem = "is missing" if values is None else "must be a dict"
        raise ConfigurationError(f"settings.{NAME} {problem}; it needs at least {', '.join(_REQUIRED)}")
    unknown = sorted(str(key) for key in values.keys() - KNOWN_KEYS)
    if unknown:
        raise ConfigurationError(f"{setting_path(unknown[0])}: unknown key; known are {', '.join(sorted(KNOWN_KEYS))}")
    return cast("Mapping[str, Any]", values)


def parse_configuration(values: Mapping[str, Any]) -> Configuration:
    """Read and check the setting as it was written. Raises ConfigurationError that names the key and the remedy."""
    missing = [key for key in _REQUIRED if values.get(key) is None]
    if missing:
        raise ConfigurationError(f"{setting_path(missing[0])} is missing")
    functions = {key.lower(): function_of(key, values[key]) for key in _FUNCTIONS if values.get(key) is not None}
    settings = _settings(values)
    peers = texts_of("TRUSTED_PEERS", values.get("TRUSTED_PEERS", THIS_MACHINE))
    proxies = texts_of("TRUSTED_PROXIES", values.get("TRUSTED_PROXIES", ()))
    return Configuration(
        settings=settings,
        trusts=trust(peers, proxies=proxies, where=setting_path("TRUSTED_PEERS"), where_proxies=setting_path("TRUSTED_PROXIES")),
        profile=profile_of(values.get("PROFILE", VNG)),
        routes=values.get("ROUTES"),
        urlconfs=urlconfs_of(values.get("URLCONFS", ())),
        admin_activiteit=values.get("ADMIN_ACTIVITEIT"),
        gebruiker_key=key_of(values.get("GEBRUIKER_KEY"), needed=getattr(functions.get("gebruiker"), "needs_key", False)),
        log=log_of(values["LOG"]),  # last, for it may open files
        **functions,
    )


def _settings(values: Mapping[str, Any]) -> Settings:
    attributes: dict[str, Any] = {}
    for key, name in _OF_SETTINGS.items():
        if key != "ACTIVITEITEN" and values.get(key) is not None:
            attributes[name] = frozenset(texts_of(key, values[key])) if key in _SETS else values[key]
            try:
                check_setting(name, attributes[name])
            except InvalidValue as error:
                raise ConfigurationError(f"{setting_path(key)}: {error.rule}") from None
    try:
        return Settings(activiteiten=activiteiten_of(values["ACTIVITEITEN"]), **attributes)
    except ConfigurationError as error:
        raise ConfigurationError(f"{setting_path('ACTIVITEITEN')}: {error}") from None
