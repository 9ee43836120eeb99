"""The journal: what survives the end of a process, however it ends, and what can go wrong with it."""

import ctypes
import stat

import pytest
from accounting import BALANCED, balance_of
from conftest import url_of

import nerava_analytics as na
from nerava_analytics import _abi, _callbacks, errors
from nerava_analytics._library import abi
from nerava_analytics.pipeline import _PipelineHandles

# Publishes on four daemon threads, and ends as it is told to. No commit begins by itself.
PUBLISH_AND_END = """
import os, signal, sys, threading
import nerava_analytics as na
from accounting import Book
url, book = sys.argv[1], Book(sys.argv[2])
pipeline = na.open(url, durability=sys.argv[3], batch_size=100000, max_batch_size=100000,
                   flush_interval=3600)
ready = threading.Barrier(5)

def work(thread):
    i = 0
    try:
        while True:
            book.publish(pipeline, f"{thread}-{i}")
            i += 1
            if i == 25:
                ready.wait()
    except na.Closed:
        pass

for thread in range(4):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
ready.wait()
"""

HARD_ENDS = {
    "SIGTERM": ("signal.raise_signal(signal.SIGTERM)", -15),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL); signal.pause()", -9),
    "os._exit": ("os._exit(7)", 7),
    "os.abort": ("os.abort()", -6),
}
ORDERLY_ENDS = {
    "by itself": ("pass", 0),
    "sys.exit": ("sys.exit(7)", 7),
    "an exception": ("raise RuntimeError('on purpose')", 1),
    "SIGINT": ("signal.raise_signal(signal.SIGINT)", -2),
}


@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("end", [*HARD_ENDS, *ORDERLY_ENDS])
def test_nothing_is_lost_however_a_process_ends(run_python, database, book, end, durability):
    statement, code = {**HARD_ENDS, **ORDERLY_ENDS}[end]
    result = run_python(PUBLISH_AND_END + statement, url_of(database), book, durability)
    assert result.returncode == code, result.stderr
    assert balance_of(book, database) == BALANCED


@pytest.mark.parametrize("end", HARD_ENDS)
def test_without_a_journal_what_is_lost_is_seen_to_be_lost(run_python, database, book, end):
    statement, code = HARD_ENDS[end]
    result = run_python(PUBLISH_AND_END + statement, url_of(database), book, "memory")
    assert result.returncode == code, result.stderr
    assert len(balance_of(book, database).lost) >= 100


@pytest.mark.parametrize("end", ORDERLY_ENDS)
def test_an_orderly_end_needs_no_journal(run_python, database, book, end):
    statement, code = ORDERLY_ENDS[end]
    result = run_python(PUBLISH_AND_END + statement, url_of(database), book, "memory")
    assert result.returncode == code, result.stderr
    assert balance_of(book, database) == BALANCED


def killed_with(run_python, database, events):
    """A process that published `events` events was killed before it stored one."""
    result = run_python(
        """
import os, signal, sys, nerava_analytics
pipeline = nerava_analytics.open(
    sys.argv[1], flush_interval=3600, batch_size=10000, durability="power")
for i in range(int(sys.argv[2])):
    pipeline.charge_started(f"s{i}")
os.kill(os.getpid(), signal.SIGKILL)
""",
        url_of(database),
        events,
    )
    assert result.returncode == -9, result.stderr


def test_what_is_recovered_is_counted(run_python, database):
    killed_with(run_python, database, 50)
    with na.open(url_of(database)) as pipeline:
        pipeline.flush()
        stats = pipeline.stats()
        assert (stats["recovered"], stats["committed"], stats["total_events"]) == (50, 50, 50)
        assert stats["journal"]["adopted_segments"] >= 1
        assert pipeline.health()["warnings"] == []


