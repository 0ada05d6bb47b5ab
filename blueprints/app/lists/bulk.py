"""The same done to many records of a list: edit, delete, bring back; with a reason for each that was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from blueprints import context
from blueprints.api import jobs as api_jobs
from blueprints.app import cells, controls
from blueprints.app.lists.asked import asked
from blueprints.app.lists.columns import editable_ids
from blueprints.app.shell import entity_of, shell_of, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.model import Entity, Field
from metadata.problems import BadRequest, Invalid, NotFound, Problem, kind, say
from runtime.jobs import rows as job_rows
from runtime.jobs import table as jobs
from runtime.jobs.rows import JobRow
from runtime.jobs.work import Job
from runtime.queries import Query
from runtime.queries.query import MAX_IDS
from runtime.transfer import bulk_delete, bulk_edit
from runtime.workspace import Workspace

_SHOWN = 100
"""Refused rows that are told one by one."""
_PREFIX = "set."
"""Before the names of controls: a field may be called `ids`."""

NONE_CHOSEN = kind(
    "list_bulk_none",
    en="No record is selected. Select some and try again.",
    zh="未选择任何记录。请选择后重试。",
)
NO_FIELD = kind(
    "list_bulk_field",
    en="There is no field {name} here that can be changed for several records at once.",
    zh="没有可批量修改的字段 {name}。",
)
NO_CHANGE = kind(
    "list_bulk_no_change",
    en="Choose at least one field to change.",
    zh="请至少选择一个要修改的字段。",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A record with which it was not done: its title, where it is, why."""

    title: str
    url: str
    reasons: tuple[str, ...]


# -- what is to be changed


def list_bulk(entity: str) -> Response:
    """The fields that may be changed for many records, to choose from."""
    return context.perform(lambda ws: _drawer(ws, entity_of(ws, entity), [], ()))


def list_bulk_control(entity: str) -> Response:
    """The control of one field, to be put among those to change: `?field=stage`."""
    return context.perform(lambda ws: _one(ws, entity_of(ws, entity), request.args.get("field", "")))


def _one(ws: Workspace, entity: Entity, name: str) -> Response:
    field = _field(ws, entity, name)
    return make_response(render_template("list_bulk_control.html", c=_control(_form(ws, entity), field, None)))


def _fields(ws: Workspace, entity: Entity) -> list[Field]:
    allowed = editable_ids(ws, entity)
    return [each for each in entity.fields.values() if each.id in allowed and not each.unique]


def _field(ws: Workspace, entity: Entity, name: str) -> Field:
    found = next((each for each in _fields(ws, entity) if name in (each.id, each.key)), None)
    if found is None:
        raise NotFound(NO_FIELD("field", name=name[:60]))
    return found


def _form(ws: Workspace, entity: Entity, problems: Sequence[Problem] = ()) -> controls.Form:
    words = Words(context.language())
    return controls.Form(ws, entity, words, text_context(ws), prefix=_PREFIX, problems=tuple(problems))


def _control(form: controls.Form, field: Field, sent: controls.Sent | None) -> controls.Control:
    return replace(controls.control(form, field, {}, sent), required=False)


def _drawer(
    ws: Workspace, entity: Entity, chosen: Sequence[Field], problems: Sequence[Problem], status: int = 200
) -> Response:
    form = _form(ws, entity, problems)
    sent = controls.Sent(request.form, request.files, _PREFIX) if chosen else None
    names = {each.key for each in chosen} | {each.id for each in chosen}
    others = [each for each in problems if each.path.split(".")[0] not in names]
    return make_response(
        render_template(
            "list_bulk.html",
            shell=shell_of(ws),
            fields=[{"key": each.key, "label": form.words.label(each.label)} for each in _fields(ws, entity)],
            controls=[_control(form, each, sent) for each in chosen],
            problems=[each.message(form.words.lang) for each in others],
            action=url_for("app.list_bulk_edit", entity=entity.key),
            control_url=url_for("app.list_bulk_control", entity=entity.key),
        ),
        status,
    )


# -- doing it


def list_bulk_edit(entity: str) -> Response:
    """Set the fields of the form on the selected records: verdicts, or the progress of a job. 422: the form again."""
    names = request.form.getlist("field")

    def command(ws: Workspace) -> Response:
        found = entity_of(ws, entity)
        fields = [_field(ws, found, each) for each in dict.fromkeys(names)]
        values, problems = _values(ws, found, fields)
        if problems:
            raise Invalid(problems)
        edited = bulk_edit.edit(ws, _selected(ws, found), values)
        if edited.job is not None:
            return _progress(ws, found, jobs.get(ws, edited.job))
        totals = edited.totals
        counts = {"edited": totals.updated, "same": totals.unchanged, "refused": totals.failed}
        return verdicts(ws, found, counts, edited.verdicts)

    try:
        return context.perform(command, write=True)
    except (Invalid, BadRequest) as error:
        problems = error.problems
    return context.perform(lambda ws: _again(ws, entity, names, problems))


def _again(ws: Workspace, entity: str, names: Sequence[str], problems: Sequence[Problem]) -> Response:
    found = entity_of(ws, entity)
    return _drawer(ws, found, [_field(ws, found, each) for each in dict.fromkeys(names)], problems, 422)


def _values(ws: Workspace, entity: Entity, fields: Sequence[Field]) -> tuple[dict[str, Any], list[Problem]]:
    """The JSON of what was entered; a control that was left empty empties its field."""
    form, sent = _form(ws, entity), controls.Sent(request.form, request.files, _PREFIX)
    values: dict[str, Any] = {}
    problems: list[Problem] = [] if fields else [NO_CHANGE()]
    for field in fields:
        there, value, wrong = controls.read(form, field, sent)
        problems += wrong
        if not wrong:
            values[field.key] = value if there else None
    return values, problems


