"""Answers that are kept until the store changes."""

import pytest
from conftest import url_of

import nerava_analytics as na


def cache_of(pipeline):
    return pipeline.stats()["kpi_cache"]


def test_an_answer_is_kept_until_something_is_stored(database):
    with na.open(url_of(database)) as pipeline:
        for session in ("s1", "s2"):
            pipeline.charge_started(session, started_at="2026-03-01T12:00:00Z")
            pipeline.flush()
            for _ in range(3):
                funnel = pipeline.kpis.conversion_funnel(start="2026-03-01", end="2026-03-02")
            assert funnel["sessions_started"] == int(session[1])
        cache = cache_of(pipeline)
        assert (cache["misses"], cache["hits"], cache["entries"]) == (2, 4, 1)
        assert cache["hit_rate"] == 66.67
        assert 0 < cache["bytes"] < 5000


def test_no_room_keeps_nothing(database):
    with na.open(url_of(database), kpi_cache_bytes=0) as pipeline:
        for _ in range(3):
            pipeline.kpis.conversion_funnel(start="2026-03-01", end="2026-03-02")
        assert cache_of(pipeline)["misses"] == 3


def test_days_are_computed_before_anybody_asks(database):
    with na.open(url_of(database), kpi_warm_days=[7, 30]) as pipeline:
        pipeline.charge_started("s1")
        pipeline.flush()
    assert cache_of(pipeline)["warmed"] >= 2


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"kpi_warm_days": [0]}, na.InvalidArgument, "warm_days has 0"),
        ({"kpi_warm_days": [7] * 21}, na.InvalidArgument, "up to 20"),
        ({"kpi_warm_days": ["7"]}, TypeError, "must be ints"),
        ({"kpi_warm_days": [2**31]}, TypeError, "must be ints"),
        ({"kpi_warm_days": [True]}, TypeError, "must be ints"),
        ({"kpi_cache_bytes": 2**31}, na.InvalidArgument, "kpi_cache.max_bytes is 2147483648"),
    ],
)
def test_what_cannot_be_cached_so_is_refused(options, error, text):
    with pytest.raises(error, match=text):
        na.open("memory:", **options)
