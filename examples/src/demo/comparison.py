"""Compares the log with what the standard prescribes: attribute by attribute, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

import msgspec

from demo.case import PROVIDER_ID
from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging.model import RegisteredVerwerkingsactie, VerwerktObject
from verwerkingenlogging.model.limits import tijdstip_of
from verwerkingenlogging.testing import told

__all__ = ["ATTRIBUTES", "citizen_differences", "differences"]

# The attribute in code and as the standard spells it. The moment is compared with the clock instead of with a value; the place in
# a trace is no attribute of the standard.
_FIELDS = [(field.name, field.encode_name) for field in msgspec.structs.fields(Verwerkingsactie) if field.name not in {"tijdstip", "span"}]
ATTRIBUTES = len(_FIELDS) + 1
"""How many attributes of each actie are compared."""
_HIDDEN = ("systeem", "gebruiker", "gegevensbron")


def differences(
    prescribed: Sequence[Verwerkingsactie], logged: Sequence[RegisteredVerwerkingsactie], *, began: datetime, ended: datetime
) -> list[str]:
    """The differences between ``logged`` and ``prescribed``, both in their order. Everything was logged between ``began`` and ``ended``."""
    found: list[str] = []
    for number, (wanted, actual) in enumerate(zip_longest(prescribed, logged), start=1):
        if actual is None:
            found.append(f'actie {number} "{wanted.actie_naam}": is not in the log')
        elif wanted is None:
            found.append(f'actie {number} "{actual.actie_naam}": is in the log, but not prescribed')
        else:
            texts = [*_attribute_differences(wanted, actual), *_moment_differences(actual, began, ended)]
            found += [f'actie {number} "{wanted.actie_naam}": {text}' for text in texts]
    own = [actual.verwerking_id for wanted, actual in zip(prescribed, logged, strict=False) if wanted.verwerking_id == PROVIDER_ID]
    if len(set(own)) != len(own):
        found.append("verwerkingId: the provider gave the same id to different requests")
    return found


def _attribute_differences(wanted: Verwerkingsactie, actual: Verwerkingsactie) -> Iterator[str]:
    for name, standard_name in _FIELDS:
        want, have = getattr(wanted, name), getattr(actual, name)
        if name == "verwerkte_objecten":
            # Their order means nothing; their number does.
            want, have = sorted(map(told, want)), sorted(map(told, have))
        if name == "verwerking_id" and want == PROVIDER_ID:
            if have in (None, actual.verwerking_id_afnemer):
                yield f"{standard_name}: prescribed is an id of its own, logged is {_shown(have)}"
        elif want != have:
            yield f"{standard_name}: prescribed is {_shown(want)}, logged is {_shown(have)}"


def _moment_differences(actual: RegisteredVerwerkingsactie, began: datetime, ended: datetime) -> Iterator[str]:
    tijdstip = tijdstip_of(actual.tijdstip)
    # The recorder keeps milliseconds.
    if not began.replace(microsecond=began.microsecond // 1000 * 1000) <= tijdstip <= ended:
        yield "tijdstip: does not lie within the time of the requests"
    if tijdstip_of(actual.tijdstip_registratie) < tijdstip:
        yield "tijdstipRegistratie: lies before tijdstip"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(value) or "nobody"
    return "empty" if value is None else str(value)


def citizen_differences(seen: Iterable[dict[str, Any]], *, bsn: str, about: Sequence[RegisteredVerwerkingsactie], inzien: str) -> list[str]:
    """The differences between what a citizen sees and their own part of the acties ``about`` them, without inspections (``inzien``)."""
    found: list[str] = []
    shown: list[str] = []
    for occurrence in seen:
        actie = occurrence["verwerkingsactie"]
        found += [f"shows {attribute}" for attribute in _HIDDEN if attribute in actie]
        if {objekt["objectId"] for objekt in [occurrence, *actie["verwerkteObjecten"]]} != {bsn}:
            found.append("shows another person")
        if actie.get("actieNaam") != inzien:
            shown.append(f"{actie['actieId']} {occurrence.get('betrokkenheid', '')}")
    prescribed = [f"{actie.actie_id} {objekt.betrokkenheid or ''}" for actie in about for objekt in _of(actie, bsn)]
    if sorted(shown) != sorted(prescribed):
        found.append(f"shows {len(shown)} acties, of which {len(set(shown) & set(prescribed))} of the {len(prescribed)} prescribed")
    return list(dict.fromkeys(found))


def _of(actie: Verwerkingsactie, bsn: str) -> list[VerwerktObject]:
    return [objekt for objekt in actie.verwerkte_objecten if objekt.object_id == bsn]
