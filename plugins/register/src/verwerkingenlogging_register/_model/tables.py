"""The tables. A row of a verwerkingsactie is one *version* of it; rows are only ever added (B3891).

These are the names that the statements use. How each database makes them, with their triggers, is in ``migrations``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import TypeEngine

__all__ = [
    "ATTRIBUTES",
    "admin_action",
    "client",
    "hold",
    "hold_release",
    "idempotency_key",
    "metadata",
    "protection_key",
    "purge",
    "purging",
    "successor",
    "verwerkingsactie",
    "verwerkt_object",
]

metadata = MetaData()


class UuidText(TypeDecorator[str]):
    """A UUID: text in Python, as the API exchanges it, and 16 bytes in the database instead of 36."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL has a type of its own for it."""
        return dialect.type_descriptor(Uuid(as_uuid=False) if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: str | UUID | None, dialect: Dialect) -> bytes | str | None:
        """The 16 bytes; on PostgreSQL the text."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return str(value)
        return value.bytes if isinstance(value, UUID) else bytes.fromhex(value.replace("-", ""))

    def process_result_value(self, value: bytes | str | None, dialect: Dialect) -> str | None:
        """The text, in lower case."""
        if value is None or isinstance(value, str):
            return value
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
    # Only an OIN stands here; any other number may be a person's, and is kept in afnemer_id_sealed.
    _attribute("afnemer_id"),
    _attribute("verwerkingsactiviteit_id_afnemer", UuidText),
    _attribute("verwerkingsactiviteit_url_afnemer"),
    _attribute("verwerking_id_afnemer", UuidText),
    Column("tijdstip", Text, nullable=False),
)

ATTRIBUTES = tuple(column.name for column in _ATTRIBUTE_COLUMNS)
"""The attributes that the client gives; the core's ``Verwerkingsactie`` has them under the same names."""

_Versie = BigInteger().with_variant(Integer, "sqlite")

verwerkingsactie = Table(
    "verwerkingsactie",
    metadata,
    # Strictly rising: of two versions of one actie the higher is the newer, also within one microsecond (section 3).
    Column("versie", _Versie, primary_key=True, autoincrement=False),
    # tijdstip is the text as given; these are instants in UTC microseconds, to compare and to order by.
    Column("tijdstip_instant", BigInteger, nullable=False),
    Column("registratie_instant", BigInteger, nullable=False),
    Column("actie_id", UuidText, nullable=False),
    Column("vervallen", Boolean, nullable=False),
    # This version or an earlier one was vertrouwelijk or opgeheven (X10, D1).
    Column("ooit_vertrouwelijk", Boolean, nullable=False),
    *_ATTRIBUTE_COLUMNS,
    Column("afnemer_id_sealed", LargeBinary, nullable=True),
    # The actieId that this version shows, where that is another than the one of them all (X01).
    Column("versie_id", UuidText, nullable=True),
    Index("verwerkingsactie_newest", "actie_id", "versie"),
    # To find what is past its term (the purge), whatever the terms of the organisation are by then.
    Index("verwerkingsactie_term", "verwerkingsactiviteit_id", "bewaartermijn", "tijdstip_instant"),
)
# To find a verwerking again (X28, X29), and an actie by the id of one of its versions. In the database they hold only the rows
# where it is given: most acties have no afnemer. Said in the migrations alone, since here it would load what SQLAlchemy knows of
# both databases, whichever is used.
for _column in verwerkingsactie.c["verwerking_id", "verwerking_id_afnemer", "versie_id"]:
    Index(f"verwerkingsactie_{_column.name}", _column)

