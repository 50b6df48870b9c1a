"""Who ran which command of administration, and why: only ever added to."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_TABLE = """
CREATE TABLE admin_action (
    volgnummer {identity} PRIMARY KEY,
    executed TEXT NOT NULL,
    operator TEXT NOT NULL,
    command TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT)"""


def upgrade() -> None:
    """Make the table, with the triggers that every such table has."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(_TABLE.format(identity="INTEGER NOT NULL"))
        # REPLACE deletes without firing a DELETE trigger, so a row that exists refuses to be inserted again.
        exists = "EXISTS (SELECT 1 FROM admin_action WHERE volgnummer = NEW.volgnummer)"
        for action, condition in (("UPDATE", "TRUE"), ("DELETE", "TRUE"), ("INSERT", exists)):
            op.execute(
                f"CREATE TRIGGER admin_action_no_{action.lower()} BEFORE {action} ON admin_action WHEN {condition} "
                "BEGIN SELECT RAISE(ABORT, 'admin_action is append-only (B3891)'); END"
            )
        return
    op.execute(_TABLE.format(identity="BIGINT GENERATED ALWAYS AS IDENTITY"))
    op.execute(
        "CREATE TRIGGER admin_action_append_only BEFORE UPDATE OR DELETE ON admin_action FOR EACH ROW EXECUTE FUNCTION append_only()"
    )
    op.execute("CREATE TRIGGER admin_action_no_truncate BEFORE TRUNCATE ON admin_action EXECUTE FUNCTION append_only()")
