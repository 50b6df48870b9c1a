"""Verwerkingenlogging for Django: the middleware, the log in the application's own database, checks, commands and admin.

Import ``DjangoLog`` from here, and from ``middleware``, ``users``, ``transactions``, ``settings``, ``models``, ``checks`` and ``admin``
what those export. A name that begins with an underscore is private. It imports Django and ``verwerkingenlogging``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verwerkingenlogging_django._log.django_log import DjangoLog

__all__ = ["DjangoLog"]


def __getattr__(name: str) -> Any:
    """``DjangoLog``, when it is asked for: its tables can be imported only when Django has loaded its apps."""
    if name in __all__:
        from verwerkingenlogging_django._log.django_log import DjangoLog  # noqa: PLC0415  # see above

        return DjangoLog
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
