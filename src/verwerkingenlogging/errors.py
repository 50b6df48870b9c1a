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
        ├── OutsideContext    annotated code ran where no middleware or context says where to log
        └── FaultyRequest     the client can mend it, so it is no alarm; the middleware answers 400
            ├── NotInRequest      the request lacks what has to be recorded of it, such as whose data it is
            └── InvalidInRequest  what it has in that place breaks a limit, such as a BSN of 41 digits

The text of an error is for technical logs: it may name an address or a file of ours. No client sees it, also where a framework puts
the text of every error into its answer, as GraphQL does: the middleware answers in the place of the application.
"""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "FaultyRequest",
    "ForeignOin",
    "InvalidInRequest",
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
    """An identifier is encrypted with a key that is missing here. The value is right: whoever has the key can read it.

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
    """The log could not be reached, timed out, or answered with something that is not an acknowledgement.

    Attributes:
        retry_after: seconds after which the log asked to be tried again, if it did.
        for_all: true when every record is affected, as when there is no connection; otherwise one record may be the cause.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None, for_all: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.for_all = for_all


class LogRefused(NotRecorded):
    """The log refused the verwerkingsactie; sending the same again will not help.

    Attributes:
        status: HTTP status of the refusal (400, 401, 403, …).
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class FaultyRequest(NotRecorded):
    """A request holds something that cannot be recorded. The client can correct it; the same request again does not help.

    The middleware turns it into a 400 answer, and writes a warning in place of an error.

    Attributes:
        names: which arguments, as the code names them, if that is known; never a value.
        code: what is wrong with them: ``required``, ``invalid`` or ``max-length``.
    """

    def __init__(self, message: str, *, names: tuple[str, ...] = (), code: str = "invalid") -> None:
        super().__init__(message)
        self.names = names
        self.code = code


class NotInRequest(FaultyRequest):
    """The client left out something that must be recorded, such as whose data it is."""

    def __init__(self, message: str, *, names: tuple[str, ...] = (), code: str = "required") -> None:
        super().__init__(message, names=names, code=code)


class InvalidInRequest(FaultyRequest):
    """The client sent an identifier that cannot be one: too long, empty, with control characters, or not text."""


class OutsideContext(NotRecorded):
    """Annotated code ran without a context: no middleware, no ``recording(...)`` and no test fixture is around it."""


def not_recorded(where: str, error: Exception) -> NotRecorded:
    """The NotRecorded for ``error``, which was raised while a verwerkingsactie was made at ``where``.

    Only our own messages are known to hold no personal data; a KeyError of the application might be about a BSN.
    """
    if isinstance(error, FaultyRequest):
        return type(error)(f"{where}: the verwerkingsactie could not be made: {error}", names=error.names, code=error.code)
    what = str(error) if isinstance(error, VerwerkingenloggingError) else f"{type(error).__name__} was raised"
    return NotRecorded(f"{where}: the verwerkingsactie could not be made: {what}")
