"""The C ABI of nerava_analytics.h, as far as this package uses it: structs and prototypes."""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Callable

from . import errors

ABI_VERSION = 1
TIME_NONE = -(2**63)
FOREVER = 2**63 - 1  # days


class String(Structure):
    """Text given to the library; the bytes are kept alive by the struct."""

    _fields_ = [("data", c_char_p), ("size", c_size_t)]


def string(text: bytes) -> String:
    return String(text, len(text))


ERROR_FUNCTION = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
ALERT_FUNCTION = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
EVENT_FUNCTION = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p)
DESTROY_FUNCTION = ctypes.CFUNCTYPE(None, c_void_p)


class ErrorCallback(Structure):
    _fields_ = [
        ("user_data", c_void_p),
        ("on_error", ERROR_FUNCTION),
        ("destroy", DESTROY_FUNCTION),
    ]


class AlertCallback(Structure):
    _fields_ = [
        ("user_data", c_void_p),
        ("on_alert", ALERT_FUNCTION),
        ("destroy", DESTROY_FUNCTION),
    ]


class EventHandler(Structure):
    _fields_ = [
        ("user_data", c_void_p),
        ("on_event", EVENT_FUNCTION),
        ("destroy", DESTROY_FUNCTION),
    ]


class PipelineOptions(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("enabled", c_int32),
        ("database_url", String),
        ("region", String),
        ("recent_capacity", c_uint64),
        ("batch_size", c_uint64),
        ("flush_interval_ms", c_int64),
        ("max_batch_size", c_uint64),
        ("queue_capacity", c_uint64),
        ("overflow", c_int32),
        ("durability", c_int32),
        ("overflow_timeout_ms", c_int64),
        ("retry_initial_backoff_ms", c_int64),
        ("retry_max_backoff_ms", c_int64),
        ("journal_dir", String),
        ("sync_interval_ms", c_int64),
        ("journal_max_bytes", c_int64),
        ("journal_segment_bytes", c_int64),
        ("sqlite_cache_bytes", c_int64),
        ("sqlite_busy_timeout_ms", c_int64),
        ("sqlite_partition_rows", c_int64),
        ("on_error", ErrorCallback),
        ("retention", c_int32),
        ("reserved", c_int32),
        ("keep_events_days", c_int64),
        ("keep_aggregates_days", c_int64),
        ("keep_snapshots_days", c_int64),
        ("retention_interval_ms", c_int64),
        ("kpi_cache_bytes", c_int64),
        ("kpi_warm_days", POINTER(c_int32)),
        ("kpi_warm_days_count", c_uint64),
        ("user_id_key", String),
        ("on_alert", AlertCallback),
        ("alert_interval_ms", c_int64),
        ("alert_window_ms", c_int64),
        ("alert_error_rate", c_double),
        ("alert_error_sample", c_int64),
    ]


class Watch(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("relation", c_int32),
        ("name", String),
        ("kpi", String),
        ("threshold", c_double),
        ("hysteresis", c_double),
        ("period_ms", c_int64),
        ("hold_for_ms", c_int64),
        ("min_sample", c_int64),
        ("measure", c_int32),
        ("each", c_int32),
        ("region", String),
        ("hub_id", String),
        ("window_id", String),
    ]


class KpiQuery(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("days", c_int32),
        ("from_us", c_int64),
        ("to_us", c_int64),
        ("region", String),
        ("hub_id", String),
        ("window_id", String),
    ]


class HttpHeader(Structure):
    _fields_ = [("name", String), ("value", String)]


class HttpRequest(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("method", String),
        ("target", String),
        ("headers", POINTER(HttpHeader)),
        ("header_count", c_uint64),
        ("body", String),
        ("max_body_bytes", c_uint64),
    ]


class RedisOptions(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_int32),
        ("url", String),
        ("prefix", String),
        ("targets", POINTER(String)),
        ("target_count", c_uint64),
        ("interval_ms", c_int64),
        ("expiry_ms", c_int64),
        ("timeout_ms", c_int64),
    ]


_OUT = POINTER(c_void_p)
_KPI = (c_void_p, POINTER(KpiQuery), _OUT)

