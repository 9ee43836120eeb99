"""fork(): a pipeline works on both sides, and nothing of one side waits for the other's threads."""

import os

import pytest
from accounting import BALANCED, balance_of
from conftest import url_of

LONG = "NERAVA_LONG" in os.environ  # tests/run --long

PRELUDE = """
import os, signal, sys, threading, warnings
import nerava_analytics as na
from accounting import Book
warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is the point
url, book = sys.argv[1], Book(sys.argv[2])
signal.alarm(50)  # a hang ends, on either side
os.register_at_fork(after_in_child=lambda: signal.alarm(50))

def exit_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


@pytest.fixture
def run_forking(run_python, database, book):
    """Runs a script, which must succeed without a word, and says what is wrong with its events."""

    def run(script, *arguments):
        result = run_python(PRELUDE + script, url_of(database), book, *arguments)
        assert (result.returncode, result.stderr) == (0, "")
        return balance_of(book, database)

    return run


BOTH_PUBLISH = """
options = eval(sys.argv[3])
pipeline = na.open(url, flush_interval=3600, **options)
book.publish(pipeline, "before")
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # of a child that dies on purpose
    for i in range(20):
        book.publish(pipeline, f"child-{i}")
    exec(sys.argv[4])
assert (child == 0) or exit_of(child) == int(sys.argv[5])
if child != 0:
    for i in range(20):
        book.publish(pipeline, f"parent-{i}")
    pipeline.flush()
    assert pipeline.stats()["total_events"] == int(sys.argv[6]), pipeline.stats()
"""

ENDS = {
    "by itself": ("pass", 0),
    "close": ("pipeline.close()", 0),
    "sys.exit": ("sys.exit(7)", 7),
    "an exception": ("raise RuntimeError('on purpose')", 1),
    "os._exit": ("os._exit(7)", 7),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM); signal.pause()", -15),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -9),
}


@pytest.mark.parametrize("end", ENDS)
def test_both_sides_publish_however_the_child_ends(run_forking, end):
    assert run_forking(BOTH_PUBLISH, {}, *ENDS[end], 41) == BALANCED


@pytest.mark.parametrize("end", ["by itself", "sys.exit", "an exception"])
def test_a_child_that_ends_in_order_loses_nothing_even_without_a_journal(run_forking, end):
    assert run_forking(BOTH_PUBLISH, {"durability": "memory"}, *ENDS[end], 41) == BALANCED


@pytest.mark.parametrize("end", ["os._exit", "SIGTERM", "SIGKILL"])
def test_without_a_journal_what_a_dying_child_loses_is_seen_to_be_lost(run_forking, end):
    found = run_forking(BOTH_PUBLISH, {"durability": "memory"}, *ENDS[end], 21)
    assert found.lost == {f"child-{i}" for i in range(20)}


@pytest.mark.parametrize("boot", range(25 if LONG else 1))
def test_forks_among_eight_publishing_threads(run_forking, boot):
    script = """
pipeline = na.open(url, batch_size=50)
subscription = pipeline.subscribe("*", lambda event: heard.append(event["event_id"]))
heard, done = [], threading.Event()

def publish_until_done(thread):
    i = 0
    while not done.is_set():
        book.publish(pipeline, f"{thread}-{i}")
        i += 1

def publish_some(prefix):
    for i in range(10):
        book.publish(pipeline, f"{prefix}-{i}")

