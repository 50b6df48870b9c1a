"""The tables. A row of a verwerkingsactie is one *version* of it; rows are only ever added (B3891)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
)

__all__ = ["ATTRIBUTES", "client", "idempotency_key", "metadata", "verwerkingsactie", "verwerkt_object"]

metadata = MetaData()


class UuidText(TypeDecorator[str]):
    """A UUID: text in Python, as the API exchanges it, and 16 bytes in the database instead of 36."""

    impl = LargeBinary(16)
    cache_ok = True

    def process_bind_param(self, value: str | UUID | None, dialect: Dialect) -> bytes | None:
        """The 16 bytes."""
        if value is None:
            return None
        return value.bytes if isinstance(value, UUID) else bytes.fromhex(value.replace("-", ""))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """The text, in lower case."""
        if value is None:
            return None
        text = value.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _attribute(name: str, kind: type[Text] | type[UuidText] = Text) -> Column[Any]:
    return Column(name, kind(), nullable=True)


_ATTRIBUTE_COLUMNS = (
    _attribute("actie_naam"),
    _attribute("handeling_naam"),
    _attribute("verwerking_naam"),
    _attribute("verwerking_id", UuidText),
    _attribute("verwerkingsactiviteit_id", UuidText),
    _attribute("verwerkingsactiviteit_url"),
    Column("vertrouwelijkheid", String(13), nullable=False),
    _attribute("bewaartermijn"),
    _attribute("uitvoerder"),
    _attribute("systeem"),
    _attribute("gebruiker"),
    _attribute("gegevensbron"),
    _attribute("soort_afnemer_id"),
    _attribute("afnemer_id"),
    _attribute("verwerkingsactiviteit_id_afnemer", UuidText),
    _attribute("verwerkingsactiviteit_url_afnemer"),
    _attribute("verwerking_id_afnemer", UuidText),
    Column("tijdstip", Text, nullable=False),
)

ATTRIBUTES = tuple(column.name for column in _ATTRIBUTE_COLUMNS)
"""The attributes that the client gives; the core's ``Verwerkingsactie`` has them under the same names."""

verwerkingsactie = Table(
    "verwerkingsactie",
    metadata,
    # Strictly rising: of two versions of one actie the higher is the newer, also within one microsecond (section 3).
    Column("versie", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("actie_id", UuidText, nullable=False),
    Column("vervallen", Boolean, nullable=False),
    # This version or an earlier one was vertrouwelijk or opgeheven (X10, D1).
    Column("ooit_vertrouwelijk", Boolean, nullable=False),
    # tijdstip is the text as given; these are instants in UTC microseconds, to compare and to order by.
    Column("tijdstip_instant", BigInteger, nullable=False),
    Column("registratie_instant", BigInteger, nullable=False),
    *_ATTRIBUTE_COLUMNS,
    Index("verwerkingsactie_newest", "actie_id", "versie", unique=True),
)
# To find a verwerking again (X28, X29); most acties have no afnemer.
for _column in (verwerkingsactie.c.verwerking_id, verwerkingsactie.c.verwerking_id_afnemer):
    _given = _column.is_not(None)
    Index(f"verwerkingsactie_{_column.name}", _column, sqlite_where=_given, postgresql_where=_given)

verwerkt_object = Table(
    "verwerkt_object",
    metadata,
    Column("versie", ForeignKey(verwerkingsactie.c.versie), primary_key=True),
    Column("volgnummer", Integer, primary_key=True),
    # One per occurrence, the same in every version of the actie (X54).
    Column("verwerkt_object_id", UuidText, nullable=False),
    Column("objecttype", Text, nullable=False),
    Column("soort_object_id", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("betrokkenheid", Text, nullable=True),
    # A JSON list of soortGegeven.
    Column("soorten_gegevens", Text, nullable=True),
    Index("verwerkt_object_persoon", "object_id", "soort_object_id", "objecttype"),
    Index("verwerkt_object_occurrence", "verwerkt_object_id", "versie"),
    sqlite_with_rowid=False,
)

# Which version a key made: written with it, so that neither is there without the other (X58).
idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    # Place in a batch, and how many acties that batch had; both 0 for an actie on its own.
    Column("volgnummer", Integer, primary_key=True),
    Column("aantal", Integer, nullable=False),
    # Not a foreign key: the purge takes a version away, and then the key means nothing any more.
    Column("versie", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A row is one state of a registration; the newest of a name counts, so that who could do what when stays known.
client = Table(
    "client",
    metadata,
    Column("versie", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("oins", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    # One of the two: the secret that signs its tokens, or the issuer that does.
    Column("secret", Text, nullable=True),
    Column("issuer", Text, nullable=True),
    Column("revoked", Boolean, nullable=False),
    Column("created", Text, nullable=False),
)


def _append_only(table: Table) -> None:
    """Let the database itself refuse UPDATE and DELETE, also to a hand that bypasses this program.

    REPLACE deletes without firing a DELETE trigger, so a row that exists refuses to be inserted again.
    """
    same_key = " AND ".join(f"{column.name} = NEW.{column.name}" for column in table.primary_key)
    exists = f"WHEN EXISTS (SELECT 1 FROM {table.name} WHERE {same_key})"  # noqa: S608  # our own names
    for action, condition in (("UPDATE", ""), ("DELETE", ""), ("INSERT", exists)):
        trigger = (
            f"CREATE TRIGGER {table.name}_no_{action.lower()} BEFORE {action} ON {table.name} {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only (B3891)'); END"
        )
        event.listen(table, "after_create", DDL(trigger).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here


for _table in (verwerkingsactie, verwerkt_object, idempotency_key, client):
    _append_only(_table)
