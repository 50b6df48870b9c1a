"""Disk per record, ciphertext and indexes included: at most one and a half times its JSON (the budget)."""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from plugins.register.tests import engines
from sqlalchemy import URL

from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.versions import ActieVersie
from verwerkingenlogging_register._wire.bodies import VerwerkingsactieIn

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Place

RECORDS = 10_000
RATIO_MAX = 1.5


def typical() -> dict[str, Any]:
    """What an application that fills what it knows sends: half the attributes, one person."""
    number = str(random.randrange(100_000_000, 999_999_999))
    return {
        "actieNaam": "Ophalen persoonsgegevens",
        "verwerkingNaam": "Huwelijk",
        "verwerkingId": str(uuid4()),
        "verwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
        "vertrouwelijkheid": "normaal",
        "bewaartermijn": "P10Y",
        "systeem": "FooBarApp v2.1",
        "soortAfnemerId": "OIN",
        "afnemerId": "00000099123456780000",
        "tijdstip": datetime.now(UTC).isoformat(timespec="seconds"),
        "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": number, "betrokkenheid": "Getuige"}],
    }


def test_a_record_takes_at_most_one_and_a_half_times_its_json(place: Place) -> None:
    before = size(place)
    written = 0
    with engines.writer(place.location, Keys(KeySource(file=place.keys))) as writer:
        for _ in range(RECORDS // 500):
            bodies = [typical() for _ in range(500)]
            written += sum(len(json.dumps(body, separators=(",", ":"))) for body in bodies)
            models = [VerwerkingsactieIn.model_validate(body, context={"objecttypen": {"persoon"}}).to_model() for body in bodies]
            with writer.begin() as connection:
                insert_versions(connection, [ActieVersie.first(model).rows() for model in models])
    ratio = (size(place) - before) / written
    print(f"\n{(size(place) - before) / RECORDS:.0f} bytes on disk for {written / RECORDS:.0f} bytes of JSON: {ratio:.2f}")
    assert ratio <= RATIO_MAX


def size(place: Place) -> int:
    """Bytes of the database, its indexes included."""
    if isinstance(place.owner, Path):
        return place.owner.stat().st_size
    assert isinstance(place.owner, URL)
    dsn = f"host={place.owner.query['host']} user=postgres dbname={place.owner.database}"
    with closing(psycopg.connect(dsn)) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])
