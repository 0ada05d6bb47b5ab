"""One of many things to do, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from metadata.model import EMPTY
from metadata.problems import Problem
from runtime.records.drafts import Draft, all_problems

Action = Literal["create", "update", "upsert", "delete", "restore"]
Mode = Literal["insert", "update", "upsert", "delete"]
Done = Literal["created", "updated", "unchanged", "deleted", "restored", "refused"]


class Operation(NamedTuple):
    """One thing to do. `by` names the fields that identify the record; `id` is one of them when it is given."""

    action: Action
    values: Mapping[str, Any] = EMPTY
    id: str | None = None
    version: int | None = None
    by: tuple[str, ...] = ()
    confirm: frozenset[str] = frozenset()
    """Names of the rules whose warnings do not stop it; `*` for all."""


class Verdict(NamedTuple):
    """What became of one of them. `problems` are why it was refused."""

    action: Done
    id: str | None
    problems: tuple[Problem, ...] = ()
    version: int | None = None


@dataclass(slots=True)
class Row:
    """One operation on its way: which record it is about, and the draft that will be written."""

    operation: Operation
    key: tuple[Any, ...] | None = None
    draft: Draft | None = None
    problems: list[Problem] = field(default_factory=list)
    verdict: Verdict | None = None

    def wrong(self) -> list[Problem]:
        return self.problems + (all_problems(self.draft) if self.draft is not None else [])


def drafts_of(rows: Sequence[Row]) -> list[Draft]:
    return [row.draft for row in rows if row.draft is not None]
