"""The key file: the keys that encrypt the numbers of persons, where they come from, and their rotation (B2042).

A key is one secret of 32 bytes, from which a key for pseudonyms, one for numbers and one for the secrets of clients are derived.
Keys are only ever added: the newest that is in use protects new rows, the others keep old rows readable and findable.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._keys.key_source import KeySource
from verwerkingenlogging_register._keys.secret_files import OWNER_ONLY, text_of_secret_file

__all__ = ["Key", "KeySource", "active", "init_keys", "load_keys", "rotate_keys"]

KEY_ID_MAX = 0xFFFF
_SECRET_BYTES = 32
_COMMAND_SECONDS = 30
_IN_USE_AFTER = timedelta(seconds=30)
"""Every running server must know a new key before the first row has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key, and what is derived from it.

    Attributes:
        key_id: stands beside everything that this key protects.
        made: when it was made.
        since: from when on it protects new rows.
        fingerprint: says whether two keys are the same, and nothing more.
        pseudonym_key: what pseudonyms are made with.
        cipher: what numbers are sealed with.
        secrets_cipher: what the secrets of clients are sealed with.
        cursor_cipher: what the addresses of following pages are sealed with.
    """

    key_id: int
    made: datetime
    since: datetime
    fingerprint: str
    pseudonym_key: bytes
    cipher: AESSIV
    secrets_cipher: AESSIV
    cursor_cipher: AESSIV

    @classmethod
    def of(cls, key_id: int, secret: bytes, made: datetime, since: datetime) -> Key:
        """Make the key of that secret."""
        return cls(
            key_id=key_id,
            made=made,
            since=since,
            fingerprint=hmac.digest(secret, b"verwerkingenlogging fingerprint", hashlib.sha256)[:8].hex(),
            pseudonym_key=_derived(secret, b"verwerkingenlogging pseudonym", 32),
            cipher=AESSIV(_derived(secret, b"verwerkingenlogging encryption", 64)),
            secrets_cipher=AESSIV(_derived(secret, b"verwerkingenlogging client secret", 64)),
            cursor_cipher=AESSIV(_derived(secret, b"verwerkingenlogging cursor", 64)),
        )

    def __repr__(self) -> str:
        return f"Key(key_id={self.key_id}, fingerprint={self.fingerprint!r})"


def active(keys: Sequence[Key], now: datetime | None = None) -> Key:
    """The key that protects new rows: the newest that is in use."""
    now = now or datetime.now(UTC)
    in_use = [key for key in keys if key.since <= now]
    return max(in_use or keys, key=lambda key: key.key_id if in_use else -key.key_id)


def load_keys(source: KeySource) -> tuple[Key, ...]:
    """The keys of ``source``, oldest first. Raises ConfigurationError, naming place and remedy, when they cannot be used."""
    text = _text_of(source)
    try:
        keys = tuple(sorted((_key_of(item) for item in json.loads(text)["keys"]), key=lambda key: key.key_id))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"setting keys: {source} is not a key file; make one with: verwerkingenlog keys init") from None
    ids = [key.key_id for key in keys]
    if not keys or len(set(ids)) != len(ids) or not all(1 <= key_id <= KEY_ID_MAX for key_id in ids):
        raise ConfigurationError(f"setting keys: {source} must hold keys with different ids from 1 to {KEY_ID_MAX}")
    return keys


def init_keys(path: Path) -> None:
    """Make a key file with one key, in use at once. Raises ConfigurationError when the file exists: a key is never overwritten."""
    now = datetime.now(UTC)
    if path.exists():
        raise ConfigurationError(f"setting keys: {path} exists already; add a key to it with: verwerkingenlog keys rotate")
    _write(path, [_new_item(1, made=now, since=now)], replace=False)


def rotate_keys(path: Path) -> Key:
    """Add a key, in use half a minute from now. Gives that key. The older keys stay: rows that they protect need them."""
    now = datetime.now(UTC)
    newest = load_keys(KeySource(file=path))[-1]
    if newest.since > now:
        raise ConfigurationError(f"setting keys: key {newest.key_id} is not in use yet; rotate again after {newest.since:%H:%M:%S} UTC")
    item = _new_item(newest.key_id + 1, made=now, since=now + _IN_USE_AFTER)
    _write(path, [*json.loads(path.read_bytes())["keys"], item], replace=True)
    return _key_of(item)


def _text_of(source: KeySource) -> str:
    if source.file is None:
        return _output_of(source.command or "")
    remedy = f"restore it from its backup, or for a new database make it with: verwerkingenlog keys init --keys {source.file}"
    return text_of_secret_file(source.file, "keys", remedy)


def _output_of(command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # the operator's own command, without a shell
            shlex.split(command), capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # Not its output: that could be a key.
        raise ConfigurationError(f"setting keys_command: failed ({type(error).__name__}); it must print the key file") from None
    return done.stdout


def _key_of(item: dict[str, Any]) -> Key:
    secret = base64.b64decode(item["secret"], validate=True)
    key_id = item["id"]
    if len(secret) != _SECRET_BYTES or type(key_id) is not int:
        raise ValueError
    return Key.of(key_id, secret, _moment(item["made"]), _moment(item["since"]))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _new_item(key_id: int, *, made: datetime, since: datetime) -> dict[str, Any]:
    return {
        "id": key_id,
        "made": made.isoformat(timespec="seconds"),
        "since": since.isoformat(timespec="seconds"),
        "secret": base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode(),
    }


def _write(path: Path, items: list[dict[str, Any]], *, replace: bool) -> None:
    """All or nothing, and on disk when it returns: a key that is lost takes with it what it protects.

    A file that is replaced stays its owner's, whoever does it: the server must be able to read it. A link stays a link.
    """
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8") as file:
            if replace and (owner := path.stat().st_uid) != os.geteuid():
                os.fchown(file.fileno(), owner, -1)
            json.dump({"keys": items}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            beside.replace(path)
        else:
            os.link(beside, path)  # unlike rename, this never overwrites
            beside.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(f"setting keys: {path}: {error.strerror}; give a file in a folder this user can write") from None


def _derived(secret: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(secret)
