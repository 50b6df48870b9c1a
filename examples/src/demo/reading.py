"""Reading the log: an auditor sees all of it through the Bewerking API, a citizen a part of it through the Inzage API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

from demo.processes import NO_AUTHORITIES
from demo.system import AUDITOR, OIN, PORTAL, System
from verwerkingenlogging import Activiteit, Activiteiten, Propagation, Recorder, Settings, log_actie, recording, verwerking
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.model import RegisteredVerwerkingsactie, read_registered
from verwerkingenlogging.model.limits import tijdstip_of

__all__ = ["CONTROLE", "INZAGE", "INZIEN", "PORTAL_SYSTEEM", "Auditor", "Portal"]

INZIEN = "Inzien verwerkingenlog"
"""Name of the actie of whoever looks into the log, with the register as with the portal."""
PORTAL_SYSTEEM = "Inzageportaal v1.0"
INZAGE = Activiteit(
    naam="inzage",
    id=UUID("0fd5b752-6587-4c5c-a25a-72120bd34934"),
    url="https://var.gemeente.nl/0fd5b752-6587-4c5c-a25a-72120bd34934",
)
CONTROLE = Activiteit(
    naam="controle",
    id=UUID("c63bc08f-071d-4dff-aaff-c40525ca4244"),
    url="https://var.gemeente.nl/c63bc08f-071d-4dff-aaff-c40525ca4244",
)

_PAGE_SIZE = 500


class Auditor:
    """An officer of the municipality who may see all (C5953). Says why in the headers, as the register logs each look."""

    def __init__(self, system: System) -> None:
        self._system = system

    def acties(self, bsns: Iterable[str]) -> list[RegisteredVerwerkingsactie]:
        """Every actie about these persons, oldest first.

        An answer about one person leaves the others out, so each actie is put together from the answers about all of them.
        """
        found: dict[str, dict[str, Any]] = {}
        with httpx2.Client(
            trust_env=False, verify=NO_AUTHORITIES, headers={"OIN": OIN, "VerwerkingsactiviteitId": str(CONTROLE.id)}
        ) as http:
            for bsn in bsns:
                for actie in _pages(http, self._system, AUDITOR, "/verwerkingsacties", _about(bsn)):
                    known = found.setdefault(actie["actieId"], {**actie, "verwerkteObjecten": []})
                    known["verwerkteObjecten"] += actie["verwerkteObjecten"]
        acties = [read_registered(actie) for actie in found.values()]
        return sorted(acties, key=lambda actie: (tijdstip_of(actie.tijdstip), tijdstip_of(actie.tijdstip_registratie)))


class Portal:
    """The portal where citizens see what is logged about them (C3677). It is an application too: it logs, then asks."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._log = ApiLog(system.api, token=system.tokens[PORTAL])
        self._recorder = Recorder(self._log, Settings(oin=OIN, activiteiten=Activiteiten({OIN: [INZAGE]}), systeem=PORTAL_SYSTEEM))
        self._propagation = Propagation(hosts=[urlsplit(system.api).netloc])

    def inzage(self, bsn: str) -> tuple[UUID, list[dict[str, Any]]]:
        """What the citizen with this BSN may see, newest first, and the id of the verwerking that looking is."""
        today = date.today()
        period = {"beginDatum": str(today - timedelta(days=1)), "eindDatum": str(today + timedelta(days=2))}
        with (
            closing(self._log),
            httpx2.Client(trust_env=False, verify=NO_AUTHORITIES, event_hooks={"request": [self._propagation.hook]}) as http,
            recording(self._recorder),
            verwerking("Inzage verwerkingenlog", activiteit=INZAGE.naam) as inzage,
        ):
            log_actie(INZIEN, objecten=bsn)
            return inzage.id, list(_pages(http, self._system, PORTAL, "/verwerkte-objecten", _about(bsn) | period))


def _about(bsn: str) -> dict[str, str | int]:
    return {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": bsn, "pageSize": _PAGE_SIZE}


def _pages(http: httpx2.Client, system: System, client: str, path: str, question: Mapping[str, str | int]) -> Iterator[dict[str, Any]]:
    url: str | None = str(httpx2.URL(system.api + path, params=question))
    while url:
        answer = http.get(url, headers={"Authorization": f"Bearer {system.tokens[client]()}"}).raise_for_status().json()
        yield from answer["results"]
        url = answer["next"]
