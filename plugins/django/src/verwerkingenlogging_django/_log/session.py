"""The session state of a connection that the second one must copy: role, schema, and named settings.

A tenant's schema (``search_path``, django-tenants), ``SET ROLE``, and the settings that row-level security reads are said to a connection
while it runs. A record on another connection would land in another schema, or be refused. This is PostgreSQL's; of other databases nothing
is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_django.models import Record

__all__ = ["Session", "session_of"]

_LOGIN = ("session_authorization", "role")  # in this order: the first takes back the second


class Session(NamedTuple):
    """The session state of a connection.

    Attributes:
        schema: the one in which it finds the table of records.
        settings: name and value of what is otherwise than on a connection that was just made.
    """

    schema: str
    settings: tuple[tuple[str, str], ...]

    def enter(self, connection: BaseDatabaseWrapper) -> None:
        """Set the same state in the open transaction of ``connection``, and not after it. Raises what Django does."""
        with connection.cursor() as cursor:
            for each in self.settings:
                cursor.execute("SELECT set_config(%s, %s, true)", each)


def session_of(connection: BaseDatabaseWrapper, names: Sequence[str]) -> Session | None:
    """The session state of ``connection`` now, with the settings ``names``. None for another database than PostgreSQL.

    Asked each time: a transaction may say otherwise (``SET LOCAL``), and a rollback takes it back. The query is not among those that Django
    notes. Raises LogUnavailable when the table is not found, and what Django does.
    """
    if connection.vendor != "postgresql":
        return None
    wanted = ", ".join(["current_setting(%s, true)"] * (len(_LOGIN) + len(names)))
    table = connection.ops.quote_name(Record._meta.db_table)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        bare: Any = cursor.cursor  # Django's own would count it, and refuse in a transaction that is to be rolled back
        bare.execute(
            f"SELECT (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = (SELECT relnamespace FROM pg_catalog.pg_class "  # noqa: S608  # no values
            f"WHERE oid = pg_catalog.to_regclass(%s))), {wanted}",
            [table, *_LOGIN, *names],
        )
        schema, *values = bare.fetchone()
    if schema is None:
        alias = connection.alias
        raise LogUnavailable(
            f"DjangoLog: the table of records is not found in database {alias!r} as it is used here; "
            f"run: manage.py migrate --database={alias}, for each schema where there are several"
        )
    usual = {"session_authorization": connection.connection.info.user, "role": "none"}
    found = zip((*_LOGIN, *names), values, strict=True)
    return Session(schema, tuple((name, value) for name, value in found if value and value != usual.get(name)))
