"""The first tables: what a verwerkingsactie is, and the triggers that keep it as it was written.

Written out for each database, so that who keeps the database can read what is in it. There is no way down: a downgrade
would drop the log.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

# The order of the columns leaves no gaps on PostgreSQL: eight bytes, sixteen, one, and then what varies.
_ACTIE = """
    versie {bigint} NOT NULL {versie_key},
    tijdstip_instant BIGINT NOT NULL,
    registratie_instant BIGINT NOT NULL,
    actie_id {uuid} NOT NULL,
    vervallen BOOLEAN NOT NULL,
    ooit_vertrouwelijk BOOLEAN NOT NULL,
    actie_naam TEXT,
    handeling_naam TEXT,
    verwerking_naam TEXT,
    verwerking_id {uuid},
    verwerkingsactiviteit_id {uuid},
    verwerkingsactiviteit_url TEXT,
    vertrouwelijkheid VARCHAR(13) NOT NULL,
    bewaartermijn TEXT,
    uitvoerder TEXT,
    systeem TEXT,
    gebruiker TEXT,
    gegevensbron TEXT,
    soort_afnemer_id TEXT,
    afnemer_id TEXT,
    verwerkingsactiviteit_id_afnemer {uuid},
    verwerkingsactiviteit_url_afnemer TEXT,
    verwerking_id_afnemer {uuid},
    tijdstip TEXT NOT NULL,
    afnemer_id_sealed {bytes}"""
_OBJECT = """
    versie {bigint} NOT NULL {versie_references},
    tijdstip_instant BIGINT NOT NULL,
    volgnummer INTEGER NOT NULL,
    verwerkt_object_id {uuid} NOT NULL,
    pseudonym {bytes} NOT NULL,
    object_id_sealed {bytes} NOT NULL,
    objecttype TEXT NOT NULL,
    soort_object_id TEXT NOT NULL,
    betrokkenheid TEXT,
    soorten_gegevens TEXT"""
_TABLES = (
    "CREATE TABLE successor (actie_id {uuid} NOT NULL, versie {bigint} NOT NULL, PRIMARY KEY (actie_id, versie)){without_rowid}",
    "CREATE TABLE protection_key (key_id INTEGER NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL)",
    """CREATE TABLE hold (
    hold_id {uuid} NOT NULL PRIMARY KEY,
    created TEXT NOT NULL,
    reason TEXT NOT NULL,
    actie_id {uuid},
    verwerking_id {uuid},
    objecttype TEXT,
    soort_object_id TEXT,
    object_id_sealed {bytes})""",
    "CREATE TABLE hold_release (hold_id {uuid} NOT NULL PRIMARY KEY, released TEXT NOT NULL, reason TEXT NOT NULL)",
    """CREATE TABLE purge (
    purge_id {uuid} NOT NULL PRIMARY KEY,
    run_id {uuid} NOT NULL,
    executed TEXT NOT NULL,
    acties INTEGER NOT NULL,
    versies INTEGER NOT NULL,
    objecten INTEGER NOT NULL,
    first_tijdstip_instant BIGINT NOT NULL,
    last_tijdstip_instant BIGINT NOT NULL,
    last_versie BIGINT NOT NULL)""",
    "CREATE TABLE purging (versie {bigint} NOT NULL PRIMARY KEY)",
    """CREATE TABLE idempotency_key (
    key TEXT NOT NULL,
    client TEXT NOT NULL,
    volgnummer INTEGER NOT NULL,
    aantal INTEGER NOT NULL,
    versie BIGINT NOT NULL,
    PRIMARY KEY (key, client, volgnummer)){without_rowid}""",
    """CREATE TABLE client (
    versie {identity} PRIMARY KEY,
    name TEXT NOT NULL,
    oins TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret TEXT,
    issuer TEXT,
    revoked BOOLEAN NOT NULL,
    created TEXT NOT NULL)""",
)
_INDEXES = (
    "CREATE INDEX verwerkingsactie_newest ON verwerkingsactie (actie_id, versie)",
    "CREATE INDEX verwerkingsactie_verwerking_id ON verwerkingsactie (verwerking_id) WHERE verwerking_id IS NOT NULL",
    "CREATE INDEX verwerkingsactie_verwerking_id_afnemer ON verwerkingsactie (verwerking_id_afnemer) "
    "WHERE verwerking_id_afnemer IS NOT NULL",
    "CREATE INDEX verwerkt_object_pseudonym ON verwerkt_object (pseudonym)",
    "CREATE INDEX verwerkt_object_occurrence ON verwerkt_object (verwerkt_object_id)",
)
_PURGEABLE = {"verwerkingsactie": ("versie",), "verwerkt_object": ("versie", "volgnummer"), "successor": ("actie_id", "versie")}
_KEPT_FOR_EVER = {
    "purge": ("purge_id",),
    "hold": ("hold_id",),
    "hold_release": ("hold_id",),
    "protection_key": ("key_id",),
    "idempotency_key": ("key", "client", "volgnummer"),
    "client": ("versie",),
}


def upgrade() -> None:
    """Make the tables, their indexes and their triggers."""
    if op.get_context().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def _sqlite() -> None:
    names = {"uuid": "BLOB", "bytes": "BLOB", "bigint": "INTEGER", "without_rowid": " WITHOUT ROWID", "identity": "INTEGER NOT NULL"}
    _execute(f"CREATE TABLE verwerkingsactie ({_ACTIE})".format(**names, versie_key="PRIMARY KEY"))
    references = "REFERENCES verwerkingsactie (versie)"
    _execute(
        f"CREATE TABLE verwerkt_object ({_OBJECT}, PRIMARY KEY (versie, volgnummer)) WITHOUT ROWID".format(
            **names, versie_references=references
        )
    )
    for statement in _TABLES:
        _execute(statement.format(**names))
    for statement in _INDEXES:
        _execute(statement)
    for table, key in {**_PURGEABLE, **_KEPT_FOR_EVER}.items():
        # REPLACE deletes without firing a DELETE trigger, so a row that exists refuses to be inserted again.
        exists = f"EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(f'{column} = NEW.{column}' for column in key)})"  # noqa: S608  # our own names
        purged = "NOT EXISTS (SELECT 1 FROM purging WHERE versie = OLD.versie)" if table in _PURGEABLE else "TRUE"
        for action, condition in (("UPDATE", "TRUE"), ("DELETE", purged), ("INSERT", exists)):
            _execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only (B3891)'); END"
            )


def _postgresql() -> None:
    names = {
        "uuid": "UUID",
        "bytes": "BYTEA",
        "bigint": "BIGINT",
        "identity": "BIGINT GENERATED ALWAYS AS IDENTITY",
        "without_rowid": "",
        "versie_key": "",
        "versie_references": "",
    }
    schema = _execute_scalar("SELECT quote_ident(current_schema())")
    _execute("CREATE SEQUENCE versie")
    for table, columns, key in (
        ("verwerkingsactie", _ACTIE, "versie, tijdstip_instant"),
        ("verwerkt_object", _OBJECT, "versie, volgnummer, tijdstip_instant"),
    ):
        _execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({key})) PARTITION BY RANGE (tijdstip_instant)".format(**names))
    for statement in _TABLES:
        _execute(statement.format(**names))
    for statement in _INDEXES:
        _execute(statement)
    _execute(_APPEND_ONLY.format(schema=schema))
    for table in (*_PURGEABLE, *_KEPT_FOR_EVER):
        arguments = "'purgeable'" if table in _PURGEABLE else ""
        _execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION append_only({arguments})"
        )
        _execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION append_only()")
    for table in ("verwerkingsactie", "verwerkt_object"):
        # Of a tijdstip that no month has been made for, so that no insert ever fails.
        _execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
        _execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}_default EXECUTE FUNCTION append_only()")
    _execute(_MAKE_PARTITIONS.format(schema=schema))
    _execute(f"REVOKE ALL ON FUNCTION {schema}.make_partitions(DATE, DATE) FROM PUBLIC")


def _execute(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement.replace("%", "%%") if op.get_context().dialect.name == "postgresql" else statement)


def _execute_scalar(statement: str) -> str:
    return str(op.get_bind().exec_driver_sql(statement).scalar_one())


# Names are written out with their schema: a temporary table of the same name must not stand in for them.
_APPEND_ONLY = """
CREATE FUNCTION append_only() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_NARGS = 1 THEN
        IF EXISTS (SELECT FROM {schema}.purging WHERE versie = OLD.versie) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only (B3891)', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$"""

