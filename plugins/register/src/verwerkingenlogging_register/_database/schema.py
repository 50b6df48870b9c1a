"""The version of the tables: the one that a database has, the one that this program needs, and the migration."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from verwerkingenlogging.errors import ConfigurationError

__all__ = [
    "APPEND_ONLY",
    "HEAD",
    "check_current",
    "grant_server_role",
    "make_partitions",
    "migrate",
    "missing_server_rights",
    "revision_of",
]

HEAD = "0006"
"""The newest migration: what this program needs."""

APPEND_ONLY = (
    "verwerkingsactie",
    "verwerkt_object",
    "successor",
    "idempotency_key",
    "purge",
    "hold",
    "hold_release",
    "protection_key",
    "client",
    "admin_action",
)
"""The tables that only ever grow; the first four but for the retention purge."""

_SERVER_ADDS_TO = ("verwerkingsactie", "verwerkt_object", "successor", "protection_key", "idempotency_key", "admin_action")
_SERVER_READS = ("client", "hold", "hold_release", "purge", "alembic_version")
_DAYS_AHEAD = 92
_MIGRATIONS = Path(__file__).with_name("migrations")


def revision_of(connection: Connection) -> str | None:
    """The version of the tables; None when there are none. Raises ConfigurationError when they are not ours."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if "verwerkingsactie" in tables:
            raise ConfigurationError("setting database: its tables were made by a version before the first release; start with a new one")
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def check_current(connection: Connection, name: str) -> None:
    """Raise ConfigurationError, naming the remedy, unless the tables are those that this program needs."""
    found = revision_of(connection)
    remedy = f"run: verwerkingenlog migrate --database {name}"
    if connection.dialect.name == "postgresql":  # not as the role of the server, and not with its password left out
        remedy = "run, as the role that owns the tables: verwerkingenlog migrate"
    if found is None:
        raise ConfigurationError(f"setting database: {name} has no tables yet; {remedy}")
    if found != HEAD:
        remedy = remedy if found < HEAD else "use the version that belongs to it"
        raise ConfigurationError(f"setting database: {name} has tables of version {found}, this program needs {HEAD}; {remedy}")


def migrate(connection: Connection, progress: Callable[[str], None] = lambda _: None) -> None:
    """Make or update the tables, in the transaction of ``connection``. ``progress`` is told of steps that take long."""
    # Imported here: a server that starts has no use for it, and it takes a tenth of a second.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection, "progress": progress})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config, "head")


def make_partitions(connection: Connection, since: datetime | None = None) -> int:
    """Make the monthly partitions from ``since``, or this month, until three months ahead. Gives the number of new ones.

    PostgreSQL only. A tijdstip outside of them is kept in the default partition.
    """
    now = datetime.now(UTC)
    months = {"first": (since or now).date(), "last": (now + timedelta(days=_DAYS_AHEAD)).date()}
    return int(connection.execute(text("SELECT make_partitions(:first, :last)"), months).scalar_one())


def missing_server_rights(connection: Connection) -> list[str]:
    """The rights that the role of ``connection`` lacks to serve, such as ``INSERT on verwerkingsactie``. PostgreSQL only."""
    wanted = [(table, right) for table in _SERVER_ADDS_TO for right in ("SELECT", "INSERT")]
    wanted += [(table, "SELECT") for table in _SERVER_READS]
    asked = text("SELECT has_table_privilege(:table, :right)")
    missing = [f"{right} on {table}" for table, right in wanted if not connection.scalar(asked, {"table": table, "right": right})]
    if not connection.scalar(text("SELECT has_sequence_privilege('versie', 'USAGE')")):
        missing.append("USAGE on versie")
    if not connection.scalar(text("SELECT has_function_privilege('make_partitions(DATE, DATE)', 'EXECUTE')")):
        missing.append("EXECUTE on make_partitions")
    return missing


def grant_server_role(connection: Connection, role: str) -> None:
    """Give ``role`` the rights that the server needs and no more: to read, and to add rows. PostgreSQL only.

    Raises ConfigurationError when there is no such role.
    """
    if not connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar():
        raise ConfigurationError(f"setting server_role: there is no role {role}; make it first: CREATE ROLE {role} LOGIN")
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {quoted}",
        f"GRANT SELECT, INSERT ON {', '.join(_SERVER_ADDS_TO)} TO {quoted}",
        f"GRANT SELECT ON {', '.join(_SERVER_READS)} TO {quoted}",
        f"GRANT USAGE ON SEQUENCE versie TO {quoted}",
        f"GRANT EXECUTE ON FUNCTION make_partitions(DATE, DATE) TO {quoted}",
    ):
        connection.exec_driver_sql(statement.replace("%", "%%"))
