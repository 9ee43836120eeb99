"""Watches: what a Pipeline alerts about."""

from __future__ import annotations

import ctypes
import json
from datetime import timedelta
from typing import Any, Literal

from . import _callbacks
from ._abi import Watch, string
from ._convert import to_millis
from ._handles import Handle
from ._kpi_query import DIMENSIONS, number_of
from ._library import abi
from ._options import Seconds
from .errors import invalid


class Watches:
    """The base of Pipeline: its watches, and their alerts. Thread-safe."""

    def __init__(self, pipeline: Handle) -> None:
        self._abi = abi()
        self._pipeline = pipeline

    def watch(
        self,
        name: str,
        kpi: str,
        *,
        above: float | None = None,
        below: float | None = None,
        change: bool = False,
        hysteresis: float = 0,
        period: Seconds = timedelta(days=1),
        hold_for: Seconds = 0,
        min_sample: int = 0,
        each: Literal["region", "hub", "window"] | None = None,
        region: str | None = None,
        hub: str | None = None,
        window: str | None = None,
    ) -> None:
        """Alerts while `kpi` over the rolling `period` is `above`, or `below`, a threshold.

        `kpi` is a number that KPIs have in their answers: "completion_rate", "total_sessions",
        "p90_time_to_complete_s", "dau"; docs/kpis.md lists them. With `change` it is by how many
        percent it differs from the period before. An alert fires once it has been so for
        `hold_for`, and resolves once the value is `hysteresis` back; from fewer than `min_sample`
        sessions, or whatever a rate is over, nothing is concluded. `each` looks at every hub,
        region or window on its own. Looked at after commits and every `alert_interval`; on_alert
        (see open) is told, and alerts() and health() list what is the matter.

        InvalidArgument for a bad value, and for a name that another watch has.
        """
        if (above is None) == (below is None):
            raise invalid("give a watch either above or below")
        if not -(2**63) <= min_sample < 2**63:
            raise invalid(f"min_sample is {min_sample}; it must be from 0 on")
        watch = Watch()
        self._abi.nva_watch_init(ctypes.byref(watch), ctypes.sizeof(watch))
        watch.name, watch.kpi = string(name.encode()), string(kpi.encode())
        watch.relation = 0 if above is not None else 1
        watch.threshold = float(above if above is not None else below or 0)
        watch.measure = int(bool(change))
        watch.hysteresis = float(hysteresis)
        watch.period_ms = to_millis("period", period)
        watch.hold_for_ms = to_millis("hold_for", hold_for)
        watch.min_sample = min_sample
        if each is not None:
            watch.each = number_of("each", each, DIMENSIONS)
        watch.region = string((region or "").encode())
        watch.hub_id = string((hub or "").encode())
        watch.window_id = string((window or "").encode())
        with self._pipeline as pipeline:
            self._abi.nva_pipeline_add_watch(pipeline, ctypes.byref(watch))

    def unwatch(self, name: str) -> None:
        """Ends a watch, and its alerts. InvalidArgument when there is none of the name."""
        with self._pipeline as pipeline:
            self._abi.nva_pipeline_remove_watch(pipeline, string(name.encode()))

    def watches(self) -> list[dict[str, Any]]:
        """The watches, in the order in which they were added.

        Each has "name", "kpi", "relation" ("above", "below"), "measure" ("value", "change"),
        "threshold", "hysteresis", "period_s", "hold_for_s", "min_sample", and None or a text in
        "region", "hub", "window" and "each".
        """
        return self._list(self._abi.nva_pipeline_watches_json)

    def check_watches(self) -> None:
        """Looks at all watches now; on_alert is called on this thread.

        StoreUnavailable when a KPI could not be computed, FailedPrecondition once closed and from
        inside on_alert.
        """
        with self._pipeline as pipeline:
            try:
                self._abi.nva_pipeline_check_watches(pipeline)
            finally:
                _callbacks.raise_interrupt()

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are pending or firing, as of the last look.

        Each has "watch", "group" (which hub, say), "state" ("pending", "firing"), "value",
        "threshold", "sample", "since", "at" and "message". Beside those of watches there are
        "error_rate", "nothing_written", "kpi_failures" and "store_unreachable", about the pipeline
        itself.
        """
        return self._list(self._abi.nva_pipeline_alerts_json)

    def _list(self, function: Any) -> list[dict[str, Any]]:
        out = ctypes.c_void_p()
        with self._pipeline as pipeline:
            function(pipeline, ctypes.byref(out))
        result: list[dict[str, Any]] = json.loads(self._abi.take_text(out))
        return result