# The server may call it (it runs with its owner's rights), so that a server that is never restarted still gets new months.
# A month of which the default partition already holds rows stays there.
_MAKE_PARTITIONS = """
CREATE FUNCTION make_partitions(first_month DATE, last_month DATE) RETURNS INTEGER LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    month DATE;
    parent TEXT;
    child TEXT;
    lower_bound BIGINT;
    upper_bound BIGINT;
    taken BOOLEAN;
    made INTEGER := 0;
BEGIN
    IF last_month > first_month + INTERVAL '100 years' THEN
        RAISE EXCEPTION 'more than a hundred years of partitions';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('verwerkingenlog partitions'));
    FOR month IN SELECT generate_series(date_trunc('month', first_month), last_month, INTERVAL '1 month') LOOP
        lower_bound := extract(epoch FROM month::TIMESTAMP)::BIGINT * 1000000;
        upper_bound := extract(epoch FROM month + INTERVAL '1 month')::BIGINT * 1000000;
        FOREACH parent IN ARRAY ARRAY['verwerkingsactie', 'verwerkt_object'] LOOP
            child := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE tijdstip_instant >= %s AND tijdstip_instant < %s)',
                parent || '_default', lower_bound, upper_bound) INTO taken;
            CONTINUE WHEN taken;
            -- LIKE and ATTACH, not PARTITION OF: that would lock out every reader of the parent.
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
            EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION append_only()', parent || '_no_truncate', child);
            EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (tijdstip_instant >= %s AND tijdstip_instant < %s)',
                child, child || '_month', lower_bound, upper_bound);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, child, lower_bound, upper_bound);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$"""
