"""The controls of a form: what each shows at first, and how what was typed becomes the JSON of the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Request, url_for

from blueprints.app import cells, finding
from blueprints.texts import Words
from metadata.access import rights
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.fieldtypes.dates import local
from metadata.model import Entity, Field
from metadata.problems import Problem, say
from runtime.workspace import Workspace

_WIDE = frozenset({"long_text", "json", "links", "multi_choice", "tags"})
_INPUTS = {"date": "date", "datetime": "datetime-local", "email": "email", "phone": "tel", "url": "url"}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """One field in a form. `kind` names the macro's branch; `problems` are said beside it."""

    name: str
    label: str
    kind: str
    required: bool = False
    help: str = ""
    text: str = ""
    input: str = "text"
    inputmode: str = ""
    step: str = ""
    options: tuple[Option, ...] = ()
    chosen: str = ""
    """The id that a finder or a file holds."""
    was: str = ""
    """The title that this id stands for: another text in the field asks anew."""
    find_url: str = ""
    chooser: str = ""
    wide: bool = False
    problems: tuple[str, ...] = ()
    theirs: str | None = None

    @property
    def id(self) -> str:
        """In the page: nothing else there begins like this."""
        return f"f-{self.name}"


@dataclass(frozen=True, slots=True)
class Form:
    """What is needed to make and read the controls of one entity's form."""

    ws: Workspace
    entity: Entity
    words: Words
    context: TextContext


def asked(form: Form, field: Field) -> list[str]:
    """What to ask of the record so that its control can be shown."""
    found = cells.shown(form.ws, form.entity, field.id)
    return [found.asked] if found is not None else []


def control(
    form: Form,
    field: Field,
    record: Mapping[str, Any],
    sent: Mapping[str, list[str]] | None,
    problems: tuple[str, ...] = (),
    theirs: str | None = None,
) -> Control:
    """The control of a field: as it was sent if it was, else as the record is."""
    made: dict[str, Any] = {
        "name": field.key,
        "label": say(field.label, form.words.lang),
        "required": field.required,
        "help": say(field.help, form.words.lang) if field.help is not None else "",
        "wide": field.type in _WIDE,
        "problems": problems,
        "theirs": theirs,
    }
    value = record.get(field.key)
    made.update(_filled(form, field, value))
    if sent is not None:
        made.update(_as_sent(field, sent, made))
    return Control(**made)


def _filled(form: Form, field: Field, value: Any) -> dict[str, Any]:
    """Kind and contents of a control for a JSON value."""
    match field.type:
        case "boolean":
            return {"kind": "boolean", "text": "true" if value is True else "false"}
        case "choice":
            return {"kind": "select", "options": _options(form, field, {value})}
        case "multi_choice":
            return {"kind": "choices", "options": _options(form, field, set(value or ()))}
        case "long_text":
            return {"kind": "area", "text": value or ""}
        case "json":
            return {"kind": "area", "text": cells.text_of(field, value, form.context)}
        case "link" | "user" | "unit":
            return {"kind": "finder", **_finder(form, field, value)}
        case "links":
            return _several(form, field, value)
        case "any_link":
            return _any(form, field, value)
        case "file":
            return {"kind": "file", "chosen": value if isinstance(value, str) else ""}
    return _typed(form, field, value)


def _options(form: Form, field: Field, chosen: set[Any]) -> tuple[Option, ...]:
    """Every option that may be chosen, and those that stand although they are retired."""
    return tuple(
        Option(each.key, say(each.label, form.words.lang), each.key in chosen)
        for each in field.options
        if not each.retired or each.key in chosen
    )


def _typed(form: Form, field: Field, value: Any) -> dict[str, Any]:
    numeric = field.type in cells.NUMBERS
    return {
        "kind": "input",
        "input": _INPUTS.get(field.type, "text"),
        "inputmode": "numeric" if field.type == "integer" else "decimal" if numeric else "",
        "step": "1" if field.type == "datetime" else "",
        "text": _text(form, field, value),
    }


def _text(form: Form, field: Field, value: Any) -> str:
    if value is None:
        return ""
    kind = registry.of(field)
    parsed = kind.parse(field, value)
    if isinstance(parsed, dt.datetime):  # what a browser's own control takes
        return local(parsed, form.context.timezone).replace(tzinfo=None).isoformat(timespec="seconds")
    if field.type == "money" and isinstance(value, Mapping):
        return str(value["amount"])
    return kind.write_text(field, parsed, form.context)


def _finder(form: Form, field: Field, value: Any) -> dict[str, Any]:
    shown = cells.shown(form.ws, form.entity, field.id)
    title, id = "", ""
    if isinstance(value, Mapping) and "id" in value and shown is not None and shown.title is not None:
        id = value["id"]
        title = cells.text_of(shown.title, value.get(shown.title.key), form.context) or id
    elif isinstance(value, str):
        id = title = value
    return {"text": title, "chosen": id, "was": title, "find_url": _find_url(form, field)}


def _find_url(form: Form, field: Field) -> str:
    target = form.ws.model.entity(field.to[0]) if field.to else None
    return url_for("app.suggest", entity=target.key) if target is not None else ""


def _several(form: Form, field: Field, value: Any) -> dict[str, Any]:
    """Those that are linked, each with a box to keep it, and a finder to add one."""
    shown = cells.shown(form.ws, form.entity, field.id)
    options = []
    for each in value or ():
        if isinstance(each, Mapping) and shown is not None and shown.title is not None:
            title = cells.text_of(shown.title, each.get(shown.title.key), form.context)
            options.append(Option(each["id"], title or each["id"][:8], True))
        else:
            id = each["id"] if isinstance(each, Mapping) else str(each)
            options.append(Option(id, id[:8], True))
    return {"kind": "choices", "options": tuple(options), "find_url": _find_url(form, field)}


