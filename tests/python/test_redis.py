"""RedisPublisher, with a real Redis."""

import json
import os
import sys
import threading

import pytest
from conftest import PATIENCE, ROOT, url_of

import nerava_analytics as na
from nerava_analytics.redis import RedisPublisher, RedisUnavailable

sys.path.append(str(ROOT / "tests" / "support"))
from redis_server import RedisServer, until  # noqa: E402

KEY = "nerava:analytics:/v1/analytics/kpis?days=7"


@pytest.fixture
def redis(tmp_path):
    folder = tmp_path / "redis"
    folder.mkdir()
    made = RedisServer(folder)
    yield made
    made.kill()


def started(answer):
    return json.loads(answer)["conversion_funnel"]["sessions_started"]


def test_redis_has_the_kpis_and_counters(redis, pipeline):
    with RedisPublisher(pipeline, redis.url) as publisher:
        for number in range(1, 4):
            pipeline.charge_started(f"s{number}")
            pipeline.flush()
            publisher.publish_now()
            assert started(redis.ask("GET", KEY)) == number
        assert redis.ask("HGET", "nerava:analytics:counters", "committed") == "3"
        stats = publisher.stats()
        assert stats["connected"] and stats["rounds"] >= 3 and stats["last_error"] == ""
        assert sorted(stats) == [
            "commands",
            "connected",
            "failed_answers",
            "failures",
            "last_error",
            "rounds",
        ]


def test_every_option_arrives(redis, pipeline):
    targets = ["/v1/analytics/kpis?days=2", "/v1/analytics/stats"]
    with RedisPublisher(
        pipeline, redis.url, prefix="p:", targets=targets, interval=0.1, expiry=100, timeout=5
    ) as publisher:
        publisher.publish_now()
        assert set(redis.ask("KEYS", "*").split()) == {
            "p:/v1/analytics/kpis?days=2",
            "p:/v1/analytics/stats",
            "p:counters",
        }
        assert 60_000 < int(redis.ask("PTTL", "p:counters")) <= 100_000
        before = publisher.stats()["rounds"]
        until(lambda: publisher.stats()["rounds"] >= before + 3)  # by themselves


def test_a_redis_that_dies_is_told_of_and_found_again(redis, pipeline):
    with RedisPublisher(pipeline, redis.url) as publisher:
        publisher.publish_now()
        redis.kill()
        with pytest.raises(RedisUnavailable, match="Redis: "):
            publisher.publish_now()
        assert publisher.stats()["failures"] >= 1 and not publisher.stats()["connected"]
        pipeline.charge_started("s1")
        pipeline.flush()
        redis.start()
        publisher.publish_now()
        assert started(redis.ask("GET", KEY)) == 1


def test_nothing_is_published_after_close(redis, pipeline):
    publisher = RedisPublisher(pipeline, redis.url)
    publisher.publish_now()
    publisher.close()
    publisher.close()
    with pytest.raises(na.Closed, match="the Redis publisher is closed"):
        publisher.publish_now()
    with pytest.raises(na.Closed):
        publisher.stats()


def test_a_closed_pipeline_still_has_kpis_to_publish(redis, pipeline):
    with RedisPublisher(pipeline, redis.url) as publisher:
        pipeline.charge_started("s1")
        pipeline.close()
        publisher.publish_now()
        assert started(redis.ask("GET", KEY)) == 1
    with RedisPublisher(pipeline, redis.url, prefix="later:") as publisher:
        publisher.publish_now()
        assert redis.ask("EXISTS", "later:counters") == "1"


def test_what_is_wrong_with_an_option_is_said(pipeline):
    for options, message in [
        ({"url": "http://localhost"}, "the URL of Redis"),
        ({"prefix": "a b"}, "prefix must be"),
        ({"targets": []}, "targets must be a list"),
        ({"targets": "/v1/analytics/kpis"}, "targets must be a list"),
        ({"targets": ["/v1/analytics/kpis?days=0"]}, "is answered with 422"),
        ({"targets": ["/v1/analytics/kpis"] * 1001}, "at most 1000"),
        ({"interval": 0.099}, "interval is 99ms"),
        ({"interval": 40}, "expiry is 1m"),
        ({"timeout": -1}, "timeout is -1"),
        ({"timeout": 0}, "timeout is 0"),
    ]:
        with pytest.raises(na.InvalidArgument, match=message):
            RedisPublisher(pipeline, **options)


def test_a_url_that_is_wrong_is_told_without_its_password(pipeline):
    with pytest.raises(na.InvalidArgument) as raised:
        RedisPublisher(pipeline, "redis://x:secret%z@h")
    assert "secret" not in str(raised.value)


def test_a_round_that_hangs_is_waited_for_no_longer_than_asked(redis, pipeline):
    redis.process.send_signal(19)  # SIGSTOP
    try:
        with RedisPublisher(pipeline, redis.url, timeout=60) as publisher:
            with pytest.raises(na.DeadlineExceeded):
                publisher.publish_now(timeout=0.05)
    finally:
        redis.process.send_signal(18)


def test_others_run_while_one_waits_for_redis(redis, pipeline):
    redis.process.send_signal(19)
    publisher = RedisPublisher(pipeline, redis.url, timeout=60)
    failures = []

    def wait():
        try:
            publisher.publish_now(timeout=PATIENCE)
        except Exception as error:
            failures.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    pipeline.charge_started("s1")
    pipeline.flush()
    redis.process.send_signal(18)
    waiting.join(PATIENCE)
    assert not waiting.is_alive() and not failures
    publisher.close()


def test_a_forked_child_opens_its_own(redis, database):
    with na.open(url_of(database)) as pipeline, RedisPublisher(pipeline, redis.url) as publisher:
        publisher.publish_now()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with pytest.raises(na.FailedPrecondition, match="forked child"):
                    publisher.publish_now()
                publisher.close()
                with RedisPublisher(pipeline, redis.url, prefix="child:") as own:
                    own.publish_now()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        assert redis.ask("EXISTS", "child:counters") == "1"
        publisher.publish_now()


def test_a_process_that_does_not_close_it_ends_all_the_same(redis, run_python):
    ended = run_python(
        """
import sys
import nerava_analytics as na
from nerava_analytics.redis import RedisPublisher
pipeline = na.open("memory:")
publisher = RedisPublisher(pipeline, sys.argv[1], interval=0.1)
publisher.publish_now()
pipeline.charge_started("s1")
print("last")
""",
        redis.url,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "last\n", "")
