"""Inspections: each read that shows a record is itself recorded as a verwerkingsactie (C3677, C5953, X18).

Written here and nowhere else, straight to the store: so the record of an inspection is never itself inspected (X19), and an
answer, which has been read by then, never holds the inspection that it causes (D8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice

from uuid_utils.compat import uuid4

from verwerkingenlogging.model import Vertrouwelijkheid, Verwerkingsactie, VerwerktObject
from verwerkingenlogging.model.doelbinding import Doelbinding
from verwerkingenlogging_register._acties.own_acties import SYSTEEM
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import ActieVersie, VersionRows
from verwerkingenlogging_register._requests.offload import LARGE_NUMBER
from verwerkingenlogging_register._requests.register import Register

__all__ = ["ACTIE_NAAM", "SYSTEEM", "log_inspection", "personen_in"]

ACTIE_NAAM = "Inzien verwerkingenlog"


def personen_in(*versions: VersionRows) -> Iterator[Persoon]:
    """The persons in ``versions``, with repetitions, one by one."""
    return (Persoon(row["objecttype"], row["soort_object_id"], row["object_id"]) for rows in versions for row in rows.objecten)


async def log_inspection(register: Register, doelbinding: Doelbinding, personen: Iterable[Persoon]) -> None:
    """Record that the caller of ``doelbinding`` inspects the log about ``personen``, if the deployment records inspections.

    Returns when the record is on disk; call it before the answer leaves. Raises LogUnavailable when it cannot be stored, and
    then nothing may be shown (B7952). The caller's headers fill the afnemer's attributes and its vertrouwelijkheid, and may lengthen
    its bewaartermijn (2.2, X15); they never shorten that, for who looks does not decide how soon it is forgotten. Our own verwerking
    is new (X27).
    """
    if not register.settings.log_inzage:
        return
    personen = iter(personen)
    first = list(islice(personen, LARGE_NUMBER + 1))
    if len(first) <= LARGE_NUMBER:
        rows = _inspection(register, doelbinding, first)
    else:
        rows = await register.offload.run(None, lambda: _inspection(register, doelbinding, chain(first, personen)))
    await register.repository.append(rows)


def _inspection(register: Register, doelbinding: Doelbinding, personen: Iterable[Persoon]) -> VersionRows:
    settings = register.settings
    tijdstip = datetime.now(UTC).isoformat(timespec="microseconds")
    actie = Verwerkingsactie(
        tijdstip=tijdstip,
        actie_naam=ACTIE_NAAM,
        verwerking_id=uuid4(),
        verwerkingsactiviteit_id=settings.inzage_activiteit,
        vertrouwelijkheid=doelbinding.vertrouwelijkheid or Vertrouwelijkheid.NORMAAL,
        bewaartermijn=register.rules.term_of_inspection(tijdstip, settings, doelbinding.bewaartermijn),
        systeem=SYSTEEM,
        soort_afnemer_id="OIN" if doelbinding.oin else None,
        afnemer_id=doelbinding.oin,
        verwerkingsactiviteit_id_afnemer=doelbinding.verwerkingsactiviteit_id,
        verwerkingsactiviteit_url_afnemer=doelbinding.verwerkingsactiviteit_url,
        verwerking_id_afnemer=doelbinding.verwerking_id,
        verwerkte_objecten=tuple(
            VerwerktObject(objecttype=persoon.objecttype, soort_object_id=persoon.soort_object_id, object_id=persoon.object_id)
            for persoon in dict.fromkeys(personen)
        ),
    )
    return ActieVersie.first(actie).rows()
