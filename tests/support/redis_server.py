"""A real Redis of a test's own, in its folder, reached by a socket there."""

import subprocess
import time


class RedisServer:
    def __init__(self, folder):
        self.folder = str(folder)
        self.socket = f"{folder}/redis.sock"
        self.url = f"unix://{self.socket}"
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


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
