"""Files become records: at once when they are small, as a job in resumable chunks when they are not."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
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
from runtime.pauses import without_pauses
from runtime.queries.names import entity_of
from runtime.records.policies import require
from runtime.transfer import mapping, reading
from runtime.transfer.capabilities import require_import
from runtime.transfer.cells import Converted, PlainConverter
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

CHANNEL = "import"
_MOST_STAGED = 4 * 1024**3
_ANALYZE_FROM = 10_000


class _Undo(Exception):
    """Takes back what a savepoint holds."""


def load(host: Host, tenant: Tenant, identify: Identify, entity: str, path: Path, options: Options = USUAL) -> Report:
    """Load a file. Raises PlatformError when nothing can be loaded; single rows are refused in the report.

    Files of more than 500 rows become a job (`report.job`), unless `options.background` says otherwise.
    """
    with open_workspace(host, tenant, identify, channel=CHANNEL) as ws:
        known = names(ws, entity)
    with (
        staging(path, options, known) as file,
        open_workspace(host, tenant, identify, write=True, channel=CHANNEL) as ws,
    ):
        return take(ws, entity, file, options)


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that has been read: what is known of it, and its rows in a temporary file."""

    name: str
    staged: Staged
    path: Path


def names(ws: Workspace, entity: str) -> tuple[str, ...]:
    """Names by which a header is known. Raises Forbidden when the actor may not import, NotFound."""
    require_import(ws)
    return mapping.known_names(entity_of(ws.model, entity))


@contextlib.contextmanager
def staging(path: Path, options: Options, known: Sequence[str]) -> Iterator[Brought]:
    """Read a file outside of any transaction; its rows stay until the block ends. Raises PlatformError."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows"
        staged = reading.stage(path, rows, options.format, known)
        if options.all_or_nothing and staged.rows > WHOLE:
            raise TooLarge(TOO_MANY_FOR_WHOLE(limit=WHOLE, rows=staged.rows))
        yield Brought(path.name, staged, rows)


def take(ws: Workspace, entity: str, file: Brought, options: Options) -> Report:
    """Load a file that was read, or queue the job that does; everything in the transaction that is given."""
    plan = _plan(ws, entity_of(ws.model, entity), file.staged.headers, options)
    if options.background if options.background is not None else file.staged.rows > INLINE:
        return _queue(ws, plan, options, file)
    return _inline(ws, plan, options, file)


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


def _inline(ws: Workspace, plan: Plan, options: Options, brought: Brought) -> Report:
    with brought.path.open("rb") as stream:
        totals, refused, kept = _whole(ws, plan, options, reading.read(stream))
    info = _file_info(plan, brought.staged)
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


def _queue(ws: Workspace, plan: Plan, options: Options, brought: Brought) -> Report:
    with brought.path.open("rb") as stream:
        file = files.store(ws, stream, f"{brought.name}.rows", None, _MOST_STAGED)
    info = _file_info(plan, brought.staged)
    payload = {
        "entity": plan.entity.id,
        "file": file,
        "name": brought.name,
        "options": _lasting(plan, options).as_json(),
        "headers": list(plan.headers),
        "rows": brought.staged.rows,
        "file_info": info,
    }
    job = jobs.enqueue(ws, "import", payload)
    return Report(plan.entity.id, Totals(), plan.headers, job=job, state="queued", written=False, file=info)


def _lasting(plan: Plan, options: Options) -> Options:
    """The options with what the columns mean by ids: names may be changed before the job has done its last rows."""
    if options.mapping is not None:
        return options
    columns = {
        each.header: ".".join(filter(None, (each.field.id, each.part, each.by.id if each.by is not None else None)))
        for each in plan.columns
    }
    by = tuple(each.id for each in plan.by)
    return replace(options, mode=plan.mode, by=by, columns=columns, ignore=plan.ignored)


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
    with without_pauses():
        if step.job.progress.get("phase") == "links":
            return _link_step(step, plan, options)
        return _row_step(step, plan, options, path)


def _position(step: Step) -> int:
    return int(step.job.progress.get("position", 0))


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of a file with the values of their plain columns. `converter` goes on to the next part."""

    rows: Sequence[Row]
    found: list[Converted]
    converter: PlainConverter


def _part(path: Path, position: int, converter: PlainConverter) -> _Part:
    with path.open("rb") as stream:
        rows = list(islice(reading.read(stream, position), CHUNK))
    return _Part(rows, converter.convert(rows), converter)


def _row_step(step: Step, plan: Plan, options: Options, path: Path) -> Outcome:
    ws, job = step.ws, step.job
    totals = Totals(**job.progress.get("totals", {}))
    position = _position(step)
    # Equal keys mean equal values: the rows, and everything that says how they are read.
    basis = (ws.tenant.id, job.id, ws.model.fingerprint, ws.actor, repr(job.payload["options"]))
    part: _Part | None = ws.host.ahead.take((*basis, position))
    if part is None:
        part = _part(path, position, PlainConverter(ws, plan, options))
    rows = part.rows
    if rows:
        if totals.rows + len(rows) < job.payload["rows"]:
            end = rows[-1].end
            ws.host.ahead.begin((*basis, end), partial(_part, path, end, part.converter))
        written = _chunk(ws, plan, options, part)
        totals = totals.plus(written.totals)
        job_rows.put(ws, job.id, [each.as_row() for each in written.refused])
        waiting = [JobRow(row.line, "waiting", record, (), list(row.cells)) for row, record in written.waiting]
        job_rows.put(ws, job.id, waiting)
    progress = {
        "phase": "rows",
        "position": rows[-1].end if rows else position,
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


def _chunk(ws: Workspace, plan: Plan, options: Options, part: _Part) -> Written:
    found: list[Written] = []
    with contextlib.suppress(_Undo), ws.db.savepoint() if options.dry_run else contextlib.nullcontext():
        found.append(Loader(ws, plan, options, part.converter).write_converted(part.found))
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
