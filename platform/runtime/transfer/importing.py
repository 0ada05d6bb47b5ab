"""Files become records: at once when they are small, as a job in resumable chunks when they are not."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from metadata.model import Entity
from metadata.problems import Forbidden, TooLarge, kind
from runtime import files
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import rows as job_rows
from runtime.jobs import table as jobs
from runtime.jobs.rows import JobRow
from runtime.jobs.work import Done, More, Outcome, Step
from runtime.queries.names import entity_of
from runtime.records.policies import require
from runtime.transfer import mapping, reading
from runtime.transfer.capabilities import require_import
from runtime.transfer.loading import Loader, Written
from runtime.transfer.mapping import Plan
from runtime.transfer.options import CHUNK, INLINE, USUAL, WHOLE, Options
from runtime.transfer.reading import Row, Staged
from runtime.transfer.reports import Refusal, Report, Totals
from runtime.workspace import Identify, Workspace, open_workspace

TOO_MANY_FOR_WHOLE = kind(
    "import_too_many_for_whole",
    en="All-or-nothing takes at most {limit} rows, this file has {rows}. Split it, or keep the good rows.",
    zh="“全部成功或全部放弃”最多支持 {limit} 行，该文件有 {rows} 行。请拆分文件，或选择保留正确的行。",
)

_MOST_STAGED = 4 * 1024**3
_ANALYZE_FROM = 10_000


class _Undo(Exception):
    """Takes back what a savepoint holds."""


def load(host: Host, tenant: Tenant, identify: Identify, entity: str, path: Path, options: Options = USUAL) -> Report:
    """Load a file. Raises PlatformError when nothing can be loaded; single rows are refused in the report.

    Files of more than 500 rows become a job (`report.job`), unless `options.background` says otherwise.
    """
    with open_workspace(host, tenant, identify, channel="import") as ws:
        require_import(ws)
        known = mapping.known_names(entity_of(ws.model, entity))
    with tempfile.TemporaryDirectory() as folder:
        staged_path = Path(folder) / "rows"
        staged = reading.stage(path, staged_path, options.format, known)
        background = options.background if options.background is not None else staged.rows > INLINE
        if options.all_or_nothing and staged.rows > WHOLE:
            raise TooLarge(TOO_MANY_FOR_WHOLE(limit=WHOLE, rows=staged.rows))
        with open_workspace(host, tenant, identify, write=True, channel="import") as ws:
            plan = _plan(ws, entity_of(ws.model, entity), staged.headers, options)
            if background:
                return _queue(ws, plan, options, staged, staged_path, path.name)
            return _inline(ws, plan, options, staged, staged_path)


def _plan(ws: Workspace, entity: Entity, headers: tuple[str, ...], options: Options) -> Plan:
    require_import(ws)
    if not _may_write(ws, entity):
        require(ws, entity, "create")
    plan = mapping.plan(ws.model, ws.actor, entity, headers, options)
    for action in {"insert": ("create",), "update": ("update",), "upsert": ("create", "update")}[plan.mode]:
        require(ws, entity, action)
    return plan


def _may_write(ws: Workspace, entity: Entity) -> bool:
    """Whether the actor may create or change any record of an entity."""
    for action in ("create", "update"):
        with contextlib.suppress(Forbidden):
            require(ws, entity, action)
            return True
    return False


def _file_info(plan: Plan, staged: Staged) -> dict[str, Any]:
    return {**staged.as_json(), "ignored": list(plan.ignored), "mode": plan.mode}


def _inline(ws: Workspace, plan: Plan, options: Options, staged: Staged, path: Path) -> Report:
    with path.open("rb") as stream:
        totals, refused, kept = _whole(ws, plan, options, reading.read(stream))
    info = _file_info(plan, staged)
    return Report(plan.entity.id, totals, plan.headers, tuple(refused), written=kept, file=info)


def _whole(
    ws: Workspace, plan: Plan, options: Options, rows: Iterator[Row], step: Step | None = None
) -> tuple[Totals, list[Refusal], bool]:
    """Load everything in this one transaction; whether it was kept (else it is taken back)."""
    loader, totals = Loader(ws, plan, options), Totals()
    refused: list[Refusal] = []
    waiting: list[tuple[Row, str]] = []
    keep = False
    with contextlib.suppress(_Undo), ws.db.savepoint():
        while chunk := list(islice(rows, CHUNK)):
            if step is not None and not jobs.wanted(ws, step.job):
                raise jobs.Cancelled
            written = loader.write(chunk)
            totals = totals.plus(written.totals)
            refused += written.refused
            waiting += written.waiting
            if step is not None:
                step.tell({"done": totals.rows, "totals": asdict(totals)})
        late = _linked(loader, waiting)
        totals = replace(totals, incomplete=len({each.line for each in late}))
        refused += late
        keep = not options.dry_run and not (options.all_or_nothing and refused)
        if not keep:
            raise _Undo
    refused.sort(key=lambda each: each.line)
    return totals, refused, keep


def _linked(loader: Loader, waiting: Sequence[tuple[Row, str]]) -> list[Refusal]:
    found: list[Refusal] = []
    for at in range(0, len(waiting), CHUNK):
        found += loader.link(waiting[at : at + CHUNK])
    return found


def _queue(ws: Workspace, plan: Plan, options: Options, staged: Staged, path: Path, name: str) -> Report:
    with path.open("rb") as stream:
        file = files.store(ws, stream, f"{name}.rows", None, _MOST_STAGED)
    info = _file_info(plan, staged)
    payload = {
        "entity": plan.entity.id,
        "file": file,
        "name": name,
        "options": options.as_json(),
        "headers": list(plan.headers),
        "rows": staged.rows,
        "file_info": info,
    }
    job = jobs.enqueue(ws, "import", payload)
    return Report(plan.entity.id, Totals(), plan.headers, job=job, state="queued", written=False, file=info)


def step(step: Step) -> Outcome:
    """One part of an import's job: a chunk of rows and the position behind it, or all of it when it must be whole."""
    ws, payload = step.ws, step.job.payload
    options = Options.from_json(payload["options"])
    plan = _plan(ws, entity_of(ws.model, payload["entity"]), tuple(payload["headers"]), options)
    path, _ = files.open_file(ws, payload["file"])
    with path.open("rb") as stream:
        if options.all_or_nothing or (options.dry_run and payload["rows"] <= WHOLE):
            totals, refused, kept = _whole(ws, plan, options, reading.read(stream), step)
            job_rows.put(ws, step.job.id, [each.as_row() for each in refused])
            return _finished(ws, plan, totals, kept)
        if step.job.progress.get("phase") == "links":
            return _link_step(step, plan, options)
        return _row_step(step, plan, options, list(islice(reading.read(stream, _position(step)), CHUNK)))


