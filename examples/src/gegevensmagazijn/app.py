"""The gegevensmagazijn: delivers persons to the applications of the municipality, and logs each delivery.

Run it with ``uvicorn gegevensmagazijn.app:app``. What concerns logging: the recorder, the middleware, and an annotation per
route. Addresses end up in technical logs, so none holds a BSN or a search criterion: what is asked for is posted.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field, PastDate

from gegevensmagazijn.database import Database, Persoon, Voorouder
from gegevensmagazijn.settings import Deployment
from verwerkingenlogging import Recorder, VerwerktObject, geen_verwerking, gevonden, persoon, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware
from verwerkingenlogging_starlette.fastapi import hide_rejected_input

deployment = Deployment.from_env(os.environ)
database = Database(deployment.database)
recorder = Recorder(deployment.log, deployment.settings)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Make the database at the start, close the connections to the register at the end."""
    database.prepare()
    yield
    deployment.log.close()


app = FastAPI(title="Gegevensmagazijn", lifespan=lifespan)
# By default the doelbinding headers of callers on this machine are believed; see trusted_peers and verified_oin for others.
app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder)
hide_rejected_input(app)

LEVERINGEN = "leveringen"

Bsn = Annotated[str, Field(pattern="^[0-9]{7,9}$")]


class Zoekvraag(BaseModel):
    """Who was born on this day and has this name?"""

    geboortedatum: PastDate
    naam: Annotated[str, Field(min_length=1, max_length=200)]


class Rekeningvraag(BaseModel):
    """The question whose money goes to an account."""

    rekening: Annotated[str, Field(pattern="^[A-Z0-9]{10,34}$")]


class Raadpleging(BaseModel):
    """Whose data is asked for."""

    bsn: Bsn


class Voorouderlijst(BaseModel):
    """Whose ancestors are asked for."""

    bsns: Annotated[list[Bsn], Field(min_length=1, max_length=20)]


class Verhuizing(BaseModel):
    """Who moves, and to where."""

    bsns: Annotated[list[Bsn], Field(min_length=1, max_length=20)]
    adres: Annotated[str, Field(min_length=1, max_length=200)]


def bewoners(personen: list[Persoon]) -> list[VerwerktObject]:
    """Whose data is delivered: the person who was asked for, and who live at the same address."""
    gevraagd, *medebewoners = personen
    medebewoner_objecten = [VerwerktObject(object_id=p.bsn, betrokkenheid="Medebewoner") for p in medebewoners]
    return [VerwerktObject(object_id=gevraagd.bsn), *medebewoner_objecten]


def familie(voorouders: list[Voorouder], vraag: Voorouderlijst) -> list[VerwerktObject]:
    """Whose data is delivered: the persons who were asked about, and their ancestors, each once."""
    gevonden_bsns = dict.fromkeys(voorouder.bsn for voorouder in voorouders)
    voorouder_objecten = [VerwerktObject(object_id=bsn, betrokkenheid="Voorouder") for bsn in gevonden_bsns]
    return [*(VerwerktObject(object_id=bsn) for bsn in vraag.bsns), *voorouder_objecten]


# Found persons: recorded after the search and before the answer leaves. What was searched for is not recorded (B0233).
@app.post("/zoekvragen")
@verwerkingsactie("Zoeken gegevens", activiteit=LEVERINGEN, objecten=gevonden(lambda found: [p.bsn for p in found], betrokkenheid=None))
def zoeken(vraag: Zoekvraag) -> list[Persoon]:
    """Search on day of birth and name."""
    return database.search(geboortedatum=vraag.geboortedatum.isoformat(), naam=vraag.naam)


@app.post("/rekeningvragen")
@verwerkingsactie("Zoeken gegevens", activiteit=LEVERINGEN, objecten=gevonden(lambda found: [p.bsn for p in found], betrokkenheid=None))
def zoeken_op_rekening(vraag: Rekeningvraag) -> list[Persoon]:
    """Search on the account that money goes to."""
    return database.with_rekening(vraag.rekening)


# A known person: recorded before the database is read.
@app.post("/raadplegingen")
@verwerkingsactie("Ophalen gegevens", activiteit=LEVERINGEN, objecten=persoon("vraag.bsn"))
def ophalen(vraag: Raadpleging) -> Persoon:
    """Read one person."""
    return existing(database.persoon(vraag.bsn))


@app.post("/raadplegingen-met-medebewoners")
@verwerkingsactie("Ophalen gegevens", activiteit=LEVERINGEN, objecten=gevonden(bewoners))
def ophalen_met_medebewoners(vraag: Raadpleging) -> list[Persoon]:
    """Read one person and all who live at the same address."""
    gevraagd = existing(database.persoon(vraag.bsn))
    return [gevraagd, *database.medebewoners(gevraagd)]


@app.post("/voorouderlijsten")
@verwerkingsactie("Ophalen gegevens", activiteit=LEVERINGEN, objecten=gevonden(familie))
def voorouders(vraag: Voorouderlijst) -> list[Voorouder]:
    """Who the ancestors of these persons are."""
    return database.voorouders(vraag.bsns)


@app.post("/verhuizingen", status_code=204)
@verwerkingsactie("Opslaan gegevens", activiteit=LEVERINGEN, objecten=persoon("verhuizing.bsns"))
def opslaan(verhuizing: Verhuizing) -> None:
    """Save a new address."""
    if not database.move(verhuizing.bsns, verhuizing.adres):
        raise HTTPException(404, "Deze personen zijn niet bekend.")


@app.get("/health")
@geen_verwerking("says only that the application runs")
def health() -> dict[str, str]:
    """Say that the application runs."""
    return {"status": "ok"}


def existing(found: Persoon | None) -> Persoon:
    """``found``, or the answer 404."""
    if found is None:
        raise HTTPException(404, "Deze persoon is niet bekend.")
    return found
