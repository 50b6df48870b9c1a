"""The record of administration: which command was run, by whom, and why. It is kept beside what it changed, and never changed.

Without it, what an administrator did could not be told from what another did: they share the role of the database, and often the
account of the machine. The name is what that person says or the machine knows of him; it is no proof.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, event, insert, select

from verwerkingenlogging.errors import ConfigurationError, InvalidValue
from verwerkingenlogging.model.limits import check_identificator, check_naam
from verwerkingenlogging.telemetry.logging_guard import without_bsns
from verwerkingenlogging_register._model.tables import admin_action
from verwerkingenlogging_register._model.versions import Row

__all__ = ["AdminAction", "admin_actions", "checked_reason", "operator_of", "record", "record_each_transaction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAction:
    """One action of an administrator on the register. It holds no secret and no number of a person.

    Attributes:
        operator: who does it, as ``operator_of`` gives it.
        command: what was run, such as ``client add``.
        subject: what it was about, such as the name of a client or the id of a hold.
        reason: why, as ``checked_reason`` gives it; None when that was not said.
    """

    operator: str
    command: str
    subject: str
    reason: str | None = None


def operator_of(given: str | None) -> str:
    """The name of who runs a command: ``given``, else the user who is logged in, and behind sudo the user who called it.

    Raises ConfigurationError when that is nobody, or is a number of a person.
    """
    name = _login_name() if given is None else given.strip()
    if not name:
        raise ConfigurationError("setting operator: is empty; say who runs this, with --operator NAME or VERWERKINGENLOG_OPERATOR")
    return _without_number("operator", name)


def checked_reason(reason: str | None) -> str | None:
    """Give back ``reason``. Raises ConfigurationError when it cannot be one, or holds a number of a person."""
    return None if reason is None else _without_number("reason", reason)


def record(connection: Connection, action: AdminAction) -> None:
    """Record ``action`` in the transaction of ``connection``: it is kept if and only if the other writes of that transaction are."""
    row = {
        "executed": datetime.now(UTC).isoformat(timespec="seconds"),
        "operator": action.operator,
        "command": action.command,
        "subject": action.subject,
        "reason": action.reason,
    }
    connection.execute(insert(admin_action), row)


def record_each_transaction(writer: Engine, action: AdminAction) -> None:
    """Record ``action`` in every transaction of ``writer`` from now on, whichever function opens it."""

    @event.listens_for(writer, "begin")
    def _record(connection: Connection) -> None:  # after that of the engine itself, which begins the transaction
        record(connection, action)


def admin_actions(connection: Connection) -> Sequence[Row]:
    """All recorded actions, oldest first: ``executed``, ``operator``, ``command``, ``subject`` and ``reason``."""
    return [dict(row._mapping) for row in connection.execute(select(admin_action).order_by(admin_action.c.volgnummer))]


def _login_name() -> str:
    user = os.getuid()
    if user == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # as in a container, where a user may be a number and nothing else
        return ""


def _without_number(setting: str, text: str) -> str:
    try:
        checked = check_identificator(setting, text) if setting == "operator" else check_naam(setting, text)
    except InvalidValue as error:
        raise ConfigurationError(f"setting {error}") from None
    if without_bsns(checked) != checked:
        raise ConfigurationError(f"setting {setting}: holds what can be a BSN; leave it out")
    return checked
