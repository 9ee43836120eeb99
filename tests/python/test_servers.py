"""Web servers that load the application once and fork workers, one of which is killed."""

import contextlib
import http.client
import itertools
import os
import shutil
import signal
import socket
import subprocess

import pytest
from accounting import BALANCED, balance_of
from conftest import HERE, PATIENCE, in_threads, url_of

# The listening socket is the test's: requests that come before a worker is ready wait in it.
SERVERS = {
    "gunicorn": ["gunicorn", "--preload", "--workers=2", "--bind=fd://{fd}"],
    "gunicorn with threads": [
        "gunicorn", "--preload", "--workers=2", "--threads=4", "--bind=fd://{fd}",
    ],
    "uwsgi": ["uwsgi", "--plugin=python3", "--master", "--processes=2", "--die-on-term",
              "--need-app", "--http-socket=fd://{fd}", "--module"],
    "uwsgi with threads": [
        "uwsgi", "--plugin=python3", "--master", "--processes=2", "--threads=4", "--die-on-term",
        "--need-app", "--http-socket=fd://{fd}", "--module",
    ],
}  # fmt: skip


class Server:
    """One life of a server after the other, all on the same socket."""

    def __init__(self, command, environment, folder):
        self._socket = socket.create_server(("127.0.0.1", 0))
        fd = self._socket.fileno()
        self._command = [part.format(fd=fd) for part in command] + ["wsgi_app:application"]
        self._environment, self._folder, self._process = environment, folder, None

    def start(self):
        with open(self._folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                pass_fds=[self._socket.fileno()],
                stdout=log,
                stderr=log,
            )

    def publish(self, event_id):
        """Which worker accepted it."""
        assert self._process.poll() is None, (self._folder / "server.log").read_text()
        connection = http.client.HTTPConnection(*self._socket.getsockname(), timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", f"/{event_id}")
            response = connection.getresponse()
            assert response.status == 200, response.read()
            return int(response.read())

    def stop(self):
        self._process.terminate()
        self._process.wait(PATIENCE)

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._socket.close()


@pytest.fixture
def serve(database, book, tmp_path):
    def make(name, durability, flush_interval):
        if shutil.which(SERVERS[name][0]) is None:
            pytest.skip(f"{SERVERS[name][0]} is not installed")
        folders = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(folders),
            "ANALYTICS_DATABASE_URL": url_of(database),
            "ANALYTICS_DURABILITY": durability,
            "FLUSH_INTERVAL": str(flush_interval),
            "BOOK": str(book),
        }
        servers.append(Server(SERVERS[name], environment, tmp_path))
        return servers[-1]

    servers = []
    yield make
    for server in servers:
        server.close()


def publish_while_a_worker_dies(server):
    """Kills a worker among requests of four threads, and goes on until another took its place."""
    numbers = itertools.count()
    seen, killed, replaced = set(), [], []

    def work(thread):
        while not replaced:
            with contextlib.suppress(OSError, http.client.HTTPException):  # of the killed worker
                worker = server.publish(f"{thread}-{next(numbers)}")
                if killed and worker not in seen:
                    replaced.append(worker)
                elif not killed:
                    seen.add(worker)
                if thread == 0 and not killed and len(seen) == 2:
                    killed.append(worker)
                    os.kill(worker, signal.SIGKILL)

    in_threads(4, work)


@pytest.mark.parametrize("name", SERVERS)
def test_workers_come_go_and_are_killed_and_every_event_counts_once(serve, database, book, name):
    server = serve(name, "process", 0.05)
    for life in range(2):
        server.start()
        publish_while_a_worker_dies(server)
        server.publish(f"last of life {life}".replace(" ", "-"))
        server.stop()
    assert balance_of(book, database) == BALANCED


@pytest.mark.parametrize("name", ["gunicorn", "uwsgi"])
def test_without_a_journal_what_a_killed_worker_loses_is_seen(serve, database, book, name):
    server = serve(name, "memory", 3600)
    server.start()
    publish_while_a_worker_dies(server)
    server.stop()
    assert balance_of(book, database).lost
