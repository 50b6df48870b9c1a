"""The errors that this library raises. No message holds personal data: they name fields, keys and files, never a value.

::

    VerwerkingenloggingError
    ├── ConfigurationError    a setting, file or annotation is wrong; raised at start-up or decoration
    ├── InvalidValue          a value breaks a limit of the information model (also a ValueError)
    │   └── KeyMissing        it is encrypted with a key that is not here: another configuration could read it
    ├── ForeignOin            a caller claims another organisation than it proves; the middleware answers 403
    └── NotRecorded           a verwerkingsactie is not safe, so what it describes must not go on (B7952)
        ├── LogUnavailable    the log could not be reached or failed; trying again later may help
        ├── LogRefused        the log understood and refused; trying the same again will not help
        ├── NotInRequest      the request lacks what has to be recorded of it; the middleware answers 400
        └── OutsideContext    annotated code ran where no middleware or context says where to log
"""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "ForeignOin",
    "InvalidValue",
    "KeyMissing",
    "LogRefused",
    "LogUnavailable",
    "NotInRequest",
    "NotRecorded",
    "OutsideContext",
    "VerwerkingenloggingError",
    "not_recorded",
]


class VerwerkingenloggingError(Exception):
    """Base of every error that this library raises itself. Errors of the application pass through unchanged."""


class ConfigurationError(VerwerkingenloggingError):
    """A setting, a file or an annotation is wrong. The message names the place, the key and the remedy."""


class InvalidValue(VerwerkingenloggingError, ValueError):
    """A value breaks a limit of the information model.

    Attributes:
        field: name of the field, in Python spelling (``object_id``).
        code: one of ``required``, ``invalid``, ``max-length``, ``invalid-choice``.
        rule: the rule that was broken, in English, without the value.
    """

    def __init__(self, field: str, code: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.code = code
        self.rule = rule


class KeyMissing(InvalidValue):
    """An identifier is encrypted with a key that is not here. Nothing is wrong with the value: who has the key can read it.

    Attributes:
        key_id: the id of that key.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__("object_id", "invalid", f"is encrypted with key {key_id}, which is not here")
        self.key_id = key_id


class ForeignOin(VerwerkingenloggingError):
    """The OIN in a caller's header is not the OIN that it proves (B9177). The middleware turns it into a 403 answer."""


class NotRecorded(VerwerkingenloggingError):
    """A verwerkingsactie could not be made safe. The processing it describes must not go on (B7952).

    The middleware turns it into a 503 answer.
    """


class LogUnavailable(NotRecorded):
    """The log could not be reached, timed out, or answered with something that is not an acknowledgement."""


class LogRefused(NotRecorded):
    """The log refused the verwerkingsactie; sending the same again will not help.

    Attributes:
        status: HTTP status of the refusal (400, 401, 403, …).
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotInRequest(NotRecorded):
    """The client left out what has to be recorded, such as whose data it is. Sending it along helps, trying again does not.

    The middleware turns it into a 400 answer.
    """


class OutsideContext(NotRecorded):
    """Annotated code ran outside any context: no middleware, no ``recording(...)``, no test fixture."""


def not_recorded(where: str, error: Exception) -> NotRecorded:
    """NotRecorded for an error met while a verwerkingsactie was being made at ``where``.

    Only our own messages are known to hold no personal data; a KeyError of the application might be about a BSN.
    """
    if isinstance(error, NotInRequest):
        return NotInRequest(f"{where}: the verwerkingsactie could not be made: {error}")
    what = str(error) if isinstance(error, VerwerkingenloggingError) else f"{type(error).__name__} was raised"
    return NotRecorded(f"{where}: the verwerkingsactie could not be made: {what}")
