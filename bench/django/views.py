"""The view that is measured, sync and async, as it is and with our annotation."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from bench.harness.full_record import annotation

__all__ = ["aopgehaald", "aophalen", "opgehaald", "ophalen"]


def ophalen(request: HttpRequest, bsn: str) -> JsonResponse:
    """A person, by its number."""
    return JsonResponse({"burgerservicenummer": bsn, "naam": "Jansen"})


async def aophalen(request: HttpRequest, bsn: str) -> JsonResponse:
    """The same, async."""
    return JsonResponse({"burgerservicenummer": bsn, "naam": "Jansen"})


opgehaald = annotation("bsn")(ophalen)
aopgehaald = annotation("bsn")(aophalen)
