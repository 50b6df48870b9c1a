"""The user as a meaningless key, asked for when something is logged, and so after authentication (B9207).

Off until the setting says otherwise::

    "GEBRUIKER": "verwerkingenlogging_django.users.pseudonym",
    "GEBRUIKER_KEY": os.environ["GEBRUIKER_KEY"],

Who needs another key gives a function of the request of its own. It may ask for ``request.user``, in asynchronous views too.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from django.http import HttpRequest

from verwerkingenlogging import ConfigurationError
from verwerkingenlogging_django._setting_values import setting_path
from verwerkingenlogging_django.settings import configuration

__all__ = ["key_of", "pseudonym"]

_LENGTH = 40


def pseudonym(request: HttpRequest) -> str | None:
    """The key of the user who is now in ``request.user``, by session, token or otherwise; None when nobody is."""
    user = getattr(request, "user", None)
    return key_of(user) if user is not None and user.is_authenticated else None


pseudonym.needs_key = True  # type: ignore[attr-defined]  # the settings look for it


def key_of(user: Any) -> str | None:
    """The key of ``user`` in the log: always the same for one primary key and one GEBRUIKER_KEY, and meaningless without it.

    For who must find a user's acties back. Of 40 characters. None for a user without primary key. Raises ConfigurationError without
    a GEBRUIKER_KEY.
    """
    secret = configuration().gebruiker_key
    if secret is None:
        raise ConfigurationError(f"{setting_path('GEBRUIKER_KEY')} is missing")
    pk = getattr(user, "pk", None)
    return hmac.new(secret, str(pk).encode(), hashlib.sha256).hexdigest()[:_LENGTH] if pk is not None else None
