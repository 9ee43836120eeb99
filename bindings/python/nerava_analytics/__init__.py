"""Exact product analytics for EV charging, in-process.

    import nerava_analytics

    with nerava_analytics.open("sqlite:///analytics.db") as pipeline:
        pipeline.charge_started(session_id="s1", user_id="u1", hub_id="hub-7")
        pipeline.charge_stopped(session_id="s1", kwh_consumed=12.5, total_reward_usd="3.25")
        pipeline.flush()
        print(pipeline.kpis.conversion_funnel(days=7))

The package binds the C ABI of the library with ctypes. It loads the library when it first needs it;
see docs/python.md for where it looks.
"""

from ._convert import usd_to_cents
from ._http import HttpResponse, openapi
from ._library import library_version
from .errors import (
    Closed,
    DeadlineExceeded,
    FailedPrecondition,
    InternalError,
    InvalidArgument,
    InvalidEvent,
    LibraryNotFound,
    NeravaError,
    QueueFull,
    StoreUnavailable,
)
from .kpis import Kpis
from .pipeline import Pipeline, Subscription, open, open_from_environment

__version__ = "0.1.0"

__all__ = [
    "Closed",
    "DeadlineExceeded",
    "FailedPrecondition",
    "HttpResponse",
    "InternalError",
    "InvalidArgument",
    "InvalidEvent",
    "Kpis",
    "LibraryNotFound",
    "NeravaError",
    "Pipeline",
    "QueueFull",
    "StoreUnavailable",
    "Subscription",
    "library_version",
    "open",
    "open_from_environment",
    "openapi",
    "usd_to_cents",
]
