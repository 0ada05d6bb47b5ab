"""Rows of a file are written as records: one chunk in the transaction that is given."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from metadata.problems import Problem, kind
from runtime import records
from runtime.records import NO_MATCH, Verdict
from runtime.records.checking.rules import ALL
from runtime.transfer.cells import Converted, PlainConverter
from runtime.transfer.converting import Converter
from runtime.transfer.mapping import Plan
from runtime.transfer.options import Options
from runtime.transfer.reading import Row
from runtime.transfer.reports import Refusal, Totals, refusal
from runtime.workspace import Workspace

KEY_BLANK = kind(
    "import_key_blank",
    en="{label} is blank, so it cannot be known which record this is. Fill it in.",
    zh="{label}为空，无法确定对应的记录，请填写。",
)
LINK_LEFT_OUT = kind(
    "import_link_left_out",
    en="The record was written, but without its link: {reason}",
    zh="记录已写入，但缺少链接：{reason}",
)


@dataclass(frozen=True, slots=True)
class Written:
    """What came of some rows. `waiting`: lines and records whose link to a row of the same file is still to be set."""

    totals: Totals
    refused: tuple[Refusal, ...]
    waiting: tuple[tuple[Row, str], ...]


class Loader:
    """Writes rows by one plan. Keep it for a whole file: it remembers what texts mean."""

    def __init__(self, ws: Workspace, plan: Plan, options: Options, plain: PlainConverter | None = None) -> None:
        self._ws, self._plan = ws, plan
        self._by = tuple(each.id for each in plan.by)
        self._confirm = (ALL,) if options.accept_warnings else ()
        self._converter = Converter(ws, plan, options, plain)

    def write(self, rows: Sequence[Row]) -> Written:
        """Write rows; those with problems are left out."""
        return self._write(self._converter.convert(rows))

    def write_converted(self, found: list[Converted]) -> Written:
        """Write rows whose plain columns are converted already."""
        return self._write(self._converter.link(found))

    def _write(self, found: list[Converted]) -> Written:
        verdicts: list[_Verdict | None] = [None] * len(found)
        keyed = self._plan.mode != "insert"
        for number, made in enumerate(found):
            if keyed:
                self._check_key(made)
            if made.problems:
                verdicts[number] = _Verdict("failed", None, tuple(made.problems))
        first, again = self._apart(found)
        rows = [found[number].values for number in first]
        answers = records.write_many(
            self._ws, self._plan.entity, self._plan.mode, rows, self._by, confirm=self._confirm
        )
        for number, answer in zip(first, answers, strict=True):
            verdicts[number] = _judged(answer)
        for number, same in again.items():
            verdicts[number] = _repeated(verdicts[same])
        return _written(found, [each for each in verdicts if each is not None])

    def _apart(self, found: Sequence[Converted]) -> tuple[list[int], dict[int, int]]:
        """The good rows to be written, and those that say of a record just what the row before said of it."""
        if not self._by:
            return [number for number, made in enumerate(found) if not made.problems], {}
        last: dict[Hashable, int] = {}
        first: list[int] = []
        again: dict[int, int] = {}
        for number, made in enumerate(found):
            if made.problems:
                continue
            key = tuple([made.values.get(each) for each in self._by])
            before = last.get(key)
            if before is not None and found[before].values == made.values and not made.waiting:
                again[number] = before
            else:
                first.append(number)
                last[key] = number
        return first, again

    def link(self, waiting: Sequence[tuple[Row, str]]) -> tuple[Refusal, ...]:
        """Set the links that had to wait for all rows; those that lead nowhere all the same are told."""
        late = self._converter.convert([row for row, _ in waiting], late=True)
        entity = self._plan.entity
        changes: list[tuple[Row, dict[str, Any]]] = []
        told: list[Refusal] = []
        for (row, record), made in zip(waiting, late, strict=True):
            if made.problems:
                told.append(_left_out(row, record, made.problems))
            own = {
                column.field.id: made.values[column.field.id]
                for column in self._plan.columns
                if column.field.id in made.values and column.field.to == (entity.id,)
            }
            if own:
                changes.append((row, {"id": record, **own}))
        rows = [values for _, values in changes]
        verdicts = records.write_many(self._ws, entity, "update", rows, ("id",), confirm=self._confirm)
        for (row, values), verdict in zip(changes, verdicts, strict=True):
            if verdict.problems:
                told.append(_left_out(row, values["id"], verdict.problems))
        return tuple(told)

    def _check_key(self, made: Converted) -> None:
        if made.problems:
            return
        for each in self._plan.by:
            if made.values.get(each.id) is None:
                made.problems.append(KEY_BLANK(each.key, label=each.label))


def _left_out(row: Row, record: str, problems: Sequence[Problem]) -> Refusal:
    reasons = [
        LINK_LEFT_OUT(each.path, reason={lang: each.message(lang) for lang in ("en", "zh")}) for each in problems
    ]
    made = refusal(row.line, row.cells, reasons, "incomplete")
    return Refusal(made.line, made.verdict, made.cells, made.problems, record)


class _Verdict(NamedTuple):
    verdict: str
    record: str | None
    problems: tuple[Problem, ...] = ()


def _judged(answer: Verdict) -> _Verdict:
    if not answer.problems:
        return _Verdict(answer.action, answer.id)
    # Who only updates does not mean the records that are not there.
    nobody = all(each.code == NO_MATCH.code for each in answer.problems)
    return _Verdict("skipped" if nobody else "failed", None, answer.problems)


def _repeated(before: _Verdict | None) -> _Verdict:
    assert before is not None
    return _Verdict("unchanged", before.record) if before.record is not None else before


def _written(found: Sequence[Converted], verdicts: Sequence[_Verdict]) -> Written:
    refused, waiting = [], []
    for made, each in zip(found, verdicts, strict=True):
        if each.verdict in ("failed", "skipped"):
            refused.append(refusal(made.row.line, made.row.cells, each.problems, each.verdict))
        elif made.waiting and each.record is not None:
            waiting.append((made.row, each.record))
    return Written(Totals.counted([each.verdict for each in verdicts]), tuple(refused), tuple(waiting))
