"""The settings of a deployment of the zaaksysteem, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from verwerkingenlogging import Settings
from verwerkingenlogging.logs.api import ApiLog

__all__ = ["Deployment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The settings of one installation.

    Attributes:
        database: the SQLite file.
        gegevensmagazijn: base address of the gegevensmagazijn.
        log: the register that keeps our verwerkingsacties.
        settings: what we say about ourselves in them.
    """

    database: Path
    gegevensmagazijn: str
    log: ApiLog
    settings: Settings

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Deployment:
        """Read ``ZAAKSYSTEEM_…`` and ``VERWERKINGENLOGGING_…``. Raises ConfigurationError naming what is missing or wrong."""
        return cls(
            database=Path(environ.get("ZAAKSYSTEEM_DATABASE", "zaaksysteem.sqlite")),
            gegevensmagazijn=environ.get("ZAAKSYSTEEM_GEGEVENSMAGAZIJN", "http://127.0.0.1:8002"),
            log=ApiLog.from_env(environ),
            # What the application knows of itself; the environment may say otherwise.
            settings=Settings.from_env(
                environ,
                oin="00000001821002193000",
                activiteiten=Path(__file__).with_name("activiteiten.toml"),
                systeem="FooBarApp v2.1",
                gegevensbron="FooBar Database Publiekszaken",
            ),
        )
