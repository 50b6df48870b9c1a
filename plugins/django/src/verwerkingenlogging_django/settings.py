"""The setting ``VERWERKINGENLOGGING``: what the application says about itself, and where and how it logs.

All of the plugin reads it here. What is made of it is made once, and anew when a test changes the setting.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.module_loading import import_string

from verwerkingenlogging import VNG, Activiteiten, ConfigurationError, HeaderProfile, InvalidValue, Recorder, Settings, Verwerkingenlog
from verwerkingenlogging.configuration.settings import check_setting
from verwerkingenlogging.requests.peers import THIS_MACHINE, Trust, trust
from verwerkingenlogging.support import process
from verwerkingenlogging_django._requests.rollback import roll_back

__all__ = ["NAME", "Configuration", "configuration", "raw_setting", "recorder", "setting_path"]

NAME = "VERWERKINGENLOGGING"
"""Name of the setting."""

T = TypeVar("T")


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
        gebruiker_key: what ``gebruikers.pseudonym`` makes such keys with. Key ``GEBRUIKER_KEY``: a secret text of at least 32
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
_KNOWN = {
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
_KEY_LENGTH = 32
_REQUIRED = ("OIN", "ACTIVITEITEN", "LOG")


def setting_path(key: str) -> str:
    """The name of a key in messages: ``settings.VERWERKINGENLOGGING["OIN"]``."""
    return f'settings.{NAME}["{key}"]'


class _Made:
    """What was made of the setting. One of each for all threads: two outboxes in one process would be one too many."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.configuration: Configuration | None = None
        self.recorder: Recorder | None = None


_made = _Made()


@process.in_child
def _let_go() -> None:
    """A thread that the child does not have may have held it."""
    _made.lock = threading.RLock()


def configuration() -> Configuration:
    """The setting, read and checked. Raises ConfigurationError that names the key and the remedy."""
    made = _made.configuration
    if made is None:
        with _made.lock:
            made = _made.configuration = _made.configuration or _read(raw_setting())
    return made


def recorder() -> Recorder:
    """The recorder of this project. Raises ConfigurationError as ``configuration`` does."""
    made = _made.recorder
    if made is None:
        with _made.lock:
            read = configuration()
            made = _made.recorder = _made.recorder or _recorder(read)
    return made


def _recorder(read: Configuration) -> Recorder:
    made = Recorder(read.log, read.settings)
    made.on_failure = roll_back
    return made


def raw_setting() -> Mapping[str, Any]:
    """The setting as it was written. Raises ConfigurationError when it is missing, no dict, or has an unknown key."""
    values = getattr(django_settings, NAME, None)
    if not isinstance(values, Mapping):
        problem = "is missing" if values is None else "must be a dict"
        raise ConfigurationError(f"settings.{NAME} {problem}; it needs at least {', '.join(_REQUIRED)}")
    unknown = sorted(str(key) for key in values.keys() - _KNOWN)
    if unknown:
        raise ConfigurationError(f"{setting_path(unknown[0])}: unknown key; known are {', '.join(sorted(_KNOWN))}")
    return cast("Mapping[str, Any]", values)


def _read(values: Mapping[str, Any]) -> Configuration:
    missing = [key for key in _REQUIRED if values.get(key) is None]
    if missing:
        raise ConfigurationError(f"{setting_path(missing[0])} is missing")
    functions = {key.lower(): _function(key, values[key]) for key in _FUNCTIONS if values.get(key) is not None}
    settings = _settings(values)
    peers = _texts("TRUSTED_PEERS", values.get("TRUSTED_PEERS", THIS_MACHINE))
    proxies = _texts("TRUSTED_PROXIES", values.get("TRUSTED_PROXIES", ()))
    return Configuration(
        settings=settings,
        trusts=trust(peers, proxies=proxies, where=setting_path("TRUSTED_PEERS"), where_proxies=setting_path("TRUSTED_PROXIES")),
        profile=_profile(values.get("PROFILE", VNG)),
        routes=values.get("ROUTES"),
        urlconfs=_urlconfs(values.get("URLCONFS", ())),
        admin_activiteit=values.get("ADMIN_ACTIVITEIT"),
        gebruiker_key=_key(values.get("GEBRUIKER_KEY"), needed=getattr(functions.get("gebruiker"), "needs_key", False)),
        log=_log(values["LOG"]),  # last, for it may open files
        **functions,
    )


