"""Work done ahead is there once, and whoever finds none does it alone."""

from __future__ import annotations

import threading

from runtime.ahead import Ahead


def test_what_is_made_ahead_is_taken_once() -> None:
    ahead, go = Ahead(), threading.Event()
    ahead.begin("a", lambda: go.wait() and 7)
    go.set()
    assert [ahead.take("a"), ahead.take("a"), ahead.take("b")] == [7, None, None]


def test_what_fails_or_is_too_much_is_simply_not_there() -> None:
    ahead = Ahead()
    ahead.begin("bad", lambda: 1 // 0)
    assert ahead.take("bad") is None
    for number in range(6):
        ahead.begin(number, lambda number=number: number)  # type: ignore[misc]
    assert [ahead.take(number) for number in range(6)] == [None, None, 2, 3, 4, 5]
