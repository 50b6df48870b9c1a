"""Shared by all kinds of zaken: they are opened, and worked on until they are closed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from burgerzaken.models import Zaak
from burgerzaken.problems import Conflict

__all__ = ["NO_CONTENT", "ZaakViewSet", "in_transaction"]

NO_CONTENT = 204
_View = TypeVar("_View", bound=Callable[..., Response])


class ZaakViewSet(GenericViewSet[Any]):
    """Zaken of one kind.

    Attributes:
        zaak: the one that a request is about. Looked up before its view is called, so that a zaak that is not there, or is closed,
            is answered before anything is recorded.
    """

    lookup_value_regex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    zaak: Any

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look up the zaak, as part of what REST framework does before the view. Raises Http404, Conflict."""
        super().initial(request, *args, **kwargs)
        if "pk" in kwargs:
            self.zaak = self.get_object()
            check_open(self.zaak)

    def locked(self) -> Any:
        """The zaak as it is now, locked until the transaction ends. Raises Conflict when it has been closed meanwhile."""
        zaak = self.get_queryset().select_for_update().get(pk=self.zaak.pk)
        check_open(zaak)
        return zaak

    def add(self, **attributes: Any) -> Response:
        """Add a new zaak. Raises Conflict when there is one with this id."""
        zaak, is_new = self.get_queryset().get_or_create(id=attributes.pop("id"), defaults=attributes)
        if not is_new:
            raise Conflict("Deze zaak is er al.")
        return Response({"id": zaak.id}, status=201)


def in_transaction(view: _View) -> _View:
    """Run a view in a transaction with its zaak locked, so that its record and its change are both committed, or neither.

    It stands above the annotation. Who is recorded is then who is in the zaak: nobody else can change that meanwhile.
    """

    @functools.wraps(view)
    def locked(self: ZaakViewSet, request: Request, **kwargs: Any) -> Response:
        with transaction.atomic():
            if "pk" in kwargs:
                self.zaak = self.locked()
            return view(self, request, **kwargs)

    return locked  # type: ignore[return-value]  # the same


def check_open(zaak: Zaak) -> None:
    """Raises Conflict when the zaak is closed."""
    if zaak.is_closed:
        raise Conflict("Deze zaak is afgesloten.")
