"""The technical log: a line for each request and each error, as text or JSON, without query string, path or value (P3, X57).

An exception is shown by its type and place only: its text could repeat personal data.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

__all__ = ["JsonLines", "LogFormat", "TextLines", "log_config", "place"]


class LogFormat(StrEnum):
    """The format of a line of the technical log."""

    TEXT = "text"
    JSON = "json"


def place(raised: BaseException) -> str:
    """The type of an error and of its causes, and their places in our code, without their text."""
    places = []
    error: BaseException | None = raised
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        # Where a statement was run says more than what runs them all.
        ours = [frame for frame in frames if str(__package__) in frame.filename and frame.name != "bare_driver"] or frames
        places.append(
            f"{type(error).__name__} at {ours[-1].filename}:{ours[-1].lineno} in {ours[-1].name}" if ours else type(error).__name__
        )
        error = error.__cause__
    return " caused by ".join(places)


class TextLines(logging.Formatter):
    """Formats a line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatException(self, ei: Any) -> str:  # noqa: N802  # its name in logging
        """The type and place of an exception."""
        return place(ei[1])


class JsonLines(logging.Formatter):
    """Formats a line for machines: one JSON object, with ``fields`` of the record beside the usual ones."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = place(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def log_config(log_format: LogFormat) -> dict[str, Any]:
    """The configuration of ``logging`` for a register that runs: everything to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonLines if log_format is LogFormat.JSON else TextLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"uvicorn.error": {"level": "INFO"}, "verwerkingenlogging_register": {"level": "INFO"}},
    }
