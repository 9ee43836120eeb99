"""Handles of the library: freed once, and never while a call uses them."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Callable

from . import _callbacks, errors


class Handle:
    """Owns a handle. `with handle as pointer:` around every call; thread-safe, and re-entrant."""

    def __init__(self, pointer: int | None, free: Callable[[int], object], what: str) -> None:
        self._lock = threading.RLock()
        self._pointer = pointer
        self._free = free
        self._gone = f"the {what} is closed"
        self._users = 0
        self._released = False

    def __enter__(self) -> int:
        with self._lock:
            if self._released or self._pointer is None:
                raise errors.Closed(self._gone, errors.FAILED_PRECONDITION, "closed")
            self._users += 1
            return self._pointer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._users -= 1
        self._free_when_unused()

    def release(self) -> None:
        """Refuses further use; frees the handle now, or when the last running call ends."""
        with self._lock:
            self._released = True
        self._free_when_unused()

    def abandon(self) -> None:
        """In a forked child: what the handle stands for belongs to the parent."""
        self._lock = threading.RLock()
        self._pointer = None
        self._gone += ": it was opened before fork(); open another one in the child process"

    def _free_when_unused(self) -> None:
        with self._lock:
            if not self._released or self._users > 0 or self._pointer is None:
                return
            pointer, self._pointer = self._pointer, None
        if not _callbacks.on_this_thread():
            self._free(pointer)
            return
        try:  # the library forbids to free a pipeline from inside a callback
            threading.Thread(target=self._free, args=(pointer,), daemon=True).start()
        except RuntimeError:
            pass  # the interpreter is ending, and with it the process
