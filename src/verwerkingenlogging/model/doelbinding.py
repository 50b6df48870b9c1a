"""Doelbinding: what an organisation tells the systems that it calls about why it processes (B9177)."""

from __future__ import annotations

from uuid import UUID

import msgspec

from verwerkingenlogging.model.vertrouwelijkheid import Vertrouwelijkheid

__all__ = ["NO_DOELBINDING", "Doelbinding"]


class Doelbinding(msgspec.Struct, frozen=True, kw_only=True):
    """Purpose and legal ground of a processing, as its six headers carry them.

    Attributes:
        oin: organisation that processes.
        verwerkingsactiviteit_id, verwerkingsactiviteit_url: why, in that organisation's own register.
        verwerking_id: the task it belongs to.
        vertrouwelijkheid: ``normaal`` or ``vertrouwelijk``.
        bewaartermijn: ISO 8601 period.
        faults: what was wrong with the headers: ``("OIN: invalid",)``. Names and codes, no values.
    """

    oin: str | None = None
    verwerkingsactiviteit_id: UUID | None = None
    verwerkingsactiviteit_url: str | None = None
    verwerking_id: UUID | None = None
    vertrouwelijkheid: Vertrouwelijkheid | None = None
    bewaartermijn: str | None = None
    faults: tuple[str, ...] = ()


NO_DOELBINDING = Doelbinding()
"""A caller that says nothing."""
