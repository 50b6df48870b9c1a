"""The command ``verwerkingenlogging``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

from verwerkingenlogging.commands.outbox import add_commands
from verwerkingenlogging.errors import ConfigurationError, VerwerkingenloggingError
from verwerkingenlogging.routes.annotation_check import Adapter, Route, cached, late, listed, problems, summary, unannotated

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0 when all is well, 1 when something must be corrected, 2 on bad usage."""
    parser = argparse.ArgumentParser(
        prog="verwerkingenlogging", description="Check what an application logs of personal data, and look into its outbox."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="list every route and what it logs; fail when a route does not say it")
    check.add_argument(
        "application", metavar="module:app", help="where the application object is, or module:make_app() for a function that makes it"
    )
    check.set_defaults(run=lambda options: _check(options.application))
    add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 1
    except OSError as error:
        print(f"verwerkingenlogging: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    except VerwerkingenloggingError as error:
        print(f"verwerkingenlogging: {error}", file=sys.stderr)
        return 1
    return status


def _check(where: str) -> int:
    routes = _routes(_load(where))
    for line in listed(routes):
        print(line)
    wrong = [*problems(routes), *cached()]
    for problem in wrong:
        print(f"verwerkingenlogging: {problem}", file=sys.stderr)
    for warning in late(routes):
        print(f"verwerkingenlogging: warning: {warning}", file=sys.stderr)
    silent = unannotated(routes)
    print(summary(routes, wrong))
    return 1 if wrong or silent else 0


def _load(where: str) -> object:
    module_name, _, attribute = where.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError(f"{where}: write it as module:app, or module:make_app() for what makes one")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as a server does: the application lies in the current folder
    try:
        found: object = importlib.import_module(module_name)
        for name in attribute.removesuffix("()").split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{where}: cannot be loaded: {error}") from None
    return found() if attribute.endswith("()") and callable(found) else found  # what it raises is the application's own


def _routes(application: object) -> list[Route]:
    adapters = sorted(entry_points(group="verwerkingenlogging.routes"), key=lambda point: point.name)
    for point in adapters:
        adapter: Adapter = point.load()
        routes = adapter(application)
        if routes is not None:
            return routes
    names = ", ".join(point.name for point in adapters) or "none; install the plugin of its framework"
    raise ConfigurationError(f"{type(application).__name__} objects are of no framework that is supported here ({names})")
