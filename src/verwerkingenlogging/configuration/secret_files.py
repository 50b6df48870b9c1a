"""Reading a secret from a file that the environment names."""

from __future__ import annotations

from pathlib import Path

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["read_secret"]


def read_secret(variable: str, file: str) -> str:
    """The text of ``file``, without the white space around it. Raises ConfigurationError naming variable and file."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"environment: {variable}: {file}: cannot be read ({error.strerror}); check that the file exists and may be read"
        ) from None
    except UnicodeError:
        raise ConfigurationError(f"environment: {variable}: {file}: is not text; give the file that holds the secret alone") from None
