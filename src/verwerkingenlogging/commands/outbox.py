"""The command ``verwerkingenlogging outbox``: look into an outbox and repair it, while applications go on using it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from verwerkingenlogging.errors import ConfigurationError

if TYPE_CHECKING:
    from verwerkingenlogging.logs.outbox._storage.folder import Folder
    from verwerkingenlogging.logs.outbox._storage.frames import Frame

__all__ = ["add_commands"]

_V = "VERWERKINGENLOGGING_OUTBOX"
_MIB = 1024 * 1024


def add_commands(commands: Any) -> None:
    """Add ``outbox`` to the subcommands of the command line."""
    outbox = commands.add_parser("outbox", help="look into an outbox, deliver it and repair it")
    actions = outbox.add_subparsers(dest="action", required=True)

    def action(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = actions.add_parser(name, help=help)
        parser.set_defaults(run=run)
        return parser

    def with_folder(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        default = os.environ.get(_V)
        parser.add_argument("folder", metavar="DIR", type=Path, nargs="?" if default else None, default=default, help=f"or ${_V}")
        return parser

    def with_keys(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--keys", type=Path, default=os.environ.get(f"{_V}_KEYS"), help=f"key file of an encrypted outbox, or ${_V}_KEYS"
        )

    status = with_folder(action("status", _status, "show what waits and what was refused; exit status 1 when somebody must look"))
    status.add_argument("--json", action="store_true", help="print one JSON object")
    for name, default, what in (
        ("max-age", "900", "seconds that a record may wait"),
        ("min-free", str(64 * _MIB), "bytes that must be free"),
        ("max-bytes", str(4096 * _MIB), "bytes that may wait"),
    ):
        variable = f"{_V}_{name.upper().replace('-', '_')}"
        status.add_argument(f"--{name}", type=float, default=os.environ.get(variable, default), help=f"{what}, or ${variable}; {default}")
    flush = with_folder(
        action("flush", _flush, "deliver everything to the register that the environment names; exit status 1 when some records still wait")
    )
    flush.add_argument("--timeout", type=float, default=60.0, help="seconds to try; 60")
    with_keys(flush)
    with_folder(action("retry", _retry, "deliver again what was refused or set apart, under the same keys"))
    owner = with_folder(action("owner", _owner, "show the client as which its records are delivered, or make that client CLIENT"))
    owner.add_argument("client", metavar="CLIENT", nargs="?", help="client as which everything that waits is delivered from now on")
    export = with_folder(action("export", _export, "print what waits and what was refused, one JSON object on each line"))
    export.add_argument("--with-personal-data", action="store_true", required=True, help="required, because the output holds personal data")
    with_keys(export)
    key = action("key", _key, "put a new key first in a key file, and make the file if it does not exist")
    key.add_argument("file", metavar="FILE", type=Path)


def _status(options: argparse.Namespace) -> int:
    from verwerkingenlogging.logs.outbox.status import status_of  # noqa: PLC0415  # not on every platform where the command is

    status = status_of(
        _folder(options), max_age=float(options.max_age), min_free=int(options.min_free), max_bytes=int(float(options.max_bytes))
    )
    if options.json:
        print(json.dumps(status.as_dict()))
    else:
        age = "" if status.oldest_seconds is None else f", the oldest for {status.oldest_seconds:.0f} s"
        print(f"waiting   {status.waiting} records ({status.waiting_bytes} bytes){age}")
        print(f"refused   {status.refused} records")
        print(f"damaged   {status.damaged} segments")
        print(f"held      {status.held} records, set apart from the others")
        print(f"stuck     {len(status.stuck)} files")
        for name, reason in status.stuck.items():
            print(f"          {name}: {reason}")
        print(f"free      {status.free_bytes} bytes")
        for alarm in status.alarms:
            print(f"verwerkingenlogging: {alarm}", file=sys.stderr)
    return 1 if status.alarms else 0


def _flush(options: argparse.Namespace) -> int:
    from verwerkingenlogging.logs.delivery.receivers import register_of  # noqa: PLC0415
    from verwerkingenlogging.logs.outbox import OutboxLog  # noqa: PLC0415
    from verwerkingenlogging.logs.outbox.status import heads  # noqa: PLC0415

    if any(head.span is not None for head in heads(_folder(options))):
        # From here under other keys than a register knows them by that has them already, and with persons in clear.
        raise ConfigurationError(
            f"outbox: {options.folder}: its records leave as spans; only the application can deliver them: start it, or let it call flush()"
        )
    outbox = OutboxLog(options.folder, register_of(os.environ), keys=options.keys)
    try:
        delivered = outbox.flush(options.timeout)
        waiting = outbox.status().waiting
    finally:
        outbox.close(timeout=0)
    print("all delivered" if delivered else f"{waiting} records still wait")
    return 0 if delivered else 1


def _retry(options: argparse.Namespace) -> int:
    from verwerkingenlogging.logs.outbox._storage.dead_letters import put_back  # noqa: PLC0415
    from verwerkingenlogging.logs.outbox._storage.retry_queue import retry  # noqa: PLC0415

    folder = _folder(options)
    print(f"{put_back(folder) + retry(folder)} records will be delivered again")
    return 0


def _export(options: argparse.Namespace) -> int:
    from verwerkingenlogging.logs.outbox.encryption import Keys, opened  # noqa: PLC0415

    folder = _folder(options)
    keys = Keys(options.keys) if options.keys else None
    for state, frame in _everything(folder):
        line = {
            "state": state,
            "key": frame.key,
            "appended": datetime.fromtimestamp(frame.time / 1e9, UTC).isoformat(),
            **({"reason": frame.reason} if state == "refused" else {}),
            "verwerkingsactie": msgspec.Raw(opened(frame, keys)),
        }
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    return 0


def _everything(folder: Folder) -> Iterator[tuple[str, Frame]]:
    from verwerkingenlogging.logs.outbox._storage.dead_letters import dead_letters  # noqa: PLC0415
    from verwerkingenlogging.logs.outbox._storage.frame_reader import frames_in  # noqa: PLC0415
    from verwerkingenlogging.logs.outbox._storage.retry_queue import records_in_retry_queue  # noqa: PLC0415

    for one in folder.waiting():
        for frame in frames_in(folder.segment(one.name), one.name, one.cursor, _unread):
            yield "waiting", frame
    for frame in records_in_retry_queue(folder):
        yield "held", frame
    for frame in dead_letters(folder, _unread):
        yield "refused", frame


def _unread(name: str, *_: object) -> None:
    print(f"verwerkingenlogging: {name}: not all of it can be read", file=sys.stderr)


def _owner(options: argparse.Namespace) -> int:
    from verwerkingenlogging.logs.outbox._storage.owner import hand_over, owner_of  # noqa: PLC0415

    folder = _folder(options)
    if options.client:
        hand_over(folder, options.client)
    print(owner_of(folder) or "nobody's")
    return 0


def _key(options: argparse.Namespace) -> int:
    from verwerkingenlogging.logs.outbox.encryption import add_key  # noqa: PLC0415

    add_key(options.file)
    print(f"a new key stands first in {options.file}; restart the applications that use it")
    return 0


def _folder(options: argparse.Namespace) -> Folder:
    from verwerkingenlogging.logs.outbox._storage.folder import Folder  # noqa: PLC0415

    return Folder(Path(options.folder), make=False)
