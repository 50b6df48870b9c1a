"""What is public in each distribution, as text: ``python -m tests.public_surface`` (``make api``) writes it to docs/reference/api/.

Public is each module in whose dotted name no part begins with an underscore, and in it what ``__all__`` names; without ``__all__``, what it
defines itself under a name without underscore. The sources are read, not run, so that the text is the same on each version of Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import shorten

import griffe

__all__ = ["API", "DISTRIBUTIONS", "surface"]

ROOT = Path(__file__).parents[1]
API = ROOT / "docs" / "reference" / "api"
DISTRIBUTIONS = {
    "verwerkingenlogging": "src",
    "verwerkingenlogging_starlette": "plugins/starlette/src",
    "verwerkingenlogging_django": "plugins/django/src",
    "verwerkingenlogging_register": "plugins/register/src",
}
_WITHOUT = frozenset({"__repr__", "__str__", "__slots__", "__match_args__", "__test__"})
"""Special names that say nothing about how a class is used."""


@cache
def _sources() -> griffe.ModulesCollection:
    loader = griffe.GriffeLoader(search_paths=[str(ROOT / sources) for sources in DISTRIBUTIONS.values()], allow_inspection=False)
    for name in DISTRIBUTIONS:
        loader.load(name)
    loader.resolve_aliases(external=False)
    return loader.modules_collection


def surface(package: str) -> str:
    """What is public in the distribution that has ``package``, a line each."""
    top = _sources()[package]
    lines = [f"# What is public in {package}. `make api` writes this page: a change of it is a change for users."]
    for module in sorted(_modules(top), key=lambda found: found.path):
        lines += ["", module.path, *(f"    {line}" for line in _of_module(module))]
    return "\n".join(lines) + "\n"


def _is_public(path: str) -> bool:
    return not any(part.startswith("_") for part in path.split("."))


def _modules(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for name, inner in module.modules.items():
        if not inner.is_alias and not name.startswith("_") and name != "migrations":  # Django's own business
            yield from _modules(inner)


def _of_module(module: griffe.Module) -> Iterator[str]:
    if module.exports is None:
        names = [name for name, found in module.members.items() if not (name.startswith("_") or found.is_alias or found.is_module)]
    else:
        names = [str(name) for name in module.exports]
    for name in sorted(names):
        found = module.members[name]
        if found.is_module:
            yield f"module {name}"
        elif not isinstance(found, griffe.Alias):
            yield from _of(name, found, module)
        elif found.target_path.partition(".")[0] not in DISTRIBUTIONS:
            yield f"{name} = {found.target_path}"
        elif _is_public(found.canonical_path) and name in (found.final_target.module.exports or [name]):
            yield f"{name} = {found.canonical_path}"
        else:
            yield from _of(name, found.final_target, found.final_target.parent)


def _of(name: str, found: griffe.Object | griffe.Alias, parent: object) -> Iterator[str]:
    if isinstance(found, griffe.Class):
        yield from _of_class(name, found)
    elif isinstance(found, griffe.Function):
        for one in getattr(parent, "overloads", {}).get(found.name) or [found]:
            yield from (f"@{decorator.value}" for decorator in one.decorators)
            yield f"{'async ' if 'async' in found.labels else ''}def {one.signature(name=name)}"
    elif isinstance(found, griffe.Attribute):
        yield _of_attribute(name, found)


def _of_attribute(name: str, found: griffe.Attribute) -> str:
    if "property" in found.labels:
        return f"property {name}: {found.annotation}"
    annotation = "" if found.annotation is None else f": {found.annotation}"
    value = None if found.labels == {"instance-attribute"} else found.value
    return name + annotation + ("" if value is None else f" = {shorten(str(value), 100, placeholder=' …')}")


def _of_class(name: str, found: griffe.Class) -> Iterator[str]:
    yield from (f"@{decorator.value}" for decorator in found.decorators)
    keywords = [f"{key}={value}" for key, value in found.keywords.items()]
    given = ", ".join([*map(str, found.bases), *keywords])
    yield f"class {name}({given})" if given else f"class {name}"
    members = dict(found.members)
    for base in found.mro():
        if not _is_public(base.path):
            members = {**base.members, **members}
    for inner, member in sorted(members.items()):
        special = inner.startswith("__") and inner.endswith("__")
        if inner in _WITHOUT or (inner.startswith("_") and not special) or member.is_alias:
            continue
        yield from (f"    {line}" for line in _of(inner, member, found))


def main() -> None:
    """Write the pages."""
    API.mkdir(exist_ok=True)
    for package in DISTRIBUTIONS:
        (API / f"{package}.txt").write_text(surface(package), encoding="utf-8")
        sys.stdout.write(f"{(API / package).relative_to(ROOT)}.txt\n")


if __name__ == "__main__":
    main()
