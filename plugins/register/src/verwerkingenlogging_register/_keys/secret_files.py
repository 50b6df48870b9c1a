"""Files with secrets, which only their owner may read, and files that say whom to trust, which not everybody may write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["OWNER_ONLY", "bytes_of_trusted_file", "text_of_secret_file"]

OWNER_ONLY = 0o600


def text_of_secret_file(path: Path, setting: str, remedy: str) -> str:
    """The text of the file. Raises ConfigurationError, naming ``setting``, when others can read it, or this user cannot.

    ``remedy`` says what to do when it does not exist.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & ~OWNER_ONLY:
                raise ConfigurationError(f"setting {setting}: {path} has mode {mode:04o}, so others can read it; run: chmod 600 {path}")
            return file.read()
    except FileNotFoundError:
        raise ConfigurationError(f"setting {setting}: {path} does not exist; {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigurationError(f"setting {setting}: {path}: {reason}; give a file that this user can read") from None


def bytes_of_trusted_file(path: Path, setting: str) -> bytes:
    """The bytes of the file. Raises ConfigurationError, naming ``setting``, when everybody can write it, and OSError."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & stat.S_IWOTH:
            raise ConfigurationError(
                f"setting {setting}: {path} has mode {mode:04o}, so anybody can change it and let himself in; run: chmod o-w {path}"
            )
        return file.read()
