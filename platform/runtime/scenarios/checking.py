"""Compares what is there after a step with what the scenario expects; each difference is a problem at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metadata.expressions.explaining import lines
from metadata.problems import LANGUAGES, Gone, Label, NotFound, PlatformError, Problem
from metadata.scenarios import Count, Expect, Holds, Message, Request, RunOf, Standing
from metadata.workflows import Workflow
from runtime import queries, trying
from runtime.approvals import standing as standing_of
from runtime.processes import instances
from runtime.processes.instances import Run
from runtime.queries import Query
from runtime.queries.rules import sees
from runtime.scenarios import differing as d
from runtime.scenarios.comparing import same
from runtime.scenarios.naming import Cast
from runtime.scenarios.stage import Stage
from runtime.workspace import Workspace

_MOST = 500
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a step begins: what came before it does not count among what it sent."""

    id: str
    """An id made then: those of later records are larger."""
    letters: int
    calls: int


@dataclass(frozen=True, slots=True)
class Told:
    """A task, notification or mail that there is."""

    to: str
    subject: str
    text: str


def differences(stage: Stage, cast: Cast, expect: Expect, mark: Mark) -> list[Problem]:
    """Everything that is not as expected; the paths lead from `expect`."""
    with stage.acting(None, write=False) as ws:
        found = [
            *_records(ws, cast, expect.records),
            *(each for holds in expect.holds for each in _holds(ws, cast, holds)),
            *(each for key in expect.deleted for each in _deleted(ws, cast, key)),
            *(each for count in expect.counts for each in _count(ws, count)),
            *_told(cast, "tasks", d.TASK, expect.tasks, lambda: _tasks(ws)),
            *_told(cast, "notifications", d.NOTIFICATION, expect.notifications, lambda: _notifications(ws, mark)),
            *_told(cast, "mails", d.MAIL, _addressed(ws, cast, expect.mails), lambda: _mails(stage, mark)),
            *_calls(stage, expect.calls, mark),
            *(each for run in expect.runs for each in _runs(ws, cast, run)),
            *(each for standing in expect.approvals for each in _standing(ws, cast, standing)),
        ]
    return [*found, *_visible(stage, cast, expect.visible)]


# -- records


