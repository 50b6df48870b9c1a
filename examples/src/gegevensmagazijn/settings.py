"""What a deployment of the gegevensmagazijn decides, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from verwerkingenlogging import ConfigurationError, Settings
from verwerkingenlogging.logs.api import ApiLog, ClientToken

__all__ = ["Deployment"]

# What the application knows of itself; the environment may say otherwise.
_VERWERKINGENLOGGING = {
    "VERWERKINGENLOGGING_OIN": "00000001821002193000",
    "VERWERKINGENLOGGING_ACTIVITEITEN": str(Path(__file__).with_name("activiteiten.toml")),
    "VERWERKINGENLOGGING_SYSTEEM": "FooBarService v1.3",
    "VERWERKINGENLOGGING_GEGEVENSBRON": "FooBar Gegevensmagazijn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The settings of one installation.

    Attributes:
        database: the SQLite file.
        log: the register that keeps our verwerkingsacties.
        verwerkingenlogging: what we say about ourselves in them.
    """

    database: Path
    log: ApiLog
    verwerkingenlogging: Settings

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Deployment:
        """Read ``GEGEVENSMAGAZIJN_…`` and ``VERWERKINGENLOGGING_…``. Raises ConfigurationError naming what is missing or wrong."""
        secret = environ.get("GEGEVENSMAGAZIJN_CLIENT_SECRET")
        if not secret:
            raise ConfigurationError(
                "environment: GEGEVENSMAGAZIJN_CLIENT_SECRET is missing; `verwerkingenlog client add gegevensmagazijn` prints it"
            )
        return cls(
            database=Path(environ.get("GEGEVENSMAGAZIJN_DATABASE", "gegevensmagazijn.sqlite")),
            log=ApiLog(
                environ.get("GEGEVENSMAGAZIJN_REGISTER", "http://127.0.0.1:8080/api/v1"),
                token=ClientToken(environ.get("GEGEVENSMAGAZIJN_CLIENT_ID", "gegevensmagazijn"), secret),
            ),
            verwerkingenlogging=Settings.from_env({**_VERWERKINGENLOGGING, **environ}),
        )
