"""Asking the gegevensmagazijn: our doelbinding goes along, and it is kept that it was asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from rest_framework.exceptions import APIException, NotFound

from burgerzaken.changes import remember
from verwerkingenlogging import Propagation

__all__ = ["Unreachable", "ask"]

_HOST = urlsplit(settings.GEGEVENSMAGAZIJN).netloc
# Our doelbinding goes along with every call to the gegevensmagazijn, and to no other host. Nor does a proxy of the
# environment get to see the calls.
_client = httpx2.Client(base_url=settings.GEGEVENSMAGAZIJN, event_hooks={"request": [Propagation(hosts=[_HOST]).hook]}, trust_env=False)


class Unreachable(APIException):
    """The gegevensmagazijn does not deliver."""

    status_code = 502
    default_detail = "Het gegevensmagazijn levert nu niet."
    default_code = "gegevensmagazijn"


def ask(path: str, body: dict[str, Any]) -> Any:
    """The answer of the gegevensmagazijn. Raises NotFound when it does not know the person, Unreachable when it does not deliver."""
    remember(_HOST)
    try:
        response = _client.post(path, json=body)
    except httpx2.HTTPError:
        raise Unreachable from None
    if response.status_code == httpx2.codes.NOT_FOUND:
        raise NotFound("Deze persoon is niet bekend.")
    if not response.is_success:
        raise Unreachable
    return response.json()
