"""A record on its way to be written: what was sent, what it was, what it becomes, and everything wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.ids import uuid7
from metadata.problems import Problem


@dataclass(slots=True)
class Draft:
    """The one mutable thing of a save; it never leaves this package.

    `values` begin as what the record is and become what it will be. `path` is where its problems are told
    (`lines.0` inside its parent's form, empty for the record itself).
    """

    id: str
    values: dict[str, Any]
    before: Mapping[str, Any] | None = None
    """None: the record is new."""
    sent: dict[str, Any] = field(default_factory=dict)
    """Parsed values by field id, as the caller gave them; those of links and children lists too."""
    problems: list[Problem] = field(default_factory=list)
    parent: Draft | None = None
    """The draft of the record that this one lives with, when both are saved together: its rights count."""
    children: dict[str, list[Draft]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)
    """Children field id -> ids of those that were left out of the sent list."""
    lists: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """Links field id -> target ids before and after, where they differ."""
    learned: dict[str, str | None] = field(default_factory=dict)
    """What the link check found on the way: `unit` of a sent owner, `currency` of the record it comes from."""
    touched: bool = False
    """Something that lives with the record changes, so its version grows although none of its own fields does."""
    kind: str = "updated"
    """What the event of a change is called. One that is not `updated` is told even when no field changes."""
    event: str | None = None
    """The id of that event, when others name it as their cause."""
    told: dict[str, list[Any]] = field(default_factory=dict)
    """What that event tells beside the fields that changed."""
    reason: str | None = None
    """Why a record is returned to its pool."""
    cause: str | None = None
    """The id of the event that this one follows from."""
    follows: bool = False
    """Nobody writes the record: what it is computed from has changed in another one."""
    confirmed: frozenset[str] = frozenset()
    """Names of the rules whose warnings whoever saves has confirmed."""
    request: str | None = None
    """The id of the approval request of which this is a transition: its own lock does not hold it."""
    passed: dict[str, str] = field(default_factory=dict)
    """Requests (by id) that have locked the record although it is written, and why: see `checking.locks`."""
    handed: set[str] = field(default_factory=set)
    """Files of records that are merged into this one: it takes them over."""

    @property
    def is_new(self) -> bool:
        return self.before is None

    def changed(self) -> list[str]:
        """Keys of `values` that differ from before."""
        before = self.before
        if before is None:
            return list(self.values)
        return [key for key, value in self.values.items() if value != before.get(key)]

    def wrong(self, problem: Problem) -> None:
        self.problems.append(problem)


def new_draft(parent: Draft | None = None, id: str | None = None) -> Draft:
    return Draft(id or uuid7(), {}, parent=parent)


def draft_of(id: str, before: Mapping[str, Any], parent: Draft | None = None) -> Draft:
    return Draft(id, dict(before), before, parent=parent)


def all_problems(draft: Draft) -> list[Problem]:
    """The problems of a draft and of the children saved with it, each with its path seen from the draft."""
    found = list(draft.problems)
    for key, children in draft.children.items():
        for at, child in enumerate(children):
            found += [problem.under(f"{key}.{at}") for problem in all_problems(child)]
    return found


def remembered(drafts: Iterable[Draft]) -> list[tuple[Draft, dict[str, Any]]]:
    """The values of drafts and of the children saved with them, to put back when their writing is undone."""
    found = []
    for draft in drafts:
        found.append((draft, dict(draft.values)))
        for children in draft.children.values():
            found += remembered(children)
    return found