def _any(form: Form, field: Field, value: Any) -> dict[str, Any]:
    entity, id = (value["entity"], value["id"]) if isinstance(value, Mapping) and "entity" in value else ("", "")
    targets = [found for name in field.to if (found := form.ws.model.entity(name)) is not None]
    title = finding.title(form.ws, entity, id, form.context) if id else ""
    return {
        "kind": "any_finder",
        "options": tuple(Option(each.key, say(each.label, form.words.lang), each.key == entity) for each in targets),
        "text": title or id,
        "chosen": id,
        "was": title or id,
        "find_url": url_for("app.suggest", entity="__entity__"),
        "chooser": f"f-{field.key}.entity",
    }


def _as_sent(field: Field, sent: Mapping[str, list[str]], made: Mapping[str, Any]) -> dict[str, Any]:
    """What the person had entered, put back as it was."""
    values = sent.get(field.key)
    if values is None:
        return {}
    match field.type:
        case "boolean":
            return {"text": values[-1]}
        case "choice":
            return {
                "options": tuple(Option(each.value, each.label, each.value == values[-1]) for each in made["options"])
            }
        case "multi_choice":
            return {"options": tuple(Option(each.value, each.label, each.value in values) for each in made["options"])}
        case "links":
            kept = _chosen(made["options"], values)
            return {"options": kept, "text": values[-1] if values[-1] not in {each.value for each in kept} else ""}
        case "link" | "user" | "unit" | "any_link":
            found: dict[str, Any] = {"text": values[-1]}
            found.update(
                {part: sent[f"{field.key}.{name}"][-1] for part, name in _PARTS if f"{field.key}.{name}" in sent}
            )
            if field.type == "any_link" and (chosen := sent.get(f"{field.key}.entity")):
                found["options"] = _chosen(made["options"], chosen[-1:])
            return found
        case "file":
            return {"chosen": values[-1]}
    return {"text": values[-1]}


def _chosen(options: tuple[Option, ...], values: Sequence[str]) -> tuple[Option, ...]:
    return tuple(Option(each.value, each.label, each.value in values) for each in options)


_PARTS = (("chosen", "id"), ("was", "was"))


def read(form: Form, field: Field, request: Request) -> tuple[bool, Any, list[Problem]]:
    """(was in the form, the JSON value, what is wrong). A text that cannot be read goes on as it is: the write path
    refuses it, together with everything else that is wrong."""
    sent = request.form
    if field.key not in sent:
        return False, None, []
    texts = sent.getlist(field.key)
    match field.type:
        case "boolean":
            return True, texts[-1] == "true", []
        case "multi_choice":
            return True, [each for each in texts if each] or None, []
        case "links":
            return _read_several(form, field, request)
        case "link" | "user" | "unit":
            return _read_one(form, field, request, field.to[0] if field.to else "")
        case "any_link":
            return _read_any(form, field, request)
        case "choice":
            return True, texts[-1] or None, []
        case "json":
            return _read_json(form, field, texts[-1])
    return True, _read_text(form, field, texts[-1]), []


def is_as_shown(form: Form, field: Field, record: Mapping[str, Any], request: Request) -> bool:
    """Whether a typed field was sent just as it would be shown for the record."""
    shown = control(form, field, record, None)
    if shown.kind == "boolean":  # a box that was never ticked is still nothing, not a no
        return request.form.getlist(field.key)[-1:] == [shown.text]
    sent = request.form.get(field.key, "").replace("\r\n", "\n")
    return shown.kind in ("input", "area") and sent == shown.text.replace("\r\n", "\n")


def _read_text(form: Form, field: Field, text: str) -> Any:
    kind = registry.of(field)
    try:
        value = kind.read_text(field, text.replace("\r\n", "\n"), form.context)
    except ValueProblem:
        return text
    return None if value is None else kind.dump(field, value)


def _read_json(form: Form, field: Field, text: str) -> tuple[bool, Any, list[Problem]]:
    """JSON takes any text: one that cannot be read would be saved as it is."""
    kind = registry.of(field)
    try:
        return True, kind.dump(field, kind.read_text(field, text, form.context)), []
    except ValueProblem as refused:
        return True, None, [refused.problem.under(field.key)]


def _read_one(form: Form, field: Field, request: Request, target: str) -> tuple[bool, Any, list[Problem]]:
    found, problems = finding.chosen(form.ws, target, field, request)
    return True, found, problems


def _read_any(form: Form, field: Field, request: Request) -> tuple[bool, Any, list[Problem]]:
    entity = form.ws.model.entity(request.form.get(f"{field.key}.entity", ""))
    if entity is None or entity.id not in field.to:
        return True, None, []
    found, problems = finding.chosen(form.ws, entity.id, field, request)
    return True, None if found is None else {"entity": entity.key, "id": found}, problems


def _read_several(form: Form, field: Field, request: Request) -> tuple[bool, Any, list[Problem]]:
    """The ids that were kept and the one that was found."""
    texts = [each for each in request.form.getlist(field.key) if each]
    typed = texts[-1] if texts and not cells.is_id(texts[-1]) else ""
    kept = [each for each in texts if cells.is_id(each)]
    if not typed:
        return True, kept, []
    added, was = request.form.get(f"{field.key}.id", ""), request.form.get(f"{field.key}.was", "")
    found, problems = finding.resolve(form.ws, field.to[0], field, typed, added, was)
    return True, [*kept, found] if found is not None else kept, problems


def may_write(form: Form, field: Field) -> bool:
    return rights(form.ws.model, form.ws.actor, form.entity).may_write(field.id)