def test_a_damaged_segment_is_a_warning(run_python, database):
    killed_with(run_python, database, 50)
    folder = database.with_name(database.name + ".journal")
    segment = max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    with open(segment, "r+b") as file:  # in the middle of the events
        file.seek(4000)
        byte = file.read(1)
        file.seek(4000)
        file.write(bytes([byte[0] ^ 0xFF]))
    with na.open(url_of(database), on_error=lambda error: None) as pipeline:
        pipeline.flush()
        pipeline.flush()  # the file is put aside once what could be read of it is stored
        health = pipeline.health()
    assert health["status"] == "degraded"
    assert len(health["warnings"]) == 1
    assert health["warnings"][0].startswith("1 damaged journal segments,")
    assert health["journal"]["quarantined_segments"] == 1


def test_a_journal_that_cannot_be_written_refuses_and_recovers(run_python, database, book):
    result = run_python(
        """
import resource, sys, nerava_analytics as na
from accounting import Book
url, book = sys.argv[1], Book(sys.argv[2])
pipeline = na.open(url, flush_interval=3600, batch_size=100000, max_batch_size=100000)

def publish(event_id):
    pipeline.charge_started(event_id, event_id=event_id)
    book.note("tried", event_id)  # only what is accepted: what is refused must not be stored
    book.note("accepted", event_id)

publish("first")
assert pipeline.health()["status"] == "healthy"
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100000, hard))  # no file may be larger
try:
    for i in range(100000):
        publish(f"{i}")
    raise AssertionError("no error")
except na.StoreUnavailable as error:
    assert "journal" in str(error), error
health = pipeline.health()
assert health["status"] == "unhealthy", health
assert health["reason"].startswith("the journal cannot be written"), health
assert health["journal"]["write_errors"] >= 1, health

resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
publish("again")
assert pipeline.health()["reason"] == ""
pipeline.close()
""",
        url_of(database),
        book,
    )
    assert result.returncode == 0, result.stderr
    (logged,) = result.stderr.splitlines()
    assert logged.startswith("cannot write") and logged.endswith("File too large")
    assert balance_of(book, database) == BALANCED


def test_the_journal_lies_where_it_is_told_to_and_is_the_owners_alone(database, tmp_path):
    folder = tmp_path / "journals"
    with na.open(url_of(database), durability="power", journal_dir=folder) as pipeline:
        pipeline.charge_started("s")
        made = [folder, *folder.rglob("*")]
        assert any(path.is_file() for path in made)
        for path in made:
            mode = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == mode, path
        stats = pipeline.stats()
        assert stats["durability"] == "power"
        assert stats["journal"]["syncs"] >= 1


def test_a_journal_folder_that_cannot_be_used_is_explained(database, tmp_path):
    folder = database.with_name(database.name + ".journal")
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(na.FailedPrecondition, match="others may write"):
        na.open(url_of(database))
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(na.FailedPrecondition, match="link"):
        na.open(url_of(database))


def test_the_environment_sets_up_the_journal(database, tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYTICS_JOURNAL_DIR", str(tmp_path / "from-environment"))
    monkeypatch.setenv("ANALYTICS_DURABILITY", "power")
    with na.open_from_environment(url_of(database)) as pipeline:
        assert pipeline.stats()["durability"] == "power"
        assert (tmp_path / "from-environment").is_dir()
    with na.open_from_environment(url_of(database), durability="memory") as pipeline:
        assert pipeline.stats()["durability"] == "memory"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("durability", "disk"),
        ("overflow", "drop"),
        ("sync_interval", 0),
        ("sync_interval", 3601),
        ("journal_max_bytes", 1),
        ("journal_segment_bytes", 1),
    ],
)
def test_an_option_out_of_range_is_named(option, value):
    with pytest.raises(na.InvalidArgument, match=option.removeprefix("journal_")):
        na.open("memory:", **{option: value})


