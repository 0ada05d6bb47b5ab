"""Public forms: `/f/<key>` shows one to anybody, and what is sent becomes a record. Nothing of the tenant shows.

Other sites can link to a form but not embed it: no page of ours may be framed. A form on another site cannot send to
it either; programs use the API with a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from blueprints import context, security
from blueprints.policies import VISITOR, Route
from blueprints.texts import Words
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.model import AskedField, Entity, Field, PublicForm
from metadata.problems import Invalid, PlatformError, Problem, TooMany
from runtime import visitors
from runtime.records.checking.checks import REQUIRED
from runtime.workspace import AsVisitor, Workspace, open_workspace

TRAP = "homepage"
"""A field that people do not see and programs fill in."""
_PREFIX = "v."
_INPUTS = {
    "email": "email", "phone": "tel", "url": "url", "date": "date", "datetime": "datetime-local", "time": "time",
}  # fmt: skip
_FILLED_BY_BROWSERS = {"email": "email", "phone": "tel", "url": "url"}
_NUMBERS = frozenset({"integer", "decimal", "money", "percent"})
_FEW = 5
"""Up to this many options are shown at once."""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the form. `kind`: line, area, box, select, radios, boxes."""

    name: str
    label: str
    kind: str
    required: bool
    help: str
    text: str
    input: str
    inputmode: str
    autocomplete: str
    unit: str
    limit: int
    options: tuple[Choice, ...]
    problems: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"q-{self.name.removeprefix(_PREFIX)}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form as it is shown to one visitor."""

    ws: Workspace
    form: PublicForm
    entity: Entity
    words: Words
    reading: TextContext

    def fields(self) -> list[tuple[AskedField, Field]]:
        return [(each, self.entity.fields[each.id]) for each in self.form.fields if each.id in self.entity.fields]


def form(key: str) -> Response:
    """The form, or its thanks after it has been sent."""
    with open_workspace(context.host(), context.tenant(), AsVisitor(key), channel="public") as ws:
        sheet = _sheet(ws, key)
        if "sent" in request.args:
            return _page(sheet, thanks=True)
        return _page(sheet, ticket=visitors.issue(ws.host, ws.tenant, sheet.form.id, ws.now))


def form_post(key: str) -> Response:
    """Take what was sent. A program that fell into the trap is thanked like anybody else."""
    security.require_own_origin(request)
    host, tenant = context.host(), context.tenant()
    done = redirect(url_for("public.form", key=key, sent="1", lang=request.args.get("lang")), 303)
    try:
        visitors.count(host, tenant, key, request.remote_addr or "")
    except TooMany as error:
        with open_workspace(host, tenant, AsVisitor(key), channel="public") as ws:
            response = _refused(_sheet(ws, key), error)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    if request.form.get(TRAP):
        return make_response(done)
    try:
        with open_workspace(host, tenant, AsVisitor(key), write=True, channel="public") as ws:
            _receive(_sheet(ws, key))
        return make_response(done)
    except Invalid as error:
        refused = error
    with open_workspace(host, tenant, AsVisitor(key), channel="public") as ws:
        return _refused(_sheet(ws, key), refused)


def _receive(sheet: Sheet) -> None:
    """Raises Invalid."""
    ws = sheet.ws
    ticket = visitors.opened(ws.host, ws.tenant, sheet.form.id, request.form.get("ticket", ""))
    if ticket is None or ws.now - ticket.at > visitors.LONGEST:
        raise Invalid(visitors.TOO_OLD())
    if ws.now - ticket.at < visitors.QUICKEST:
        raise Invalid(visitors.TOO_QUICK())
    values, problems = _sent(sheet)
    if problems:
        raise Invalid(problems)
    visitors.receive(ws, sheet.form, values, ticket)


def _sheet(ws: Workspace, key: str) -> Sheet:
    found = visitors.form_of(ws, key)
    entity = ws.model.entity(found.entity)
    assert entity is not None
    zone, currency = str(ws.model.settings.get("timezone", "UTC")), str(ws.model.settings.get("currency", ""))
    lang = context.language()
    return Sheet(ws, found, entity, Words(lang), TextContext(lang, zone, currency))


# -- what was sent


