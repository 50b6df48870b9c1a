"""The zaken of burgerzaken, and what must still change in the log about them.

No constraint of the database stands on a BSN: PostgreSQL repeats the value in its error, and so in a technical log.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from django.db import models
from django.utils import timezone

__all__ = ["AskedProvider", "Betrokkene", "Ceremonie", "Change", "Huwelijk", "Onderzoek", "Zaak"]


class Zaak(models.Model):
    """A task for a citizen. Its id is that of the verwerking as well (B8157)."""

    id = models.UUIDField(primary_key=True, default=uuid4)

    class Meta:
        """Each kind has a table of its own."""

        abstract = True

    @property
    def is_closed(self) -> bool:
        """Whether nothing in it may change any more."""
        raise NotImplementedError


class Huwelijk(Zaak):
    """A marriage that is prepared, and in the end registered."""

    familierechtelijk_beletsel = models.BooleanField("familierechtelijk beletsel", null=True, editable=False)
    trouwdatum = models.DateField("trouwdatum", null=True, editable=False)

    class Meta:
        """Its names for people."""

        verbose_name = "huwelijk"
        verbose_name_plural = "huwelijken"

    @property
    def is_closed(self) -> bool:
        """Whether it has been registered."""
        return self.trouwdatum is not None

    @property
    def partners(self) -> list[str]:
        """The BSNs of the two who marry."""
        return self._bsns(Betrokkene.Betrokkenheid.PARTNER)

    @property
    def getuigen(self) -> list[str]:
        """The BSNs of the witnesses."""
        return self._bsns(Betrokkene.Betrokkenheid.GETUIGE)

    def set_betrokkenen(self, betrokkenheid: Betrokkene.Betrokkenheid, bsns: Sequence[str]) -> None:
        """Store that these persons, and no others, take part in this capacity."""
        self.betrokkenen.filter(betrokkenheid=betrokkenheid).delete()
        Betrokkene.objects.bulk_create([Betrokkene(huwelijk=self, betrokkenheid=betrokkenheid, bsn=bsn) for bsn in bsns])

    def _bsns(self, betrokkenheid: Betrokkene.Betrokkenheid) -> list[str]:
        return list(self.betrokkenen.filter(betrokkenheid=betrokkenheid).order_by("pk").values_list("bsn", flat=True))


class Betrokkene(models.Model):
    """Somebody who takes part in a marriage."""

    class Betrokkenheid(models.TextChoices):
        """In which capacity."""

        PARTNER = "Partner"
        GETUIGE = "Getuige"

    huwelijk = models.ForeignKey(Huwelijk, models.CASCADE, related_name="betrokkenen")
    betrokkenheid = models.CharField("betrokkenheid", max_length=10, choices=Betrokkenheid.choices)
    bsn = models.CharField("BSN", max_length=9)

    class Meta:
        """Its names for people."""

        verbose_name = "betrokkene"
        verbose_name_plural = "betrokkenen"


class Ceremonie(Zaak):
    """The ceremony of a marriage; how long its log entries are kept depends on whether it takes place (C5644)."""

    class Uitkomst(models.TextChoices):
        """How it ended."""

        VOLTROKKEN = "voltrokken"
        GEANNULEERD = "geannuleerd"

    bsn = models.CharField("BSN van de aanvrager", max_length=9)
    uitkomst = models.CharField("uitkomst", max_length=11, choices=Uitkomst.choices, blank=True, editable=False)

    class Meta:
        """Its names for people."""

        verbose_name = "ceremonie"
        verbose_name_plural = "ceremonies"

    @property
    def is_closed(self) -> bool:
        """Whether it has taken place, or will not."""
        return bool(self.uitkomst)


class Onderzoek(Zaak):
    """A confidential investigation: hidden from the citizen until it is closed (C3079)."""

    verdachte = models.CharField("BSN van de verdachte", max_length=9, blank=True, editable=False)
    gesloten = models.DateTimeField("gesloten", null=True, editable=False)

    class Meta:
        """Its names for people."""

        verbose_name = "onderzoek"
        verbose_name_plural = "onderzoeken"

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self.gesloten is not None


class AskedProvider(models.Model):
    """An application that we asked for data in a verwerking that is confidential or has no term yet: it logged too (C3079, C5644)."""

    verwerking_id = models.UUIDField("verwerking")
    host = models.CharField("bevraagde host", max_length=255)

    class Meta:
        """Its names for people."""

        verbose_name = "bevraagde bron"
        verbose_name_plural = "bevraagde bronnen"
        constraints = (models.UniqueConstraint(fields=["verwerking_id", "host"], name="once_per_verwerking"),)


class Change(models.Model):
    """A change in the register of all acties of a verwerking, stored in the transaction of the decision, and kept afterwards."""

    verwerking_id = models.UUIDField("verwerking")
    of_afnemer = models.BooleanField("bij wie wij bevroegen", default=False)
    vertrouwelijkheid = models.CharField("vertrouwelijkheid", max_length=13, blank=True)
    bewaartermijn = models.CharField("bewaartermijn", max_length=40, blank=True)
    decided_at = models.DateTimeField("besloten", default=timezone.now)
    made_at = models.DateTimeField("doorgevoerd", null=True, blank=True)
    reason = models.TextField("reden dat het nog niet lukte", blank=True)

    class Meta:
        """Its names for people."""

        verbose_name = "wijziging in het register"
        verbose_name_plural = "wijzigingen in het register"
        indexes = (models.Index(fields=["made_at"], name="not_made_yet"),)