def list_bulk_delete(entity: str) -> Response:
    """Delete the selected records: verdicts, or the progress of a job."""

    def command(ws: Workspace) -> Response:
        found = entity_of(ws, entity)
        return _deleted(ws, found, bulk_delete.delete(ws, _selected(ws, found)), "deleted")

    return context.perform(command, write=True)


def list_bulk_restore(entity: str) -> Response:
    """Bring back what was deleted: `ids`, or everything that a `job` deleted."""

    def command(ws: Workspace) -> Response:
        found, job = entity_of(ws, entity), request.form.get("job")
        if job:
            made = bulk_delete.undo(ws, _job(ws, found, job, "bulk_delete"))
        else:
            made = bulk_delete.restore(ws, found, chosen_ids())
        return _deleted(ws, found, made, "restored")

    return context.perform(command, write=True)


def _deleted(ws: Workspace, entity: Entity, made: bulk_delete.Deleted, what: str) -> Response:
    if made.job is not None:
        return _progress(ws, entity, jobs.get(ws, made.job))
    counts = {what: made.totals.updated, "refused": made.totals.failed}
    return verdicts(ws, entity, counts, made.refused, undo=made.done if what == "deleted" else ())


def _selected(ws: Workspace, entity: Entity) -> Query:
    """The records that are named, or all that meet the filter of the address."""
    if request.form.get("all") == "true":
        return asked(ws, entity).query(("id",))
    return Query(entity.id, ids=chosen_ids())


def chosen_ids() -> tuple[str, ...]:
    ids = tuple(dict.fromkeys(each.lower() for each in request.form.get("ids", "").split(",") if cells.is_id(each)))
    if not ids or len(ids) > MAX_IDS:
        raise BadRequest(NONE_CHOSEN("ids"))
    return ids


# -- what became of it


def list_bulk_job(entity: str, id: str) -> Response:
    """How far a bulk edit or delete is; when it is over, what became of each record."""
    return context.perform(lambda ws: _watched(ws, entity_of(ws, entity), id))


def _watched(ws: Workspace, entity: Entity, id: str) -> Response:
    job = _job(ws, entity, id, "bulk_edit", "bulk_delete")
    if job.state in ("queued", "running"):
        return _progress(ws, entity, job)
    state = job.result if job.result is not None else job.progress
    totals: Mapping[str, int] = state.get("totals", {})
    done = "edited" if job.kind == "bulk_edit" else "deleted" if job.payload.get("action") == "delete" else "restored"
    counts = {done: totals.get("updated", 0), "same": totals.get("unchanged", 0), "refused": totals.get("failed", 0)}
    refused = job_rows.read(ws, job.id, ("failed",), limit=_SHOWN)
    return verdicts(ws, entity, counts, refused, job=job)


def _job(ws: Workspace, entity: Entity, id: str, *kinds: str) -> Job:
    """A job about records of this entity. Raises NotFound."""
    job = api_jobs.of(ws, id)
    if job.kind not in kinds or job.payload.get("entity") != entity.id:
        raise NotFound(jobs.UNKNOWN_JOB(id=id[:60]))
    return job


def _progress(ws: Workspace, entity: Entity, job: Job) -> Response:
    return make_response(
        render_template(
            "list_verdicts.html",
            running=True,
            job=job,
            done=job.progress.get("done", 0),
            total=job.payload["rows"],
            watch=url_for("app.list_bulk_job", entity=entity.key, id=job.id),
            cancel=url_for("api.cancel", id=job.id),
        )
    )


def verdicts(
    ws: Workspace,
    entity: Entity,
    counts: Mapping[str, int],
    refused: Sequence[JobRow],
    undo: Sequence[str] = (),
    job: Job | None = None,
) -> Response:
    words, reading = Words(context.language()), text_context(ws)
    told = refused[:_SHOWN]
    titles = cells.Titles(ws, reading, words.file)
    titles.learn((entity.key, each.record) for each in told if each.record is not None)
    error = (job.error or {}).get("problems", []) if job is not None and job.state in ("failed", "dead") else []
    deleted_by_job = job is not None and job.payload.get("action") == "delete" and counts.get("deleted")
    return make_response(
        render_template(
            "list_verdicts.html",
            running=False,
            state=job.state if job is not None else "done",
            counts=[(name, count) for name, count in counts.items() if count or name in ("edited", "deleted")],
            refused=[_verdict(entity, each, titles, words) for each in told],
            further=counts.get("refused", 0) - len(told),
            errors=[say(each.get("message", ""), words.lang) for each in error],
            undo_ids=",".join(undo),
            undo_job=job.id if job is not None and deleted_by_job else "",
            undo_url=url_for("app.list_bulk_restore", entity=entity.key),
        )
    )


def _verdict(entity: Entity, row: JobRow, titles: cells.Titles, words: Words) -> Verdict:
    id = row.record or ""
    reasons = tuple(dict.fromkeys(say(each["message"], words.lang) for each in row.problems))
    return Verdict(titles.piece(entity.key, id).text, url_for("app.show", entity=entity.key, id=id), reasons)


ROUTES = (
    Route("/app/-/bulk/<entity>", "GET", list_bulk, PAGE),
    Route("/app/-/bulk/<entity>/control", "GET", list_bulk_control, PAGE),
    Route("/app/-/bulk/<entity>/edit", "POST", list_bulk_edit, PAGE),
    Route("/app/-/bulk/<entity>/delete", "POST", list_bulk_delete, PAGE),
    Route("/app/-/bulk/<entity>/restore", "POST", list_bulk_restore, PAGE),
    Route("/app/-/bulk/<entity>/job/<id>", "GET", list_bulk_job, PAGE),
)
