"""nerava-analytics-server with a real Redis beside it."""

import json
import subprocess
import time

import pytest
from test_server import EVENTS, ask, run, serving, started, stop

KEY = "nerava:analytics:/v1/analytics/kpis?days=7"


class Redis:
    def __init__(self, folder):
        self.folder = folder
        self.socket = f"{folder}/redis.sock"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self.folder],
            stdout=subprocess.DEVNULL,
        )
        until(lambda: self.ask("PING") == "PONG")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, *command):
        return subprocess.run(
            ["redis-cli", "-s", self.socket, *command], capture_output=True, encoding="utf-8"
        ).stdout.rstrip("\n")

    def sessions(self):
        answer = self.ask("GET", KEY)
        return json.loads(answer)["conversion_funnel"]["sessions_started"] if answer else None


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def redis(tmp_path):
    made = Redis(str(tmp_path))
    yield made
    made.kill()


def test_others_read_the_kpis_from_redis_also_after_it_died(redis):
    with serving("memory:", NERAVA_REDIS_URL=f"unix://{redis.socket}") as server:
        for number in range(1, 4):
            assert ask(server, "POST", EVENTS + "?flush=true", json.dumps(started(number)))[0] == 202
            until(lambda: redis.sessions() == number)
            redis.kill()
            assert ask(server, "GET", "/readyz")[0] == 200
            redis.start()
            until(lambda: redis.sessions() == number)
        assert redis.ask("HGET", "nerava:analytics:counters", "committed") == "3"
        assert stop(server)[0] == 0


def test_a_redis_that_is_not_there_keeps_nobody_from_serving(tmp_path):
    with serving("memory:", "--redis", f"unix://{tmp_path}/nowhere") as server:
        assert ask(server, "GET", "/readyz")[0] == 200
        assert stop(server)[0] == 0


def test_a_url_that_is_none_is_told_without_its_password():
    code, output = run("--store", "memory:", "--listen", "127.0.0.1:0", NERAVA_REDIS_URL="redis://x:secret%z@h")
    assert code == 1 and "--redis: the URL of Redis" in output and "secret" not in output
