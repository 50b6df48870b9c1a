"""An Idempotency-Key goes with the version that it made: the purge may remove it, and counts it."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_ORPHANS = (
    "DELETE FROM idempotency_key WHERE NOT EXISTS (SELECT 1 FROM verwerkingsactie WHERE verwerkingsactie.versie = idempotency_key.versie)"
)


def upgrade() -> None:
    """Let the purge remove keys, find them by version, and leave their number; those that it left behind before go here."""
    sqlite = op.get_context().dialect.name == "sqlite"
    op.execute("DROP TRIGGER idempotency_key_no_delete" if sqlite else "DROP TRIGGER idempotency_key_append_only ON idempotency_key")
    op.execute(_ORPHANS)
    op.execute(_TRIGGER_SQLITE if sqlite else _TRIGGER_POSTGRESQL)
    op.execute("CREATE INDEX idempotency_key_versie ON idempotency_key (versie)")
    op.execute("ALTER TABLE purge ADD COLUMN idempotency_keys INTEGER NOT NULL DEFAULT 0")


_TRIGGER_SQLITE = """
CREATE TRIGGER idempotency_key_no_delete BEFORE DELETE ON idempotency_key WHEN NOT EXISTS (SELECT 1 FROM purging WHERE versie = OLD.versie)
BEGIN SELECT RAISE(ABORT, 'idempotency_key is append-only (B3891)'); END"""
_TRIGGER_POSTGRESQL = """
CREATE TRIGGER idempotency_key_append_only BEFORE UPDATE OR DELETE ON idempotency_key
FOR EACH ROW EXECUTE FUNCTION append_only('purgeable')"""
