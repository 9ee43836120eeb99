"""What can go wrong. Every exception of the package is a NeravaError with the library's message."""

from __future__ import annotations

OK = 0
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14


class NeravaError(Exception):
    """Base of all. `status` is the C ABI's number, `reason` a word for counters and logs."""

    def __init__(self, message: str, status: int = INTERNAL, reason: str = "other") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class InvalidArgument(NeravaError, ValueError):
    """The call is at fault: an option, a URL, a period."""


class InvalidEvent(InvalidArgument):
    """The event was refused at the door; nothing was accepted.

    `reason` is one of malformed_json, too_large, missing_field, wrong_type, too_long, invalid_text,
    invalid_number, negative, invalid_time, in_future, too_old, other.
    """


class DeadlineExceeded(NeravaError, TimeoutError):
    """The timeout passed first. `unsent` events are not stored yet; call again to wait longer."""

    unsent: int = 0


class QueueFull(NeravaError):
    """No room in the queue or the journal: the store is slow or away.

    The event was not accepted; retry later.
    """


class FailedPrecondition(NeravaError):
    """It stays so until somebody acts: a file of a newer version, or of another program."""


class Closed(FailedPrecondition):
    """The pipeline is closed. Nothing was accepted."""


class StoreUnavailable(NeravaError):
    """The store cannot be reached, or the journal not be written, now; worth a retry."""


class RedisUnavailable(NeravaError):
    """Redis did not take what was published; what went wrong. It is tried again anyway."""


class InternalError(NeravaError):
    """A bug in the library or in a callback."""


class LibraryNotFound(NeravaError, OSError):
    """The shared library was not found, or is too old. The message says what was tried."""


_BY_STATUS: dict[int, type[NeravaError]] = {
    INVALID_ARGUMENT: InvalidArgument,
    DEADLINE_EXCEEDED: DeadlineExceeded,
    RESOURCE_EXHAUSTED: QueueFull,
    FAILED_PRECONDITION: FailedPrecondition,
    INTERNAL: InternalError,
    UNAVAILABLE: StoreUnavailable,
}


def make_error(
    status: int,
    message: str,
    reason: str,
    overrides: dict[int, type[NeravaError]] | None = None,
) -> NeravaError:
    """The exception for a status; `overrides` are what a status means for one function."""
    kind = (overrides or {}).get(status) or _BY_STATUS.get(status, NeravaError)
    return kind(message, status, reason)


def invalid(message: str) -> InvalidArgument:
    """For an argument that is refused before the library sees it."""
    return InvalidArgument(message, INVALID_ARGUMENT, "invalid_argument")
