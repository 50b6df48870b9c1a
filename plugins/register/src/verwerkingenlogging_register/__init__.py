"""The log itself: a register with the Bewerking API and the Inzage API of the Verwerkingenlogging standard."""

from verwerkingenlogging_register.app import create_app
from verwerkingenlogging_register.settings import Settings

__all__ = ["Settings", "create_app"]
