"""Handles of the library: freed once, and never while a call uses them."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Callable

from . import _callbacks, _fork, errors


class Handle:
    """Owns a handle. `with handle as pointer:` around every call; thread-safe, and re-entrant."""

    def __init__(self, pointer: int | None, free: Callable[[int], object], what: str) -> None:
        self._lock = threading.RLock()
        self._pointer = pointer
        self._free = free
        self._what = what
        self._users: dict[int, int] = {}  # calls that run, by thread
        self._released = False
        _fork.watch(self)

    def __enter__(self) -> int:
        _fork.check()
        thread = threading.get_ident()
        with self._lock:
            if self._released or self._pointer is None:
                raise errors.Closed(
                    f"the {self._what} is closed", errors.FAILED_PRECONDITION, "closed"
                )
            self._users[thread] = self._users.get(thread, 0) + 1
            return self._pointer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread = threading.get_ident()
        with self._lock:
            self._users[thread] -= 1
            if self._users[thread] == 0:
                del self._users[thread]
        self._free_when_unused()

    def release(self) -> None:
        """Refuses further use; frees the handle now, or when the last running call ends."""
        _fork.check()
        with self._lock:
            self._released = True
        self._free_when_unused()

    def _renew(self) -> None:
        """In a forked child: only this thread's calls go on."""
        self._lock = threading.RLock()
        thread = threading.get_ident()
        self._users = {thread: self._users[thread]} if thread in self._users else {}

    def _free_when_unused(self) -> None:
        with self._lock:
            if not self._released or self._users or self._pointer is None:
                return
            pointer, self._pointer = self._pointer, None
        if not _callbacks.on_this_thread():
            self._free(pointer)
            return
        try:  # the library forbids to free a pipeline from inside a callback
            threading.Thread(target=self._free, args=(pointer,), daemon=True).start()
        except RuntimeError:
            pass  # the interpreter is ending, and with it the process
