"""The page of a form, and the form alone for a drawer: sections, controls, what is wrong, both sides of a conflict."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response, render_template, request, url_for

from blueprints.app import cells, controls
from blueprints.app.controls.grid import place_of, with_focus, wrong_cell
from blueprints.app.forms import beginning, parts, reading, rules
from blueprints.app.records import title_of
from blueprints.app.shell import shell_of
from blueprints.app.warned import confirmed, to_confirm
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Field
from metadata.problems import Conflict, PlatformError, Problem, say
from runtime import rates


@dataclass(frozen=True, slots=True)
class Shown:
    """Which form is to be shown, and why again."""

    form: controls.Form
    id: str | None
    quick: bool = False
    drawer: bool = False
    error: PlatformError | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """The controls of a form by field id, and the marks of what they hold for the record."""

    controls: Mapping[str, controls.Control]
    marks: Mapping[str, str]
    both: tuple[Field, ...] = ()
    others: tuple[Field, ...] = ()


def show_form(shown: Shown) -> Response:
    form, error = shown.form, shown.error
    fields = parts.fields_of(form, shown.quick)
    computed = parts.computed_of(form, shown.quick) if shown.id is not None else []
    record = beginning.start(form) if shown.id is None else beginning.current(form, shown.id, [*fields, *computed])
    form = replace(form, problems=_in_order(fields, error.problems if error is not None else ()))
    changed = beginning.changed_by_address(form, fields) if shown.id is not None and error is None else {}
    filled = _fill(form, fields, record, shown, changed)
    given = {each.id: controls.control(form, each, record) for each in computed}
    sections = _sections(form, shown, replace(filled, controls={**filled.controls, **given}))
    words, entity = form.words, form.entity
    title = title_of(form.ws, entity, record, form.context) if shown.id is not None else ""
    listed = url_for("app.find", entity=entity.key)
    back = url_for("app.show", entity=entity.key, id=shown.id) if shown.id is not None else listed
    page = render_template(
        "form_drawer.html" if shown.drawer else "form.html",
        shell=shell_of(form.ws),
        entity=entity.key,
        icon_name=entity.icon,
        heading=words("edit_title", title=title)
        if shown.id is not None
        else words("new", what=words.label(entity.label)),
        title=title,
        plural=words.label(entity.plural),
        sections=sections,
        version=record.get("version") if shown.id is not None else None,
        base=json.dumps(filled.marks, separators=(",", ":")),
        once=(request.form.get("once") or secrets.token_hex(12)) if shown.id is None else "",
        draft=_draft_name(form, shown),
        conflict=_conflict(form, record, filled, error),
        problems=[_told(form, each) for each in form.problems if not isinstance(error, Conflict)],
        saved=shown.error is None and "done" in request.args,
        drawer=shown.drawer,
        quick=shown.quick,
        rules=rules.url_of(entity, shown.id, shown.quick),
        ruled=json.dumps(rules.at_first(form, shown.id, fields, changed if shown.id else record))
        if entity.rules and error is None
        else "",
        confirmed=dict.fromkeys(confirmed()),
        urls={
            "list": listed,
            "back": back,
            "action": _here(),
            "whole": _whole(shown),
        },
        again=shown.id is None and not shown.drawer,
    )
    return make_response(page, error.status if error is not None else 200)


def _in_order(fields: Sequence[Field], problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """As the fields stand in the form."""
    places = {name: at for at, each in enumerate(fields) for name in (each.key, each.id)}
    return tuple(sorted(problems, key=lambda each: places.get(each.path.split(".")[0], -1)))


def _whole(shown: Shown) -> str:
    """The same form on a page of its own, from a short form in a drawer."""
    return new_url(shown.form.entity.key) if shown.id is None else ""


def new_url(entity: str, **more: str) -> str:
    """The page of a new record, opened from what this form was opened from."""
    given = {name: value for name, value in request.args.items() if name not in ("drawer", "quick", "done")} | more
    return url_for("app.new", entity=entity) + (f"?{urlencode(given)}" if given else "")


def _here() -> str:
    return request.script_root + request.full_path.rstrip("?")


def _draft_name(form: controls.Form, shown: Shown) -> str:
    """Under which name a script keeps what was typed: of this person, kind and record, and what it is opened from."""
    actor = form.ws.actor.user or ""
    given = (
        "" if shown.id else "&".join(f"{key}={value}" for key, value in sorted(request.args.items()) if key != "done")
    )
    return ":".join((form.ws.tenant.id, actor, form.entity.id, shown.id or "new", given))


def _fill(
    form: controls.Form,
    fields: Sequence[Field],
    record: Mapping[str, Any],
    shown: Shown,
    changed: Mapping[str, Any],
) -> Filled:
    sent = controls.Sent(request.form, request.files) if shown.error is not None else None
    visible = [each for each in fields if not beginning.is_hidden(record, each)]
    saved = {each.id: controls.control(form, each, record) for each in visible}
    marks: dict[str, str] = {}
    for each in visible:
        marks |= controls.marks(form, each, saved[each.id])
    if sent is None:
        opened_with = {
            each.id: controls.control(form, each, {**record, **changed}) for each in visible if each.key in changed
        }
        return Filled({**saved, **opened_with}, marks)
    if shown.id is None:
        return Filled({each.id: controls.control(form, each, record, sent) for each in visible}, marks)
    base = reading.base_of(sent)
    found, both, others = {}, [], []
    for each in visible:
        opened, now = base.get(each.key, ""), marks[each.key]
        mine = controls.mark_sent(form, each, sent)
        taken = sent.last(f"choice.{each.key}") == reading.THEIRS
        if taken or mine == opened or (mine == now and not form.problems_of(each)):
            found[each.id] = saved[each.id]
            if opened != now and not taken:
                others.append(each)
            continue
        entered = controls.control(form, each, record, sent)
        if isinstance(shown.error, Conflict) and opened != now:
            both.append(each)
            mine = entered_text(form, each, entered, sent)
            differing = controls.Differing(mine, said_of(form, each, record), *last_change(form, record))
            entered = replace(entered, differing=differing)
        found[each.id] = entered
    return Filled(found, marks, tuple(both), tuple(others))


def entered_text(form: controls.Form, field: Field, control: controls.Control, sent: controls.Sent) -> str:
    """What the person entered, as it would be shown."""
    if control.kind == "boolean":
        return form.words.yes if control.text == "true" else form.words.no
    if control.kind == "rows":
        return form.words("form_rows_count", count=sum(not each.blank for each in control.more["rows"]))
    _, value, wrong = controls.read(form, field, sent)
    if wrong or value is None or field.type in cells.LINKS or field.type in ("links", "any_link", "file"):
        return control.said
    try:
        return cells.text_of(field, value, form.context)
    except ValueProblem:
        return control.said


def said_of(form: controls.Form, field: Field, record: Mapping[str, Any]) -> str:
    """What the record holds there, as a person reads it."""
    if field.type == "children":
        return form.words("form_rows_count", count=len(record.get(field.key) or ()))
    shown = cells.shown(form.ws, form.entity, field.id)
    if shown is None:
        return ""
    titles = cells.Titles(form.ws, form.context, form.words.file)
    titles.read([shown], [record])
    return cells.cell(shown, record, form.context, titles).text


def last_change(form: controls.Form, record: Mapping[str, Any]) -> tuple[str, str]:
    """Who changed the record last and when, as far as the actor may read it."""
    by, at = (cells.shown(form.ws, form.entity, each) for each in ("updated_by", "updated_at"))
    titles = cells.Titles(form.ws, form.context, "")
    return tuple(cells.cell(each, record, form.context, titles).text if each is not None else "" for each in (by, at))  # type: ignore[return-value]


def _sections(form: controls.Form, shown: Shown, filled: Filled) -> list[dict[str, Any]]:
    found = dict(filled.controls)
    _put_currency(form, found)
    _put_focus(form, shown, found)
    sections = []
    for part in parts.parts_of(form, shown.quick):
        own = [found[id] for id in part.fields if id in found]
        if own:
            wrong = any(_is_wrong(each) for each in own)
            sections.append(
                {
                    "label": form.words.label(part.label),
                    "columns": part.columns,
                    "controls": own,
                    "folded": part.folded and not wrong,
                }
            )
    return sections


def _put_currency(form: controls.Form, found: dict[str, controls.Control]) -> None:
    """The currency of the record stands inside its first amount."""
    field = parts.currency_of(form)
    amounts = [id for id, each in found.items() if each.kind == "money"]
    if field is None or not amounts or field.id not in found:
        return
    control = found.pop(field.id)
    code = control.text or form.context.currency
    codes = dict.fromkeys([*([control.text] if control.text else []), *rates.currencies(form.ws)])
    options = tuple(controls.Option(each, each, each == code) for each in codes)
    first = found[amounts[0]]
    chooser = replace(control, kind="currency", options=options, text=control.text)
    found[amounts[0]] = replace(
        first, more={**first.more, "code": code, "currency": chooser}, problems=(*first.problems, *control.problems)
    )


def _put_focus(form: controls.Form, shown: Shown, found: dict[str, controls.Control]) -> None:
    """The cursor begins at the first thing that is wrong, else at the first that is empty in a new form."""
    order = [id for part in parts.parts_of(form, shown.quick) for id in part.fields if id in found]
    wrong = [id for id in order if _is_wrong(found[id])]
    empty = [id for id in order if _is_empty(found[id])]
    asked = [id for id in order if found[id].key == request.args.get(beginning.FOCUS)]
    for id in wrong or asked or ([] if shown.id is not None else (empty or order)[:1]):
        cell = wrong_cell(found[id]) if found[id].kind == "rows" else None
        found[id] = with_focus(found[id], *cell) if cell is not None else replace(found[id], focus=True)
        return


def _is_empty(control: controls.Control) -> bool:
    """Whether there is something to be entered: what is given already, and what has an answer by itself, waits."""
    held = control.text or control.chosen or any(each.chosen and each.value for each in control.options)
    return not held and control.kind not in _ANSWERED


_ANSWERED = frozenset({"boolean", "rows", "file", "computed"})


def _is_wrong(control: controls.Control) -> bool:
    told = bool(control.problems or control.differing)
    return told or (control.kind == "rows" and wrong_cell(control) is not None)


def _conflict(
    form: controls.Form, record: Mapping[str, Any], filled: Filled, error: PlatformError | None
) -> dict[str, Any] | None:
    if not isinstance(error, Conflict):
        return None
    by, at = last_change(form, record)
    both, others = (
        [{"anchor": f"f-{each.key}", "label": form.words.label(each.label)} for each in fields]
        for fields in (filled.both, filled.others)
    )
    return {"by": by, "at": at, "both": both, "others": others}


def _told(form: controls.Form, problem: Problem) -> dict[str, str | None]:
    """A line of the summary: where it is, which row or field unless the message says so itself, what is wrong, and
    for a warning the rule to confirm."""
    message = problem.message(form.words.lang)
    confirm = to_confirm(problem)
    field = form.entity.find(problem.path.split(".")[0]) if problem.path else None
    if field is None:
        return {"anchor": None, "label": "", "message": message, "confirm": confirm}
    label, anchor = say(field.label, form.words.lang), f"f-{field.key}"
    if field.type == "children" and (place := place_of(problem)) is not None:
        label = form.words("form_cell", label=label, row=place[1] + 1)
        anchor = f"f-{problem.path}" if place[2] else anchor
    colon = form.words("form_colon")
    told = "" if label in message else f"{label}{colon}"
    return {"anchor": anchor, "label": told, "message": message, "confirm": confirm}
