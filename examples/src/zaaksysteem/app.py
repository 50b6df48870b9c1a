"""The zaaksysteem: registers verhuizingen, and logs what it does with personal data.

Run it with ``uvicorn zaaksysteem.app:app``. What concerns logging: the recorder, the middleware, the hook on the client, and an
annotation per route. Addresses end up in technical logs, so none holds a BSN or a search criterion: what is asked for is posted.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field, PastDate
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Scope

from verwerkingenlogging import Propagation, Recorder, geen_verwerking, gevonden, persoon, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware
from verwerkingenlogging_starlette.fastapi import hide_rejected_input
from zaaksysteem.database import Database, Persoon
from zaaksysteem.settings import Deployment

deployment = Deployment.from_env(os.environ)
database = Database(deployment.database)
recorder = Recorder(deployment.log, deployment.settings)
# Our doelbinding goes along with every call to the gegevensmagazijn, and to no other host.
propagation = Propagation(hosts=[urlsplit(deployment.gegevensmagazijn).netloc])
# Nor does a proxy of the environment get to see the calls.
gegevensmagazijn = httpx2.AsyncClient(base_url=deployment.gegevensmagazijn, event_hooks={"request": [propagation.ahook]}, trust_env=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Make the database at the start, close the connections to the register and the gegevensmagazijn at the end."""
    database.prepare()
    yield
    await gegevensmagazijn.aclose()
    await deployment.log.aclose()


def medewerker(scope: Scope) -> str | None:
    """The meaningless key of the employee, never a name (B9207); the login in front of this application puts it in a header."""
    return Headers(scope=scope).get("x-medewerker")


app = FastAPI(title="Zaaksysteem", lifespan=lifespan)
app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, gebruiker=medewerker)
hide_rejected_input(app)

# What all routes of a zaak share: why we do it, what for, and that the zaak is the verwerking.
actie = partial(verwerkingsactie, activiteit="brp-registratie", verwerking_naam="Registratie verhuizing", verwerking_id="zaak_id")
GEZIN = [persoon("vraag.bsn", betrokkenheid="Aanvrager"), persoon("vraag.medebewoners", betrokkenheid="Medebewoner")]

Bsn = Annotated[str, Field(pattern="^[0-9]{7,9}$")]


class Zoekvraag(BaseModel):
    """Who was born on this day and has this name?"""

    geboortedatum: PastDate
    naam: Annotated[str, Field(min_length=1, max_length=200)]


class Aanvrager(BaseModel):
    """Who asks for the zaak."""

    bsn: Bsn


class Raadpleging(Aanvrager):
    """Whose data is asked for: who moves, and who moves along."""

    medebewoners: Annotated[list[Bsn], Field(max_length=20)] = []

    @property
    def bsns(self) -> list[str]:
        """All of them, the aanvrager first."""
        return [self.bsn, *self.medebewoners]


class Verhuizing(Raadpleging):
    """Who moves, and to where."""

    adres: Annotated[str, Field(min_length=1, max_length=200)]


# Found persons: recorded after the search and before the answer leaves. What was searched for is not recorded (B0233).
@app.post("/zaken/{zaak_id}/zoekvragen")
@actie("Zoeken persoon", objecten=gevonden(lambda personen: [p.bsn for p in personen]))
def zoeken(zaak_id: UUID, vraag: Zoekvraag) -> list[Persoon]:
    """Search our own persons on day of birth and name."""
    check_zaak(zaak_id)
    return database.search(geboortedatum=vraag.geboortedatum.isoformat(), naam=vraag.naam)


@app.put("/zaken/{zaak_id}/aanvrager", status_code=204)
@actie("Selecteren persoon", objecten=persoon("vraag.bsn", betrokkenheid="Aanvrager"))
def selecteren(zaak_id: UUID, vraag: Aanvrager) -> None:
    """Choose the person that the zaak is about."""
    check_zaak(zaak_id)
    database.set_aanvrager(zaak_id, vraag.bsn)


# Known persons: recorded before the database is read. One actie, however many they are (B7571).
@app.post("/zaken/{zaak_id}/raadplegingen")
@actie("Ophalen persoonsgegevens", objecten=GEZIN)
def ophalen(zaak_id: UUID, vraag: Raadpleging) -> list[Persoon]:
    """Read who moves from our own database."""
    check_zaak(zaak_id)
    return database.personen(vraag.bsns)


@app.post("/zaken/{zaak_id}/verhuizingen", status_code=204)
@actie("Opslaan persoonsgegevens", objecten=GEZIN)
def opslaan(zaak_id: UUID, vraag: Verhuizing) -> None:
    """Save the new address in our own database."""
    check_zaak(zaak_id)
    database.move(vraag.bsns, vraag.adres)


# Through the gegevensmagazijn: we log, then we call, and it logs before it delivers (B7259).
@app.post("/zaken/{zaak_id}/gegevensmagazijn/raadplegingen")
@actie("Ophalen persoonsgegevens", objecten=GEZIN)
async def ophalen_uit_gegevensmagazijn(zaak_id: UUID, vraag: Raadpleging) -> list[Persoon]:
    """Read who moves from the gegevensmagazijn."""
    await run_in_threadpool(check_zaak, zaak_id)
    answers = [await call_gegevensmagazijn("/raadplegingen", {"bsn": bsn}) for bsn in vraag.bsns]
    return [Persoon(**answer.json()) for answer in answers]


@app.post("/zaken/{zaak_id}/gegevensmagazijn/verhuizingen", status_code=204)
@actie("Opslaan persoonsgegevens", objecten=GEZIN)
async def opslaan_in_gegevensmagazijn(zaak_id: UUID, vraag: Verhuizing) -> None:
    """Save the new address in the gegevensmagazijn."""
    await run_in_threadpool(check_zaak, zaak_id)
    await call_gegevensmagazijn("/verhuizingen", {"bsns": vraag.bsns, "adres": vraag.adres})


@app.get("/health")
@geen_verwerking("says only that the application runs")
def health() -> dict[str, str]:
    """Say that the application runs."""
    return {"status": "ok"}


def check_zaak(zaak_id: UUID) -> None:
    """Answer 404 when there is no such zaak."""
    if not database.has_zaak(zaak_id):
        raise HTTPException(404, "Deze zaak bestaat niet.")


async def call_gegevensmagazijn(path: str, body: dict[str, Any]) -> httpx2.Response:
    """The answer of the gegevensmagazijn; 404 when it does not know the person, 502 when it does not deliver."""
    try:
        response = await gegevensmagazijn.post(path, json=body)
    except httpx2.HTTPError:
        raise HTTPException(502, "Het gegevensmagazijn is niet bereikbaar.") from None
    if response.status_code == httpx2.codes.NOT_FOUND:
        raise HTTPException(404, "Deze persoon is niet bekend.")
    if not response.is_success:
        raise HTTPException(502, "Het gegevensmagazijn levert nu niet.")
    return response
