"""The same change to many records: at once when they are few, as a job with a verdict for each when they are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from metadata.model import Entity
from metadata.problems import TooLarge, kind
from runtime import queries, records, sealing
from runtime.jobs import rows as job_rows
from runtime.jobs import table as jobs
from runtime.jobs.rows import JobRow
from runtime.jobs.work import Done, More, Outcome, Step
from runtime.queries import Query
from runtime.queries.names import entity_of
from runtime.records.operations import Verdict
from runtime.records.policies import require
from runtime.transfer.options import INLINE
from runtime.transfer.reports import Totals
from runtime.workspace import Workspace

TOO_MANY = kind(
    "bulk_edit_too_many",
    en="At most {limit} records are changed at once. Narrow the filter.",
    zh="一次最多修改 {limit} 条记录，请缩小筛选范围。",
)

MOST = 200_000
_CHUNK = 500
_QUEUED = "queued"


@dataclass(frozen=True, slots=True)
class Edited:
    """What a bulk edit did; with `job`, what it is going to do to `rows` records."""

    totals: Totals
    verdicts: tuple[JobRow, ...] = ()
    """Those that were refused, when it was done at once."""
    job: str | None = None
    rows: int = 0


def edit(
    ws: Workspace,
    query: Query,
    values: Mapping[str, Any],
    background: bool | None = None,
    confirm: Sequence[str] = (),
) -> Edited:
    """Set values (JSON, by names) on every record that a query finds or names by `ids`.

    The records are chosen now, so a change that takes them out of the filter does not confuse it. What none of them
    could take is refused as a whole, even when there are none. `confirm`: names of the rules whose warnings stop none.
    """
    entity = entity_of(ws.model, query.entity)
    require(ws, entity, "update")
    values = records.require_values(ws, entity, values)
    ids = _chosen(ws, query, entity)
    if background if background is not None else len(ids) > INLINE:
        return _queue(ws, entity, ids, values, confirm)
    found = _write(ws, entity, [JobRow(at, _QUEUED, id) for at, id in enumerate(ids, 1)], values, confirm)
    refused = tuple(each for each in found if each.verdict == "failed")
    return Edited(Totals.counted([each.verdict for each in found]), refused, rows=len(ids))


def _chosen(ws: Workspace, query: Query, entity: Entity) -> list[str]:
    wanted = Query(entity.id, query.where, fields=("id",), q=query.q, ids=query.ids)
    found: list[str] = []
    for rows in queries.stream(ws, wanted):
        found += [row[0] for row in rows]
        if len(found) > MOST:
            raise TooLarge(TOO_MANY(limit=MOST))
    return found


def _queue(
    ws: Workspace, entity: Entity, ids: Sequence[str], values: Mapping[str, Any], confirm: Sequence[str]
) -> Edited:
    kept = sealing.hidden(ws, "_job", entity.id, dict(values)) if sealing.names_of(entity) else dict(values)
    payload = {"entity": entity.id, "values": kept, "rows": len(ids), "confirm": list(confirm)}
    job = jobs.enqueue(ws, "bulk_edit", payload)
    for at in range(0, len(ids), 1_000):
        part = enumerate(ids[at : at + 1_000], at + 1)
        job_rows.put(ws, job, [JobRow(line, _QUEUED, id) for line, id in part])
    return Edited(Totals(), job=job, rows=len(ids))


def step(step: Step) -> Outcome:
    """Change the next records and write down what became of each, in one transaction."""
    ws, job = step.ws, step.job
    entity = entity_of(ws.model, job.payload["entity"])
    totals = Totals(**job.progress.get("totals", {}))
    rows = job_rows.read(ws, job.id, (_QUEUED,), after=int(job.progress.get("line", 0)), limit=_CHUNK)
    if not rows:
        return Done({"totals": asdict(totals)})
    values = sealing.shown(ws, "_job", entity.id, job.payload["values"])
    found = _write(ws, entity, rows, values, job.payload.get("confirm", ()))
    job_rows.remove(ws, job.id, [each.line for each in rows])
    job_rows.put(ws, job.id, found)
    totals = totals.plus(Totals.counted([each.verdict for each in found]))
    progress = {"line": rows[-1].line, "done": totals.rows, "total": job.payload["rows"], "totals": asdict(totals)}
    return More(progress)


def _write(
    ws: Workspace, entity: Entity, rows: Sequence[JobRow], values: Mapping[str, Any], confirm: Sequence[str]
) -> list[JobRow]:
    changes = [{**values, "id": each.record} for each in rows]
    verdicts = records.write_many(ws, entity, "update", changes, ("id",), confirm=confirm)
    return [_judged(row, verdict) for row, verdict in zip(rows, verdicts, strict=True)]


def _judged(row: JobRow, verdict: Verdict) -> JobRow:
    if verdict.problems:
        return JobRow(row.line, "failed", row.record, job_rows.told(verdict.problems))
    return JobRow(row.line, verdict.action, row.record)
