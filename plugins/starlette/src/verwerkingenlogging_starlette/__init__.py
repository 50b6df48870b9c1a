"""Verwerkingenlogging for Starlette and FastAPI: one middleware around an application, and the list of what its routes log.

Public are the middleware, ``routes``, and the module ``fastapi`` for an application that has FastAPI; all that begins with an
underscore is private. Imports the core, Starlette, and nothing of another plugin; FastAPI in that one module only.
"""

from verwerkingenlogging_starlette._middleware import VerwerkingenloggingMiddleware
from verwerkingenlogging_starlette._routes import routes

__all__ = ["VerwerkingenloggingMiddleware", "routes"]
