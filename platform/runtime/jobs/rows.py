"""The `_job_row` table: what became of single rows of a job (an import's refused lines, a bulk edit's records)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.problems import LANGUAGES, Problem
from runtime import sealing
from runtime.portable import Id, Json
from runtime.workspace import Workspace

JOB_ROW = sa.table(
    "_job_row",
    sa.column("job", Id()),
    sa.column("line", sa.Integer()),
    sa.column("verdict", sa.Text()),
    sa.column("record", Id()),
    sa.column("problems", Json()),
    sa.column("source", Json()),
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One row of a job: its line or number, the verdict, and why."""

    line: int
    verdict: str
    record: str | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    """Each `{code, path, message: {language: text}}`."""
    source: Any = None


def told(problems: Sequence[Problem]) -> tuple[Mapping[str, Any], ...]:
    """Problems as they are kept: said in every language, for nobody knows who will read them."""
    return tuple(
        {"code": each.code, "path": each.path, "message": {lang: each.message(lang) for lang in LANGUAGES}}
        for each in problems
    )


def put(ws: Workspace, job: str, rows: Sequence[JobRow]) -> None:
    if rows:
        ws.db.execute(
            sa.insert(JOB_ROW),
            [
                {
                    "job": job,
                    "line": row.line,
                    "verdict": row.verdict,
                    "record": row.record,
                    "problems": list(row.problems),
                    "source": sealing.hidden(ws, "_job_row", job, row.source),
                }
                for row in rows
            ],
        )


def read(ws: Workspace, job: str, verdicts: Sequence[str] = (), after: int = -1, limit: int = 1_000) -> list[JobRow]:
    """The rows of a job by line, after a line."""
    query = sa.select(JOB_ROW).where(JOB_ROW.c.job == job, JOB_ROW.c.line > after)
    if verdicts:
        query = query.where(JOB_ROW.c.verdict.in_(verdicts))
    found = ws.db.execute(query.order_by(JOB_ROW.c.line).limit(limit))
    return [
        JobRow(
            each.line,
            each.verdict,
            each.record,
            tuple(each.problems or ()),
            sealing.shown(ws, "_job_row", job, each.source),
        )
        for each in found
    ]


def change(ws: Workspace, job: str, row: JobRow) -> None:
    """Give a row another verdict."""
    this = sa.update(JOB_ROW).where(JOB_ROW.c.job == job, JOB_ROW.c.line == row.line)
    ws.db.execute(this.values(verdict=row.verdict, problems=list(row.problems)))


def remove(ws: Workspace, job: str, lines: Sequence[int]) -> None:
    if lines:
        ws.db.execute(sa.delete(JOB_ROW).where(JOB_ROW.c.job == job, JOB_ROW.c.line.in_(list(lines))))


def forget(ws: Workspace, jobs: Sequence[str]) -> None:
    """Take away the rows of jobs that are forgotten."""
    if jobs:
        ws.db.execute(sa.delete(JOB_ROW).where(JOB_ROW.c.job.in_(list(jobs))))