def _records(ws: Workspace, cast: Cast, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    for key, values in wanted.items():
        entity = ws.model.entity(cast.entities[key])
        assert entity is not None
        path = f"records.{key}"
        try:
            held = queries.get(ws, entity.id, cast.ids[key])
        except (NotFound, Gone) as error:
            yield d.GONE(path, record=key, found=_said(error))
            continue
        for id, value in values.items():
            field = entity.fields[id]
            found = held.get(field.key)
            if not same(field, cast.value(field, value), found):
                yield d.VALUE(
                    f"{path}.{field.key}",
                    record=key,
                    field=field.label,
                    expected=_text(value),
                    found=_text(cast.named(found)),
                )


def _holds(ws: Workspace, cast: Cast, wanted: Holds) -> Iterator[Problem]:
    path = f"holds.{wanted.record}"
    try:
        told = trying.try_on(ws, cast.entities[wanted.record], cast.ids[wanted.record], wanted.condition)
    except NotFound as error:
        yield d.GONE(path, record=wanted.record, found=_said(error))
        return
    if told.failed is not None:
        why = {lang: "; ".join(lines(told.failed, lang)[:_SHOWN]) for lang in LANGUAGES}
        yield d.NOT_HOLDING(path, record=wanted.record, expected=wanted.condition, found=why)


def _deleted(ws: Workspace, cast: Cast, key: str) -> Iterator[Problem]:
    try:
        queries.get(ws, cast.entities[key], cast.ids[key])
    except (NotFound, Gone):
        return
    yield d.DELETED(f"deleted.{key}", record=key)


def _visible(stage: Stage, cast: Cast, wanted: Mapping[str, Mapping[str, bool]]) -> Iterator[Problem]:
    for person, records in wanted.items():
        with stage.acting(cast.ids[person], write=False) as ws:
            for key, expected in records.items():
                entity = ws.model.entity(cast.entities[key])
                assert entity is not None
                if sees(ws, entity, "read", cast.ids[key], deleted=False) != expected:
                    what = d.VISIBLE if expected else d.HIDDEN
                    yield what(f"visible.{person}.{key}", person=person, record=key)


def _count(ws: Workspace, wanted: Count) -> Iterator[Problem]:
    entity = ws.model.entity(wanted.entity)
    assert entity is not None
    page = queries.find(ws, Query(entity.id, wanted.where, fields=("id",), limit=1, count="exact"))
    if page.count != wanted.count:
        yield d.COUNT(f"counts.{wanted.key}", what=entity.plural, expected=wanted.count, found=page.count)


# -- what people and others are told


def _told(
    cast: Cast, section: str, what: Label, wanted: Sequence[Message], there: Callable[[], Sequence[Told]]
) -> Iterator[Problem]:
    found = there() if wanted else ()
    for each in wanted:
        to = None if each.to is None else cast.ids.get(each.to, each.to) if section != "mails" else each.to
        fits = sum(1 for told in found if to in (None, told.to) and _reads(each, told))
        shown = [f"{cast.named(told.to)}: {told.subject}" for told in found]
        yield from _number(f"{section}.{each.key}", what, _wish(each), each.count, fits, shown)


def _reads(wanted: Message, told: Told) -> bool:
    """Whether a message says what it should."""
    whole = f"{told.subject}\n{told.text}"
    if wanted.subject is not None and told.subject not in wanted.subject.values():
        return False
    return wanted.contains is None or any(part in whole for part in wanted.contains.values())


def _number(
    path: str, what: Label, expected: str, count: int | None, number: int, shown: Sequence[str]
) -> Iterator[Problem]:
    there: Any = "; ".join([*shown[:_SHOWN], *(["..."] if len(shown) > _SHOWN else [])]) or d.NOTHING
    if count is None and number == 0:
        yield d.NONE_FITS(path, what=what, expected=expected, found=there)
    elif count is not None and number != count:
        yield d.HOW_MANY(path, what=what, expected=expected, count=count, number=number, found=there)


def _wish(message: Message) -> str:
    said = (" / ".join(dict.fromkeys(each.values())) for each in (message.subject, message.contains) if each)
    return ", ".join([*([message.to] if message.to else []), *said]) or "*"


def _tasks(ws: Workspace) -> list[Told]:
    return [Told(_id(each["assignee"]), each["title"], "") for each in _all(ws, "task", "status == 'open'")]


def _notifications(ws: Workspace, mark: Mark) -> list[Told]:
    new = (each for each in _all(ws, "notification", None) if each["id"] > mark.id)
    return [Told(_id(each["owner"]), each["subject"], each.get("body") or "") for each in new]


def _all(ws: Workspace, entity: str, where: str | None) -> list[dict[str, Any]]:
    if ws.model.entity(entity) is None:
        return []
    return queries.as_json(queries.find(ws, Query(entity, where, ("-id",), limit=_MOST)))


def _mails(stage: Stage, mark: Mark) -> list[Told]:
    return [Told(each.to, each.subject, each.text) for each in stage.doors.letters[mark.letters :]]


def _addressed(ws: Workspace, cast: Cast, wanted: Iterable[Message]) -> list[Message]:
    """The same with addresses in the place of people."""
    found = []
    for each in wanted:
        id = cast.ids.get(each.to or "")
        address = queries.get(ws, "user", id).get("email") if id is not None else each.to
        found.append(replace(each, to=address))
    return found


def _calls(stage: Stage, wanted: Sequence[Request], mark: Mark) -> Iterator[Problem]:
    found = stage.doors.calls[mark.calls :]
    for each in wanted:
        fits = [
            call
            for call in found
            if (each.url is None or call.url.startswith(each.url))
            and each.method in (None, call.method)
            and all(isinstance(call.body, Mapping) and call.body.get(key) == value for key, value in each.body.items())
        ]
        expected = " ".join(str(part) for part in (each.method, each.url, dict(each.body)) if part) or "*"
        shown = [f"{call.method} {call.url} {_text(call.body)}" for call in found]
        yield from _number(f"calls.{each.key}", d.CALL, expected, each.count, len(fits), shown)


# -- processes


def _runs(ws: Workspace, cast: Cast, wanted: RunOf) -> Iterator[Problem]:
    workflow: Workflow | None = ws.model.get("workflows", wanted.workflow)
    assert workflow is not None
    path = f"runs.{workflow.key}"
    record = None if wanted.record is None else cast.ids[wanted.record]
    about = [each for each in instances.listing(ws, workflow.id, limit=_MOST) if record in (None, each.record)]
    fits = [each for each in about if wanted.state in (None, each.state)]
    what = {lang: text.format(workflow=workflow.key) for lang, text in d.RUN.items()}
    expected = ", ".join(each for each in (wanted.state, wanted.record) if each) or "*"
    yield from _number(path, what, expected, wanted.count, len(fits), [_run(cast, each) for each in about])


def _run(cast: Cast, run: Run) -> str:
    error = "" if run.error is None else f" ({(run.error.get('texts') or {}).get('en') or run.error.get('code')})"
    return f"{cast.named(run.record)} {run.state}{error}"


def stuck_runs(stage: Stage, cast: Cast, expect: Expect | None) -> list[Problem]:
    """Runs that have failed in a step of theirs since the last time, and of which nobody has said that they should."""
    if not stage.model.index.get("workflows"):
        return []
    with stage.acting(None, write=False) as ws:
        failed = [each for each in instances.listing(ws, state="failed", limit=_MOST) if each.id not in cast.stuck]
    cast.stuck |= {each.id for each in failed}
    expected = {each.workflow for each in expect.runs if each.state == "failed"} if expect is not None else set()
    return [_stuck(stage, each) for each in failed if each.workflow not in expected and not each.is_over]


def _stuck(stage: Stage, run: Run) -> Problem:
    workflow: Workflow | None = stage.model.get("workflows", run.workflow)
    error = run.error or {}
    name = run.workflow if workflow is None else workflow.key
    return d.RUN_FAILED(workflow=name, step=str(error.get("step", "")), found=error.get("texts") or error.get("code"))


def _standing(ws: Workspace, cast: Cast, wanted: Standing) -> Iterator[Problem]:
    key = wanted.record
    now = standing_of(ws, cast.entities[key], cast.ids[key])
    request, state = now.request, str(now.need)
    if state in ("none", "needs_approval") and request is not None and request.state != "approved":
        state = request.state
    pending = request.pending() if request is not None else ()
    approval = None if now.approval is None else now.approval.id
    turn = sorted({str(cast.named(each.assignee)) for each in pending})
    nodes = sorted({each.node for each in pending})
    asked: list[tuple[str, Label, Any, Any, bool]] = [
        ("state", d.APPROVAL, wanted.state, state, wanted.state == state),
        ("approval", d.ITS_DEFINITION, wanted.approval, approval, wanted.approval == approval),
        ("waiting", d.WAITING, wanted.waiting, turn, sorted(wanted.waiting or ()) == turn),
        ("node", d.NODE, wanted.node, nodes, wanted.node in nodes),
    ]
    for name, what, expected, found, fits in asked:
        if expected is not None and not fits:
            label = {lang: text.format(record=key) for lang, text in what.items()}
            yield d.STATE(f"approvals.{key}.{name}", what=label, expected=_text(expected), found=_text(found or None))


# -- in words


def _id(value: Any) -> str:
    return str(value.get("id") if isinstance(value, Mapping) else value)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(each) for each in value) or "–"
    if isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    return str(value)


def _said(error: PlatformError) -> Label:
    return said(error.problems)


def said(problems: Sequence[Problem]) -> Label:
    """What some problems say, with their codes, in both languages."""
    return {lang: " ".join(f"[{_at(each)}] {each.message(lang)}" for each in problems[:_SHOWN]) for lang in LANGUAGES}


def _at(problem: Problem) -> str:
    return f"{problem.path} {problem.code}" if problem.path else problem.code
