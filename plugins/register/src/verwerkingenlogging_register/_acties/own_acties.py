"""The register's own verwerkingsacties: what its commands do with persons, outside the APIs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import UUID, uuid4

from sqlalchemy import Connection

from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging_register._acties.insertion import insert_versions
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import ActieVersie

__all__ = ["SYSTEEM", "record_own_actie"]

SYSTEEM = f"verwerkingenlogging-register {version('verwerkingenlogging-register')}"


def record_own_actie(
    connection: Connection,
    actie_naam: str,
    personen: Iterable[Persoon],
    *,
    gebruiker: str,
    activiteit: UUID | None = None,
    bewaartermijn: str | None = None,
    vertrouwelijkheid: Vertrouwelijkheid = Vertrouwelijkheid.NORMAAL,
) -> None:
    """Record in the transaction of ``connection`` that ``gebruiker`` did this with these persons, each once."""
    actie = Verwerkingsactie(
        tijdstip=datetime.now(UTC).isoformat(timespec="microseconds"),
        actie_naam=actie_naam,
        verwerking_id=uuid4(),
        verwerkingsactiviteit_id=activiteit,
        vertrouwelijkheid=vertrouwelijkheid,
        bewaartermijn=bewaartermijn,
        systeem=SYSTEEM,
        gebruiker=gebruiker,
        verwerkte_objecten=tuple(
            VerwerktObject(objecttype=persoon.objecttype, soort_object_id=persoon.soort_object_id, object_id=persoon.object_id)
            for persoon in dict.fromkeys(personen)
        ),
    )
    insert_versions(connection, [ActieVersie.first(actie).rows()])
