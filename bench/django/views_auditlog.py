"""The same view, with a row of django-auditlog that says that a person was looked at."""

from __future__ import annotations

from auditlog.signals import accessed  # type: ignore[import-untyped]  # it has none
from django.http import HttpRequest, JsonResponse

from bench.django import views
from bench.django.models import Persoon

__all__ = ["aophalen", "ophalen"]


def ophalen(request: HttpRequest, bsn: str) -> JsonResponse:
    """What its LogAccessMixin does. The person is not fetched, because the other variants fetch none."""
    accessed.send(Persoon, instance=Persoon(pk=1))
    return views.ophalen(request, bsn)


async def aophalen(request: HttpRequest, bsn: str) -> JsonResponse:
    """The same, async."""
    await accessed.asend(Persoon, instance=Persoon(pk=1))
    return await views.aophalen(request, bsn)