threads = [threading.Thread(target=publish_until_done, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
for fork in range(20):
    child = os.fork()
    if child == 0:
        heard.clear()
        own = [threading.Thread(target=publish_some, args=(f"{fork}-{n}",)) for n in range(2)]
        for thread in own:
            thread.start()
        for thread in own:
            thread.join()
        assert len(heard) == 20, heard
        subscription.close()
        if fork % 3 == 0:
            os._exit(0)
        if fork % 3 == 1:
            pipeline.close()
        sys.exit(0)
    assert exit_of(child) == 0, fork
done.set()
for thread in threads:
    thread.join()
"""
    assert run_forking(script) == BALANCED


def test_a_child_begins_healthy_counts_from_zero_and_sees_what_is_stored(run_forking):
    script = """
with na.open(url) as pipeline:
    book.publish(pipeline, "before")
    pipeline.flush()
    child = os.fork()
    if child == 0:
        health = pipeline.health()
        assert (health["status"], health["reason"]) == ("healthy", ""), health
        stats = pipeline.stats()
        assert (stats["accepted"], stats["pending"], stats["total_events"]) == (0, 0, 1), stats
        assert pipeline.kpis.conversion_funnel()["sessions_started"] == 1
        assert pipeline.recent()[0]["event_id"] == "before"
        book.publish(pipeline, "child")
        pipeline.flush()
        assert pipeline.stats()["committed"] == 1
        sys.exit(0)
    assert exit_of(child) == 0
    assert pipeline.kpis.conversion_funnel()["sessions_started"] == 2
"""
    assert run_forking(script) == BALANCED


def test_a_memory_store_is_copied(run_forking):
    script = """
pipeline, file = na.open("memory:"), na.open(url)
book.publish(file, "so that the book is not empty")
pipeline.charge_started("before")
pipeline.flush()
child = os.fork()
pipeline.charge_started("after")
pipeline.flush()
assert pipeline.kpis.conversion_funnel()["sessions_started"] == 2
assert child == 0 or exit_of(child) == 0
"""
    assert run_forking(script) == BALANCED


def test_what_a_child_closes_stays_open_in_the_parent(run_forking):
    script = """
pipeline = na.open(url)
child = os.fork()
if child == 0:
    pipeline.close()
    try:
        pipeline.charge_started("refused")
    except na.Closed:
        sys.exit(0)
    sys.exit("not refused")
assert exit_of(child) == 0
book.publish(pipeline, "parent")
grandparent = os.getpid()
child = os.fork()
if child == 0:
    book.publish(pipeline, "child")
    grandchild = os.fork()
    if grandchild == 0:
        book.publish(pipeline, "grandchild")
        sys.exit(0)
    sys.exit(exit_of(grandchild))
assert exit_of(child) == 0
"""
    assert run_forking(script) == BALANCED


# A handler that another thread of the parent is in, and stays in.
STAYING = """
pipeline = na.open(url)
entered, leave, heard = threading.Event(), threading.Event(), []

def stay(event):
    heard.append(event["event_id"])
    if event["event_id"] == "stay":
        entered.set()
        leave.wait()

subscription = pipeline.subscribe("*", stay)
thread = threading.Thread(target=book.publish, args=(pipeline, "stay"))
thread.start()
entered.wait()
child = os.fork()
if child == 0:
    heard.clear()
    book.publish(pipeline, "child")
    assert heard == ["child"]
    exec(sys.argv[3])
else:
    assert exit_of(child) == 0
    leave.set()
    thread.join()
"""


@pytest.mark.parametrize(
    "end",
    [
        "subscription.close(); book.publish(pipeline, 'unheard'); assert len(heard) == 1",
        "pipeline.close()",
        "del pipeline, subscription; warnings.simplefilter('ignore', ResourceWarning)",
        "na._lifecycle.EXIT_TIMEOUT = 1000",  # the exit would wait for longer than the alarm
    ],
    ids=["unsubscribe", "close", "drop", "exit"],
)
def test_a_handler_that_runs_in_the_parent_holds_up_no_child(run_forking, end):
    assert run_forking(STAYING, end) == BALANCED


def test_handlers_and_on_error_work_in_a_child(run_forking):
    script = """
told = []
pipeline = na.open(url, on_error=told.append)
pipeline.subscribe("*", lambda event: 1 / 0)
child = os.fork()
if child == 0:
    book.publish(pipeline, "child")
    assert isinstance(told[0].__cause__, ZeroDivisionError), told
    sys.exit(0)
assert exit_of(child) == 0
assert told == []
"""
    assert run_forking(script) == BALANCED


def test_a_handler_may_fork(run_forking):
    script = """
pipeline = na.open(url)
children = []

def fork(event):
    if event["event_id"] == "fork":
        children.append(os.fork())

pipeline.subscribe("*", fork)
book.publish(pipeline, "fork")  # both sides return from here
side = "parent" if children[0] else "child"
book.publish(pipeline, side)
if side == "child":
    pipeline.close()
    del pipeline
    sys.exit(0)
assert exit_of(children[0]) == 0
"""
    assert run_forking(script) == BALANCED


@pytest.mark.parametrize(
    "fork", ["os.fork()", "ctypes.PyDLL(None).fork()"], ids=["os.fork", "unknown to Python"]
)
def test_locks_that_are_held_at_the_fork_are_free_in_the_child(run_forking, fork):
    script = """
import ctypes
from nerava_analytics import _callbacks, _library
pipeline = na.open(url)
subscription = pipeline.subscribe("*", lambda event: None)
locks = [handle._lock for handle in pipeline._handles._all()]
locks += [_callbacks._idle, _library._lock]
held, release = threading.Event(), threading.Event()

def hold():
    for lock in locks:
        lock.acquire()
    held.set()
    release.wait()
    for lock in locks:
        lock.release()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = eval(sys.argv[3])
if child == 0:
    signal.alarm(50)
    book.publish(pipeline, "child")
    subscription.close()
    pipeline.kpis.all()
    pipeline.close()
    os._exit(0)
assert exit_of(child) == 0
release.set()
thread.join()
"""
    assert run_forking(script, fork) == BALANCED


MULTIPROCESSING = """
import multiprocessing
multiprocessing.set_start_method("fork")
durability, opened, end = sys.argv[3:]

def work(number, pipeline):
    if pipeline is None:
        pipeline = na.open(url, durability=durability)
    for i in range(10):
        book.publish(pipeline, f"{number}-{i}")
    globals()["kept"] = pipeline  # neither closed nor dropped
    exec(end)

pipeline = na.open(url, durability=durability) if opened == "before" else None
processes = [multiprocessing.Process(target=work, args=(n, pipeline)) for n in range(4)]
for process in processes:
    process.start()
for process in processes:
    process.join()
"""


@pytest.mark.parametrize("durability", ["memory", "process"])
@pytest.mark.parametrize("opened", ["before", "after"])
def test_a_process_of_multiprocessing_stores_what_it_published(run_forking, durability, opened):
    assert run_forking(MULTIPROCESSING, durability, opened, "pass") == BALANCED


KILLED = "os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize("opened", ["before", "after"])
def test_a_process_of_multiprocessing_may_be_killed(run_forking, opened):
    assert run_forking(MULTIPROCESSING, "process", opened, KILLED) == BALANCED


@pytest.mark.parametrize("opened", ["before", "after"])
def test_without_a_journal_what_a_killed_process_loses_is_seen_to_be_lost(run_forking, opened):
    assert len(run_forking(MULTIPROCESSING, "memory", opened, KILLED).lost) == 40


@pytest.mark.parametrize(
    ("durability", "end"),
    [("memory", "pool.close()"), ("process", "pool.close()"), ("process", "pool.terminate()")],
)
def test_a_pool_stores_what_its_workers_published(run_forking, durability, end):
    script = """
import multiprocessing
multiprocessing.set_start_method("fork")
durability, end = sys.argv[3:]
pipeline = na.open(url, durability=durability, flush_interval=3600, batch_size=1000)

def work(number):
    for i in range(10):
        book.publish(pipeline, f"{number}-{i}")

pool = multiprocessing.Pool(4)
pool.map(work, range(20))
exec(end)
pool.join()
"""
    assert run_forking(script, durability, end) == BALANCED


def test_daemon_threads_may_publish_while_a_child_ends(run_forking):
    script = """
pipeline = na.open(url, batch_size=5)
pipeline.subscribe("*", lambda event: sum(range(1000)))
child = os.fork()
if child == 0:
    ready = threading.Barrier(5)
    def work(thread):
        i = 0
        try:
            while True:
                book.publish(pipeline, f"{thread}-{i}")
                i += 1
                if i == 10:
                    ready.wait()
        except na.Closed:
            pass
    for thread in range(4):
        threading.Thread(target=work, args=(thread,), daemon=True).start()
    ready.wait()
    sys.exit(0)
assert exit_of(child) == 0
"""
    assert run_forking(script) == BALANCED


def test_the_backends_objects_go_on_in_a_child(run_forking):
    script = """
import asyncio
from nerava_analytics.backend import AnalyticsBatchWriter, EventBus, SharedPipeline
shared = SharedPipeline(url=url)
writer, bus = AnalyticsBatchWriter(pipeline=shared), EventBus()

async def publish(name):
    event = {"event_type": "charge_started", "event_id": name, "session_id": name}
    book.note("tried", name)
    await writer.write_event(event)
    book.note("accepted", name)
    await bus.publish(event)

asyncio.run(publish("before"))  # in a thread, which the child does not have
shared._lock.acquire()
bus._lock.acquire()
child = os.fork()
if child == 0:
    asyncio.run(publish("child"))
    asyncio.run(writer.flush())
    stats = asyncio.run(writer.get_analytics_stats())
    assert stats["committed"] == 1, stats
    asyncio.run(writer.stop())
    sys.exit(0)
shared._lock.release()
bus._lock.release()
assert exit_of(child) == 0
asyncio.run(publish("after"))
asyncio.run(writer.stop())
"""
    assert run_forking(script) == BALANCED
