"""Changes in the register when a verwerking is over: its confidentiality ends, or its term becomes known."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from burgerzaken.models import AskedProvider, Change
from burgerzaken.waiting import waits_since
from verwerkingenlogging import NotRecorded, Vertrouwelijkheid
from verwerkingenlogging.context import current
from verwerkingenlogging.logs.api import ApiLog

__all__ = ["decide", "make", "remember"]

logger = logging.getLogger(__name__)


def remember(host: str) -> None:
    """Store that ``host`` is asked for data, if its records of that may have to change later."""
    under = current().verwerking
    if under is not None and (under.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK or under.bewaartermijn is None):
        AskedProvider.objects.get_or_create(verwerking_id=under.id, host=host)


def decide(verwerking_id: UUID, *, vertrouwelijkheid: Vertrouwelijkheid | None = None, bewaartermijn: str = "") -> None:
    """Store what must change of this verwerking, in the transaction of the decision, so that it cannot get lost."""
    for of_afnemer in (False, True):
        Change.objects.create(
            verwerking_id=verwerking_id,
            of_afnemer=of_afnemer,
            vertrouwelijkheid=vertrouwelijkheid or "",
            bewaartermijn=bewaartermijn,
        )


def make(register: ApiLog) -> None:
    """Make the changes that are due. One that fails stays, with the reason, for the next time.

    A change reaches what the register has. So it waits until no request of before it can still be under way, and until
    everything that was logged before it has been delivered.
    """
    over = timezone.now() - timedelta(seconds=settings.LONGEST_REQUEST_SECONDS)
    for change in Change.objects.filter(made_at=None, decided_at__lte=over).order_by("pk"):
        if waits_since(change.decided_at):
            continue
        try:
            _make(register, change)
        except NotRecorded as error:
            logger.warning("change %s was not made: %s", change.pk, error)
            change.reason = str(error)
        else:
            change.made_at, change.reason = timezone.now(), ""
        change.save(update_fields=["made_at", "reason"])


def _make(register: ApiLog, change: Change) -> None:
    """Make one change. Raises NotRecorded."""
    if change.of_afnemer and not AskedProvider.objects.filter(verwerking_id=change.verwerking_id).exists():
        return  # nobody else logged anything of this verwerking
    register.change(
        change.verwerking_id,
        vertrouwelijkheid=Vertrouwelijkheid(change.vertrouwelijkheid) if change.vertrouwelijkheid else None,
        bewaartermijn=change.bewaartermijn or None,
        of_afnemer=change.of_afnemer,
    )
