"""The backend's own analytics classes, under their own names, on top of one pipeline.

Its three analytics modules become re-exports:

    from nerava_analytics.backend import AnalyticsProducer, analytics_producer
    from nerava_analytics.backend import AnalyticsBatchWriter, analytics_batch_writer
    from nerava_analytics.backend import KPICalculator, kpi_calculator

The module-level objects share one pipeline, configured by the ANALYTICS_* variables and opened when
it is first needed, at the latest by `await analytics_batch_writer.start()`.

Nothing here blocks the event loop: what may wait runs in a worker thread. Publishing, which waits
when the queue is full, has threads of its own, so that stop, KPIs and stats need not wait for it.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import functools
import inspect
import json
import logging
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Callable, TypeVar

from . import _fork, kpi_types
from ._convert import encode_event
from ._options import Seconds
from .errors import NeravaError
from .pipeline import DEFAULT_TIMEOUT, Pipeline, open_from_environment

logger = logging.getLogger("nerava_analytics.backend")

KEPT_EVENTS = 1000
CHARGING_EVENTS = ("charge_started", "charge_stopped", "wallet_credited")
_PUBLISHERS = 32  # threads, of a pipeline, that may wait for room in its queue

EventHandler = Callable[[Any], Any]
_T = TypeVar("_T")


async def _in_thread(
    function: Callable[..., _T], *args: Any, executor: Executor | None = None
) -> _T:
    call = functools.partial(contextvars.copy_context().run, function, *args)
    return await asyncio.get_running_loop().run_in_executor(executor, call)


def _field(event: Any, name: str) -> Any:
    """A field of an event, which is a dict or has attributes; an enum's value."""
    value = event.get(name) if isinstance(event, dict) else getattr(event, name, None)
    return getattr(value, "value", value)


class EventBus:
    """Hands events of any kind (dicts, or objects with attributes) to handlers, in this event loop.

    Keeps the last 1,000 events. Handlers are functions or coroutine functions; one that raises is
    logged and harms no other. Subscribing is thread-safe; publish on one loop.
    """

    def __init__(self, kept_events: int = KEPT_EVENTS) -> None:
        self._lock = threading.Lock()
        self._handlers: dict[str, list[EventHandler]] = {}
        self._events: collections.deque[Any] = collections.deque(maxlen=kept_events)
        _fork.watch(self)

    def subscribe(self, event_type: str, handler: EventHandler) -> None:
        """Calls `handler` with every event of a type, or of all: "*"."""
        with self._lock:
            self._handlers.setdefault(event_type, []).append(handler)

    def unsubscribe(self, event_type: str, handler: EventHandler) -> None:
        """Ends one subscription; no effect when there is none."""
        with self._lock:
            handlers = self._handlers.get(event_type, [])
            if handler in handlers:
                handlers.remove(handler)

    async def publish(self, event: Any) -> None:
        """Keeps the event and returns when every handler is done with it."""
        event_type = _field(event, "event_type")
        with self._lock:
            self._events.append(event)
            handlers = [*self._handlers.get(event_type, ()), *self._handlers.get("*", ())]
        calls = (self._call(handler, event) for handler in handlers)
        for handler, failure in zip(handlers, await asyncio.gather(*calls, return_exceptions=True)):
            if failure is not None:
                logger.error("a handler of %s raised: %r", event_type, handler, exc_info=failure)

    def get_events(
        self, event_type: str | None = None, aggregate_id: str | None = None
    ) -> list[Any]:
        """The kept events, oldest first; None matches all."""
        with self._lock:
            events = list(self._events)
        return [
            event
            for event in events
            if event_type in (None, _field(event, "event_type"))
            and aggregate_id in (None, _field(event, "aggregate_id"))
        ]

    def get_event_count(self, event_type: str | None = None) -> int:
        """How many of the kept events are of a type."""
        return len(self.get_events(event_type))

    def _renew(self) -> None:
        self._lock = threading.Lock()

    @staticmethod
    async def _call(handler: EventHandler, event: Any) -> None:
        result = handler(event)
        if inspect.isawaitable(result):
            await result


