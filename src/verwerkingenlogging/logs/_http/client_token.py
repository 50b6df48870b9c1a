"""The bearer token of a registered client."""

from __future__ import annotations

import time

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.support.optional_packages import installed_by

with installed_by("verwerkingenlogging[api]"):
    import jwt

__all__ = ["ClientToken"]

_SECRET_MIN = 32


class ClientToken:
    """Signs the bearer token of a registered client, HS256 in the ZGW manner, and signs anew before it expires.

    ``secret`` has at least 32 bytes; ``lifetime`` is in seconds. Raises ConfigurationError when the secret is too short.

    Attributes:
        client_id: of the client.
    """

    def __init__(self, client_id: str, secret: str, *, lifetime: int = 3600) -> None:
        if len(secret.encode()) < _SECRET_MIN:
            raise ConfigurationError(f"ClientToken: secret of client {client_id!r} has fewer than {_SECRET_MIN} bytes; have a new one made")
        self.client_id = client_id
        self._secret = secret
        self._lifetime = lifetime
        self._current: tuple[str, float] = ("", float("-inf"))

    def __call__(self) -> str:
        """A token that is valid for at least another half of its lifetime."""
        token, renew_at = self._current
        # Not by the clock of the machine, which may have been wrong when the token was signed, and set right since.
        if time.monotonic() >= renew_at:
            token = self.renewed()
        return token

    def renewed(self) -> str:
        """Sign a new token and use it from now on: for when a register refuses the last one."""
        now = int(time.time())
        claims = {"iss": self.client_id, "client_id": self.client_id, "iat": now, "exp": now + self._lifetime}
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        self._current = (token, time.monotonic() + self._lifetime / 2)
        return token
