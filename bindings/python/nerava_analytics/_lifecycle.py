"""The end of the process and fork(), for every pipeline that is open.

At exit pipelines are closed while the interpreter still works: first the sources, then running
callbacks, then the handles; after that the library calls nothing of Python's. All of it takes at
most EXIT_TIMEOUT. In a forked child the parent's pipelines are closed, and nothing waits for
threads that exist in the parent only.
"""

from __future__ import annotations

import atexit
import logging  # registers its own exit function, which must run after ours
import os
import time
import weakref
from typing import Protocol

from . import _callbacks

EXIT_TIMEOUT = 10.0  # seconds


class Closable(Protocol):
    def _close_at_exit(self, timeout: float) -> None: ...

    def _release(self) -> None: ...

    def _abandon(self) -> None: ...


_pipelines: weakref.WeakSet[Closable] = weakref.WeakSet()


def watch(pipeline: Closable) -> None:
    _pipelines.add(pipeline)


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    pipelines = list(_pipelines)
    for pipeline in pipelines:
        try:
            pipeline._close_at_exit(max(0.0, deadline - time.monotonic()))
        except Exception as error:
            logging.getLogger("nerava_analytics").error("closing a pipeline at exit: %s", error)
    if _callbacks.drain(deadline):  # else somebody still runs in there: leave it to the system
        for pipeline in pipelines:
            pipeline._release()


def _after_fork_in_child() -> None:
    _callbacks.forget_threads()
    for pipeline in list(_pipelines):
        pipeline._abandon()
    _pipelines.clear()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork_in_child)
