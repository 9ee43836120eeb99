"""The accounts of the other tests can tell that something is wrong."""

import pytest
from accounting import BALANCED, Balance, balance

BOOK = ["tried a", "accepted a", "tried b", "accepted b", "tried c"]


def test_what_was_tried_but_not_accepted_may_be_stored_or_not():
    assert balance(BOOK, ["a", "b"], 2) == BALANCED
    assert balance(BOOK, ["a", "b", "c"], 3) == BALANCED


@pytest.mark.parametrize(
    ("stored", "sessions", "wrong"),
    [
        (["a"], 1, Balance({"b"}, set(), set(), 0)),
        (["a", "b", "b"], 2, Balance(set(), {"b"}, set(), 0)),
        (["a", "b", "d"], 3, Balance(set(), set(), {"d"}, 0)),
        (["a", "b"], 3, Balance(set(), set(), set(), -1)),
    ],
)
def test_a_loss_a_duplicate_a_stranger_and_a_wrong_kpi_are_seen(stored, sessions, wrong):
    assert balance(BOOK, stored, sessions) == wrong


def test_an_empty_book_proves_nothing():
    with pytest.raises(AssertionError, match="empty"):
        balance([], [], 0)
