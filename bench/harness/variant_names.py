"""What the variants are called that every framework has."""

from __future__ import annotations

__all__ = ["BARE", "OTEL", "OURS", "OUTBOX"]

BARE = "bare"
OURS = "ours"
OUTBOX = "ours, outbox"
OTEL = "OTel"
