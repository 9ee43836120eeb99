"""The end of the process, for every pipeline that is open.

At exit pipelines are closed while the interpreter still works: first the sources, then running
callbacks, then the handles; after that the library calls nothing of Python's. All of it takes at
most EXIT_TIMEOUT. A forked child does the same with its own side of the pipelines it was born with.
"""

from __future__ import annotations

import atexit
import logging  # registers its own exit function, which must run after ours
import os
import sys
import time
import weakref
from typing import Any, Protocol

from . import _callbacks, _fork

EXIT_TIMEOUT = 10.0  # seconds


class Closable(Protocol):
    def _close_at_exit(self, timeout: float) -> None: ...

    def _release(self) -> None: ...


_pipelines: weakref.WeakSet[Closable] = weakref.WeakSet()


def watch(pipeline: Closable) -> None:
    _pipelines.add(pipeline)
    _multiprocessing.join()


def _at_exit() -> None:
    _fork.check()
    deadline = time.monotonic() + EXIT_TIMEOUT
    pipelines = list(_pipelines)
    _pipelines.clear()  # a spawned process of multiprocessing comes here twice
    for pipeline in pipelines:
        try:
            pipeline._close_at_exit(max(0.0, deadline - time.monotonic()))
        except Exception as error:
            logging.getLogger("nerava_analytics").error("closing a pipeline at exit: %s", error)
    if _callbacks.drain(deadline):  # else somebody still runs in there: leave it to the system
        for pipeline in pipelines:
            pipeline._release()


class _Multiprocessing:
    """Children of multiprocessing end without atexit; what they call instead is its finalizers.

    It is never imported here: who is such a child has it.
    """

    def __init__(self) -> None:
        self._finalized = 0  # the process whose end we are told of
        self._follows = False

    def join(self) -> None:
        """Called when a pipeline is opened, and in a child once multiprocessing is set up there."""
        process = sys.modules.get("multiprocessing.process")
        if process is None or process.parent_process() is None or self._finalized == os.getpid():
            return
        self._finalized = os.getpid()
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, _at_exit, exitpriority=-100)  # after queues, pools and children

    def follow(self) -> None:
        """In a forked child, which may be about to become one of multiprocessing."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and not self._follows:
            self._follows = True
            util.register_after_fork(self, _Multiprocessing.join)


_multiprocessing = _Multiprocessing()
_fork.call_in_child(_multiprocessing.follow)
atexit.register(_at_exit)