def test_a_full_queue_drops_or_rejects_as_told():
    small = {"batch_size": 1, "max_batch_size": 1, "queue_capacity": 2}
    with na.open("memory:", overflow="reject", **small) as pipeline:
        assert pipeline.stats()["overflows"] == 0
    with na.open("memory:", overflow="drop_oldest", **small) as pipeline:
        for i in range(1000):  # never refused, though a commit takes longer than a publish
            pipeline.charge_started(f"s{i}")
        pipeline.flush()
        stats = pipeline.stats()
    assert stats["accepted"] == 1000
    assert stats["accepted"] == stats["committed"] + stats["dropped_oldest"]
    assert stats["overflows"] == 0


INSERT = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t,
    ctypes.c_int64, ctypes.POINTER(ctypes.c_int32),
)  # fmt: skip
READ_SESSIONS = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
)
READ_BETWEEN = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
)


class StoreCallbacks(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("user_data", ctypes.c_void_p),
        ("destroy", ctypes.c_void_p),
        ("description", _abi.String),
        ("insert", INSERT),
        ("events_of_sessions", READ_SESSIONS),
        ("events_between", READ_BETWEEN),
        ("count_events", ctypes.c_void_p),
        ("sync", ctypes.c_void_p),
    ]


@pytest.fixture
def refusing():
    """A pipeline, and the ids of events that its store refuses."""
    dll, library, refuses = ctypes.CDLL(abi().path), abi(), {"poison"}

    @INSERT
    def insert(_user_data, events, count, _created_at, outcomes):
        for i in range(count):
            if _callbacks._event_as_dict(events[i])["event_id"] in refuses:
                library.nva_set_error_message(b"no such column: tariff")
                return errors.INVALID_ARGUMENT
            outcomes[i] = 0
        return errors.OK

    none = READ_SESSIONS(lambda *_: errors.OK), READ_BETWEEN(lambda *_: errors.OK)
    callbacks, store = StoreCallbacks(), ctypes.c_void_p()
    options, pipeline = _abi.PipelineOptions(), ctypes.c_void_p()
    assert dll.nva_store_callbacks_init(ctypes.byref(callbacks), ctypes.sizeof(callbacks)) == 0
    callbacks.insert, callbacks.events_of_sessions, callbacks.events_between = insert, *none
    assert dll.nva_store_from_callbacks(ctypes.byref(callbacks), ctypes.byref(store)) == 0
    library.nva_pipeline_options_init(ctypes.byref(options), ctypes.sizeof(options))
    opened = dll.nva_pipeline_open_with_store(ctypes.byref(options), store, ctypes.byref(pipeline))
    assert opened == 0
    dll.nva_store_free(store)
    with na.Pipeline(_PipelineHandles(pipeline.value)) as opened:
        yield opened, refuses


def test_dead_letters_say_why_and_can_be_replayed(refusing):
    pipeline, refuses = refusing
    assert pipeline.dead_letters() == []
    assert pipeline.replay_dead_letters() == 0
    pipeline.charge_started("s1", event_id="poison")
    pipeline.charge_started("s2")
    pipeline.flush()
    (letter,) = pipeline.dead_letters()
    assert letter["event"]["event_id"] == "poison"
    assert letter["event"]["event_type"] == "analytics_charge_started"
    assert "no such column: tariff" in letter["reason"]
    assert letter["time"].endswith("+00:00")
    assert pipeline.dead_letters(limit=0) == []
    stats, health = pipeline.stats(), pipeline.health()
    assert (stats["dead_lettered"], stats["dead_letters"]) == (1, 1)
    assert health["status"] == "degraded"
    assert health["warnings"][0].startswith("1 dead letters")

    refuses.clear()
    assert pipeline.replay_dead_letters() == 1
    pipeline.flush()
    assert pipeline.dead_letters() == []
    assert pipeline.stats()["committed"] == 2
    assert pipeline.health()["warnings"] == []

    refuses.add("poison again")
    pipeline.charge_started("s3", event_id="poison again")
    pipeline.close()
    assert len(pipeline.dead_letters()) == 1
    with pytest.raises(na.Closed):
        pipeline.replay_dead_letters()