def _settings(values: Mapping[str, Any]) -> Settings:
    attributes: dict[str, Any] = {}
    for key, name in _OF_SETTINGS.items():
        if key != "ACTIVITEITEN" and values.get(key) is not None:
            attributes[name] = frozenset(_texts(key, values[key])) if key in _SETS else values[key]
            try:
                check_setting(name, attributes[name])
            except InvalidValue as error:
                raise ConfigurationError(f"{setting_path(key)}: {error.rule}") from None
    try:
        return Settings(activiteiten=_activiteiten(values["ACTIVITEITEN"]), **attributes)
    except ConfigurationError as error:
        raise ConfigurationError(f"{setting_path('ACTIVITEITEN')}: {error}") from None


def _activiteiten(value: object) -> Activiteiten:
    if isinstance(value, Activiteiten):
        return value
    if not isinstance(value, str | Path):
        raise ConfigurationError("must be the path of a file, or Activiteiten")
    return Activiteiten.from_file(value)


def _texts(key: str, values: object) -> Iterable[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{setting_path(key)}: must be a list of texts")
    texts = list(values)
    if not all(isinstance(text, str) for text in texts):
        raise ConfigurationError(f"{setting_path(key)}: must be a list of texts")
    return texts


def _urlconfs(value: object) -> tuple[str, ...]:
    names = tuple(_texts("URLCONFS", value))
    for name in names:
        if _module(name) is None:
            raise ConfigurationError(f'{setting_path("URLCONFS")}: there is no module "{name}"')
    return names


def _module(name: str) -> object:
    """Whether a module is there, without importing it: a URLconf imports views, and so models."""
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _imported(key: str, value: Any) -> Any:
    """What a dotted path leads to; anything but a text is what is meant itself."""
    if not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        raise ConfigurationError(f'{setting_path(key)}: "{value}" cannot be imported: {error}') from error
    except Exception as error:  # of the project's own module, which may do anything
        raise ConfigurationError(
            f'{setting_path(key)}: "{value}" cannot be imported: {type(error).__name__} was raised: {error}'
        ) from error


def _function(key: str, value: Any) -> Callable[..., Any]:
    function = _imported(key, value)
    if not callable(function):
        raise ConfigurationError(f"{setting_path(key)}: must be a function of the request, or the dotted path of one")
    return cast("Callable[..., Any]", function)


def _profile(value: Any) -> HeaderProfile:
    profile = _imported("PROFILE", value)
    if not isinstance(profile, HeaderProfile):
        raise ConfigurationError(f"{setting_path('PROFILE')}: must be a HeaderProfile, or the dotted path of one")
    return profile


def _key(value: object, *, needed: bool) -> bytes | None:
    if value is None:
        if needed:
            raise ConfigurationError(
                f"{setting_path('GEBRUIKER_KEY')} is missing; make one with: python -c 'import secrets; print(secrets.token_hex())'"
            )
        return None
    if not isinstance(value, str) or len(value) < _KEY_LENGTH:
        raise ConfigurationError(f"{setting_path('GEBRUIKER_KEY')}: must be text of at least {_KEY_LENGTH} characters")
    if value in (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS):
        raise ConfigurationError(f"{setting_path('GEBRUIKER_KEY')}: must be another than SECRET_KEY, which is replaced now and then")
    return value.encode()


def _log(value: Any) -> Verwerkingenlog:
    log = _imported("LOG", value)
    if isinstance(log, type) or not hasattr(log, "alog"):
        if not callable(log):
            raise ConfigurationError(f"{setting_path('LOG')}: must be a Verwerkingenlog, or a function without arguments that gives one")
        log = _made_by(log)
    if isinstance(log, type) or not (hasattr(log, "log") and hasattr(log, "alog")):
        raise ConfigurationError(f"{setting_path('LOG')}: gives {type(log).__name__}, which is no Verwerkingenlog: it lacks log or alog")
    return cast("Verwerkingenlog", log)


def _made_by(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ConfigurationError:
        raise
    except Exception as error:  # of the project's own function, which may do anything
        raise ConfigurationError(f"{setting_path('LOG')}: {type(error).__name__} was raised when the log was made: {error}") from error


def _forget(*, setting: str, **_: Any) -> None:
    if setting == NAME:
        with _made.lock:
            _made.configuration = _made.recorder = None


setting_changed.connect(_forget, dispatch_uid="verwerkingenlogging_django.settings")