verwerkt_object = Table(
    "verwerkt_object",
    metadata,
    Column("versie", _Versie, primary_key=True, autoincrement=False),
    # That of the version, so that a search for a period looks into the partitions of that period only.
    Column("tijdstip_instant", BigInteger, nullable=False),
    Column("volgnummer", Integer, primary_key=True),
    # One per occurrence, the same in every version of the actie (X54).
    Column("verwerkt_object_id", UuidText, nullable=False),
    # Of objecttype, soort_object_id and objectId together: what a search looks for (B2042).
    Column("pseudonym", LargeBinary, nullable=False),
    Column("object_id_sealed", LargeBinary, nullable=False),
    Column("objecttype", Text, nullable=False),
    Column("soort_object_id", Text, nullable=False),
    Column("betrokkenheid", Text, nullable=True),
    # A JSON list of soortGegeven.
    Column("soorten_gegevens", Text, nullable=True),
    Index("verwerkt_object_pseudonym", "pseudonym"),
    Index("verwerkt_object_occurrence", "verwerkt_object_id"),
)

# Every version that is not the first of its actie. Most acties have one version and none here, so that "is there a newer
# one?" is a look into one small index, however many partitions there are.
successor = Table(
    "successor",
    metadata,
    Column("actie_id", UuidText, primary_key=True),
    Column("versie", _Versie, primary_key=True, autoincrement=False),
)

# Which keys protect numbers in this database. The keys themselves are never in it.
protection_key = Table(
    "protection_key",
    metadata,
    Column("key_id", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False),
)

hold = Table(
    "hold",
    metadata,
    Column("hold_id", UuidText, primary_key=True),
    Column("created", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # One of three: an actie, a verwerking, or a person, whose number is sealed.
    Column("actie_id", UuidText, nullable=True),
    Column("verwerking_id", UuidText, nullable=True),
    Column("objecttype", Text, nullable=True),
    Column("soort_object_id", Text, nullable=True),
    Column("object_id_sealed", LargeBinary, nullable=True),
)
hold_release = Table(
    "hold_release",
    metadata,
    Column("hold_id", UuidText, primary_key=True),
    Column("released", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# What the retention purge leaves behind (C1697, X30): how much it removed, from when to when, and never what.
purge = Table(
    "purge",
    metadata,
    Column("purge_id", UuidText, primary_key=True),
    Column("run_id", UuidText, nullable=False),
    Column("executed", Text, nullable=False),
    Column("acties", Integer, nullable=False),
    Column("versies", Integer, nullable=False),
    Column("objecten", Integer, nullable=False),
    Column("first_tijdstip_instant", BigInteger, nullable=False),
    Column("last_tijdstip_instant", BigInteger, nullable=False),
    Column("last_versie", BigInteger, nullable=False),
    Column("idempotency_keys", Integer, nullable=False, server_default="0"),
    # The highest is asked at each insert (SQLite): a number is not given out again. The lines are never removed.
    Index("purge_last_versie", "last_versie"),
)
# The versions that a purge is removing. The triggers let only these go; empty outside its transaction.
purging = Table("purging", metadata, Column("versie", _Versie, primary_key=True, autoincrement=False))

# Which version a key made: written with it, so that neither is there without the other (X58).
idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    # Place in a batch, and how many acties that batch had; both 0 for an actie on its own.
    Column("volgnummer", Integer, primary_key=True),
    Column("aantal", Integer, nullable=False),
    # The purge takes the key away with this version: it means nothing any more.
    Column("versie", BigInteger, nullable=False),
    Index("idempotency_key_versie", "versie"),
)

# A row is one state of a registration; the newest of a name counts, so that who could do what when stays known.
client = Table(
    "client",
    metadata,
    Column("versie", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("oins", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    # One of the three: the secret that signs its tokens, sealed with a key of protection_key; the public key, as a JWK, that
    # belongs to the private key which does; or the issuer that does.
    Column("secret_sealed", LargeBinary, nullable=True),
    Column("public_key", Text, nullable=True),
    Column("issuer", Text, nullable=True),
    Column("revoked", Boolean, nullable=False),
    Column("created", Text, nullable=False),
)

# Who did what with the register itself, and why (``administration``).
admin_action = Table(
    "admin_action",
    metadata,
    Column("volgnummer", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("executed", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=True),
)
