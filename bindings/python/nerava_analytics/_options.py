"""Pipeline options from keyword arguments, the environment and the library's defaults."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, Union

from ._abi import FOREVER, PipelineOptions, string
from ._convert import to_millis
from ._library import abi
from .errors import invalid

Seconds = Union[int, float, timedelta]
Durability = Literal["memory", "process", "power"]
Overflow = Literal["block", "reject", "drop_oldest"]
Days = Union[int, timedelta, Literal["forever"]]
Path = Union[str, "os.PathLike[str]"]

_TEXTS = ("database_url", "region", "user_id_key")
_COUNTS = (
    "recent_capacity",
    "batch_size",
    "max_batch_size",
    "queue_capacity",
    "journal_max_bytes",
    "journal_segment_bytes",
    "sqlite_cache_bytes",
    "sqlite_partition_rows",
    "kpi_cache_bytes",
    "alert_error_sample",
)
_DURATIONS = (
    "flush_interval",
    "overflow_timeout",
    "retry_initial_backoff",
    "retry_max_backoff",
    "sync_interval",
    "sqlite_busy_timeout",
    "retention_interval",
    "alert_interval",
    "alert_window",
)
_DAYS = ("keep_events", "keep_aggregates", "keep_snapshots")
_SWITCHES = ("enabled", "retention")
# Words, and their numbers in the C ABI.
_WORDS = {
    "durability": {"memory": 1, "process": 2, "power": 3},
    "overflow": {"block": 0, "reject": 1, "drop_oldest": 2},
}


def make_options(given: Mapping[str, Any], from_environment: bool) -> PipelineOptions:
    """The library's defaults, then the environment if asked for, then what is given (not None)."""
    options = PipelineOptions()
    abi().nva_pipeline_options_init(ctypes.byref(options), ctypes.sizeof(options))
    if from_environment:
        abi().nva_pipeline_options_from_environment(ctypes.byref(options))
    for name, value in given.items():
        if value is not None:
            _set(options, name, value)
    # A larger batch raises the limits that nobody gave, as ANALYTICS_BATCH_SIZE does.
    if given.get("max_batch_size") is None:
        options.max_batch_size = max(options.max_batch_size, options.batch_size)
    if given.get("queue_capacity") is None:
        options.queue_capacity = max(options.queue_capacity, options.max_batch_size)
    return options


def _set(options: PipelineOptions, name: str, value: Any) -> None:
    if name in _TEXTS:
        setattr(options, name, string(value if isinstance(value, bytes) else value.encode()))
    elif name == "journal_dir":
        options.journal_dir = string(os.fsencode(value))
    elif name in _WORDS:
        if value not in _WORDS[name]:
            raise invalid(f"{name} is {value!r}; it must be one of {', '.join(_WORDS[name])}")
        setattr(options, name, _WORDS[name][value])
    elif name == "alert_interval" and value == "forever":
        options.alert_interval_ms = FOREVER
    elif name in _DURATIONS:
        setattr(options, name + "_ms", to_millis(name, value))
    elif name in _COUNTS:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {value!r}")
        if not 0 <= value < 2**63:
            raise invalid(f"{name} is {value}; it must be from 0 on")
        setattr(options, name, value)
    elif name in _DAYS:
        setattr(options, name + "_days", _days(name, value))
    elif name == "kpi_warm_days":
        days = [number for number in value if type(number) is int]
        if len(days) != len(value) or any(not -(2**31) <= number < 2**31 for number in days):
            raise TypeError(f"kpi_warm_days must be ints (days), not {value!r}")
        options.kpi_warm_days = (ctypes.c_int32 * len(days))(*days)  # which the struct keeps
        options.kpi_warm_days_count = len(days)
    elif name == "alert_error_rate":
        options.alert_error_rate = float(value)
    elif name in _SWITCHES:
        setattr(options, name, int(bool(value)))
    else:
        raise TypeError(f"{name} is no option")


def _days(name: str, value: Any) -> int:
    if value == "forever":
        return FOREVER
    if isinstance(value, timedelta):
        if value % timedelta(days=1):
            raise invalid(f"{name} is {value}; it must be whole days")
        return value.days
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f'{name} must be an int (days), a timedelta or "forever", not {value!r}')
    if not 0 <= value <= 1_000_000:
        raise invalid(f"{name} is {value}; it must be from 0 to 1,000,000 days")
    return value
