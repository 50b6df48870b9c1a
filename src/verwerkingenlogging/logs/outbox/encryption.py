"""Encryption of the records on the disk, with AES-256-GCM and a key from a file (needs the extra ``encryption``)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs.outbox._storage.frames import SEALED, Frame

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Keys", "SealBroken", "add_key", "opened"]

_KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12
_OTHERS = 0o077


class SealBroken(Exception):
    """An encrypted body was changed."""


class Keys:
    """The keys in the file at ``path``: a line for each, 32 bytes in base64. The first seals, all open.

    Raises ConfigurationError when others can read the file, or it holds no keys.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # an extra, needed by who encrypts
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        except ImportError:  # pragma: no cover  # it is installed where this is tested
            raise ConfigurationError("outbox: keys need the extra: pip install 'verwerkingenlogging[encryption]'") from None
        self._path = Path(path)
        self._broken = InvalidTag
        self._cipher = AESGCM
        secrets_ = _read(self._path)
        self._ciphers = self._ciphers_of(secrets_)
        self._first = _id(secrets_[0])

    def __repr__(self) -> str:
        return f"Keys({str(self._path)!r})"

    def _ciphers_of(self, secrets: Sequence[bytes]) -> dict[bytes, AESGCM]:
        return {_id(secret): self._cipher(secret) for secret in secrets}

    def seal(self, body: bytes, bound: bytes) -> bytes:
        """``body`` encrypted, and bound to the bytes that stand before it."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._first + nonce + self._ciphers[self._first].encrypt(nonce, body, bound)

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        """The body that ``seal`` made ``sealed`` of. Raises ConfigurationError when its key is not here, SealBroken when it was changed."""
        key_id = sealed[:_ID_BYTES]
        if key_id not in self._ciphers:  # a process that was started since may seal with a key that was added since
            self._ciphers.update(self._ciphers_of(_read(self._path)))
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise ConfigurationError(f"outbox: {self._path}: lacks a key that records were sealed with; put it back, as a further line")
        nonce = sealed[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[_ID_BYTES + _NONCE_BYTES :], bound)
        except (self._broken, ValueError):
            raise SealBroken from None


def opened(frame: Frame, keys: Keys | None) -> bytes:
    """The body of ``frame``, sealed or not. Raises as ``Keys.open`` does."""
    if not frame.flags & SEALED:
        return frame.body
    if keys is None:
        raise ConfigurationError("outbox: records are sealed; give the key file that they were sealed with as keys")
    return keys.open(frame.body, frame.bound)


def add_key(path: Path) -> None:
    """Put a new key first in the file at ``path``, which is made when it is not there. Restart the applications that use it.

    Raises ConfigurationError when the file is there and holds no keys.
    """
    lines = [secrets.token_bytes(_KEY_BYTES), *(_read(path) if path.exists() else [])]
    # A name of its own: what another left that was killed halfway must stop nobody.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".new")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(base64.b64encode(line) + b"\n" for line in lines)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except BaseException:
        new.unlink()
        raise


def _read(path: Path) -> list[bytes]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_bytes().split()
    except OSError as error:
        raise ConfigurationError(
            f"outbox: {path}: cannot be read ({error.strerror}); make a key file with: verwerkingenlogging outbox key {path}"
        ) from None
    if mode & _OTHERS:
        raise ConfigurationError(f"outbox: {path}: others can read it (mode {mode:04o}); run: chmod 600 {path}")
    try:
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except binascii.Error:
        keys = []
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise ConfigurationError(f"outbox: {path}: is not a key file: a line for each key, {_KEY_BYTES} bytes in base64")
    return keys


def _id(secret: bytes) -> bytes:
    return hashlib.sha256(b"verwerkingenlogging outbox" + secret).digest()[:_ID_BYTES]
