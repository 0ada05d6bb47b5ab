"""Files in and out over REST: imports and exports, at once when they are small, as jobs when they are not."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from flask import Response, request, send_file, url_for
from werkzeug.datastructures import FileStorage

from blueprints import context
from blueprints.api import arguments, jobs
from blueprints.api.files import NO_PART
from blueprints.api.records import entity_of
from blueprints.api.writing import Written, asked, write
from blueprints.limits import UNKNOWN_KEY, json_object, require_keys
from metadata.problems import BadRequest, NotFound, Problem, kind
from runtime import files
from runtime.queries import Query
from runtime.transfer import export_jobs, exporting, importing, reports
from runtime.transfer.importing import Brought
from runtime.transfer.options import Options
from runtime.transfer.reports import Report
from runtime.workspace import Workspace

_FLAGS = ("dry_run", "all_or_nothing", "ignore_unknown", "accept_warnings")
_OPTIONS = ("mode", "by", "mapping", *_FLAGS, "blank", "background")

OPTION_BAD = kind(
    "import_option",
    en="{key} is one of: {known}.",
    zh="{key} 只能是：{known}。",
)
NO_RESULT = kind(
    "job_no_file",
    en="This job has made no file. Look at its state first.",
    zh="该任务没有生成文件。请先查看任务状态。",
)


def import_(entity: str) -> Response:
    """multipart/form-data with `file` and options: 200 with the report, or 202 when it became a job."""
    arguments.read(request)
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise BadRequest(NO_PART("file"))
    options = options_of(request.form, context.language())

    def answered(report: Report) -> Written:
        where = url_for("api.job", id=report.job) if report.job else None
        return Written(report.as_json(context.language()), 202 if report.job else 200, where)

    with kept(upload) as path, path.open("rb") as stream, _read(entity, path, options) as file:
        said = asked(hashlib.file_digest(stream, "sha256").digest(), upload.filename, *sorted(request.form.items()))
        return write(lambda ws: answered(importing.take(ws, entity, file, options)), said, importing.CHANNEL)


def load(entity: str, path: Path, options: Options) -> Report:
    """Load a file for the caller, who must be allowed to import. Raises Forbidden."""
    with _read(entity, path, options) as file:
        return context.perform(
            lambda ws: importing.take(ws, entity, file, options), write=True, channel=importing.CHANNEL
        )


def _read(entity: str, path: Path, options: Options) -> AbstractContextManager[Brought]:
    known = context.perform(lambda ws: importing.names(ws, entity_of(ws, entity).id))
    return importing.staging(path, options, known)


@contextlib.contextmanager
def kept(upload: FileStorage) -> Iterator[Path]:
    """An upload under its own name in a folder of its own; the folder goes when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        # Only the end of the name matters (.csv, .xlsx); the rest is the sender's and stays out of paths.
        suffix = Path(upload.filename or "").suffix.lower()
        path = Path(folder) / ("upload" + (suffix if suffix in (".csv", ".tsv", ".txt", ".xlsx") else ""))
        upload.save(path)
        yield path


def options_of(given: Mapping[str, str], lang: str) -> Options:
    """The options of an import as a form has them. Raises BadRequest with everything wrong."""
    problems: list[Problem] = [
        UNKNOWN_KEY(key, key=key, known=_OPTIONS) for key in given if key not in (*_OPTIONS, "csrf")
    ]
    found: dict[str, Any] = {"language": lang}
    for key, known in (("mode", ("insert", "update", "upsert")), ("blank", ("keep", "clear"))):
        if given.get(key):
            found[key] = given[key]
            if given[key] not in known:
                problems.append(OPTION_BAD(key, key=key, known=known))
    for key in (*_FLAGS, "background"):
        if given.get(key):
            found[key] = given[key] == "true"
            if given[key] not in ("true", "false"):
                problems.append(OPTION_BAD(key, key=key, known=("true", "false")))
    if given.get("mapping"):
        found["mapping"] = given["mapping"]
    if given.get("by"):
        found["by"] = tuple(each.strip() for each in given["by"].split(",") if each.strip())
    if problems:
        raise BadRequest(problems)
    return Options(**found)


def export(entity: str) -> Response:
    """Start an export: `{"kind": "csv"|"xlsx", "headers": "key"|"label", "where", "sort", "fields", "q"}` -> 202."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "kind", "headers", "where", "sort", "fields", "q", "deleted")
    sheet, shape = _sheet(body), _shape(body)

    def command(ws: Workspace) -> Written:
        job = export_jobs.queue(ws, Query(entity_of(ws, entity).id, **shape), sheet)
        return Written({"job": job}, 202, url_for("api.job", id=job))

    return write(command, raw)


def _sheet(body: Mapping[str, Any]) -> exporting.Sheet:
    problems = []
    for key, known in (("kind", ("csv", "xlsx")), ("headers", ("key", "label"))):
        if body.get(key, known[0]) not in known:
            problems.append(OPTION_BAD(key, key=key, known=known))
    if problems:
        raise BadRequest(problems)
    return exporting.Sheet(body.get("kind", "csv"), body.get("headers", "key"))


def _shape(body: Mapping[str, Any]) -> dict[str, Any]:
    problems = []
    for key in ("where", "sort", "fields", "q"):
        if not isinstance(body.get(key, ""), str):
            problems.append(NOT_TEXT(key, key=key))
    if not isinstance(body.get("deleted", False), bool):
        problems.append(OPTION_BAD("deleted", key="deleted", known=("true", "false")))
    if problems:
        raise BadRequest(problems)
    given = {key: body[key] for key in ("sort", "fields") if body.get(key)}
    shape = {
        "where": body.get("where") or None,
        "q": body.get("q") or None,
        "deleted": body.get("deleted", False),
        "sort": arguments.names(given, "sort", problems) or (),
        "fields": arguments.names(given, "fields", problems),
    }
    if problems:
        raise BadRequest(problems)
    return shape


NOT_TEXT = kind(
    "value_text_wanted",
    en="{key} is a text.",
    zh="{key} 必须是文本。",
)


def rows(id: str) -> Response:
    """The rows that a job refused, as CSV: mend it and load it again."""
    arguments.read(request)

    def write(ws: Workspace, path: Path) -> None:
        job = jobs.of(ws, id)
        headers = tuple(job.payload.get("headers", ()))
        reports.write_refused(path, headers, reports.refused_of_job(ws, job), context.language())

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "refused.csv"
    context.perform(lambda ws: write(ws, path))
    response = send_file(path, mimetype="text/csv", as_attachment=True, download_name="refused.csv")
    response.call_on_close(folder.cleanup)
    return response


def file(id: str) -> Response:
    """The file that a job made."""
    arguments.read(request)

    def find(ws: Workspace) -> tuple[Path, Mapping[str, str]]:
        job = jobs.of(ws, id)
        made = (job.result or {}).get("file")
        if not isinstance(made, str):
            raise NotFound(NO_RESULT())
        return files.open_file(ws, made)

    path, headers = context.perform(find)
    response = send_file(path, mimetype="application/octet-stream", etag=False)
    for header, value in headers.items():
        if header != "Content-Length":
            response.headers[header] = value
    return response
