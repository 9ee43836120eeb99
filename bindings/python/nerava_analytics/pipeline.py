"""The pipeline: events in, KPIs out."""

from __future__ import annotations

import ctypes
import json
import logging
import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal

from . import _callbacks, _http, _lifecycle, errors
from ._abi import TIME_NONE, string
from ._callbacks import Handler, OnAlert, OnError, Target
from ._convert import Money, Time, encode_event, number, timeout_millis, to_micros
from ._handles import Handle
from ._http import HttpResponse
from ._library import abi
from ._options import Days, Durability, Overflow, Path, Seconds, make_options
from ._watches import Watches
from .errors import invalid
from .kpis import Kpis

DEFAULT_TIMEOUT = 10.0  # seconds, of flush, close and erase_user
# By their numbers in the C ABI.
_TOTALS = ("keep", "remove")


def open(
    url: str | None = None,
    *,
    region: str | None = None,
    enabled: bool | None = None,
    batch_size: int | None = None,
    flush_interval: Seconds | None = None,
    max_batch_size: int | None = None,
    queue_capacity: int | None = None,
    overflow: Overflow | None = None,
    overflow_timeout: Seconds | None = None,
    retry_initial_backoff: Seconds | None = None,
    retry_max_backoff: Seconds | None = None,
    durability: Durability | None = None,
    journal_dir: Path | None = None,
    sync_interval: Seconds | None = None,
    journal_max_bytes: int | None = None,
    journal_segment_bytes: int | None = None,
    recent_capacity: int | None = None,
    sqlite_cache_bytes: int | None = None,
    sqlite_busy_timeout: Seconds | None = None,
    sqlite_partition_rows: int | None = None,
    retention: bool | None = None,
    keep_events: Days | None = None,
    keep_aggregates: Days | None = None,
    keep_snapshots: Days | None = None,
    retention_interval: Seconds | None = None,
    kpi_cache_bytes: int | None = None,
    kpi_warm_days: Sequence[int] | None = None,
    user_id_key: str | bytes | None = None,
    alert_interval: Seconds | Literal["forever"] | None = None,
    alert_window: Seconds | None = None,
    alert_error_rate: float | None = None,
    alert_error_sample: int | None = None,
    on_alert: OnAlert | None = None,
    on_error: OnError | None = None,
) -> Pipeline:
    """Opens the store that `url` names and starts a pipeline over it.

    `url` is "sqlite:///relative.db", "sqlite:////absolute.db" or "memory:". What is None has the
    library's default; docs/configuration.md says what each option does. Durations are seconds or
    timedeltas; what is kept (`keep_...`) is whole days, or "forever". `on_error` is called with a
    NeravaError for what fails behind the scenes (commits, on a thread of the library; handlers, on
    the publishing thread; why the store did not answer handle_http, on the thread of that); without
    it such errors are logged to "nerava_analytics". `on_alert` is called with every alert that begins
    to fire and that resolves (see Pipeline.watch), on a thread of the library. The environment is
    not read: see open_from_environment.

    InvalidArgument for a bad option or URL, FailedPrecondition for a file of a newer version or of
    another program and for a journal's folder that cannot be used, StoreUnavailable when the store
    cannot be opened now, LibraryNotFound.
    """
    given = dict(locals())
    return _open(given, from_environment=False)


def open_from_environment(
    url: str | None = None,
    *,
    on_alert: OnAlert | None = None,
    on_error: OnError | None = None,
    **options: Any,
) -> Pipeline:
    """Like open, but what is not given comes from the ANALYTICS_* variables.

    These are ANALYTICS_DATABASE_URL, ANALYTICS_REGION (else REGION), ANALYTICS_USER_ID_KEY, ANALYTICS_ENABLED,
    ANALYTICS_BATCH_SIZE, ANALYTICS_FLUSH_INTERVAL (seconds), ANALYTICS_OVERFLOW,
    ANALYTICS_DURABILITY, ANALYTICS_JOURNAL_DIR, ANALYTICS_SYNC_INTERVAL (seconds),
    ANALYTICS_RETENTION, ANALYTICS_KEEP_EVENTS, ANALYTICS_KEEP_AGGREGATES,
    ANALYTICS_KEEP_SNAPSHOTS (days, or forever), ANALYTICS_KPI_CACHE_BYTES and
    ANALYTICS_KPI_WARM_DAYS (numbers with commas between).
    InvalidArgument names the variable whose value is bad.
    """
    unknown = set(options) - set(open.__kwdefaults__ or ())
    if unknown:
        raise TypeError(f"unknown options: {', '.join(sorted(unknown))}")
    given = {"url": url, "on_alert": on_alert, "on_error": on_error, **options}
    return _open(given, from_environment=True)


