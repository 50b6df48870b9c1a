"""The admission of a client to a request counts for half a second, because its client may be revoked meanwhile."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

__all__ = ["FRESH_SECONDS", "Admission", "admission_in"]

FRESH_SECONDS = 0.5
"""What was judged longer ago is judged again. With the half second between two looks at answers under way: within one second."""
_IN_SCOPE = "verwerkingenlogging_register._requests.admission"


class Admission:
    """The admission of the client of one request, with its token and its scopes.

    ``again`` judges anew; it raises Problem 401 or NotPermitted when the client may no longer do what it could.
    """

    __slots__ = ("_again", "_at", "client")

    def __init__(self, client: str, again: Callable[[], Awaitable[None]]) -> None:
        self.client = client
        self._again = again
        self._at = time.perf_counter()

    def put_in(self, scope: Any) -> None:
        """Store it in ``scope``, for whoever serves that request."""
        scope[_IN_SCOPE] = self

    async def renew(self) -> None:
        """Check the client again when the last check is older than ``FRESH_SECONDS``. Raises what a first admission raises."""
        now = time.perf_counter()
        if now - self._at > FRESH_SECONDS:
            await self._again()
            self._at = now

    async def stands(self) -> bool:
        """Whether the client may still be answered. When that cannot be checked, it may not."""
        try:
            await self.renew()
        except Exception:  # deny by default
            return False
        return True


def admission_in(scope: Mapping[str, Any]) -> Admission | None:
    """The admission of the request of ``scope``; None before it, and for an operation that needs no client."""
    found: Admission | None = scope.get(_IN_SCOPE)
    return found