class SharedPipeline:
    """A pipeline that several objects use, opened when it is first needed.

    What is not given in `options` comes from the environment. Its pipeline may be closed and opened
    again; between the two it can be read, and publishing raises Closed. Thread-safe; a forked child
    goes on with the same pipeline.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._pipeline: Pipeline | None = None
        self._publishers: Executor | None = None  # come and go with the pipeline
        _fork.watch(self)

    async def get(self) -> Pipeline:
        """The pipeline, closed or not."""
        _fork.check()
        if self._pipeline is not None:
            return self._pipeline
        return await _in_thread(self._opened)

    async def start(self, timeout: Seconds | None = DEFAULT_TIMEOUT) -> Pipeline:
        """The pipeline; a new one when the last was closed and has stored what it had accepted.

        DeadlineExceeded when that takes longer than `timeout`: nothing is lost, start again.
        """
        _fork.check()
        return await _in_thread(self._reopened, timeout)

    async def publish(self, event: object) -> str:
        """Publishes, waiting up to overflow_timeout for room when the queue is full."""
        text = encode_event(event)
        pipeline = await self.get()
        if pipeline.closed:
            return pipeline.publish(text)  # raises Closed without waiting
        return await _in_thread(pipeline.publish, text, executor=self._publishers)

    async def close(self, timeout: Seconds | None = DEFAULT_TIMEOUT) -> None:
        """Stores what waits. DeadlineExceeded when it takes longer; close again to wait longer."""
        if self._pipeline is not None:
            await _in_thread(self._pipeline.close, timeout)

    def _opened(self) -> Pipeline:
        with self._lock:
            return self._pipeline or self._open()

    def _reopened(self, timeout: Seconds | None) -> Pipeline:
        with self._lock:
            if self._pipeline is not None and not self._pipeline.closed:
                return self._pipeline
            if self._pipeline is not None:
                self._pipeline.close(timeout)  # else what it could not store yet would be lost
            return self._open()

    def _open(self) -> Pipeline:
        pipeline = open_from_environment(**self._options)
        self._publishers = ThreadPoolExecutor(_PUBLISHERS, "nerava_analytics")
        self._pipeline = pipeline
        return pipeline

    def _renew(self) -> None:
        """In a forked child, where the publishers' threads do not exist."""
        self._lock = threading.Lock()
        if self._publishers is not None:
            self._publishers = ThreadPoolExecutor(_PUBLISHERS, "nerava_analytics")


default_pipeline = SharedPipeline()


class AnalyticsProducer:
    """Makes analytics events of the backend's domain events and has them stored."""

    def __init__(
        self,
        event_bus: EventBus | None = None,
        pipeline: SharedPipeline | None = None,
    ) -> None:
        self._bus = event_bus
        self._pipeline = pipeline or default_pipeline

    def listen_to(self, event_bus: Any) -> None:
        """Subscribes to the charging events of a bus with a `subscribe(event_type, handler)`."""
        for event_type in CHARGING_EVENTS:
            event_bus.subscribe(event_type, self.publish_charging_event)

    async def publish_charging_event(self, event: Any) -> str | None:
        """Publishes a domain event, of any type, and returns its event_id.

        Analytics never makes a charging request fail: an event that is not accepted is counted,
        logged with the reason, and None is returned. An accepted one is also published, as an
        analytics event, on the producer's bus if it has one.
        """
        try:
            event_id, analytics_event = await self._publish(event)
        except Exception as error:
            explained = isinstance(error, NeravaError)
            logger.error("an analytics event was not accepted: %s", error, exc_info=not explained)
            return None
        if self._bus is not None:
            await self._bus.publish(analytics_event)
        return event_id

    async def _publish(self, event: Any) -> tuple[str, dict[str, Any] | None]:
        """The event's id and, for the bus, the analytics event."""
        text = encode_event(event)
        if self._bus is None:
            return await self._pipeline.publish(text), None
        pipeline = await self._pipeline.get()
        try:
            analytics_event = pipeline.convert(text)
        except NeravaError:
            await self._pipeline.publish(text)  # refuses it too, and counts it
            raise
        text = _identified(text, analytics_event)
        return await self._pipeline.publish(text), analytics_event


