"""The values in the setting ``VERWERKINGENLOGGING``, each read and checked: an error names the key and what is wrong with it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from django.conf import settings as django_settings
from django.utils.module_loading import import_string

from verwerkingenlogging import Activiteiten, ConfigurationError, HeaderProfile, Verwerkingenlog

__all__ = ["NAME", "activiteiten_of", "function_of", "key_of", "log_of", "profile_of", "setting_path", "texts_of", "urlconfs_of"]

NAME = "VERWERKINGENLOGGING"
"""Name of the setting."""

_KEY_LENGTH = 32


def setting_path(key: str) -> str:
    """The name of a key in messages: ``settings.VERWERKINGENLOGGING["OIN"]``."""
    return f'settings.{NAME}["{key}"]'


def activiteiten_of(value: object) -> Activiteiten:
    """The activiteiten that a file or an object says. Raises ConfigurationError."""
    if isinstance(value, Activiteiten):
        return value
    if not isinstance(value, str | Path):
        raise ConfigurationError("must be the path of a file, or Activiteiten")
    return Activiteiten.from_file(value)


def texts_of(key: str, values: object) -> Iterable[str]:
    """The texts of a list of them. Raises ConfigurationError."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{setting_path(key)}: must be a list of texts")
    texts = list(values)
    if not all(isinstance(text, str) for text in texts):
        raise ConfigurationError(f"{setting_path(key)}: must be a list of texts")
    return texts


def urlconfs_of(value: object) -> tuple[str, ...]:
    """The names of URLconfs, each of which is a module that is there. Raises ConfigurationError."""
    names = tuple(texts_of("URLCONFS", value))
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


def function_of(key: str, value: Any) -> Callable[..., Any]:
    """A function of the request, or what its dotted path leads to. Raises ConfigurationError."""
    function = _imported(key, value)
    if not callable(function):
        raise ConfigurationError(f"{setting_path(key)}: must be a function of the request, or the dotted path of one")
    return cast("Callable[..., Any]", function)


def profile_of(value: Any) -> HeaderProfile:
    """The names of the doelbinding headers. Raises ConfigurationError."""
    profile = _imported("PROFILE", value)
    if not isinstance(profile, HeaderProfile):
        raise ConfigurationError(f"{setting_path('PROFILE')}: must be a HeaderProfile, or the dotted path of one")
    return profile


def key_of(value: object, *, needed: bool) -> bytes | None:
    """What keys of users are made with; ``needed`` says whether it may be left out. Raises ConfigurationError."""
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


def log_of(value: Any) -> Verwerkingenlog:
    """The log, which a function or the dotted path of one may give. Raises ConfigurationError."""
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