def _open(given: dict[str, Any], from_environment: bool) -> Pipeline:
    url, on_error, on_alert = given.pop("url"), given.pop("on_error"), given.pop("on_alert")
    options = make_options({"database_url": url, **given}, from_environment)
    options.on_error = _callbacks.error_callback(Target(on_error))
    if on_alert is not None:
        options.on_alert = _callbacks.alert_callback(Target(on_alert))
    out = ctypes.c_void_p()
    abi().nva_pipeline_open(ctypes.byref(options), ctypes.byref(out))
    return Pipeline(_PipelineHandles(out.value))


class Subscription:
    """A handler at work, until close(). Also a context manager. The pipeline keeps it meanwhile."""

    def __init__(self, handle: Handle, target: Target, handles: _PipelineHandles) -> None:
        self._handle = handle
        self._target = target
        self._handles = handles

    def close(self) -> None:
        """Unsubscribes. May be called again.

        Waits for a running call of the handler on another thread, so do not hold a lock which the
        handler takes; inside any handler it returns at once.
        """
        self._target.function = None
        self._handles.subscriptions.pop(self._handle, None)
        self._handle.release()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _PipelineHandles:
    """Everything a pipeline owns in the library; it outlives the Pipeline, which it frees."""

    def __init__(self, pointer: int | None) -> None:
        library = abi()
        self.closed = False
        self.pipeline = Handle(pointer, library.nva_pipeline_free, "pipeline")
        self.subscriptions: dict[Handle, Target] = {}
        self.bus = self._part("bus")
        self.producer = self._part("producer")
        self.kpi = self._part("kpi")

    def _part(self, name: str) -> Handle:
        library, out = abi(), ctypes.c_void_p()
        with self.pipeline as pointer:
            getattr(library, f"nva_pipeline_{name}")(pointer, ctypes.byref(out))
        return Handle(out.value, getattr(library, f"nva_{name}_free"), "pipeline")

    def _all(self) -> tuple[Handle, ...]:
        return (*self.subscriptions, self.bus, self.producer, self.kpi, self.pipeline)

    def mute(self) -> None:
        """Lets go of the handlers, without waiting for those that run."""
        for target in list(self.subscriptions.values()):
            target.function = None

    def release(self) -> None:
        for handle in self._all():
            handle.release()

    def collect(self) -> None:
        """The Pipeline is gone."""
        if not self.closed:
            warnings.warn("a pipeline was not closed", ResourceWarning, stacklevel=2)
        self.release()


