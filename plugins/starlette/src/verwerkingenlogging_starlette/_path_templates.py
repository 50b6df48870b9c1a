"""Templates of paths, such as ``/personen/{bsn}``: their parameters, and the addresses that they match."""

from __future__ import annotations

import re
from typing import Any

from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.routing import PARAM_REGEX

__all__ = ["path_parameters", "path_pattern", "without_host"]


def path_parameters(template: str) -> dict[str, Convertor[Any]]:
    """The parameters of a template, each with its convertor. An inner one replaces an outer one of the same name."""
    return {name: CONVERTOR_TYPES[kind.lstrip(":") or "str"] for name, kind in PARAM_REGEX.findall(template)}


def without_host(template: str) -> str:
    """The template without its host."""
    return template if not template.startswith("//") else template[2:][len(template[2:].partition("/")[0]) :]


def path_pattern(template: str) -> re.Pattern[str]:
    """The regular expression that matches the paths of this template."""
    written, start = "", 0
    for found in PARAM_REGEX.finditer(template):
        convertor = CONVERTOR_TYPES[(found[2] or ":str").lstrip(":")]
        written += f"{re.escape(template[start : found.start()])}(?:{convertor.regex})"
        start = found.end()
    return re.compile(written + re.escape(template[start:]))
