"""Runs each case over real HTTP, and compares what is in the log and what the citizens see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import UUID

import httpx2

from demo import report
from demo.case import BURGER, GEBRUIKER, MEDEBEWONERS, PERSONEN, PROVIDER_ID, SOME_TIME, Case, Request
from demo.cases import CASES, CLOSING_CASES
from demo.comparison import ATTRIBUTES, citizen_differences, differences
from demo.processes import NO_AUTHORITIES, ServiceFailed
from demo.reading import CONTROLE, INZAGE, INZIEN, PORTAL_SYSTEEM, Auditor, Portal
from demo.system import INZAGE_ACTIVITEIT, INZAGE_BEWAARTERMIJN, OIN, Burgerzaken, System
from verwerkingenlogging import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.model import RegisteredVerwerkingsactie

__all__ = ["delivered", "run", "settle"]

_TIMEOUT_SECONDS = 30
_SETTLE_SECONDS = 60.0
_POLL_SECONDS = 0.05


def run(system: System) -> list[str]:
    """Run all cases on ``system`` and print them; gives everything that is not as prescribed, with the case in front."""
    this = _Run(system)
    for case in CASES:
        this.case(case)
    this.inzage(BURGER)
    for case in CLOSING_CASES:
        this.case(case)
    this.inzage(BURGER)
    this.inzage(MEDEBEWONERS[0])
    this.inspections()
    return this.differences


class _Run:
    def __init__(self, system: System) -> None:
        self.differences: list[str] = []
        self._system = system
        self._auditor = Auditor(system)
        self._portal = Portal(system)
        self._of_cases: dict[UUID, RegisteredVerwerkingsactie] = {}
        self._began = datetime.now(UTC)

    def case(self, case: Case) -> None:
        """Send the requests of ``case``, and compare what is new in the log, and what has changed in it, with its acties."""
        report.case(case)
        began = datetime.now(UTC)
        refused = [text for request in case.requests if (text := self._send(request))]
        ended = datetime.now(UTC)
        found = refused + settle(self._system.burgerzaken)
        acties = [actie for actie in self._auditor.acties(PERSONEN) if actie.actie_naam != INZIEN]
        logged = [actie for actie in acties if actie.actie_id not in self._of_cases]
        changed = [actie for actie in acties if self._of_cases.get(actie.actie_id, actie) != actie]
        self._of_cases = {actie.actie_id: actie for actie in acties}
        report.acties(logged)
        report.changed(changed)
        found += differences(case.acties, logged, began=began, ended=ended)
        found += [f"changed: {text}" for text in differences(case.changed, changed, began=self._began, ended=ended)]
        also = f", and {len(changed)} changed" if changed else ""
        self._conclude(case.code, found, f"{len(logged)} acties of {ATTRIBUTES} attributes each{also}, exactly as {case.code} prescribes")

    def inzage(self, bsn: str) -> None:
        """Let a citizen look, and compare what they see with their own part of the log, and the record of this look itself."""
        report.heading(f"C3677  Inzage door betrokkene: what {bsn} sees")
        began = datetime.now(UTC)
        inzage, seen = self._portal.inzage(bsn)
        ended = datetime.now(UTC)
        report.citizen(seen)
        about = [actie for actie in self._of_cases.values() if bsn in {objekt.object_id for objekt in actie.verwerkte_objecten}]
        visible = [actie for actie in about if actie.vertrouwelijkheid is not Vertrouwelijkheid.VERTROUWELIJK]
        found = citizen_differences(seen, bsn=bsn, about=visible, inzien=INZIEN)
        hidden = f" but the {len(about) - len(visible)} confidential ones" if len(about) > len(visible) else ""
        whatever = "no systeem, gebruiker, gegevensbron or other persons"
        self._conclude("C3677", found, f"all acties of the cases about this person{hidden}; {whatever}")
        looks = [actie for actie in self._auditor.acties([bsn]) if inzage in (actie.verwerking_id, actie.verwerking_id_afnemer)]
        report.acties(looks)
        found = differences(_looks(inzage, bsn), looks, began=began, ended=ended)
        self._conclude("C3677", found, "looking is logged as well: by the portal that asked, and by the register that showed")

    def inspections(self) -> None:
        """The auditor, too, is seen: each look of this demo into the log was logged by the register."""
        report.heading("C5953  Inzage door gemeentelijk medewerker: this demo itself")
        looks = [actie for actie in self._auditor.acties([BURGER]) if actie.verwerkingsactiviteit_id_afnemer == CONTROLE.id]
        # One after each case, one after each of this citizen's own two looks; the last is not in its own answer (D8).
        expected = len(CASES) + len(CLOSING_CASES) + 2
        found = [] if len(looks) == expected else [f"{expected} looks at {BURGER} by the auditor, {len(looks)} in the log"]
        self._conclude("C5953", found, f'the auditor looked {expected} times at what is logged about {BURGER}: as many acties "{INZIEN}"')

    def _send(self, request: Request) -> str | None:
        """Send ``request`` and print its answer; gives what is wrong with that, if anything."""
        url = self._system.server(request.to).url + request.path
        try:
            response = httpx2.request(
                request.method,
                url,
                json=request.body,
                headers={"X-Medewerker": GEBRUIKER},
                timeout=_TIMEOUT_SECONDS,
                trust_env=False,
            )
        except httpx2.HTTPError as error:
            report.answer(request, url, type(error).__name__, None)
            return f"{request.method} {request.path}: no answer ({type(error).__name__})"
        report.answer(request, url, response.status_code, response.json() if response.content else None)
        if response.status_code != request.status:
            return f"{request.method} {request.path}: answered {response.status_code} instead of {request.status}"
        return None

    def _conclude(self, code: str, found: Sequence[str], otherwise: str) -> None:
        report.verdict(found, otherwise)
        self.differences += [f"{code}: {text}" for text in found]


def delivered(burgerzaken: Burgerzaken) -> list[str]:
    """Wait until everything that burgerzaken logged is in the register; gives what was refused, if anything.

    Raises ServiceFailed when that never comes to an end.
    """
    return _waited(burgerzaken, "waiting")


def settle(burgerzaken: Burgerzaken) -> list[str]:
    """The same, and wait until all changes in the register were made."""
    return _waited(burgerzaken, "waiting", "changing")


def _waited(burgerzaken: Burgerzaken, *counts: str) -> list[str]:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        answer = httpx2.get(f"{burgerzaken.server.url}/health", timeout=_TIMEOUT_SECONDS, trust_env=False, verify=NO_AUTHORITIES)
        under_way = answer.raise_for_status().json()
        if not any(under_way[count] for count in counts):
            return [f"the register refused {under_way['refused']} records of burgerzaken"] if under_way["refused"] else []
        burgerzaken.delivery.check()
        time.sleep(_POLL_SECONDS)
    raise ServiceFailed(f"burgerzaken still has this to bring to the register after {_SETTLE_SECONDS:.0f} seconds: {under_way}")


def _looks(inzage: UUID, bsn: str) -> list[Verwerkingsactie]:
    """What one look of a citizen leaves in the log: the portal asks and the register shows, so both log (C3677)."""
    burger = VerwerktObject(object_id=bsn)
    return [
        Verwerkingsactie(
            tijdstip=SOME_TIME,
            actie_naam=INZIEN,
            verwerking_naam="Inzage verwerkingenlog",
            verwerking_id=inzage,
            verwerkingsactiviteit_id=INZAGE.id,
            verwerkingsactiviteit_url=INZAGE.url,
            systeem=PORTAL_SYSTEEM,
            verwerkte_objecten=(burger,),
        ),
        Verwerkingsactie(
            tijdstip=SOME_TIME,
            actie_naam=INZIEN,
            verwerking_id=PROVIDER_ID,
            verwerkingsactiviteit_id=UUID(INZAGE_ACTIVITEIT),
            bewaartermijn=INZAGE_BEWAARTERMIJN,
            systeem=f"verwerkingenlogging-register {version('verwerkingenlogging-register')}",
            soort_afnemer_id="OIN",
            afnemer_id=OIN,
            verwerkingsactiviteit_id_afnemer=INZAGE.id,
            verwerkingsactiviteit_url_afnemer=INZAGE.url,
            verwerking_id_afnemer=inzage,
            verwerkte_objecten=(burger,),
        ),
    ]
