"""What was published, and what became of it: for tests in which processes fork and die.

All processes of a test write into one book what they are about to publish, and what was accepted.
Afterwards it is compared with what is stored.
"""

import collections
import dataclasses
import os
import sqlite3


class Book:
    """A file that any number of processes and threads append to."""

    def __init__(self, path):
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def publish(self, pipeline, event_id):
        self.note("tried", event_id)
        pipeline.charge_started(f"session of {event_id}", event_id=event_id)
        self.note("accepted", event_id)

    def note(self, what, event_id):
        os.write(self._file, f"{what} {event_id}\n".encode())


@dataclasses.dataclass
class Balance:
    """What is wrong; all empty when every event is accounted for."""

    lost: set  # accepted, and not stored
    twice: set  # stored more than once
    unknown: set  # stored, and never published
    uncounted: int  # stored sessions that the KPIs do not hold, or hold too often


def balance(book_lines, stored_ids, sessions_started):
    noted = collections.defaultdict(set)
    for line in book_lines:
        what, _, event_id = line.partition(" ")
        noted[what].add(event_id)
    assert noted["accepted"], "the book is empty: nothing was tested"
    assert noted["accepted"] <= noted["tried"]
    counts = collections.Counter(stored_ids)
    return Balance(
        lost=noted["accepted"] - set(counts),
        twice={event_id for event_id, count in counts.items() if count > 1},
        unknown=set(counts) - noted["tried"],
        uncounted=len(counts) - sessions_started,
    )


BALANCED = Balance(set(), set(), set(), 0)


def balance_of(book, database):
    """Opens the database, which takes over what dead processes left, and compares."""
    import nerava_analytics

    with nerava_analytics.open(f"sqlite:///{database}") as pipeline:
        pipeline.flush()
        sessions_started = pipeline.kpis.conversion_funnel()["sessions_started"]
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT event_id FROM analytics_events").fetchall()
    connection.close()
    return balance(book.read_text().splitlines(), [row[0] for row in rows], sessions_started)