def _identified(text: bytes, analytics_event: dict[str, Any]) -> bytes:
    """The domain event with the id and time that were made for it, unchanged if it has its own."""
    fields = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    made = {key: analytics_event[key] for key in ("event_id", "timestamp") if not fields.get(key)}
    return encode_event({**fields, **made}) if made else text


class AnalyticsBatchWriter:
    """Commits events in batches: at `batch_size` waiting events, or `flush_interval` seconds.

    What is not given comes from ANALYTICS_BATCH_SIZE and ANALYTICS_FLUSH_INTERVAL, else it is 100
    events and 30 seconds. A writer that is given no pipeline opens one of its own.
    """

    def __init__(
        self,
        batch_size: int | None = None,
        flush_interval: float | None = None,
        *,
        pipeline: SharedPipeline | None = None,
    ) -> None:
        if pipeline is not None and (batch_size, flush_interval) != (None, None):
            raise TypeError("batch_size and flush_interval belong to the pipeline that is given")
        self.pipeline = pipeline or SharedPipeline(
            batch_size=batch_size, flush_interval=flush_interval
        )

    async def start(self, timeout: Seconds | None = DEFAULT_TIMEOUT) -> None:
        """Opens the pipeline: a bad configuration or database is an error here, at startup.

        After a stop that failed it first stores what is left, or fails as that did.
        """
        await self.pipeline.start(timeout)

    async def stop(self, timeout: Seconds | None = DEFAULT_TIMEOUT) -> None:
        """Accepts nothing further, then stores what waits.

        DeadlineExceeded with `unsent` when the store takes longer than `timeout` seconds. The
        events are kept: stop again, else the process tries for some seconds when it ends.
        """
        await self.pipeline.close(timeout)

    async def write_event(self, event: Any) -> str:
        """Accepts a domain or analytics event, returns its event_id. Errors: Pipeline.publish."""
        return await self.pipeline.publish(event)

    async def flush(self, timeout: Seconds | None = DEFAULT_TIMEOUT) -> None:
        """Waits until all that was accepted is in the KPIs. Errors as Pipeline.flush."""
        await _in_thread((await self.pipeline.get()).flush, timeout)

    async def get_analytics_stats(self) -> dict[str, Any]:
        """total_events, events_by_type, events_by_region, batch_size (waiting events), running."""
        return await _in_thread((await self.pipeline.get()).stats)

    async def get_analytics_health(self) -> dict[str, Any]:
        """status ("healthy", "degraded" or "unhealthy"), reason, warnings, and the stats."""
        return await _in_thread((await self.pipeline.get()).health)


class KPICalculator:
    """The KPIs as the backend's clients read them. Errors are exceptions, never an empty answer."""

    def __init__(self, pipeline: SharedPipeline | None = None) -> None:
        self._pipeline = pipeline or default_pipeline

    async def get_conversion_funnel(self, days: int = 7) -> kpi_types.ConversionFunnel:
        return await _in_thread((await self._pipeline.get()).kpis.conversion_funnel, days)

    async def get_green_hour_utilization(self, days: int = 7) -> kpi_types.GreenHourUtilization:
        return await _in_thread((await self._pipeline.get()).kpis.green_hour_utilization, days)

    async def get_streak_metrics(self, days: int = 30) -> kpi_types.StreakMetrics:
        return await _in_thread((await self._pipeline.get()).kpis.streak_metrics, days)

    async def get_revenue_metrics(self, days: int = 7) -> kpi_types.RevenueMetrics:
        return await _in_thread((await self._pipeline.get()).kpis.revenue_metrics, days)

    async def get_all_kpis(self, days: int = 7) -> kpi_types.AllKpis:
        return await _in_thread((await self._pipeline.get()).kpis.all, days)


event_bus = EventBus()
analytics_producer = AnalyticsProducer(event_bus)
analytics_producer.listen_to(event_bus)
analytics_batch_writer = AnalyticsBatchWriter(pipeline=default_pipeline)
kpi_calculator = KPICalculator()
