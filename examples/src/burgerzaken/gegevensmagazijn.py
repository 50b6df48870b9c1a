"""Calls to the gegevensmagazijn, with our doelbinding headers. Each call is stored, in case its records must change later."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from rest_framework.exceptions import NotFound

from burgerzaken.changes import remember
from burgerzaken.problems import Unavailable
from verwerkingenlogging import Propagation

__all__ = ["ask"]

_HOST = urlsplit(settings.GEGEVENSMAGAZIJN).netloc
# Our doelbinding goes along with every call to the gegevensmagazijn, and to no other host. Nor does a proxy of the
# environment get to see the calls.
_client = httpx2.Client(base_url=settings.GEGEVENSMAGAZIJN, event_hooks={"request": [Propagation(hosts=[_HOST]).hook]}, trust_env=False)


def ask(path: str, body: dict[str, Any]) -> Any:
    """The answer of the gegevensmagazijn. Raises NotFound when it does not know the person, Unavailable when it does not deliver."""
    remember(_HOST)
    try:
        response = _client.post(path, json=body)
    except httpx2.HTTPError:
        raise Unavailable("Het gegevensmagazijn is niet bereikbaar.") from None
    if response.status_code == httpx2.codes.NOT_FOUND:
        raise NotFound("Deze persoon is niet bekend.")
    if not response.is_success:
        raise Unavailable("Het gegevensmagazijn levert nu niet.")
    return response.json()