def _sent(sheet: Sheet) -> tuple[dict[str, Any], list[Problem]]:
    """The JSON values by today's keys; what the form does not ask is not looked at."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for asked, field in sheet.fields():
        value = _value(sheet, field)
        if value is not None:
            values[field.key] = value
        elif asked.required:
            problems.append(REQUIRED(field.key, label=asked.label or field.label))
    return values, problems


def _value(sheet: Sheet, field: Field) -> Any:
    """The JSON value of what was entered; a text that cannot be read goes on as it is, for the write path to refuse."""
    texts = [each for each in request.form.getlist(_PREFIX + field.key) if each.strip()]
    match field.type:
        case "boolean":
            return "true" in texts or None
        case "multi_choice":
            return texts or None
        case "choice" | "rating":
            text = texts[-1] if texts else None
            if text is None or field.type != "rating":
                return text
            return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
    if not texts:
        return None
    text, kind = texts[-1].replace("\r\n", "\n"), registry.of(field)
    try:
        value = kind.read_text(field, text, sheet.reading)
    except ValueProblem:
        return text
    return None if value is None else kind.dump(field, value)


# -- what is shown


def _refused(sheet: Sheet, error: PlatformError) -> Response:
    """The form as it was filled in, with what is wrong. Its ticket stays, unless it is too old or none of ours."""
    ws, text = sheet.ws, request.form.get("ticket", "")
    ticket = visitors.opened(ws.host, ws.tenant, sheet.form.id, text)
    if ticket is None or ws.now - ticket.at > visitors.LONGEST:
        text = visitors.issue(ws.host, ws.tenant, sheet.form.id, ws.now)
    return _page(sheet, ticket=text, error=error)


def _page(sheet: Sheet, *, ticket: str = "", thanks: bool = False, error: PlatformError | None = None) -> Response:
    words, problems = sheet.words, error.problems if error is not None else ()
    questions = [] if thanks else [_question(sheet, asked, field, problems) for asked, field in sheet.fields()]
    keys = {field.key for _, field in sheet.fields()}
    name = sheet.ws.model.settings.get("name")
    page = render_template(
        "visitor_form.html",
        organisation=words.label(name) if name else "",
        title=words.label(sheet.form.label),
        intro=words.label(sheet.form.intro) if sheet.form.intro and not thanks else "",
        questions=questions,
        button=words.label(sheet.form.button) if sheet.form.button else words("visitors_send"),
        thanks=(words.label(sheet.form.thanks) if sheet.form.thanks else words("visitors_thanks")) if thanks else "",
        ticket=ticket,
        trap=TRAP,
        messages=[each.message(words.lang) for each in problems if each.path.split(".")[0] not in keys],
        wrong=bool(problems),
        action=url_for("public.form_post", key=sheet.form.key, lang=words.lang),
        again=url_for("public.form", key=sheet.form.key, lang=words.lang),
        languages=[
            (code, label, url_for("public.form", key=sheet.form.key, lang=code, sent="1" if thanks else None))
            for code, label in (("en", "English"), ("zh", "中文"))
        ],
    )
    return make_response(page, error.status if error is not None else 200)


def _question(sheet: Sheet, asked: AskedField, field: Field, problems: Sequence[Problem]) -> Question:
    words = sheet.words
    texts = request.form.getlist(_PREFIX + field.key) if request.method == "POST" else _start(field)
    options = _options(sheet, field, texts)
    help = asked.help or field.help
    return Question(
        name=_PREFIX + field.key,
        label=words.label(asked.label or field.label),
        kind=_kind(field, options),
        required=asked.required,
        help=words.label(help) if help else "",
        text=texts[-1] if texts else "",
        input=_INPUTS.get(field.type, "text"),
        inputmode="numeric" if field.type == "integer" else "decimal" if field.type in _NUMBERS else "",
        autocomplete=_FILLED_BY_BROWSERS.get(field.type, ""),
        unit=sheet.reading.currency if field.type == "money" else "%" if field.type == "percent" else "",
        limit=int(field.props.get("max", 0)) if field.type in ("text", "long_text") else 0,
        options=options,
        problems=tuple(each.message(words.lang) for each in problems if each.path.split(".")[0] == field.key),
    )


def _start(field: Field) -> list[str]:
    """What a new form holds: the default of a choice or a tick, nothing that depends on who asks."""
    if field.type == "choice" and isinstance(field.default, str):
        option = field.option(field.default)
        return [option.key] if option is not None else []
    return ["true"] if field.type == "boolean" and field.default is True else []


def _options(sheet: Sheet, field: Field, chosen: Sequence[str]) -> tuple[Choice, ...]:
    if field.type == "rating":
        most = int(field.props.get("max", 5))
        return tuple(Choice(str(at), str(at), str(at) in chosen) for at in range(1, most + 1))
    if field.type not in ("choice", "multi_choice"):
        return ()
    living = (each for each in field.options if not each.retired)
    return tuple(Choice(each.key, sheet.words.label(each.label), each.key in chosen) for each in living)


_KINDS: Mapping[str, str] = {"long_text": "area", "boolean": "box", "multi_choice": "boxes", "rating": "radios"}


def _kind(field: Field, options: Sequence[Choice]) -> str:
    if field.type == "choice":
        return "radios" if len(options) <= _FEW else "select"
    return _KINDS.get(field.type, "line")


ROUTES = (
    Route("/f/<key>", "GET", form, VISITOR),
    Route("/f/<key>", "POST", form_post, VISITOR),
)
