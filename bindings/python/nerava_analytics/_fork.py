"""fork(): what Python keeps beside the library, made anew in a child.

Only the thread that forked goes on there. Locks that others held would stay held, and calls that
others were in would never end, so both are forgotten. What the library itself has it looks after.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Callable, Protocol


class Renewable(Protocol):
    def _renew(self) -> None: ...


_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()
_functions: list[Callable[[], None]] = []
_lock = threading.Lock()
_process = os.getpid()


def watch(renewable: Renewable) -> None:
    """Calls its _renew() in every forked child, while it lives."""
    _renewables.add(renewable)


def call_in_child(function: Callable[[], None]) -> None:
    """Calls `function` in every forked child."""
    _functions.append(function)


def check() -> None:
    """To be called before a lock is taken that _renew() replaces.

    Usually the interpreter tells of a fork. Some servers fork in C and do not let it (uWSGI).
    """
    if os.getpid() != _process:
        with _lock:
            if os.getpid() != _process:
                _renew_all()


def _in_child() -> None:
    global _lock
    _lock = threading.Lock()
    _renew_all()


def _renew_all() -> None:
    global _process
    for function in _functions:
        function()
    for renewable in list(_renewables):
        renewable._renew()
    _process = os.getpid()


os.register_at_fork(after_in_child=_in_child)
