"""The register: the server that keeps the log, with the Bewerking API and the Inzage API of the Verwerkingenlogging standard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verwerkingenlogging_register.settings import Settings

__all__ = ["Settings", "create_app"]

if TYPE_CHECKING:
    from verwerkingenlogging_register._server.app import create_app
else:

    def __getattr__(name: str) -> object:
        """``create_app`` when it is asked for: with it comes all that a server needs, and most commands need none of that."""
        if name == "create_app":
            from verwerkingenlogging_register._server.app import create_app  # noqa: PLC0415  # see above

            return create_app
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