_STATUS_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "nva_event_to_json": (c_void_p, _OUT),
    "nva_pipeline_options_init": (POINTER(PipelineOptions), c_uint32),
    "nva_pipeline_open": (POINTER(PipelineOptions), _OUT),
    "nva_pipeline_flush": (c_void_p, c_int64, POINTER(c_uint64)),
    "nva_pipeline_close": (c_void_p, c_int64, POINTER(c_uint64)),
    "nva_publish_json": (c_void_p, String, _OUT),
    "nva_pipeline_stats_json": (c_void_p, _OUT),
    "nva_pipeline_health_json": (c_void_p, _OUT),
    "nva_pipeline_dead_letters_json": (c_void_p, c_uint64, _OUT),
    "nva_pipeline_replay_dead_letters": (c_void_p, POINTER(c_uint64)),
    "nva_pipeline_apply_retention_json": (c_void_p, c_int64, _OUT),
    "nva_pipeline_erase_user_json": (c_void_p, String, c_int32, c_int64, _OUT),
    "nva_watch_init": (POINTER(Watch), c_uint32),
    "nva_pipeline_add_watch": (c_void_p, POINTER(Watch)),
    "nva_pipeline_remove_watch": (c_void_p, String),
    "nva_pipeline_check_watches": (c_void_p,),
    "nva_pipeline_watches_json": (c_void_p, _OUT),
    "nva_pipeline_alerts_json": (c_void_p, _OUT),
    "nva_alert_to_json": (c_void_p, _OUT),
    "nva_http_request_init": (POINTER(HttpRequest), c_uint32),
    "nva_pipeline_handle_http": (c_void_p, POINTER(HttpRequest), _OUT),
    "nva_http_response_header_at": (c_void_p, c_uint64, POINTER(HttpHeader)),
    "nva_openapi_json": (_OUT,),
    "nva_redis_options_init": (POINTER(RedisOptions), c_uint32),
    "nva_redis_publisher_open": (c_void_p, POINTER(RedisOptions), _OUT),
    "nva_redis_publisher_publish_now": (c_void_p, c_int64),
    "nva_redis_publisher_stats_json": (c_void_p, _OUT),
    "nva_pipeline_bus": (c_void_p, _OUT),
    "nva_pipeline_producer": (c_void_p, _OUT),
    "nva_pipeline_kpi": (c_void_p, _OUT),
    "nva_bus_subscribe": (c_void_p, String, POINTER(EventHandler), _OUT),
    "nva_bus_recent_json": (c_void_p, String, String, _OUT),
    "nva_producer_convert_json": (c_void_p, String, _OUT),
    "nva_kpi_query_init": (POINTER(KpiQuery), c_uint32),
    "nva_kpi_conversion_funnel_json": _KPI,
    "nva_kpi_green_hour_utilization_json": _KPI,
    "nva_kpi_streak_metrics_json": _KPI,
    "nva_kpi_revenue_metrics_json": _KPI,
    "nva_kpi_all_json": _KPI,
    "nva_kpi_trend_json": (c_void_p, POINTER(KpiQuery), c_int32, String, _OUT),
    "nva_kpi_breakdown_json": (c_void_p, POINTER(KpiQuery), c_int32, c_uint64, _OUT),
    "nva_kpi_compare_json": _KPI,
    "nva_kpi_funnel_json": (c_void_p, POINTER(KpiQuery), c_int64, c_int64, _OUT),
    "nva_kpi_funnel_breakdown_json": (
        c_void_p,
        POINTER(KpiQuery),
        c_int64,
        c_int64,
        c_int32,
        c_uint64,
        _OUT,
    ),
    "nva_kpi_load_json": (c_void_p, POINTER(KpiQuery), String, c_int64, _OUT),
    "nva_kpi_load_breakdown_json": (
        c_void_p,
        POINTER(KpiQuery),
        String,
        c_int64,
        c_int32,
        c_uint64,
        _OUT,
    ),
    "nva_kpi_session_sizes_json": (c_void_p, POINTER(KpiQuery), c_int64, c_int64, _OUT),
    "nva_kpi_active_users_json": (c_void_p, POINTER(KpiQuery), String, _OUT),
    "nva_kpi_streaks_json": (c_void_p, POINTER(KpiQuery), String, c_uint64, _OUT),
    "nva_kpi_retention_json": (c_void_p, POINTER(KpiQuery), c_int32, String, _OUT),
    "nva_kpi_sessions_per_user_json": _KPI,
    "nva_kpi_user_json": (c_void_p, String, POINTER(KpiQuery), String, _OUT),
}

_VOID_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "nva_free": (c_void_p,),
    "nva_set_error_message": (c_char_p,),
    "nva_pipeline_free": (c_void_p,),
    "nva_bus_free": (c_void_p,),
    "nva_producer_free": (c_void_p,),
    "nva_kpi_free": (c_void_p,),
    "nva_subscription_free": (c_void_p,),
    "nva_http_response_free": (c_void_p,),
    "nva_redis_publisher_free": (c_void_p,),
}