class Pipeline(Watches):
    """Made by open(). Thread-safe. A context manager that closes, and so stores what waits.

    Publishing validates an event and hands it to the writer, which commits in batches on a thread
    of its own. KPIs, stats and health can still be read after close(); what would publish raises
    Closed. Calls let other Python threads run. It works in a forked child too, on its own.
    """

    def __init__(self, handles: _PipelineHandles) -> None:
        super().__init__(handles.pipeline)
        self._handles = handles
        self.kpis = Kpis(handles.kpi)
        self._finalizer = weakref.finalize(self, handles.collect)
        self._finalizer.atexit = False  # _lifecycle does that, in the right order
        _lifecycle.watch(self)

    def charge_started(
        self,
        session_id: str,
        *,
        user_id: str | None = None,
        hub_id: str | None = None,
        window_id: str | None = None,
        started_at: Time | None = None,
        event_id: str | None = None,
        region: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """A driver plugged in. See publish for the result and the errors."""
        event = dict(locals(), event_type="charge_started")
        del event["self"]
        return self.publish(event)

    def charge_stopped(
        self,
        session_id: str,
        *,
        user_id: str | None = None,
        hub_id: str | None = None,
        window_id: str | None = None,
        stopped_at: Time | None = None,
        kwh_consumed: Money | None = None,
        grid_reward_usd: Money | None = None,
        merchant_reward_usd: Money | None = None,
        total_reward_usd: Money | None = None,
        event_id: str | None = None,
        region: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """The session ended. A reward of None is unknown, which differs from 0."""
        event = dict(locals(), event_type="charge_stopped")
        del event["self"]
        for name in ("kwh_consumed", "grid_reward_usd", "merchant_reward_usd", "total_reward_usd"):
            event[name] = number(name, event[name])
        return self.publish(event)

    def wallet_credited(
        self,
        user_id: str,
        *,
        amount_cents: Money,
        session_id: str | None = None,
        new_balance_cents: Money | None = None,
        credited_at: Time | None = None,
        event_id: str | None = None,
        region: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """Money reached a wallet, in whole cents; usd_to_cents converts."""
        event = dict(locals(), event_type="wallet_credited")
        del event["self"]
        for name in ("amount_cents", "new_balance_cents"):
            event[name] = number(name, event[name])
        return self.publish(event)

    def publish(self, event: object) -> str:
        """Publishes an event of any type and returns its event_id.

        `event` is a mapping, a dataclass, pydantic model or other object with attributes, or JSON
        text, with the backend's names. datetimes (naive: UTC), Decimals, UUIDs and enums are taken
        as what they are; None is the same as absent.

        InvalidEvent: refused, see its `reason`. QueueFull: no room, in the queue or the journal.
        StoreUnavailable: the journal cannot be written. Closed. Nothing was accepted then.
        """
        text, out = encode_event(event), ctypes.c_void_p()
        with self._handles.pipeline as pipeline:
            self._abi.nva_publish_json(pipeline, string(text), ctypes.byref(out))
        event_id = self._abi.take_text(out)
        _callbacks.raise_interrupt()
        return event_id

    def convert(self, event: object) -> dict[str, Any]:
        """The analytics event that `event` would become; nothing is published."""
        text, out = encode_event(event), ctypes.c_void_p()
        with self._handles.producer as producer:
            self._abi.nva_producer_convert_json(producer, string(text), ctypes.byref(out))
        result: dict[str, Any] = json.loads(self._abi.take_text(out))
        return result

    def subscribe(self, event_type: str, handler: Handler) -> Subscription:
        """Calls `handler` with every event of a type (with or without "analytics_"), or "*": all.

        It gets the analytics event as a dict, on the publishing thread, several threads at once if
        several publish, and may use the pipeline. What it raises is counted, logged (or given to
        on_error) and harms nobody else. InvalidArgument for an empty or over-long type, Closed.
        """
        if self.closed:
            raise errors.Closed("the pipeline is closed", errors.FAILED_PRECONDITION, "closed")
        target = Target(handler)
        struct, out = _callbacks.event_handler(target), ctypes.c_void_p()
        with self._handles.bus as bus:
            self._abi.nva_bus_subscribe(
                bus, string(event_type.encode()), ctypes.byref(struct), ctypes.byref(out)
            )
        handle = Handle(out.value, self._abi.nva_subscription_free, "subscription")
        self._handles.subscriptions[handle] = target
        return Subscription(handle, target, self._handles)

    def recent(
        self, event_type: str | None = None, aggregate_id: str | None = None
    ) -> list[dict[str, Any]]:
        """The last events (1,000 unless recent_capacity says otherwise), oldest first."""
        kind, aggregate = (event_type or "").encode(), (aggregate_id or "").encode()
        out = ctypes.c_void_p()
        with self._handles.bus as bus:
            self._abi.nva_bus_recent_json(bus, string(kind), string(aggregate), ctypes.byref(out))
        result: list[dict[str, Any]] = json.loads(self._abi.take_text(out))
        return result

    def flush(self, timeout: Seconds | None = DEFAULT_TIMEOUT) -> None:
        """Waits until all that was published before is stored and in the KPIs.

        `timeout` in seconds, None or infinite for no limit; DeadlineExceeded, with `unsent`, when
        it passes. InvalidArgument for a timeout that is none.
        """
        self._wait(self._abi.nva_pipeline_flush, timeout_millis(timeout))

    def close(self, timeout: Seconds | None = DEFAULT_TIMEOUT) -> None:
        """Accepts nothing further, stores what waits and stops. Otherwise like flush.

        May be called again, after DeadlineExceeded to wait longer. A forked child and its parent
        close each for itself.
        """
        millis = timeout_millis(timeout)
        self._handles.closed = True
        try:
            self._wait(self._abi.nva_pipeline_close, millis)
        finally:
            self._handles.mute()

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._handles.closed

    def stats(self) -> dict[str, Any]:
        """Counters: total_events, events_by_type, events_by_region, batch_size (events that wait),
        running and more. StoreUnavailable when the store cannot be read."""
        return self._read(self._abi.nva_pipeline_stats_json)

    def health(self) -> dict[str, Any]:
        """status ("healthy", "degraded" or "unhealthy"), reason, warnings, and the stats."""
        return self._read(self._abi.nva_pipeline_health_json)

    def handle_http(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        max_body_bytes: int | None = None,
    ) -> HttpResponse:
        """Answers an HTTP request: `target` is its path and query, percent-encoded as they came.

        Returns status, headers and body. What cannot be answered is a response with a status from
        400 on; a body of more than `max_body_bytes` (None: 8 MiB) gets 413. It knows no keys: who
        may ask is the caller's to decide. After close() events get 503, and KPIs still answers.
        """
        with self._handles.pipeline as pipeline:
            return _http.handle(self._abi, pipeline, method, target, headers, body, max_body_bytes)

    def dead_letters(self, limit: int = 1000) -> list[dict[str, Any]]:
        """Events that the store refused for what they are, oldest first: `time`, `reason`, `event`.

        They are those of all processes that share the journal. StoreUnavailable when they cannot be
        read.
        """
        out = ctypes.c_void_p()
        with self._handles.pipeline as pipeline:
            self._abi.nva_pipeline_dead_letters_json(pipeline, max(0, limit), ctypes.byref(out))
        result: list[dict[str, Any]] = json.loads(self._abi.take_text(out))
        return result

    def replay_dead_letters(self) -> int:
        """Accepts them all again, for when the store has learned to take them; how many it were.

        What the store refuses again becomes a dead letter again. Closed.
        """
        accepted = ctypes.c_uint64()
        with self._handles.pipeline as pipeline:
            self._abi.nva_pipeline_replay_dead_letters(pipeline, ctypes.byref(accepted))
        return accepted.value

    def apply_retention(self, now: Time | None = None) -> dict[str, Any]:
        """Drops at once what the keep_ options do not keep at `now` (None: the clock's time).

        Others publish and read meanwhile. Returns what was dropped ("events", "aggregate_days",
        "snapshot_days", "freed_bytes"), what it took ("steps", "longest_step_seconds", "seconds")
        and where what is kept begins ("events_from", "aggregates_from", "snapshots_from"; None:
        nothing was ever dropped). StoreUnavailable when the store cannot do it now.
        """
        now_us = TIME_NONE if now is None else to_micros("now", now)
        out = ctypes.c_void_p()
        with self._handles.pipeline as pipeline:
            self._abi.nva_pipeline_apply_retention_json(pipeline, now_us, ctypes.byref(out))
        run: dict[str, Any] = json.loads(self._abi.take_text(out))
        return run

    def erase_user(
        self,
        user_id: str,
        *,
        totals: Literal["keep", "remove"] = "keep",
        timeout: Seconds | None = DEFAULT_TIMEOUT,
    ) -> dict[str, Any]:
        """Erases a person: from the store, its journal, its dead letters and the last events.

        Who was active, and streaks, forget them in any case. With `totals` "keep" their sessions
        stay in the totals as nobody's; with "remove" those go whose raw events are still there.
        What was published before is stored first, for which it waits `timeout`; stop publishing
        for them before. Returns a receipt that does not name them: "erased_at", "totals",
        "events_removed", "events_anonymized", "sessions_removed", "sessions_anonymized",
        "dead_letters", "quarantined_segments". Call it again after an error, or when in doubt.

        InvalidArgument for an empty or over-long id, StoreUnavailable while the store cannot be
        written, Closed.
        """
        if totals not in _TOTALS:
            raise invalid(f'totals is {totals!r}; it must be "keep" or "remove"')
        if self.closed:
            raise errors.Closed("the pipeline is closed", errors.FAILED_PRECONDITION, "closed")
        out = ctypes.c_void_p()
        with self._handles.pipeline as pipeline:
            self._abi.nva_pipeline_erase_user_json(
                pipeline,
                string(user_id.encode()),
                _TOTALS.index(totals),
                timeout_millis(timeout),
                ctypes.byref(out),
            )
        receipt: dict[str, Any] = json.loads(self._abi.take_text(out))
        return receipt

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except errors.NeravaError as failure:
            if error is None:
                raise
            logging.getLogger("nerava_analytics").error("closing a pipeline: %s", failure)

    def _wait(self, function: Any, millis: int) -> None:
        unsent = ctypes.c_uint64()
        try:
            with self._handles.pipeline as pipeline:
                function(pipeline, millis, ctypes.byref(unsent))
        except errors.DeadlineExceeded as error:
            error.unsent = unsent.value
            raise

    def _read(self, function: Any) -> dict[str, Any]:
        out = ctypes.c_void_p()
        with self._handles.pipeline as pipeline:
            function(pipeline, ctypes.byref(out))
        result: dict[str, Any] = json.loads(self._abi.take_text(out))
        return result

    def _close_at_exit(self, timeout: float) -> None:
        self.close(timeout)

    def _release(self) -> None:
        self._handles.release()