def _position(step: Step) -> int:
    return int(step.job.progress.get("position", 0))


def _row_step(step: Step, plan: Plan, options: Options, rows: list[Row]) -> Outcome:
    ws, job = step.ws, step.job
    totals = Totals(**job.progress.get("totals", {}))
    if rows:
        written = _chunk(ws, plan, options, rows)
        totals = totals.plus(written.totals)
        job_rows.put(ws, job.id, [each.as_row() for each in written.refused])
        waiting = [JobRow(row.line, "waiting", record, (), list(row.cells)) for row, record in written.waiting]
        job_rows.put(ws, job.id, waiting)
    progress = {
        "phase": "rows",
        "position": rows[-1].end if rows else _position(step),
        "done": totals.rows,
        "total": job.payload["rows"],
        "totals": asdict(totals),
        "waiting": job.progress.get("waiting", False) or bool(rows and written.waiting),
    }
    if totals.rows < job.payload["rows"]:
        return More(progress)
    if progress["waiting"]:
        return More({**progress, "phase": "links"})
    return _finished(ws, plan, totals, not options.dry_run)


def _chunk(ws: Workspace, plan: Plan, options: Options, rows: Sequence[Row]) -> Written:
    found: list[Written] = []
    with contextlib.suppress(_Undo), ws.db.savepoint() if options.dry_run else contextlib.nullcontext():
        found.append(Loader(ws, plan, options).write(rows))
        if options.dry_run:
            raise _Undo
    return found[0] if not options.dry_run else replace(found[0], waiting=())


def _link_step(step: Step, plan: Plan, options: Options) -> Outcome:
    """Set links to rows of the same file, now that all are written."""
    ws, job = step.ws, step.job
    totals = Totals(**job.progress["totals"])
    held = job_rows.read(ws, job.id, ("waiting",), limit=CHUNK)
    if not held:
        return _finished(ws, plan, totals, True)
    waiting = [(Row(each.line, tuple(each.source), (), 0), str(each.record)) for each in held]
    told = Loader(ws, plan, options).link(waiting)
    job_rows.remove(ws, job.id, [each.line for each in held])
    lines = {each.line: each for each in told}
    job_rows.put(ws, job.id, [each.as_row() for each in lines.values()])
    totals = replace(totals, incomplete=totals.incomplete + len(lines))
    return More({**job.progress, "totals": asdict(totals)})


def _finished(ws: Workspace, plan: Plan, totals: Totals, kept: bool) -> Done:
    if kept and totals.created + totals.updated >= _ANALYZE_FROM and ws.db.dialect == "postgresql":
        jobs.enqueue(ws, "analyze", {"entity": plan.entity.id})
    return Done({"totals": asdict(totals), "written": kept})
