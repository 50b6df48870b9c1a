"""Finds environment variables that are meant for the register but unknown to it, such as a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["check_environment"]

_PREFIX = "VERWERKINGENLOG_"
_OF_APPLICATIONS = "VERWERKINGENLOGGING_"
"""What an application that logs is set with: it may run beside the register."""
_LIKE = re.compile("verwerk|verwek", re.IGNORECASE)
_ALIKE = 0.85
_OF_KUBERNETES = re.compile(r"VERWERKINGENLOG_(SERVICE_|PORT_\d+_)")


def check_environment(environment: Mapping[str, str], known: Iterable[str]) -> None:
    """Refuse, with ConfigurationError, a variable with our prefix that is not ``known``, or that looks like a misspelt one.

    Its value is not repeated: it may be a secret.
    """
    names = sorted(known)
    for name in environment:
        if name in names or not _LIKE.match(name) or name.upper().startswith(_OF_APPLICATIONS):
            continue
        near = get_close_matches(name.upper(), names, n=1, cutoff=_ALIKE if not name.upper().startswith(_PREFIX) else 0.0)
        if _OF_KUBERNETES.match(name):
            raise ConfigurationError(
                f"environment: {name} is of Kubernetes, for a Service named verwerkingenlog; say enableServiceLinks: false of the pod"
            )
        if near:
            raise ConfigurationError(f"environment: {name} is not a setting of the register; is {near[0]} meant?")
