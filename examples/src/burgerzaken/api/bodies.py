"""The request bodies of burgerzaken, checked before anything is recorded or done."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from burgerzaken.models import Ceremonie

__all__ = ["Aanvraag", "Getuigen", "Partners", "Persoon", "Registratie", "Rekeningvraag", "Uitkomst", "Zaak", "body"]

_View = TypeVar("_View", bound=Callable[..., Response])


def body(serializer: type[serializers.Serializer[Any]]) -> Callable[[_View], _View]:
    """Hand what was sent to the view as ``vraag``, or answer 400. It stands above the annotation, which then finds the persons in it::

    @body(Persoon)
    @verwerkingsactie("Ophalen persoonsgegevens", …, objecten=persoon("vraag.bsn"))
    def raadplegingen(self, request, pk, vraag): ...
    """

    def decorate(view: _View) -> _View:
        @functools.wraps(view)
        def checked(self: Any, request: Request, **kwargs: Any) -> Response:
            sent = serializer(data=request.data)
            sent.is_valid(raise_exception=True)
            return view(self, request, vraag=sent.validated_data, **kwargs)

        return checked  # type: ignore[return-value]  # the same, but for the argument that it fills

    return decorate


class Bsn(serializers.RegexField):
    """A BSN, which is text: a number would lose its leading zeros."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(regex="^[0-9]{7,9}$", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """The BSN that was sent."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class _Personen(serializers.Serializer[Any]):
    def validate_bsns(self, bsns: list[str]) -> list[str]:
        if len(set(bsns)) != len(bsns):
            raise serializers.ValidationError("Iedere persoon mag één keer voorkomen.", code="unique")
        return bsns


class Partners(_Personen):
    """The two persons who marry."""

    bsns = serializers.ListField(child=Bsn(), min_length=2, max_length=2)


class Getuigen(_Personen):
    """The witnesses: two to four (BW 1:63)."""

    bsns = serializers.ListField(child=Bsn(), min_length=2, max_length=4)


class Persoon(serializers.Serializer[Any]):
    """One person."""

    bsn = Bsn()


class Rekeningvraag(serializers.Serializer[Any]):
    """The question whose money goes to an account."""

    rekening = serializers.RegexField("^[A-Z0-9]{10,34}$")


class Registratie(serializers.Serializer[Any]):
    """The day of the marriage."""

    trouwdatum = serializers.DateField()


class Uitkomst(serializers.Serializer[Any]):
    """How the ceremony ended."""

    # No ChoiceField: its error repeats what was sent.
    uitkomst = serializers.RegexField(f"^({'|'.join(Ceremonie.Uitkomst.values)})$")


class Zaak(serializers.Serializer[Any]):
    """A new zaak; the id may be that of the request of the citizen (B8157)."""

    id = serializers.UUIDField(default=uuid4)


class Aanvraag(Zaak, Persoon):
    """A new zaak, and who asks for it."""
