"""Verwerkingenlogging for Starlette and FastAPI."""

from verwerkingenlogging_starlette._middleware import VerwerkingenloggingMiddleware
from verwerkingenlogging_starlette._routes import routes

__all__ = ["VerwerkingenloggingMiddleware", "routes"]
