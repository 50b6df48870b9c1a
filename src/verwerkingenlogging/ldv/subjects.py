"""The identifier of a person in a span, which other systems may read: a pseudonym, a ciphertext, or the number (LDV A10).

Spans pass through Collectors and end in back ends that were never meant for a BSN. So every identifier of somebody is written
by one of these, whatever its kind: nobody has to decide which numbers are a person's. An OIN is an organisation's and stays.

===========  ========================================  ====================================================================
form         looks like                                what it gives
===========  ========================================  ====================================================================
pseudonym    ``p.3f2a.`` and 32 characters             the same for the same number; nobody turns it back. 39 characters, so
                                                       that it fits where the standard wants an Identificator of at most 40
ciphertext   ``e.3f2a.`` and base64                    the same for the same number; who has the key turns it back. LDV sets no
                                                       limit to its length; GEMMA never sees it, as its reader turns it back
clear        the number                                read by everybody on the way
===========  ========================================  ====================================================================

The four digits are the id of the key, made from the key: so a reader knows what it looks at, and which key it needs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from verwerkingenlogging.configuration.secret_files import read_secret
from verwerkingenlogging.errors import ConfigurationError, InvalidValue, KeyMissing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

__all__ = ["EncryptedSubjects", "PseudonymousSubjects", "Subjects", "SubjectsInClear", "is_pseudonym", "subjects_from_env", "without_key"]

_PREFIX = "VERWERKINGENLOGGING_"
_SECRET_MIN = 32
_PSEUDONYM_BYTES = 24
_FORM = re.compile(r"([pe])\.([0-9a-f]{4})\.([A-Za-z0-9_-]+)", re.ASCII)
_LIKE_A_FORM = re.compile(r"[pec]\.")
_CLEAR = "c."


class Subjects(Protocol):
    """Writes identifiers of persons in a form that systems between the application and the log may see."""

    def encode(self, soort: str, number: str) -> str:
        """The text that replaces ``number``, an identifier of the kind ``soort``. The same number always gives the same text."""


class PseudonymousSubjects:
    """Replaces each number by a keyed pseudonym. This is the default.

    Args:
        secret: at least 32 bytes; whoever has it can find out which pseudonym a known number has. Applications whose records
            must be found under one pseudonym share it.

    Raises ConfigurationError when the secret is too short.
    """

    def __init__(self, secret: str | bytes) -> None:
        secret = _checked(secret, "PseudonymousSubjects")
        self._key = _derived(secret, b"pseudonym", hashlib.sha256)
        self._key_id = _key_id(secret)

    def encode(self, soort: str, number: str) -> str:
        """The pseudonym: 192 bits of an HMAC-SHA-256 over kind and number."""
        digest = hmac.digest(self._key, f"{soort}\0{number}".encode(), hashlib.sha256)[:_PSEUDONYM_BYTES]
        return f"p.{self._key_id}.{_text_of(digest)}"


class EncryptedSubjects:
    """Encrypts each number, so that only the register can decrypt it (AES-SIV; needs the extra ``encryption``).

    Args:
        secret: at least 32 bytes, shared with the register and with nobody between.
        older: secrets that were in use before; what they wrote can still be read.

    Raises ConfigurationError when a secret is too short, when two have the same id, or when ``cryptography`` is not installed.
    """

    def __init__(self, secret: str | bytes, *older: str | bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415  # an extra
        except ImportError:
            raise ConfigurationError(
                "EncryptedSubjects: cryptography is missing; install it with: pip install 'verwerkingenlogging[encryption]'"
            ) from None
        secrets = [_checked(each, "EncryptedSubjects") for each in (secret, *older)]
        self._key_id = _key_id(secrets[0])
        self._ciphers: dict[str, AESSIV] = {_key_id(each): AESSIV(_derived(each, b"encryption", hashlib.sha512)) for each in secrets}
        if len(self._ciphers) != len(secrets):
            raise ConfigurationError("EncryptedSubjects: two secrets have the same id; leave the doubled one out, or make another one")

    def encode(self, soort: str, number: str) -> str:
        """The ciphertext, bound to the kind of identifier."""
        return f"e.{self._key_id}.{_text_of(self._ciphers[self._key_id].encrypt(number.encode(), [soort.encode()]))}"

    def decode(self, soort: str, text: str) -> str:
        """The number in a ciphertext; a pseudonym or a clear number as it is.

        Raises KeyMissing when there is no key for it here, and InvalidValue when it was changed on its way.
        """
        found = _FORM.fullmatch(text)
        if found is None or found[1] != "e":
            return without_key(soort, text)
        cipher = self._ciphers.get(found[2])
        if cipher is None:
            raise KeyMissing(found[2])
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # an extra

        try:
            return cipher.decrypt(_bytes_of(found[3]), [soort.encode()]).decode()
        except (InvalidTag, ValueError):
            raise InvalidValue("object_id", "invalid", f"was not encrypted as this kind of identifier with key {found[2]}") from None


class SubjectsInClear:
    """Writes each number as it is. Use it only when every system on the way may know who it is about."""

    def encode(self, soort: str, number: str) -> str:
        """The number."""
        return _CLEAR + number if _LIKE_A_FORM.match(number) else number


def subjects_from_env(environ: Mapping[str, str] | None = None) -> Subjects:
    """Read ``VERWERKINGENLOGGING_SUBJECTS``: ``pseudonymous``, as when it is not set, ``encrypted`` or ``clear``.

    The secret is ``VERWERKINGENLOGGING_SUBJECT_SECRET``, or stands in the file that ``…_SUBJECT_SECRET_FILE`` names. Raises
    ConfigurationError naming the variable.
    """
    environ = os.environ if environ is None else environ
    form = environ.get(f"{_PREFIX}SUBJECTS", "pseudonymous")
    if form == "clear":
        return SubjectsInClear()
    if form not in {"pseudonymous", "encrypted"}:
        raise ConfigurationError(f"environment: {_PREFIX}SUBJECTS must be pseudonymous, encrypted or clear")
    secret = _secret_of(environ)
    return EncryptedSubjects(secret) if form == "encrypted" else PseudonymousSubjects(secret)


def _secret_of(environ: Mapping[str, str]) -> str:
    file = environ.get(f"{_PREFIX}SUBJECT_SECRET_FILE")
    if file:
        return read_secret(f"{_PREFIX}SUBJECT_SECRET_FILE", file)
    secret = environ.get(f"{_PREFIX}SUBJECT_SECRET")
    if not secret:
        raise ConfigurationError(f"environment: {_PREFIX}SUBJECT_SECRET is missing; make one with: openssl rand -base64 32")
    return secret


def without_key(soort: str, text: str) -> str:
    """A number that was written in clear, or a pseudonym as it is. Raises KeyMissing for a ciphertext."""
    if text.startswith(_CLEAR):
        return text.removeprefix(_CLEAR)
    found = _FORM.fullmatch(text)
    if found is not None and found[1] == "e":
        raise KeyMissing(found[2])
    return text


def is_pseudonym(text: str) -> bool:
    """Whether ``text`` has the form of our pseudonyms: then it is not the number of the kind that it claims to be."""
    found = _FORM.fullmatch(text)
    return found is not None and found[1] == "p"


def _checked(secret: str | bytes, where: str) -> bytes:
    secret = secret.encode() if isinstance(secret, str) else secret
    if len(secret) < _SECRET_MIN:
        raise ConfigurationError(f"{where}: the secret has fewer than {_SECRET_MIN} bytes; make one with: openssl rand -base64 32")
    return secret


def _derived(secret: bytes, purpose: bytes, digest: object) -> bytes:
    """A key for one purpose: who gets hold of the one cannot make the other from it."""
    return hmac.digest(secret, b"verwerkingenlogging subject " + purpose, digest)  # type: ignore[arg-type]  # a hash constructor


def _key_id(secret: bytes) -> str:
    return _derived(secret, b"key id", hashlib.sha256)[:2].hex()


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""
