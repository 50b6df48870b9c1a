"""Secrets of clients are sealed with the key file; and a client may have a public key instead of a secret.

What stood in clear is gone for good. SQLite: the old table goes as a whole, and its pages are overwritten (``secure_delete``); who
runs this empties the log beside the file afterwards. PostgreSQL: the table is written anew, without the rows that were, and the
old file goes with the transaction. Out of our reach are copies: backups, the archive of the WAL, replicas that lag behind.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._keys.protection import keys_of, seal_secret

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Seal what stands in clear, and leave no room for it."""
    sealed = _sealed()
    if op.get_context().dialect.name == "sqlite":
        _sqlite(sealed)
    else:
        _postgresql(sealed)


def _sealed() -> list[dict[str, object]]:
    connection = op.get_bind()
    rows = connection.execute(text("SELECT versie, name, secret FROM client WHERE secret IS NOT NULL")).all()
    if not rows:
        return []
    try:
        keys = keys_of(connection)
    except ConfigurationError:
        raise ConfigurationError(
            "setting keys: the secrets of the clients are sealed with the key file from now on, and there is none; name it with --keys, "
            "or if this database never had one, make it with: verwerkingenlog keys init"
        ) from None
    keys.check(connection)
    key = keys.active()
    keys.register(connection, key)
    return [{"number": row.versie, "sealed": seal_secret(key, row.secret, row.name)} for row in rows]


def _sqlite(sealed: list[dict[str, object]]) -> None:
    op.execute("ALTER TABLE client RENAME TO client_in_clear")
    op.execute(_TABLE)
    kept = "versie, name, oins, scopes, issuer, revoked, created"
    op.execute(f"INSERT INTO client ({kept}) SELECT {kept} FROM client_in_clear")  # noqa: S608  # our own names
    op.execute("DROP TABLE client_in_clear")
    _seal(sealed)
    for action, condition in (
        ("UPDATE", "TRUE"),
        ("DELETE", "TRUE"),
        ("INSERT", "EXISTS (SELECT 1 FROM client WHERE versie = NEW.versie)"),
    ):
        op.execute(
            f"CREATE TRIGGER client_no_{action.lower()} BEFORE {action} ON client WHEN {condition} "
            "BEGIN SELECT RAISE(ABORT, 'client is append-only (B3891)'); END"
        )


def _postgresql(sealed: list[dict[str, object]]) -> None:
    op.execute("ALTER TABLE client DISABLE TRIGGER USER")
    op.execute("ALTER TABLE client ADD COLUMN secret_sealed BYTEA, ADD COLUMN public_key TEXT")
    _seal(sealed)
    op.execute("ALTER TABLE client ALTER COLUMN secret TYPE TEXT USING NULL")  # writes the table anew
    op.execute("ALTER TABLE client DROP COLUMN secret")
    op.execute("ALTER TABLE client ENABLE TRIGGER USER")


def _seal(sealed: list[dict[str, object]]) -> None:
    if sealed:
        op.get_bind().execute(text("UPDATE client SET secret_sealed = :sealed WHERE versie = :number"), sealed)


_TABLE = """
CREATE TABLE client (
    versie INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    oins TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_sealed BLOB,
    public_key TEXT,
    issuer TEXT,
    revoked BOOLEAN NOT NULL,
    created TEXT NOT NULL)"""
