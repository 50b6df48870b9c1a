"""The protection of the numbers of persons in the database: a keyed pseudonym to search by, and a ciphertext (B2042).

Every objectId is protected, whatever its kind, and every afnemerId that is not an OIN: nobody has to decide which numbers are
a person's. A pseudonym is an HMAC-SHA-256 of 16 bytes; a sealed number is the id of its key and an AES-SIV ciphertext, bound
to the record in which it stands, so that it means nothing in another one.

The secrets of clients are kept in the same manner, with a key of their own: whoever copies the database must not be able to log
in and ask.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from sqlalchemy import Connection, insert, select

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._keys.key_file import Key, KeySource, active, init_keys, load_keys
from verwerkingenlogging_register._model.tables import protection_key
from verwerkingenlogging_register._model.versions import Row

__all__ = [
    "Keys",
    "is_oin_of_afnemer",
    "key_id_of",
    "keys_for",
    "keys_of",
    "opened_actie",
    "opened_object",
    "seal_secret",
    "sealed_actie",
    "sealed_object",
]

logger = logging.getLogger(__name__)

PSEUDONYM_BYTES = 16
_KEY_ID_BYTES = 2
_FRESH_SECONDS = 1.0
_OIN = re.compile(r"[0-9]{20}", re.ASCII)


class Keys:
    """The keys of one register. A key file is read again when it changes, so that rotation needs no restart.

    Raises ConfigurationError when they cannot be used.
    """

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self._stamp = self._file_stamp()
        self._keys = {key.key_id: key for key in load_keys(source)}
        self._looked = time.monotonic()
        self._registered: set[int] = set()

    def all(self) -> Sequence[Key]:
        """Every key, oldest first."""
        self._refresh()
        return list(self._keys.values())

    def active(self) -> Key:
        """The key that protects new rows."""
        return active(self.all())

    def get(self, key_id: int) -> Key | None:
        """The key of that id; None when there is none."""
        return self._keys.get(key_id) or self._refresh(always=True).get(key_id)

    def pseudonyms(self, objecttype: str, soort_object_id: str, object_id: str) -> list[bytes]:
        """The pseudonyms of a person: one under each key."""
        return [pseudonym(key, objecttype, soort_object_id, object_id) for key in self.all()]

    def open(self, sealed: bytes, bound_to: str) -> str:
        """The decrypted number in ``sealed``. Raises ConfigurationError when its key is missing, or it is not of ``bound_to``."""
        key = self._key_of(sealed)
        try:
            return key.cipher.decrypt(sealed[_KEY_ID_BYTES:], [_bytes_of(bound_to)]).decode()
        except InvalidTag:
            raise ConfigurationError(
                f"a number sealed with key {key.key_id} does not belong to its row: the database was changed"
            ) from None

    def open_secret(self, sealed: bytes, client: str) -> str:
        """The decrypted secret in ``sealed``. Raises ConfigurationError when its key is missing, or it is not that of ``client``."""
        key = self._key_of(sealed)
        try:
            return key.secrets_cipher.decrypt(sealed[_KEY_ID_BYTES:], [client.encode()]).decode()
        except InvalidTag:
            raise ConfigurationError(f"the secret that stands at client {client} is not its own: the database was changed") from None

    def check(self, connection: Connection) -> None:
        """Raise ConfigurationError unless every key that this database was written with is here, and is the same."""
        for key_id, fingerprint in connection.execute(select(protection_key.c.key_id, protection_key.c.fingerprint)):
            key = self._keys.get(key_id)
            if key is None or key.fingerprint != fingerprint:
                how = "is missing" if key is None else "is another"
                raise ConfigurationError(
                    f"setting keys: the database was written with key {key_id} of fingerprint {fingerprint}, which {how} in "
                    f"{self._source}; restore that file from its backup"
                )

    def register(self, connection: Connection, key: Key) -> None:
        """Record in the database that rows of this transaction use ``key``. Keys that were committed before are remembered."""
        if key.key_id in self._registered:
            return
        if connection.execute(select(protection_key.c.key_id).where(protection_key.c.key_id == key.key_id)).first():
            self._registered.add(key.key_id)
        else:
            connection.execute(insert(protection_key), {"key_id": key.key_id, "fingerprint": key.fingerprint})

    def _key_of(self, sealed: bytes) -> Key:
        key_id = key_id_of(sealed)
        key = self.get(key_id)
        if key is None:
            raise ConfigurationError(f"setting keys: key {key_id} is missing from {self._source}; restore it from its backup")
        return key

    def _refresh(self, *, always: bool = False) -> dict[int, Key]:
        """Read a key file that has changed; one that has become unusable is reported, and the known keys stay in use."""
        if not always and time.monotonic() - self._looked < _FRESH_SECONDS:
            return self._keys
        self._looked = time.monotonic()
        stamp = self._file_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._keys = {**self._keys, **{key.key_id: key for key in load_keys(self._source)}}
            except ConfigurationError as error:
                logger.error("the keys could not be read again: %s", error)  # noqa: TRY400  # the message says it all
        return self._keys

    def _file_stamp(self) -> tuple[int, int] | None:
        try:
            status = self._source.file.stat() if self._source.file else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino) if status else None


def keys_of(connection: Connection) -> Keys:
    """The keys with which ``connection`` encrypts and decrypts."""
    keys: Keys | None = connection.get_execution_options().get("keys")
    if keys is None:
        raise ConfigurationError("setting keys: this needs the keys of the register; give --keys or --keys-command")
    return keys


def keys_for(connection: Connection, source: KeySource, *, make: bool = False) -> Keys:
    """The keys of the database behind ``connection``; with ``make``, one that has none yet gets a key file.

    Raises ConfigurationError, naming the remedy, when they are not there, or are not those that it was written with.
    """
    file = source.file
    if make and file is not None and not file.exists() and connection.execute(select(protection_key.c.key_id)).first() is None:
        init_keys(file)
    keys = Keys(source)
    keys.check(connection)
    return keys


def pseudonym(key: Key, objecttype: str, soort_object_id: str, object_id: str) -> bytes:
    """What somebody is called in the database. No part can hold NUL (D11), so no two persons give the same text."""
    text = f"{objecttype}\0{soort_object_id}\0{object_id}"
    return hmac.digest(key.pseudonym_key, text.encode(), hashlib.sha256)[:PSEUDONYM_BYTES]


def seal(key: Key, number: str, bound_to: str) -> bytes:
    """``number`` as it is kept in the record whose id is ``bound_to``."""
    return key.key_id.to_bytes(_KEY_ID_BYTES) + key.cipher.encrypt(number.encode(), [_bytes_of(bound_to)])


def seal_secret(key: Key, secret: str, client: str) -> bytes:
    """The encrypted secret of the client of that name, as it is stored."""
    return key.key_id.to_bytes(_KEY_ID_BYTES) + key.secrets_cipher.encrypt(secret.encode(), [client.encode()])


def key_id_of(sealed: bytes) -> int:
    """The id of the key that encrypted a number."""
    return int.from_bytes(sealed[:_KEY_ID_BYTES])


def sealed_object(row: Row, key: Key) -> Row:
    """The row of an object as it is stored: without its number."""
    stored = row.copy()
    number = stored.pop("object_id")
    stored["pseudonym"] = pseudonym(key, row["objecttype"], row["soort_object_id"], number)
    stored["object_id_sealed"] = seal(key, number, row["verwerkt_object_id"])
    return stored


def opened_object(row: Row, keys: Keys) -> Row:
    """The row of an object as the APIs know it: with its number."""
    row["object_id"] = keys.open(row["object_id_sealed"], row["verwerkt_object_id"])
    return row


def is_oin_of_afnemer(soort: str | None, number: str) -> bool:
    """Whether an afnemer is an organisation, named by its OIN. Any other number may be that of a person."""
    return soort in {None, "OIN"} and _OIN.fullmatch(number) is not None


def sealed_actie(row: Row, key: Key) -> Row:
    """The row of an actie as it is stored: its afnemer in clear only when that is an OIN."""
    number = row["afnemer_id"]
    if number is None or is_oin_of_afnemer(row["soort_afnemer_id"], number):
        return {**row, "afnemer_id_sealed": None}
    return {**row, "afnemer_id": None, "afnemer_id_sealed": seal(key, number, row["actie_id"])}


def opened_actie(row: Row, keys: Keys) -> Row:
    """The row of an actie as the APIs know it: with its afnemer."""
    sealed = row["afnemer_id_sealed"]
    if sealed is not None:
        row["afnemer_id"] = keys.open(sealed, row["actie_id"])
    return row


def _bytes_of(record_id: str) -> bytes:
    return bytes.fromhex(record_id.replace("-", ""))
