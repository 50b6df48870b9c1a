"""A case of the standard, and what the consumer and the provider of these cases log.

Every attribute of each actie is given: those that a case names with its values, and those of the base case C9172 and of the
pictures of a consumer and a provider (quick start) where it names none. An attribute that is not given must be empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from demo.system import OIN
from verwerkingenlogging import Verwerkingsactie, VerwerktObject

__all__ = [
    "BURGER",
    "GEBRUIKER",
    "GETUIGEN",
    "MEDEBEWONERS",
    "NAAMGENOTEN",
    "PARTNER",
    "PERSONEN",
    "PROVIDER_ID",
    "SOME_TIME",
    "VOOROUDERS",
    "ZAAK",
    "Case",
    "Consumer",
    "Request",
    "as_",
    "burger",
    "consumer",
    "provider",
]

BURGER = "2308572"
MEDEBEWONERS = ("8495621", "7586426")
NAAMGENOTEN = ("5649587", "6351429")
PARTNER = "9358297"
GETUIGEN = ("5872525", "6235489")
VOOROUDERS = ("4282547", "6252598")
PERSONEN = (BURGER, *MEDEBEWONERS, *NAAMGENOTEN, PARTNER, *GETUIGEN, *VOOROUDERS)
"""Everybody in these cases."""

ZAAK = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")
PROVIDER_ID = UUID("16a69cb6-41b0-4ea0-8c80-7a735e3609e0")
"""Stands for an id that the logging application makes itself, which is another each time."""
SOME_TIME = "2024-04-05T14:35:42+01:00"
"""Stands for the moment at which the actie really begins."""
GEBRUIKER = "2ecf8e86-1a18-46ba-aa13-992c1dc231a5"

_BRP_REGISTRATIE = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
_LEVERINGEN = UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65")
_VAR = "https://var.gemeente.nl/"

Consumer = Literal["zaaksysteem", "zaaksysteem_uitvoerder", "burgerzaken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of an employee to an application, and the status with which it must answer."""

    method: str
    path: str
    body: dict[str, Any]
    to: Consumer = "zaaksysteem"
    status: int = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case of the standard: its requests, and exactly what the log must hold afterwards, in this order.

    Attributes:
        acties: what must be new in the log.
        changed: what must read otherwise than before, as it must read now.
    """

    code: str
    title: str
    who_logs: str
    requests: Sequence[Request]
    acties: Sequence[Verwerkingsactie]
    changed: Sequence[Verwerkingsactie] = ()


def burger(betrokkenheid: str | None = "Aanvrager") -> VerwerktObject:
    """The citizen of all cases."""
    return VerwerktObject(object_id=BURGER, betrokkenheid=betrokkenheid)


def consumer(actie_naam: str, *objecten: VerwerktObject, **others: Any) -> Verwerkingsactie:
    """What the zaaksysteem logs of a step in the zaak; ``others`` are the attributes in which another step differs from that."""
    prescribed = {
        "verwerking_naam": "Registratie verhuizing",
        "verwerking_id": ZAAK,
        "verwerkingsactiviteit_id": _BRP_REGISTRATIE,
        "bewaartermijn": "P150Y",
        "systeem": "FooBarApp v2.1",
        "gebruiker": GEBRUIKER,
        "gegevensbron": "FooBar Database Publiekszaken",
        **others,
    }
    url = f"{_VAR}{prescribed['verwerkingsactiviteit_id']}"
    return Verwerkingsactie(
        tijdstip=SOME_TIME, actie_naam=actie_naam, verwerkingsactiviteit_url=url, verwerkte_objecten=objecten, **prescribed
    )


def provider(actie_naam: str, *objecten: VerwerktObject, asked_by: Verwerkingsactie | None = None) -> Verwerkingsactie:
    """What the gegevensmagazijn logs when it is called within that actie of the consumer, if not within that of a zaak.

    All that it does not know of itself comes from the headers.
    """
    caller = asked_by or consumer("Ophalen persoonsgegevens")
    return Verwerkingsactie(
        tijdstip=SOME_TIME,
        actie_naam=actie_naam,
        verwerking_id=PROVIDER_ID,
        verwerkingsactiviteit_id=_LEVERINGEN,
        verwerkingsactiviteit_url=f"{_VAR}{_LEVERINGEN}",
        systeem="FooBarService v1.3",
        gegevensbron="FooBar Gegevensmagazijn",
        verwerkte_objecten=objecten,
        vertrouwelijkheid=caller.vertrouwelijkheid,
        bewaartermijn=caller.bewaartermijn,
        soort_afnemer_id="OIN",
        afnemer_id=OIN,
        verwerkingsactiviteit_id_afnemer=caller.verwerkingsactiviteit_id,
        verwerkingsactiviteit_url_afnemer=caller.verwerkingsactiviteit_url,
        verwerking_id_afnemer=caller.verwerking_id,
    )


def as_(betrokkenheid: str | None, *bsns: str) -> list[VerwerktObject]:
    """These persons in one capacity."""
    return [VerwerktObject(object_id=bsn, betrokkenheid=betrokkenheid) for bsn in bsns]
