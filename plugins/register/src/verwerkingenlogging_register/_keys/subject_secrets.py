"""The secrets with which applications encrypt the numbers of persons in their spans, so that no system between can read them.

Not the keys of ``keys``: these are shared with applications, and what they encrypt is protected anew before it is stored.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from verwerkingenlogging.errors import ConfigurationError, KeyMissing
from verwerkingenlogging.ldv.subjects import EncryptedSubjects, without_key
from verwerkingenlogging_register._keys.secret_files import text_of_secret_file

__all__ = ["SubjectSecrets"]

logger = logging.getLogger(__name__)

_REMEDY = "make it with: (umask 077; openssl rand -base64 32 > {path}), and give its secret to the applications"


class SubjectSecrets:
    """Decrypts the identifiers of persons in spans.

    The file has a secret on each line; the order means nothing. It is read again when a span comes with a key that is not
    known, so that a new one needs no restart: add it here first, and then give it to the applications.

    Raises ConfigurationError, naming the remedy, when the file cannot be used.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp = self._file_stamp()
        self._subjects = self._loaded()

    def decode(self, soort: str, text: str) -> str:
        """The number in ``text``; a pseudonym, or a number in clear, as it is.

        Raises KeyMissing when there is no key for it, and InvalidValue when it was changed on its way.
        """
        try:
            return self._decode(soort, text)
        except KeyMissing:
            if not self._reread():
                raise
        return self._decode(soort, text)

    def _decode(self, soort: str, text: str) -> str:
        return without_key(soort, text) if self._subjects is None else self._subjects.decode(soort, text)

    def _reread(self) -> bool:
        """Read the file again when it has changed; one that cannot be used is reported, and the known ones stay in use."""
        with self._lock:
            stamp = self._file_stamp()
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            try:
                self._subjects = self._loaded()
            except ConfigurationError as error:
                logger.error("the secrets of spans could not be read again: %s", error)  # noqa: TRY400  # the message says it all
                return False
            return True

    def _loaded(self) -> EncryptedSubjects | None:
        if self._path is None:
            return None
        text = text_of_secret_file(self._path, "subject_secrets", _REMEDY.format(path=self._path))
        secrets = [line.strip() for line in text.splitlines() if line.strip()]
        if not secrets:
            raise ConfigurationError(f"setting subject_secrets: {self._path} is empty; {_REMEDY.format(path=self._path)}")
        try:
            return EncryptedSubjects(*secrets)
        except ConfigurationError as error:
            raise ConfigurationError(f"setting subject_secrets: {self._path}: {error}") from None

    def _file_stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_mode) if status else None
