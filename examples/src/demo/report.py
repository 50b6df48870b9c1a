"""The printed report: requests, acties in a table, what a citizen sees. It shows (fictitious) persons: use it in a terminal only."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from demo.case import BURGER, GEBRUIKER, ZAAK, Case, Request
from demo.reading import INZAGE
from demo.system import AUDITOR, OIN, PORTAL, System
from verwerkingenlogging import Vertrouwelijkheid, Verwerkingsactie
from verwerkingenlogging.testing import told

__all__ = ["acties", "addresses", "answer", "case", "changed", "citizen", "heading", "verdict"]

_RULE = 110


def heading(text: str) -> None:
    """Print the heading of a part of the output."""
    print(f"\n{text}\n{'-' * min(len(text), _RULE)}")


def case(this: Case) -> None:
    """Print which case comes next, and who logs in it."""
    heading(f"{this.code}  {this.title}")
    print(f"{this.who_logs}\n")


def answer(request: Request, url: str, status: int | str, body: Any) -> None:
    """Print a request to an application, and its answer."""
    count = f", {len(body)} {'persoon' if len(body) == 1 else 'personen'}" if isinstance(body, list) else ""
    print(f"  {request.method} {url}")
    print(f"    {json.dumps(request.body, ensure_ascii=False)} -> {status}{count}")


def acties(these: Sequence[Verwerkingsactie], *, terms: bool = False) -> None:
    """The verwerkingsacties, a line for each person, without the columns that would be empty; with their bewaartermijn if wished."""
    if not these:
        return
    rows = [["systeem", "actie", "handeling", "verwerking", "verwerkingId", "activiteit", "verwerkingIdAfnemer"]]
    rows[0] += ["vertrouwelijkheid", "bewaartermijn", "whose data"]
    for actie in these:
        first, *others = [told(objekt) for objekt in actie.verwerkte_objecten] or ["nobody"]
        names = [actie.systeem, actie.actie_naam, actie.handeling_naam, actie.verwerking_naam]
        ids = map(_short, (actie.verwerking_id, actie.verwerkingsactiviteit_id, actie.verwerking_id_afnemer))
        hidden = actie.vertrouwelijkheid if actie.vertrouwelijkheid is not Vertrouwelijkheid.NORMAAL else ""
        row = [*(name or "" for name in names), *ids, hidden, (terms and actie.bewaartermijn) or "", first]
        rows += [row, *([*[""] * (len(row) - 1), other] for other in others)]
    used = [column for column in range(len(rows[0])) if any(row[column] for row in rows[1:])]
    print()
    _table([[row[column] for column in used] for row in rows])


def changed(these: Sequence[Verwerkingsactie]) -> None:
    """Print the verwerkingsacties that changed, if there are any."""
    if these:
        print("\n  Changed in the log, as it reads now:")
        acties(these, terms=True)


def citizen(seen: Sequence[dict[str, Any]]) -> None:
    """Print what a citizen sees of the log, oldest first."""
    rows = [["when", "what was done", "for which task", "you were", "delivered to"]]
    for occurrence in reversed(seen):
        actie = occurrence["verwerkingsactie"]
        when, afnemer = actie["tijdstip"][:23].replace("T", " "), f"{actie.get('soortAfnemerId', '')} {actie.get('afnemerId', '')}".strip()
        task, capacity = actie.get("verwerkingNaam", "-"), occurrence.get("betrokkenheid", "-")
        rows.append([when, actie.get("actieNaam", "-"), task, capacity, afnemer or "-"])
    print()
    _table(rows)


def verdict(differences: Sequence[str], otherwise: str) -> None:
    """The differences that were found, or ``otherwise``."""
    print()
    for difference in differences:
        print(f"  DIFFERS  {difference}")
    if not differences:
        print(f"  OK  {otherwise}")


def addresses(system: System) -> None:
    """Print where everything runs, and lines to paste into another terminal."""
    heading("Everything is still running; Ctrl-C ends it")
    _table([[service.name, service.url] for service in system.services if service.url])
    about = f"objecttype=persoon&soortObjectId=BSN&objectId={BURGER}"
    read = {"Content-Type": "application/json", "X-Medewerker": GEBRUIKER}
    why = {"OIN": OIN, "VerwerkingsactiviteitId": str(INZAGE.id), "VerwerkingsactiviteitUrl": str(INZAGE.url)}
    print("\nRead a person through both applications, which adds an actie of each to the log:\n")
    print(_curl(f"{system.zaaksysteem.url}/zaken/{ZAAK}/gegevensmagazijn/raadplegingen", read, json.dumps({"bsn": BURGER})))
    print("\nAll that is logged about this person, as an auditor sees it:\n")
    print(_curl(f"{system.api}/verwerkingsacties?{about}", _bearer(system, AUDITOR)))
    print("\nWhat the person may see of it:\n")
    period = "beginDatum=2020-01-01&eindDatum=2100-01-01"
    print(_curl(f"{system.api}/verwerkte-objecten?{about}&{period}", _bearer(system, PORTAL) | why))


def _curl(url: str, headers: Mapping[str, str], body: str | None = None) -> str:
    words = ["curl", "--silent", "--show-error", url]
    words += [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
    return shlex.join(words if body is None else [*words, "--data", body])


def _bearer(system: System, client: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {system.tokens[client]()}"}


def _short(value: UUID | None) -> str:
    return str(value)[:8] if value else ""


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
