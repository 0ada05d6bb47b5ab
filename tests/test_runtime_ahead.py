"""Work done ahead is there once, and whoever finds none does it alone."""

from __future__ import annotations

import threading

from runtime.ahead import Ahead


def test_what_is_made_ahead_is_taken_once() -> None:
    ahead = Ahead()
    ahead.begin("a", lambda: 7)
    assert [ahead.take("a"), ahead.take("a"), ahead.take("b")] == [7, None, None]


def test_it_is_made_in_a_thread_from_the_moment_that_the_database_is_at_work() -> None:
    ahead, made, by = Ahead(), threading.Event(), []

    def make() -> str:
        by.append(threading.current_thread())
        made.set()
        return "a"

    ahead.begin("a", make)
    assert not made.wait(0.05)
    ahead.start()
    assert made.wait(10) and ahead.take("a") == "a"
    ahead.begin("b", make)
    assert ahead.take("b") == "a"
    assert by[0] is not threading.current_thread() and by[1] is threading.current_thread()


def test_what_fails_or_is_too_much_is_simply_not_there() -> None:
    ahead = Ahead()
    ahead.begin("bad", lambda: 1 // 0)
    assert ahead.take("bad") is None
    for number in range(6):
        ahead.begin(number, lambda number=number: number)  # type: ignore[misc]
    assert [ahead.take(number) for number in range(6)] == [None, None, 2, 3, 4, 5]
