"""Where a run stands in a tree of blocks, and how it moves. Pure; knows nothing of what the steps mean.

A run is a set of tokens. A token stands at one step; a composite step's token has children, which stand in the step's
blocks. Each arrival gets a number of its own (a *visit*), so a step that is done twice has two histories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol


class Node(Protocol):
    """A step of a tree of blocks. Its id is unique in the tree."""

    @property
    def id(self) -> str: ...
    @property
    def blocks(self) -> Mapping[str, Sequence[Node]]: ...


@dataclass(frozen=True, slots=True)
class Token:
    """An arrival at a step. `block` is the block of the parent's step that it stands in; the top has no name."""

    visit: int
    step: str
    parent: int | None = None
    block: str = ""
    record: str | None = None
    """Id of the record that the block is about; None: the parent's."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a run stands. `visits` counts every arrival that there was."""

    tokens: tuple[Token, ...] = ()
    visits: int = 0

    def at(self, visit: int) -> Token | None:
        return next((each for each in self.tokens if each.visit == visit), None)

    def children(self, visit: int) -> tuple[Token, ...]:
        return tuple(each for each in self.tokens if each.parent == visit)

    def below(self, visit: int) -> Iterator[Token]:
        """The tokens inside a composite step, the innermost first."""
        for child in self.children(visit):
            yield from self.below(child.visit)
            yield child

    def record(self, token: Token) -> str | None:
        """The record that a token's block is about; None: the one that the run is about."""
        while token.record is None and token.parent is not None:
            above = self.at(token.parent)
            assert above is not None
            token = above
        return token.record


class Tree:
    """The steps of one definition, found by id."""

    def __init__(self, steps: Sequence[Node]) -> None:
        self.steps = steps
        self._nodes: dict[str, Node] = {}
        self._next: dict[str, Node | None] = {}
        self._place: dict[str, tuple[str | None, str]] = {}
        self._take(steps, None, "")

    def _take(self, steps: Sequence[Node], parent: str | None, block: str) -> None:
        for place, step in enumerate(steps):
            self._nodes[step.id], self._place[step.id] = step, (parent, block)
            self._next[step.id] = steps[place + 1] if place + 1 < len(steps) else None
            for name, inner in step.blocks.items():
                self._take(inner, step.id, name)

    def step(self, id: str) -> Node:
        return self._nodes[id]

    def knows(self, id: str) -> bool:
        return id in self._nodes

    def above(self, id: str) -> Iterator[tuple[str, str]]:
        """The steps that a step stands in with the block of each, the nearest first."""
        parent, block = self._place[id]
        while parent is not None:
            yield parent, block
            parent, block = self._place[parent]

    def block_of(self, id: str) -> tuple[str | None, str]:
        """The composite step (None: the top) and the block of it that a step stands in."""
        return self._place[id]

    def enter(
        self, walk: Walk, parent: Token | None, block: str = "", record: str | None = None
    ) -> tuple[Walk, Token | None]:
        """Arrive at the first step of a block of the parent's step; None when the block is empty."""
        steps = self.steps if parent is None else self.step(parent.step).blocks[block]
        if not steps:
            return walk, None
        return arrive(walk, Token(0, steps[0].id, None if parent is None else parent.visit, block, record))

    def leave(self, walk: Walk, token: Token) -> tuple[Walk, Token | None, Token | None]:
        """A token has done its step: the token at the next one, else the parent whose block is over by that.

        Both are None when the run is over, as far as this token is concerned.
        """
        walk = cancel(walk, token)
        following = self._next[token.step]
        if following is not None:
            walk, arrived = arrive(walk, replace(token, step=following.id))
            return walk, arrived, None
        return walk, None, None if token.parent is None else walk.at(token.parent)

    def jump(self, walk: Walk, token: Token, step: str) -> tuple[Walk, Token]:
        """Go from a token's step to another of the same block, or of one around it; what is inside that is left.

        Raises ValueError when the step is in another block: a jump into a block would lack its parents.
        """
        parent, block = self._place[step]
        here: Token | None = token
        while here is not None:
            above = None if here.parent is None else walk.at(here.parent)
            if here.block == block and parent == (None if above is None else above.step):
                return arrive(cancel(walk, here), replace(here, step=step))
            here = above
        raise ValueError(f"{step} does not stand around {token.step}")


def arrive(walk: Walk, token: Token) -> tuple[Walk, Token]:
    """The token as an arrival of its own."""
    token = replace(token, visit=walk.visits + 1)
    return Walk((*walk.tokens, token), walk.visits + 1), token


def cancel(walk: Walk, token: Token) -> Walk:
    """Take a token away with all inside it."""
    gone = {each.visit for each in walk.below(token.visit)} | {token.visit}
    return replace(walk, tokens=tuple(each for each in walk.tokens if each.visit not in gone))


def dumped(walk: Walk) -> dict[str, object]:
    """As JSON data."""
    tokens = [[each.visit, each.step, each.parent, each.block, each.record] for each in walk.tokens]
    return {"tokens": tokens, "visits": walk.visits}


def loaded(data: Mapping[str, object]) -> Walk:
    """What `dumped` gave."""
    tokens, visits = data["tokens"], data["visits"]
    assert isinstance(tokens, Iterable) and isinstance(visits, int)
    return Walk(tuple(Token(*each) for each in tokens), visits)
