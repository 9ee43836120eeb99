"""nerava-analytics-server with a real Redis beside it."""

import json
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "support"))
from redis_server import RedisServer, until
from server_support import EVENTS, ask, run, serving, started, stop

KEY = "nerava:analytics:/v1/analytics/kpis?days=7"


def sessions(redis):
    answer = redis.ask("GET", KEY)
    return json.loads(answer)["conversion_funnel"]["sessions_started"] if answer else None


@pytest.fixture
def redis(tmp_path):
    made = RedisServer(tmp_path)
    yield made
    made.kill()


def test_others_read_the_kpis_from_redis_also_after_it_died(redis):
    with serving("memory:", NERAVA_REDIS_URL=redis.url) as server:
        for number in range(1, 4):
            assert ask(server, "POST", EVENTS + "?flush=true", json.dumps(started(number)))[0] == 202
            until(lambda: sessions(redis) == number)
            redis.kill()
            assert ask(server, "GET", "/readyz")[0] == 200
            redis.start()
            until(lambda: sessions(redis) == number)
        assert redis.ask("HGET", "nerava:analytics:counters", "committed") == "3"
        assert stop(server)[0] == 0


def test_a_redis_that_is_not_there_keeps_nobody_from_serving(tmp_path):
    with serving("memory:", "--redis", f"unix://{tmp_path}/nowhere") as server:
        assert server.stderr.readline() == "error: Redis: No such file or directory\n"
        assert ask(server, "GET", "/readyz")[0] == 200
        assert stop(server) == (0, ("storing what was accepted\n", ""))  # told once


def test_a_password_is_not_taken_where_others_see_it():
    code, output = run("--store", "memory:", "--redis", "redis://:secret@127.0.0.1")
    assert code == 2 and "NERAVA_REDIS_URL" in output and "secret" not in output


def test_a_url_that_is_none_is_told_without_its_password():
    code, output = run("--store", "memory:", "--listen", "127.0.0.1:0", NERAVA_REDIS_URL="redis://x:secret%z@h")
    assert code == 1 and "--redis: the URL of Redis" in output and "secret" not in output
