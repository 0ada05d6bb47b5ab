"""What only the database can know, told like any other problem: a value that is taken, a target that is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from metadata.model import Index
from metadata.problems import Conflict, Invalid, Problem, kind
from metadata.storage import index_name
from runtime.database.errors import ForeignKeyViolation, OutOfRange, UniqueViolation
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan

TAKEN = kind(
    "records.not_unique",
    en="Another {entity} has this already: {fields}. Choose another value, or change that one.",
    zh="已有其他{entity}使用了相同的值：{fields}。请换一个值，或修改那一条记录。",
)
TARGET_GONE = kind(
    "records.target_gone",
    en="A record that this one names has just been removed. Look again, and try once more.",
    zh="该记录引用的一条记录刚刚被移除，请刷新后重试。",
)
OUT_OF_RANGE = kind(
    "records.out_of_range",
    en="A value is larger than can be kept. Check the numbers and texts that were sent.",
    zh="有一个值超出可保存的范围，请检查提交的数字和文本。",
)


@contextmanager
def told(plan: WritePlan, drafts: Sequence[Draft]) -> Iterator[None]:
    """Raise Invalid or Conflict for what the database refuses while these drafts are written."""
    try:
        yield
    except UniqueViolation as refused:
        index = violated(plan, refused.index_name)
        if index is None:
            raise
        raise NotUnique(plan, index, drafts) from refused
    except ForeignKeyViolation as refused:
        raise Conflict(TARGET_GONE()) from refused
    except OutOfRange as refused:
        raise Invalid(OUT_OF_RANGE()) from refused


class NotUnique(Invalid):
    """One of the drafts of a statement has values that another record holds."""

    def __init__(self, plan: WritePlan, index: Index, drafts: Sequence[Draft]) -> None:
        problem = taken(plan, index)
        # A row that lives with another is told where it stands in its parent's form.
        path = _path_of(drafts[0]) if len(drafts) == 1 else ""
        super().__init__(problem.under(path) if path else problem)


def _path_of(draft: Draft) -> str:
    if draft.parent is None:
        return ""
    for key, children in draft.parent.children.items():
        for at, child in enumerate(children):
            if child is draft:
                above = _path_of(draft.parent)
                return f"{above}.{key}.{at}" if above else f"{key}.{at}"
    return ""


def violated(plan: WritePlan, name: str | None) -> Index | None:
    """The unique of the model that an index of the database stands for."""
    table = plan.table.table.name
    for index in plan.entity.indexes:
        if index.unique and index_name(table, index.id, unique=True) == name:
            return index
    return None


def taken(plan: WritePlan, index: Index) -> Problem:
    fields = [plan.entity.fields[each] for each in index.fields]
    return TAKEN(fields[0].key, entity=plan.entity.label, fields=[each.label for each in fields])
