"""The purge finds what is past its term by an index, and looks at nothing else."""

from __future__ import annotations

from alembic import context, op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"

_TERM = "(verwerkingsactiviteit_id, bewaartermijn, tijdstip_instant)"
# Without those that have it: who keeps a large log makes it beforehand, month by month, while the register serves.
_PARTITIONS = """
SELECT inhrelid::regclass::text FROM pg_inherits
WHERE inhparent = to_regclass('verwerkingsactie') AND NOT EXISTS (
    SELECT FROM pg_index WHERE indrelid = inhrelid AND indisvalid AND pg_get_indexdef(indexrelid) LIKE :definition
)
ORDER BY 1"""


def upgrade() -> None:
    """Make the index, and one that finds the highest number that ever was without a look at every line that a purge left."""
    say = context.config.attributes.get("progress", lambda _: None)
    op.execute("CREATE INDEX purge_last_versie ON purge (last_versie)")
    if op.get_context().dialect.name == "postgresql":
        # One by one, so that progress can be shown; the last statement takes over those that are there.
        months = op.get_bind().execute(text(_PARTITIONS), {"definition": f"%{_TERM}"}).scalars().all()
        for number, month in enumerate(months, 1):
            say(f"tables of version {revision}: index of {month}, {number} of {len(months)}")
            op.execute(f"CREATE INDEX ON {month} {_TERM}")
    say(f"tables of version {revision}: index of verwerkingsactie")
    op.execute(f"CREATE INDEX verwerkingsactie_term ON verwerkingsactie {_TERM}")
