"""Where a run stands in a tree of blocks: arrivals, blocks within blocks, what leaving, jumping and cancelling do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from workflow.walking import Token, Tree, Walk, cancel, dumped, loaded


@dataclass(frozen=True)
class Block:
    id: str
    blocks: Mapping[str, Sequence[Block]] = field(default_factory=dict)


INNER = Block("inner", {"x": (Block("deep"), Block("deeper"))})
TREE = Tree(
    (Block("first"), Block("both", {"a": (Block("a1"), INNER), "b": (Block("b1"),), "none": ()}), Block("last"))
)


def begun() -> tuple[Walk, Token]:
    walk, token = TREE.enter(Walk(), None)
    assert token is not None
    return walk, token


def at_both() -> tuple[Walk, Token]:
    walk, token, _ = TREE.leave(*begun())
    assert token is not None
    return walk, token


def inside(walk: Walk, token: Token, block: str, record: str | None = None) -> tuple[Walk, Token]:
    walk, inner = TREE.enter(walk, token, block, record)
    assert inner is not None
    return walk, inner


def deep() -> tuple[Walk, Token, Token]:
    """A walk that stands at `deep`, with the tokens of `both` and of `deep`."""
    walk, both = at_both()
    walk, a1 = inside(walk, both, "a", "r2")
    walk, inner, _ = TREE.leave(walk, a1)
    assert inner is not None
    walk, token = inside(walk, inner, "x")
    return walk, both, token


def test_a_run_arrives_at_the_first_step() -> None:
    walk, token = begun()
    assert (token.visit, token.step, token.parent) == (1, "first", None)
    assert walk.tokens == (token,)


def test_leaving_a_step_arrives_at_the_next_with_a_new_visit() -> None:
    walk, token, parent = TREE.leave(*begun())
    assert token == Token(2, "both") and parent is None
    assert walk.at(1) is None


def test_leaving_the_last_step_of_the_top_ends_the_run() -> None:
    walk, both = at_both()
    walk, last, _ = TREE.leave(walk, both)
    assert last is not None
    assert TREE.leave(walk, last) == (Walk((), 3), None, None)


def test_an_empty_block_has_nothing_to_arrive_at() -> None:
    walk, both = at_both()
    assert TREE.enter(walk, both, "none") == (walk, None)


def test_leaving_the_last_step_of_a_block_tells_the_step_around_it() -> None:
    walk, both = at_both()
    walk, b1 = inside(walk, both, "b")
    assert TREE.leave(walk, b1) == (Walk((both,), 3), None, both)


def test_two_blocks_are_walked_at_once() -> None:
    walk, both = at_both()
    walk, a1 = inside(walk, both, "a")
    walk, b1 = inside(walk, both, "b")
    assert walk.children(both.visit) == (a1, b1)


def test_the_record_of_a_block_holds_for_all_within_it() -> None:
    walk, both, token = deep()
    assert walk.record(token) == "r2"
    assert walk.record(both) is None


def test_tokens_below_are_given_the_innermost_first() -> None:
    walk, both, _ = deep()
    assert [each.step for each in walk.below(both.visit)] == ["deep", "inner"]


def test_cancelling_takes_everything_inside_away() -> None:
    walk, both, _ = deep()
    walk, b1 = inside(walk, both, "b")
    inner = next(each for each in walk.tokens if each.step == "inner")
    assert cancel(walk, inner).tokens == (both, b1)
    assert cancel(walk, both).tokens == ()


def test_a_visit_is_never_given_twice() -> None:
    walk, both, _ = deep()
    walk = cancel(walk, next(each for each in walk.tokens if each.step == "inner"))
    assert inside(walk, both, "a")[1].visit == 6


def test_a_jump_within_a_block_keeps_the_block() -> None:
    walk, both = at_both()
    walk, a1 = inside(walk, both, "a", "r2")
    walk, inner = TREE.jump(walk, a1, "inner")
    assert (inner.step, inner.parent, inner.block, inner.record) == ("inner", both.visit, "a", "r2")
    assert walk.tokens == (both, inner)


def test_a_jump_outwards_leaves_what_is_inside() -> None:
    walk, _, token = deep()
    walk, first = TREE.jump(walk, token, "first")
    assert walk.tokens == (first,) and first.parent is None


def test_a_jump_into_another_block_is_refused() -> None:
    walk, _, token = deep()
    with pytest.raises(ValueError, match="b1 does not stand around deep"):
        TREE.jump(walk, token, "b1")


def test_a_step_knows_what_it_stands_in() -> None:
    assert list(TREE.above("deep")) == [("inner", "x"), ("both", "a")]
    assert TREE.block_of("a1") == ("both", "a")
    assert TREE.block_of("last") == (None, "")
    assert TREE.knows("deeper") and not TREE.knows("x")


def test_a_walk_is_the_same_after_saving_and_restoring() -> None:
    walk, _, _ = deep()
    assert loaded(json.loads(json.dumps(dumped(walk)))) == walk
