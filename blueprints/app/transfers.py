"""The import page (upload, preview, check, load) and the page of a job."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.api import jobs as api_jobs
from blueprints.api.transfers import load
from blueprints.app.shell import entity_of, page
from blueprints.policies import PAGE, PAGE_FILES, Route
from blueprints.texts import Words
from metadata.model import Entity, ImportMapping
from metadata.problems import PlatformError, Problem
from runtime import files
from runtime.jobs import table
from runtime.jobs.work import Job
from runtime.transfer import mapping, reading, reports
from runtime.transfer.capabilities import require_import
from runtime.transfer.options import Options
from runtime.transfer.reports import Report
from runtime.workspace import Workspace

_SAMPLES = 3
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the form says."""

    mapping: str = ""
    mode: str = "insert"
    by: str = ""
    keep_good: bool = True
    dry_run: bool = False
    accept_warnings: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One column of the file in the preview."""

    column: str
    field: str
    sample: str


def import_(entity: str) -> Response:
    """The empty form."""
    return context.perform(lambda ws: _page(ws, _importable(ws, entity), Chosen()))


def _importable(ws: Workspace, name: str) -> Entity:
    found = entity_of(ws, name)
    require_import(ws)
    return found


def import_post(entity: str) -> Response:
    """Preview, or load: a small file is done at once, a big one becomes a job."""
    chosen = _chosen(request.form)
    options = _options(chosen)
    try:
        with _file(entity) as (file_id, path):
            if request.form.get("run"):
                return _loaded(entity, path, chosen, options, file_id)
            preview = _preview(entity, path, options)
        return context.perform(lambda ws: _page(ws, _importable(ws, entity), chosen, file_id=file_id, preview=preview))
    except PlatformError as error:
        if error.status not in (400, 409, 413, 422):
            raise
        refused = error
    return context.perform(lambda ws: _page(ws, _importable(ws, entity), chosen, refused.problems, refused.status))


def _chosen(form: Mapping[str, str]) -> Chosen:
    mode = form.get("mode", "insert")
    return Chosen(
        form.get("mapping", ""),
        mode if mode in ("insert", "update", "upsert") else "insert",
        form.get("by", ""),
        bool(form.get("keep_good")),
        bool(form.get("dry_run")),
        bool(form.get("accept_warnings")),
    )


def _options(chosen: Chosen) -> Options:
    options = Options(
        by=(chosen.by,) if chosen.by else (),
        mapping=chosen.mapping or None,
        all_or_nothing=not chosen.keep_good,
        dry_run=chosen.dry_run,
        accept_warnings=chosen.accept_warnings,
        ignore_unknown=True,
        language=context.language(),
    )
    match chosen.mode:
        case "update":
            return replace(options, mode="update")
        case "upsert":
            return replace(options, mode="upsert")
    return replace(options, mode="insert") if not chosen.mapping else options


@contextlib.contextmanager
def _file(entity: str) -> Iterator[tuple[str, Path]]:
    """The file of this import: the one that was uploaded before, or a new one, which is kept for the next step."""
    upload = request.files.get("file")
    held = request.form.get("file_id", "")

    def command(ws: Workspace) -> tuple[str, Path]:
        _importable(ws, entity)
        if upload is not None and upload.filename:
            upload.stream.seek(0)
            id = files.store(ws, upload.stream, upload.filename, None)
        else:
            id = held
        return id, files.open_file(ws, id)[0]

    id, path = context.perform(command, write=True)
    # Kept files have no ending, and endings tell a workbook from a text for nobody but people.
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "upload"
        shutil.copyfile(path, own)
        yield id, own


def _preview(entity: str, path: Path, options: Options) -> list[Line]:
    def command(ws: Workspace) -> list[Line]:
        found = _importable(ws, entity)
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows"
            staged = reading.stage(path, rows, options.format, mapping.known_names(found))
            plan = mapping.plan(ws.model, ws.actor, found, staged.headers, options)
            with rows.open("rb") as stream:
                samples = [row.cells for row, _ in zip(reading.read(stream), range(_SAMPLES), strict=False)]
        words = Words(context.language())
        fields = {column.at: words.label(column.field.label) for column in plan.columns}
        return [
            Line(header, fields.get(at, ""), " · ".join(row[at] for row in samples if at < len(row) and row[at]))
            for at, header in enumerate(staged.headers)
        ]

    return context.perform(command)


def _loaded(entity: str, path: Path, chosen: Chosen, options: Options, file_id: str) -> Response:
    report = load(entity, path, options)
    if report.job:
        return make_response(redirect(url_for("app.job", id=report.job), 303))
    return context.perform(lambda ws: _report_page(ws, report))


def _page(
    ws: Workspace,
    entity: Entity,
    chosen: Chosen,
    problems: Sequence[Problem] = (),
    status: int = 200,
    file_id: str = "",
    preview: Sequence[Line] = (),
) -> Response:
    words = Words(context.language())
    documents = [each for each in ws.model.all("imports") if each.entity == entity.id]
    return page(
        ws,
        "import.html",
        status,
        plural=words.label(entity.plural),
        mappings=[_named(each, words) for each in documents],
        keys=[
            {"key": each.key, "label": words.label(each.label)}
            for each in visibility.readable(ws, entity)
            if each.unique or each.id in ("id", entity.title) or each.type == "sequence"
        ],
        chosen=chosen,
        file_id=file_id,
        preview=preview,
        problems=[each.message(words.lang) for each in problems],
        urls={"list": url_for("app.find", entity=entity.key)},
    )


def _named(document: ImportMapping, words: Words) -> dict[str, str]:
    return {"key": document.key, "label": words.label(document.label)}


def job(id: str) -> Response:
    """How far a job is and what came out."""
    return context.perform(lambda ws: _job_page(ws, api_jobs.of(ws, id)))


def _job_page(ws: Workspace, found: Job) -> Response:
    words = Words(context.language())
    state = found.result if found.result is not None else found.progress
    report = reports.of_job(ws, found) if found.kind == "import" else None
    error = found.error or {}
    made = (found.result or {}).get("file")
    return page(
        ws,
        "job.html",
        job=found,
        running=found.state in ("queued", "running"),
        progress={"done": state.get("done", 0), "total": state.get("total")} if found.state == "running" else None,
        figures=_figures(report, words),
        refused=_refused(report, words),
        refused_url=url_for("api.rows", id=found.id) if report is not None and report.refused else None,
        file_url=url_for("api.file", id=found.id) if isinstance(made, str) else None,
        problems=[_told(each, words) for each in error.get("problems", [])],
    )


def _told(problem: Mapping[str, Any], words: Words) -> str:
    message = problem.get("message", "")
    return words.label(message) if isinstance(message, Mapping) else str(message)


def _figures(report: Report | None, words: Words) -> list[tuple[str, int]]:
    if report is None:
        return []
    totals = report.totals
    names = ("rows", "created", "updated", "unchanged", "skipped", "failed")
    return [(words(f"total_{name}"), getattr(totals, name)) for name in names]


def _refused(report: Report | None, words: Words) -> list[dict[str, Any]]:
    refused = report.refused[:_SHOWN] if report is not None else ()
    return [{"line": each.line, "messages": [each.reasons(words.lang)]} for each in refused]


def _report_page(ws: Workspace, report: Report) -> Response:
    """What a small import did, at once."""
    words = Words(context.language())
    entity = ws.model.entity(report.entity)
    return page(
        ws,
        "report.html",
        figures=_figures(report, words),
        refused=_refused(report, words),
        written=report.written,
        urls={"list": url_for("app.find", entity=entity.key if entity is not None else report.entity)},
    )


def cancel_job(id: str) -> Response:
    context.perform(lambda ws: table.cancel(ws, api_jobs.of(ws, id).id), write=True)
    return make_response(redirect(url_for("app.job", id=id), 303))


ROUTES = (
    Route("/app/-/jobs/<id>", "GET", job, PAGE),
    Route("/app/-/jobs/<id>/cancel", "POST", cancel_job, PAGE),
    Route("/app/<entity>/import", "GET", import_, PAGE),
    Route("/app/<entity>/import", "POST", import_post, PAGE_FILES),
)
