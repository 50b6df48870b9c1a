"""The annotations of each kind of zaak: what its steps have in common, such as the activiteit and the verwerking."""

from __future__ import annotations

from functools import partial

from verwerkingenlogging import Vertrouwelijkheid, verwerkingsactie

__all__ = ["ONDERZOEKSDOSSIER", "VOORBEREIDING", "ceremonie", "huwelijk", "onderzoek"]

VOORBEREIDING = "Voorbereiding huwelijksakte"
ONDERZOEKSDOSSIER = "Aanmaken onderzoeksdossier"

huwelijk = partial(verwerkingsactie, activiteit="brp-registratie", verwerking_naam="Huwelijk")
ceremonie = partial(verwerkingsactie, activiteit="huwelijksceremonie", verwerking_naam="Huwelijk", handeling_naam="Voorbereiding ceremonie")
# Hidden from the citizen until it is closed (C3079); it asks for the scope create:confidential.
onderzoek = partial(
    verwerkingsactie,
    activiteit="fraudeonderzoek",
    verwerking_naam="Fraudeonderzoek sociale zekerheid",
    vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK,
)
