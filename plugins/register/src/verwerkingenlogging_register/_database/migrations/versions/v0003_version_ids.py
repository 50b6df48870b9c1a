"""Room for an actieId of a version's own (X01). Where there is none, and by default there is none, it takes no space."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, and an index over what stands in it."""
    kind = "BLOB" if op.get_context().dialect.name == "sqlite" else "UUID"
    op.execute(f"ALTER TABLE verwerkingsactie ADD COLUMN versie_id {kind}")
    op.execute("CREATE INDEX verwerkingsactie_versie_id ON verwerkingsactie (versie_id) WHERE versie_id IS NOT NULL")
