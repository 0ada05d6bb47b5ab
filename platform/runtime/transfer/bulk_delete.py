"""Deleting many records and bringing them back: at once when they are few, as a job with a verdict for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from metadata.model import Entity
from metadata.problems import PlatformError, TooLarge
from runtime import queries, records
from runtime.jobs import rows as job_rows
from runtime.jobs import table as jobs
from runtime.jobs.rows import JobRow
from runtime.jobs.work import Done, Job, More, Outcome, Step
from runtime.queries import Query
from runtime.queries.names import entity_of
from runtime.records.operations import Operation
from runtime.records.policies import require
from runtime.transfer.bulk_edit import MOST, TOO_MANY
from runtime.transfer.options import INLINE
from runtime.transfer.reports import Totals
from runtime.workspace import Workspace

Action = Literal["delete", "restore"]

_CHUNK = 500
_QUEUED = "queued"
DELETED = "deleted"
"""The verdict of rows that an undo brings back."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted or brought back; with `job`, what is going to be of `rows` records.

    In the totals `updated` counts those with which it was done.
    """

    totals: Totals
    done: tuple[str, ...] = ()
    refused: tuple[JobRow, ...] = ()
    job: str | None = None
    rows: int = 0


def delete(ws: Workspace, query: Query, background: bool | None = None) -> Deleted:
    """Delete every record that a query finds or names by `ids`. They are chosen now. Raises Forbidden, TooLarge."""
    entity = entity_of(ws.model, query.entity)
    require(ws, entity, "delete")
    wanted = Query(entity.id, query.where, fields=("id",), q=query.q, ids=query.ids)
    ids: list[str] = []
    for rows in queries.stream(ws, wanted):
        ids += [row[0] for row in rows]
        if len(ids) > MOST:
            raise TooLarge(TOO_MANY(limit=MOST))
    return _begin(ws, entity, "delete", ids, background)


def restore(ws: Workspace, entity: Entity, ids: Sequence[str], background: bool | None = None) -> Deleted:
    """Bring back records, each with what its deletion took along. Raises Forbidden, TooLarge."""
    require(ws, entity, "delete")
    if len(ids) > MOST:
        raise TooLarge(TOO_MANY(limit=MOST))
    return _begin(ws, entity, "restore", ids, background)


def undo(ws: Workspace, job: Job, background: bool | None = None) -> Deleted:
    """Bring back what a job of ours deleted."""
    entity = entity_of(ws.model, job.payload["entity"])
    found: list[str] = []
    after = -1
    while rows := job_rows.read(ws, job.id, (DELETED,), after):
        found += [each.record for each in rows if each.record is not None]
        after = rows[-1].line
    return restore(ws, entity, found, background)


def _begin(ws: Workspace, entity: Entity, action: Action, ids: Sequence[str], background: bool | None) -> Deleted:
    if background if background is not None else len(ids) > INLINE:
        return _queue(ws, entity, action, ids)
    found = _carry_out(ws, entity, action, [JobRow(at, _QUEUED, id) for at, id in enumerate(ids, 1)])
    refused = tuple(each for each in found if each.verdict == "failed")
    done = tuple(each.record for each in found if each.verdict != "failed" and each.record is not None)
    return Deleted(_counted(found), done, refused, rows=len(ids))


def _queue(ws: Workspace, entity: Entity, action: Action, ids: Sequence[str]) -> Deleted:
    job = jobs.enqueue(ws, "bulk_delete", {"entity": entity.id, "action": action, "rows": len(ids)})
    for at in range(0, len(ids), 1_000):
        part = enumerate(ids[at : at + 1_000], at + 1)
        job_rows.put(ws, job, [JobRow(line, _QUEUED, id) for line, id in part])
    return Deleted(Totals(), job=job, rows=len(ids))


def step(step: Step) -> Outcome:
    """Delete or bring back the next records and write down what became of each, in one transaction."""
    ws, job = step.ws, step.job
    entity = entity_of(ws.model, job.payload["entity"])
    totals = Totals(**job.progress.get("totals", {}))
    rows = job_rows.read(ws, job.id, (_QUEUED,), after=int(job.progress.get("line", 0)), limit=_CHUNK)
    if not rows:
        return Done({"totals": asdict(totals)})
    found = _carry_out(ws, entity, job.payload["action"], rows)
    job_rows.remove(ws, job.id, [each.line for each in rows])
    job_rows.put(ws, job.id, found)
    totals = totals.plus(_counted(found))
    progress = {"line": rows[-1].line, "done": totals.rows, "total": job.payload["rows"], "totals": asdict(totals)}
    return More(progress)


def _counted(rows: Sequence[JobRow]) -> Totals:
    failed = sum(each.verdict == "failed" for each in rows)
    return Totals(rows=len(rows), updated=len(rows) - failed, failed=failed)


def _carry_out(ws: Workspace, entity: Entity, action: Action, rows: Sequence[JobRow]) -> list[JobRow]:
    if action == "restore":
        return [_restored(ws, entity, each) for each in rows]
    operations = [Operation("delete", id=each.record) for each in rows]
    verdicts = records.bulk(ws, entity, operations)
    return [
        JobRow(row.line, "failed", row.record, job_rows.told(verdict.problems))
        if verdict.problems
        else JobRow(row.line, DELETED, row.record)
        for row, verdict in zip(rows, verdicts, strict=True)
    ]


def _restored(ws: Workspace, entity: Entity, row: JobRow) -> JobRow:
    """One record, in a savepoint of its own: what stands in its way keeps none of the others."""
    try:
        with ws.db.savepoint():
            records.restore(ws, entity, row.record or "")
    except PlatformError as refused:
        return JobRow(row.line, "failed", row.record, job_rows.told(refused.problems))
    return JobRow(row.line, "restored", row.record)
