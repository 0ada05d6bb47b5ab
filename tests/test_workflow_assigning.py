"""To whom a rule gives a record: B2.3, decided without a database."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import pytest

from metadata.assignments import Rule
from workflow.assigning import Person, Pointer, assign, quota

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def rule(strategy: Any, full: int | None = None) -> Rule:
    return Rule("r", {"*": "R"}, strategy, full=full)


def turns(strategy: str, people: list[Person], count: int, pointer: Pointer | None = None) -> list[str | None]:
    pointer, found = pointer or Pointer(), []
    for _ in range(count):
        outcome = assign(rule(strategy), people, pointer)
        pointer = outcome.pointer
        found.append(outcome.user)
    return found


A, B, C = Person("a"), Person("b"), Person("c")


def test_round_robin_goes_round_in_the_order_of_ids_however_people_are_named() -> None:
    assert turns("round_robin", [C, A, B], 7) == ["a", "b", "c", "a", "b", "c", "a"]


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (Person("b", active=False), "inactive"),
        (Person("b", away=True), "away"),
        (Person("b", open=3), "full"),
    ],
)
def test_round_robin_passes_over_who_cannot_and_says_why(person: Person, why: str) -> None:
    outcome = assign(rule("round_robin", full=3), [A, person, C], Pointer("a"))
    assert outcome.user == "c"
    assert [(each.user, each.skipped) for each in outcome.considered] == [("a", None), ("b", why), ("c", None)]


def test_round_robin_goes_on_after_somebody_who_is_gone() -> None:
    assert turns("round_robin", [A, C], 3, Pointer("b")) == ["c", "a", "c"]


def test_nobody_gets_it_when_nobody_can_and_the_turn_stays_where_it_was() -> None:
    outcome = assign(rule("round_robin"), [Person("a", active=False)], Pointer("z"))
    assert outcome.user is None and outcome.pointer == Pointer("z")
    assert assign(rule("least_load"), [], Pointer()).user is None


def test_least_load_takes_the_smallest_load_and_of_equals_who_waits_longest() -> None:
    busy, late = Person("a", open=2), Person("b", open=1, last_at=NOON)
    early, never = Person("c", open=1, last_at=NOON - dt.timedelta(hours=1)), Person("d", open=1)
    assert assign(rule("least_load"), [busy, late], Pointer()).user == "b"
    assert assign(rule("least_load"), [busy, late, early], Pointer()).user == "c"
    assert assign(rule("least_load"), [busy, late, early, never], Pointer()).user == "d"


@pytest.mark.parametrize(("capacity", "a_day"), [(15, 1), (44, 1), (45, 2), (60, 2), (74, 2), (75, 3), (300, 10)])
def test_capacity_is_a_thirtieth_a_day_half_rounded_up(capacity: int, a_day: int) -> None:
    assert quota(Person("a", per_30_days=capacity)) == a_day
    full = Person("a", per_30_days=capacity, given=a_day)
    outcome = assign(rule("capacity"), [full], Pointer())
    assert outcome.user is None and outcome.considered[0].skipped == "quota"
    assert assign(rule("capacity"), [Person("a", per_30_days=capacity, given=a_day - 1)], Pointer()).user == "a"


def test_capacity_fills_everybody_evenly_by_what_he_takes() -> None:
    large, small = Person("a", per_30_days=300, given=4), Person("b", per_30_days=60, given=1)
    assert assign(rule("capacity"), [large, small], Pointer()).user == "a"  # 4 of 10 before 1 of 2
    assert assign(rule("capacity"), [Person("a", per_30_days=300, given=6), small], Pointer()).user == "b"


def test_weights_are_shares_exactly_and_the_same_every_time() -> None:
    people = [Person("a", weight=3), Person("b", weight=1), Person("c", weight=2)]
    found = turns("weighted", people, 60)
    assert Counter(found) == {"a": 30, "b": 10, "c": 20}
    assert found == turns("weighted", people, 60)
    for end in range(6, 61, 6):
        assert Counter(found[:end]) == {"a": end // 2, "b": end // 6, "c": end // 3}


def test_who_comes_back_gets_his_share_and_no_more() -> None:
    pointer = Pointer()
    for _ in range(40):
        pointer = assign(rule("weighted"), [A, B], pointer).pointer
    assert Counter(turns("weighted", [A, B, C], 30, pointer)) == {"a": 10, "b": 10, "c": 10}


def test_who_was_away_by_weight_does_not_catch_up() -> None:
    pointer = Pointer()
    for _ in range(9):
        pointer = assign(rule("weighted"), [A, B, C], pointer).pointer
    for _ in range(30):
        pointer = assign(rule("weighted"), [A, B, Person("c", away=True)], pointer).pointer
    assert Counter(turns("weighted", [A, B, C], 9, pointer)) == {"a": 3, "b": 3, "c": 3}


def test_who_was_refused_is_passed_over() -> None:
    outcome = assign(rule("round_robin"), [A, B], Pointer(), frozenset({"a"}))
    assert outcome.user == "b" and outcome.considered[0].skipped == "refused"


def test_whoever_is_chosen_was_free_and_nobody_is_chosen_only_if_none_was() -> None:
    chance = random.Random(42)
    for _ in range(500):
        people = [
            Person(
                f"u{n}",
                active=chance.random() < 0.8,
                away=chance.random() < 0.2,
                open=chance.randrange(5),
                given=chance.randrange(4),
                weight=chance.randint(1, 5),
                per_30_days=chance.choice((15, 30, 90)),
            )
            for n in range(chance.randrange(5))
        ]
        ways = ("round_robin", "least_load", "weighted", "capacity")
        asked = rule(chance.choice(ways), full=chance.choice((None, 2, 4)))
        outcome = assign(asked, people, Pointer(chance.choice((None, "u0", "u2"))))
        free = {each.user for each in outcome.considered if each.skipped is None}
        assert (outcome.user in free) if free else outcome.user is None
        for person in people:
            if person.user == outcome.user:
                assert person.active and not person.away
                assert asked.full is None or person.open < asked.full
