"""What the library calls: Python functions behind a number each, so that no call finds them gone.

The C functions are made once and live as long as the module; `user_data` is a key of `_targets`,
which the library's `destroy` removes. What a Python function raises is logged and counted, and
never reaches C. Before the interpreter ends, `drain` lets running calls finish.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import logging
import threading
import time
from types import TracebackType
from typing import Any, Callable

from . import _fork, errors
from ._abi import (
    ALERT_FUNCTION,
    DESTROY_FUNCTION,
    ERROR_FUNCTION,
    EVENT_FUNCTION,
    AlertCallback,
    ErrorCallback,
    EventHandler,
)
from ._library import abi

Handler = Callable[[dict[str, Any]], object]
OnError = Callable[[errors.NeravaError], object]
OnAlert = Callable[[dict[str, Any]], object]

logger = logging.getLogger("nerava_analytics")


class _ThreadState(threading.local):
    depth: int = 0  # calls from the library that run on this thread
    failure: BaseException | None = None  # of the handler that failed last, until reported
    interrupt: BaseException | None = None  # KeyboardInterrupt and the like, to raise afterwards


class Target:
    """What a key stands for. Emptied, it is still called, and does nothing."""

    def __init__(self, function: Callable[[Any], object] | None) -> None:
        self.function = function


_state = _ThreadState()
_targets: dict[int, Target] = {}
_keys = itertools.count(1)
_idle = threading.Condition()  # re-entrant: a signal handler may interrupt and publish
_running = 0
_draining = False


def event_handler(target: Target) -> EventHandler:
    """The C struct that calls `target` with every event. The library takes the key over."""
    return EventHandler(_register(target), _EVENT_FUNCTION, _DESTROY_FUNCTION)


def error_callback(target: Target) -> ErrorCallback:
    """The C struct that calls `target` with every error, or logs it when the target is empty."""
    return ErrorCallback(_register(target), _ERROR_FUNCTION, _DESTROY_FUNCTION)


def alert_callback(target: Target) -> AlertCallback:
    """The C struct that calls `target` with every alert."""
    return AlertCallback(_register(target), _ALERT_FUNCTION, _DESTROY_FUNCTION)


def on_this_thread() -> bool:
    """Whether the library is calling Python on this thread."""
    return _state.depth > 0


def raise_interrupt() -> None:
    """Raises what a handler on this thread was interrupted by."""
    interrupt, _state.interrupt = _state.interrupt, None
    if interrupt is not None:
        raise interrupt


def drain(deadline: float) -> bool:
    """Makes later calls do nothing and waits for running ones; False when the deadline came first.

    `deadline` is of time.monotonic().
    """
    global _draining
    _fork.check()
    _draining = True
    with _idle:
        return _idle.wait_for(lambda: _running == 0, max(0.0, deadline - time.monotonic()))


def _renew() -> None:
    """In a forked child: only this thread's calls go on."""
    global _draining, _idle, _running
    _draining = False
    _idle = threading.Condition()
    _running = _state.depth


def _register(target: Target) -> int:
    key = next(_keys)
    _targets[key] = target
    return key


class _Call:
    """A call from the library."""

    def __enter__(self) -> None:
        global _running
        _fork.check()
        _state.depth += 1
        with _idle:
            _running += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _running
        _state.depth -= 1
        with _idle:
            _running -= 1
            if _running == 0:
                _idle.notify_all()


def _on_event(key: int, event: int) -> int:
    try:
        with _Call():
            target = _targets.get(key)
            function = target.function if target is not None and not _draining else None
            if function is not None:
                function(_event_as_dict(event))
            return errors.OK
    except BaseException as error:
        _state.failure = error
        if not isinstance(error, Exception):
            _state.interrupt = error
        text = f"the handler raised {type(error).__name__}: {error}"
        abi().nva_set_error_message(text.encode("utf-8", "replace").replace(b"\0", b" "))
        return errors.INTERNAL


def _on_error(key: int, status: int, message: bytes | None) -> None:
    try:
        with _Call():
            cause, _state.failure = _state.failure, None
            target = _targets.get(key)
            if target is None or _draining:
                return
            error = abi().error(status, (message or b"").decode("utf-8", "replace"))
            error.__cause__ = cause
            if target.function is None:
                logger.error("%s", error, exc_info=cause)
            else:
                target.function(error)
    except Exception:
        logger.exception("the on_error function of a pipeline raised")
    except BaseException as error:
        _state.interrupt = error


def _on_alert(key: int, alert: int) -> None:
    try:
        with _Call():
            target = _targets.get(key)
            if target is None or target.function is None or _draining:
                return
            library, out = abi(), ctypes.c_void_p()
            library.nva_alert_to_json(alert, ctypes.byref(out))
            target.function(json.loads(library.take_text(out)))
    except Exception:
        logger.exception("the on_alert function of a pipeline raised")
    except BaseException as error:
        _state.interrupt = error


def _destroy(key: int) -> None:
    _targets.pop(key, None)


def _event_as_dict(event: int) -> dict[str, Any]:
    library, out = abi(), ctypes.c_void_p()
    library.nva_event_to_json(event, ctypes.byref(out))
    result: dict[str, Any] = json.loads(library.take_text(out))
    return result


_fork.call_in_child(_renew)
_ALERT_FUNCTION = ALERT_FUNCTION(_on_alert)
_EVENT_FUNCTION = EVENT_FUNCTION(_on_event)
_ERROR_FUNCTION = ERROR_FUNCTION(_on_error)
_DESTROY_FUNCTION = DESTROY_FUNCTION(_destroy)
