"""``manage.py verwerkingen_check``: every URL and what it logs."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.routes.annotation_check import cached, listed, problems, summary, unannotated
from verwerkingenlogging_django._project_routes import project_routes

__all__ = ["Command"]


class Command(BaseCommand):
    """Lists every URL and what it logs. Fails when one says nothing, or when what it says cannot be recorded."""

    help = "List every URL and what it logs of personal data; fail when a URL says nothing or names an unknown verwerkingsactiviteit."
    requires_system_checks = ()  # it says itself what is wrong, of these as well

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--json``."""
        parser.add_argument("--json", action="store_true", help="write one JSON object, for other programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the list. The exit status is 0 when all is well and 1 when something must be corrected."""
        try:
            routes = project_routes()
        except ConfigurationError as error:
            raise CommandError(str(error)) from None
        wrong, silent = [*problems(routes), *cached()], unannotated(routes)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(routes, wrong), ensure_ascii=False, indent=2))
        else:
            for line in listed(routes):
                self.stdout.write(line)
            for problem in wrong:
                self.stderr.write(problem)
        told = summary(routes, wrong)
        if wrong or silent:
            raise CommandError(told)
        if not options["json"]:
            self.stdout.write(told)


def _plain(routes: Any, wrong: list[str]) -> dict[str, Any]:
    return {
        "routes": [
            {
                "route": route.name,
                "url_name": route.url_name,
                "acties": [
                    {
                        "actie_naam": annotation.template.actie_naam,
                        "activiteit": annotation.template.activiteit,
                        "moment": "after" if annotation.found else "before",
                        "where": annotation.where,
                    }
                    for annotation in route.annotations
                ],
                "geen_verwerking": route.geen_verwerking,
                "wildcard": route.wildcard,
            }
            for route in routes
        ],
        "problems": wrong,
    }
