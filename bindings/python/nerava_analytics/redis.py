"""Puts the KPIs and counters of a pipeline into Redis, for processes that have no pipeline.

    from nerava_analytics.redis import RedisPublisher

    with nerava_analytics.open("sqlite:///analytics.db") as pipeline:
        with RedisPublisher(pipeline, "redis://127.0.0.1:6379"):
            ...  # every second Redis has the KPIs

docs/redis.md names the keys. No Redis client of Python's is needed: the library has its own.
"""

from __future__ import annotations

import ctypes
import json
import weakref
from collections.abc import Sequence
from typing import Any

from ._abi import RedisOptions, String, string
from ._convert import timeout_millis, to_millis
from ._handles import Handle
from ._library import abi
from ._options import Seconds
from .errors import RedisUnavailable, invalid
from .pipeline import Pipeline

__all__ = ["RedisPublisher", "RedisUnavailable"]


class RedisPublisher:
    """Publishes until close(). Thread-safe. A context manager, to be left before the pipeline's.

    A thread of the library asks and sends, so that nothing of the pipeline waits for Redis: while
    it is down, rounds are tried again, up to 30 s apart, and counted. In a forked child it does
    nothing: make another one there.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        url: str | None = None,
        *,
        prefix: str | None = None,
        targets: Sequence[str] | None = None,
        interval: Seconds | None = None,
        expiry: Seconds | None = None,
        timeout: Seconds | None = None,
    ) -> None:
        """Redis need not be there. What is None has the default that docs/redis.md says.

        `url` is "redis://[USER][:PASSWORD@]HOST[:PORT][/DATABASE]" or
        "unix://[USER][:PASSWORD@]/PATH"; `prefix` begins every key; `targets` are the paths and
        queries of the endpoints whose answers are kept, 1 to 1000. Durations are seconds or
        timedeltas: `interval` between two rounds, `expiry` of every key, `timeout` to connect and
        for a reply.

        InvalidArgument for an option out of its range, and for a target that is not answered with
        200 for its own fault; FailedPrecondition when the library was built without Redis.
        """
        self._abi = abi()
        options = RedisOptions()
        self._abi.nva_redis_options_init(ctypes.byref(options), ctypes.sizeof(options))
        if url is not None:
            options.url = string(url.encode())
        if prefix is not None:
            options.prefix = string(prefix.encode())
        if targets is not None:
            if isinstance(targets, str) or not targets:
                raise invalid("targets must be a list of at least one path")
            options.targets = (String * len(targets))(*(string(one.encode()) for one in targets))
            options.target_count = len(targets)
        for name, value in (("interval", interval), ("expiry", expiry), ("timeout", timeout)):
            if value is not None:
                setattr(options, name + "_ms", to_millis(name, value))
        out = ctypes.c_void_p()
        with pipeline._handles.pipeline as pointer:
            self._abi.nva_redis_publisher_open(pointer, ctypes.byref(options), ctypes.byref(out))
        self._handle = Handle(out.value, self._abi.nva_redis_publisher_free, "Redis publisher")
        self._finalizer = weakref.finalize(self, self._handle.release)

    def publish_now(self, timeout: Seconds | None = 10.0) -> None:
        """Has a round begun now, also while they are put off, and waits for its end.

        `timeout` in seconds, None or infinite for no limit. RedisUnavailable with what went wrong,
        DeadlineExceeded, FailedPrecondition in a forked child, Closed.
        """
        millis = timeout_millis(timeout)
        with self._handle as publisher:
            self._abi.nva_redis_publisher_publish_now(publisher, millis)

    def stats(self) -> dict[str, Any]:
        """How it went so far: "connected", "rounds" that Redis took, "commands" of these, "failures"
        (rounds that it did not take), "failed_answers" (targets that could not be answered) and
        "last_error", empty if Redis took the last round."""
        out = ctypes.c_void_p()
        with self._handle as publisher:
            self._abi.nva_redis_publisher_stats_json(publisher, ctypes.byref(out))
        result: dict[str, Any] = json.loads(self._abi.take_text(out))
        return result

    def close(self) -> None:
        """Publishes no more; what Redis has expires. May be called again."""
        self._finalizer()

    def __enter__(self) -> RedisPublisher:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
