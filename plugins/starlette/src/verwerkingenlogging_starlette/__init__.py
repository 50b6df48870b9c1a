"""Verwerkingenlogging for Starlette and FastAPI."""

from verwerkingenlogging_starlette.middleware import VerwerkingenloggingMiddleware
from verwerkingenlogging_starlette.routes import routes

__all__ = ["VerwerkingenloggingMiddleware", "routes"]
