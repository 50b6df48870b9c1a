"""A database on PostgreSQL: durable commits, one writer at a time, and the limits of the server's role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from selectors import EVENT_READ, DefaultSelector
from typing import Any, NoReturn

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError, ProgrammingError

from verwerkingenlogging.errors import ConfigurationError, LogUnavailable
from verwerkingenlogging_register._database.driver import POOLED
from verwerkingenlogging_register._database.location import shown
from verwerkingenlogging_register._database.schema import (
    APPEND_ONLY,
    check_current,
    grant_server_role,
    make_partitions,
    migrate,
    missing_server_rights,
)
from verwerkingenlogging_register._keys.protection import Keys

__all__ = ["check_rights", "open_reader", "open_writer", "prepare", "update"]

_READERS = 8
_MORE_READERS = 32
_CONNECT_SECONDS = 5
_NO_PRIVILEGE = "42501"
_WRITE_LOCK = 0x7665727765726B  # "verwerk": an advisory lock has a number for a name
# A network that swallows packets must not keep the write lock from the other workers for longer than this.
_NETWORK = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
_WRITER_SETTINGS = ("statement_timeout = '30s'", "lock_timeout = '10s'", "idle_in_transaction_session_timeout = '30s'")
# A read finds a few rows in hundreds of partitions: planning it anew takes longer than the read, and compiling it far longer.
_READER_SETTINGS = (
    "statement_timeout = '30s'",
    "default_transaction_read_only = on",
    "plan_cache_mode = force_generic_plan",
    "jit = off",
)
# What another client of a pooler may have set in the session that we get next: a commit could be lost, or go into other tables.
_NOT_OF_A_NEIGHBOUR = ("synchronous_commit = on", "search_path = DEFAULT")
_DRIVERS_OWN = 5
"""How often psycopg runs a statement before it has it prepared."""
# What a neighbour behind a pooler left in the session is not counted: our transactions set it for themselves.
_NOT_DURABLE = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off' AND source <> 'session'"
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def prepare(url: URL) -> None:
    """Check that the database can be reached, commits durably, and has the tables of this version.

    Raises ConfigurationError, naming the remedy, when not. It changes nothing: ``verwerkingenlog migrate`` does.
    """
    engine = open_writer(url)
    try:
        with engine.connect() as connection:
            check_current(connection, shown(url))
    except OperationalError as error:
        raise ConfigurationError(f"setting database: {shown(url)} cannot be used: {_first_line(error)}") from None
    except ProgrammingError as error:
        if not _is_about_rights(error):
            raise
        raise ConfigurationError(
            f"setting database: {shown(url)}: the role {url.username} may not read its tables; "
            f"run, as the role that owns them: verwerkingenlog migrate --server-role {url.username}"
        ) from None
    finally:
        engine.dispose()


def update(
    url: URL,
    *,
    server_role: str | None,
    since: datetime | None,
    progress: Callable[[str], None] = lambda _: None,
    keys: Keys | None = None,
) -> int:
    """Make or update the tables, as their owner, and the partitions from ``since`` until some months ahead.

    ``server_role`` gets what the server needs; ``progress`` is told what takes long; ``keys`` are needed where secrets that stand
    in clear are sealed. Gives how many partitions are new. Raises ConfigurationError, naming the remedy, when the database cannot
    be used.
    """
    engine = open_writer(url, execution_options={"keys": keys})
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            migrate(connection, progress)
            if server_role is not None:
                grant_server_role(connection, server_role)
            return make_partitions(connection, since)
    except (OperationalError, ProgrammingError) as error:
        remedy = "; run this as the role that owns the database" if _is_about_rights(error) else ""
        raise ConfigurationError(f"setting database: {shown(url)} cannot be used: {_first_line(error)}{remedy}") from None
    finally:
        engine.dispose()


def check_rights(url: URL) -> None:
    """Refuse, with ConfigurationError, a role that could rewrite the log: the server must run as one that only adds (B3891).

    And one that cannot add, such as after a restore that left out the rights.
    """
    engine = open_reader(url)
    try:
        with engine.connect() as connection:
            role = connection.scalar(text("SELECT current_user"))
            allowed = [
                f"{right} on {table}"
                for table in APPEND_ONLY
                for right in ("UPDATE", "DELETE", "TRUNCATE")
                if connection.scalar(text("SELECT has_table_privilege(:table, :right)"), {"table": table, "right": right})
            ]
            missing = missing_server_rights(connection)
    finally:
        engine.dispose()
    if allowed:
        raise ConfigurationError(
            f"setting database: the role {role} has {allowed[0]}, so it could rewrite the log; "
            "serve with the role that 'verwerkingenlog migrate --server-role' gave its rights to"
        )
    if missing:
        raise ConfigurationError(
            f"setting database: the role {role} lacks {', '.join(missing)}; "
            f"run, as the role that owns the tables: verwerkingenlog migrate --server-role {role}"
        )


def open_writer(url: URL, **options: Any) -> Engine:
    """An engine with one connection, for the one thread that writes.

    Its transactions hold the write lock from their start, so that the writers of all processes take turns: versions are
    committed in the order of their numbers, and two changes of one actie cannot pass each other. A connection whose commits
    would not reach the disk is refused, with ConfigurationError.
    """
    # Said, since a database or a role may have another default: each statement must see what was committed before the lock
    # was given to us, a key that another process used among it; in any stricter level the first statement, which waits for
    # the lock, decides what is seen.
    begin = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({_WRITE_LOCK})"
    engine = _open(url, _WRITER_SETTINGS, begin=begin, prepare_threshold=_DRIVERS_OWN, pool_size=1, max_overflow=0, **options)

    @event.listens_for(engine, "connect")
    def _check_durable(dbapi_connection: Any, _record: object) -> None:
        off = dbapi_connection.execute(_NOT_DURABLE, [list(_DURABLE)]).fetchall()
        if off:
            raise ConfigurationError(
                f"setting database: {shown(url)} has {off[0][0]}=off, so an acknowledged verwerkingsactie could be lost; "
                f"set {off[0][0]}=on in postgresql.conf and reload"
            )

    return engine


def open_reader(url: URL, **options: Any) -> Engine:
    """An engine whose connections refuse to write. A transaction sees one state of the database throughout.

    A database that is away raises LogUnavailable: the answer is a 503, and the caller may try again.
    """
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    engine = _open(url, _READER_SETTINGS, begin=begin, prepare_threshold=0, pool_size=_READERS, max_overflow=_MORE_READERS, **options)

    @event.listens_for(engine, "connect")
    def _read_uuids_as_text(dbapi_connection: Any, _record: object) -> None:
        adapters = dbapi_connection.adapters
        adapters.register_loader("uuid", adapters.get_loader(adapters.types["text"].oid, 0))  # a UUID is text to us

    @event.listens_for(engine, "handle_error")
    def _unavailable(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, OperationalError):
            _raise_unavailable()

    return engine


def _raise_unavailable() -> NoReturn:
    raise LogUnavailable("the database cannot be read")


def _open(url: URL, settings: tuple[str, ...], *, begin: str, prepare_threshold: int, **options: Any) -> Engine:
    """An engine whose sessions have these settings.

    Behind a pooler such as PgBouncer a session may be another's after each transaction. There each transaction gets the settings
    anew, whatever a neighbour left behind, and no statement is prepared for the next.
    """
    in_transaction = "; ".join([begin, *[f"SET LOCAL {setting}" for setting in (*settings, *_NOT_OF_A_NEIGHBOUR)]])

    try:
        engine = create_engine(
            url,
            # The driver starts no transactions of its own: that takes a question and an answer more.
            connect_args={"application_name": "verwerkingenlog", "connect_timeout": _CONNECT_SECONDS, "autocommit": True, **_NETWORK},
            hide_parameters=True,  # an exception's text shows no value (P3)
            pool_use_lifo=True,
            **options,
        )
    except ModuleNotFoundError:
        raise ConfigurationError(
            "setting database: PostgreSQL needs psycopg; run: pip install 'verwerkingenlogging-register[postgresql]'"
        ) from None

    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: Any, record: Any) -> None:
        record.info[POOLED] = _is_pooled(dbapi_connection)
        if record.info[POOLED]:
            dbapi_connection.prepare_threshold = None
            return
        dbapi_connection.prepare_threshold = prepare_threshold
        for setting in settings:
            dbapi_connection.execute(f"SET {setting}")

    @event.listens_for(engine, "checkout")
    def _check_alive(dbapi_connection: Any, _record: object, _proxy: object) -> None:
        """After a restart of PostgreSQL the connections in the pool are dead. The end of one can be seen without asking it."""
        with DefaultSelector() as selector:
            selector.register(dbapi_connection, EVENT_READ)
            if selector.select(0):
                raise DisconnectionError

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(in_transaction if connection.info[POOLED] else begin)

    return engine


def _is_pooled(dbapi_connection: Any) -> bool:
    """Whether something stands between us and PostgreSQL: it then says another process than the one that answers."""
    (answering,) = dbapi_connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return bool(answering != dbapi_connection.info.backend_pid)


def _is_about_rights(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _NO_PRIVILEGE


def _first_line(error: DBAPIError) -> str:
    """What PostgreSQL said, on one line; its messages name host and role, never the password."""
    return " ".join(str(error.orig).split())