_PLAIN_FUNCTIONS: dict[str, Any] = {
    "nva_http_response_status": c_int32,
    "nva_http_response_header_count": c_uint64,
    "nva_http_response_body": String,
    "nva_http_response_next_target": String,
    "nva_http_response_next_after_ms": c_uint32,
}

_EVENT_ERRORS: dict[int, type[errors.NeravaError]] = {
    errors.INVALID_ARGUMENT: errors.InvalidEvent,
    errors.FAILED_PRECONDITION: errors.Closed,
}

# What a status means for one function, where that differs from what it usually means.
_ERRORS: dict[str, dict[int, type[errors.NeravaError]]] = {
    "nva_publish_json": _EVENT_ERRORS,
    "nva_producer_convert_json": _EVENT_ERRORS,
    "nva_pipeline_replay_dead_letters": {errors.FAILED_PRECONDITION: errors.Closed},
    "nva_pipeline_add_watch": {errors.ALREADY_EXISTS: errors.InvalidArgument},
    "nva_pipeline_remove_watch": {errors.NOT_FOUND: errors.InvalidArgument},
    "nva_redis_options_init": {errors.UNIMPLEMENTED: errors.FailedPrecondition},
    "nva_redis_publisher_publish_now": {errors.UNAVAILABLE: errors.RedisUnavailable},
}


class Abi:
    """The loaded library. Its functions are attributes; a status that is no success is raised."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._dll = ctypes.CDLL(path)
        self._dll.nva_version.restype = c_char_p
        self._dll.nva_abi_version.restype = c_uint32
        self._dll.nva_last_error_message.restype = c_char_p
        self._dll.nva_last_reject_reason.restype = c_int32
        self._dll.nva_reject_reason_name.restype = c_char_p
        self._dll.nva_status_name.restype = c_char_p
        if self._dll.nva_abi_version() < ABI_VERSION:
            raise OSError(
                f"it is version {self.version()} with ABI {self._dll.nva_abi_version()}; this "
                f"package needs ABI {ABI_VERSION} or later"
            )
        for name, arguments in _STATUS_FUNCTIONS.items():
            self._declare_status(self._dll, name, arguments)
        for name, arguments in _VOID_FUNCTIONS.items():
            function = getattr(self._dll, name)
            function.restype = None
            function.argtypes = arguments
            setattr(self, name, function)
        for name, result in _PLAIN_FUNCTIONS.items():
            function = getattr(self._dll, name)
            function.restype = result
            function.argtypes = (c_void_p,)
            setattr(self, name, function)
        # Reads the environment, which os.environ may change meanwhile: PyDLL keeps the
        # interpreter's lock, CDLL gives it away.
        self._declare_status(
            ctypes.PyDLL(path),
            "nva_pipeline_options_from_environment",
            (POINTER(PipelineOptions),),
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"{self.path} has no {name}")  # what was declared is found before

    def version(self) -> str:
        return str(self._dll.nva_version().decode())

    def status_name(self, status: int) -> str:
        return str(self._dll.nva_status_name(status).decode().lower())

    def error(
        self,
        status: int,
        message: str | None = None,
        overrides: dict[int, type[errors.NeravaError]] | None = None,
    ) -> errors.NeravaError:
        """The exception for a status; without a message it is this thread's last error."""
        reason = self.status_name(status)
        if message is None:
            message = self._dll.nva_last_error_message().decode("utf-8", "replace")
            number = self._dll.nva_last_reject_reason()
            if number != 0 or overrides is _EVENT_ERRORS and status == errors.INVALID_ARGUMENT:
                reason = self._dll.nva_reject_reason_name(number).decode()
        return errors.make_error(status, message or reason, reason, overrides)

    def take_text(self, out: c_void_p) -> str:
        """The text of an output string, which is freed."""
        try:
            return ctypes.string_at(out.value).decode("utf-8") if out.value else ""
        finally:
            self.nva_free(out)

    def _declare_status(self, dll: Any, name: str, arguments: tuple[Any, ...]) -> None:
        overrides = _ERRORS.get(name)

        def check(status: int, _function: object, _arguments: object) -> int:
            if status != errors.OK:
                raise self.error(status, overrides=overrides)
            return status

        function = getattr(dll, name)
        function.restype = c_int32
        function.argtypes = arguments
        function.errcheck = check
        setattr(self, name, function)
