"""Which of many drafts would hold the same unique values as another record, asked in one statement for each unique."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metadata.model import Index
from runtime.queries.cache import kept
from runtime.records.drafts import Draft
from runtime.records.keys import matching, tuple_of
from runtime.records.plans import WritePlan
from runtime.records.writing.refusals import taken
from runtime.workspace import Workspace


def check_uniques(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell each draft whose values are taken, by a row or by a draft before it.

    Uniques with a condition are left to the database, which alone evaluates it; so are races.
    """
    for index in plan.entity.indexes:
        if index.unique and index.where is None and all(each in plan.table.fields for each in index.fields):
            _check(ws, plan, index, [draft for draft in drafts if not draft.problems and _concerns(index, draft)])


def _concerns(index: Index, draft: Draft) -> bool:
    before = draft.before
    return before is None or any(draft.values.get(each) != before.get(each) for each in index.fields)


def _check(ws: Workspace, plan: WritePlan, index: Index, drafts: Sequence[Draft]) -> None:
    wanted: dict[tuple[Any, ...], list[Draft]] = {}
    for draft in drafts:
        key = tuple_of(index.fields, draft.values)
        if None not in key:  # an empty value equals no other
            wanted.setdefault(key, []).append(draft)
    if not wanted:
        return
    leaving = {draft.id for draft in drafts}
    holders = matching(ws, plan, index.fields, list(wanted), kept(ws.model))
    for key, claimants in wanted.items():
        held = any(id not in leaving for id in holders.get(key, ()))
        for draft in claimants if held else claimants[1:]:
            draft.wrong(taken(plan, index))
