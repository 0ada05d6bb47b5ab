"""With whom a record is shared, on a page or in a drawer: who has it and until when; give, change, take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from blueprints import context, visibility
from blueprints.app import controls
from blueprints.app.reading import Reader, reader_of, record_of, title_of
from blueprints.app.shell import entity_of, page, shell_of
from blueprints.policies import PAGE, Route
from metadata.fieldtypes.dates import local
from metadata.model import Entity, Field
from metadata.problems import Invalid, NotFound, PlatformError, Problem
from runtime import sharing
from runtime.queries.rules import sees
from runtime.sharing import NO_SHARE, Share
from runtime.workspace import Workspace

_ROLE_MOST = 80


@dataclass(frozen=True, slots=True)
class Held:
    """One share as the page says it; `controls` are there for who may change it."""

    id: str
    kind: str
    name: str
    url: str | None
    write: bool
    role: str
    until: str
    controls: tuple[controls.Control, ...]
    endable: bool
    problems: tuple[str, ...] = ()
    open: bool = False


def share_url(ws: Workspace, entity: Entity, id: str, may_update: bool) -> str | None:
    """Where a record is shared; None for who may not."""
    shareable = may_update and sharing.may_share(ws, entity, id)
    return url_for("app.shares", entity=entity.key, id=id) if shareable else None


def shares(entity: str, id: str) -> Response:
    return context.perform(lambda ws: _shown(ws, entity_of(ws, entity), id))


def shares_post(entity: str, id: str) -> Response:
    """`do=give`: to somebody new, or to the holder of `share` otherwise than now; `do=end`: take `share` back."""
    given = request.form
    ending = given.get("do") == "end"

    def command(ws: Workspace) -> tuple[str, bool]:
        found = entity_of(ws, entity)
        if ending:
            sharing.end(ws, found, id, given.get("share", ""))
        else:
            sharing.share(ws, found, id, _asked(ws, found, id))
        return found.key, sees(ws, found, "read", id, deleted=False)

    try:
        key, seen = context.perform(command, write=True)
    except PlatformError as error:
        if error.status not in (400, 403, 404, 422):
            raise
        refused = error
        return context.perform(lambda ws: _shown(ws, entity_of(ws, entity), id, refused))
    done = "share_ended" if ending else "share_given"
    if not seen:  # given back: it is out of sight since
        return make_response(redirect(url_for("app.find", entity=key, done=done), 303))
    if _alone():
        return context.perform(lambda ws: _shown(ws, entity_of(ws, entity), id, done=done))
    return make_response(redirect(url_for("app.shares", entity=key, id=id, done=done), 303))


def _alone() -> bool:
    return request.args.get("part") == "1"


def _fields(entity: Entity, prefix: str) -> tuple[Field, Field, Field]:
    """What is asked of a share, in fields that no entity has: their controls are those of every form."""
    whom = Field(
        f"{prefix}with", f"{prefix}with", "any_link", _LABELS["with"], entity.id, required=True, to=("user", "unit")
    )
    until = Field(f"{prefix}until", f"{prefix}until", "datetime", _LABELS["until"], entity.id)
    role = Field(f"{prefix}role", f"{prefix}role", "text", _LABELS["role"], entity.id, props={"max": _ROLE_MOST})
    return whom, until, role


_LABELS = {
    "with": {"en": "Share with", "zh": "共享给"},
    "until": {"en": "Until", "zh": "截止时间"},
    "role": {"en": "Role in the team", "zh": "团队角色"},
}


def _asked(ws: Workspace, entity: Entity, id: str) -> dict[str, Any]:
    """What the form says, as the API takes it. Raises Invalid, NotFound."""
    form, given = _form(reader_of(ws), entity), request.form
    known = given.get("share", "")
    whom, until, role = _fields(entity, _prefix(known))
    problems: list[Problem] = []
    if known:
        held = [each for each in sharing.shares_of(ws, entity, id) if each.id == known]
        if not held:
            raise NotFound(NO_SHARE(entity=entity.label))
        principal: dict[str, Any] | None = {held[0].kind: held[0].principal}
    else:
        _, found, wrong = controls.read(form, whom, request)
        problems += wrong
        principal = None if found is None else {found["entity"]: found["id"]}
        if principal is not None and (kind := ws.model.entity(found["entity"])) is not None:
            principal = {kind.id: found["id"]}
    _, moment, wrong = controls.read(form, until, request)
    problems += wrong
    if problems:
        raise Invalid(problems)
    _, text, _ = controls.read(form, role, request)
    return {"with": principal, "write": given.get("write") == "1", "role": text or None, "until": moment}


def _prefix(share: str) -> str:
    return f"s{share[-8:]}-" if share else ""


def _form(reader: Reader, entity: Entity) -> controls.Form:
    return controls.Form(reader.ws, entity, reader.words, reader.context)


def _shown(ws: Workspace, entity: Entity, id: str, error: PlatformError | None = None, done: str = "") -> Response:
    reader, record = reader_of(ws), record_of(ws, entity, id)
    found, may = sharing.shares_of(ws, entity, id), sharing.may_share(ws, entity, id)
    known = request.form.get("share", "")
    problems = [each.message(reader.words.lang) for each in error.problems] if error is not None else []
    of_one = any(each.id == known for each in found)
    sent = controls.Sent(request.form, request.files) if error is not None else None
    values = {
        "title": title_of(ws, entity, record, reader.context),
        "plural": reader.words.label(entity.plural),
        "held": [
            _held(reader, entity, each, may, problems if each.id == known else ()) for each in _learn(reader, found)
        ],
        "new": _new(reader, entity, None if of_one else sent) if may else None,
        "write": not of_one and sent is not None and request.form.get("write") == "1",
        "problems": [] if of_one else problems,
        "done": reader.words(done) if done else "",
        "alone": _alone(),
        "urls": {
            "list": url_for("app.find", entity=entity.key),
            "record": url_for("app.show", entity=entity.key, id=id),
            "self": url_for("app.shares_post", entity=entity.key, id=id),
            "part": url_for("app.shares_post", entity=entity.key, id=id, part=1),
        },
    }
    if _alone():  # what is refused is told in the drawer, too
        return make_response(render_template("sharing_body.html", shell=shell_of(ws), **values))
    return page(ws, "sharing.html", error.status if error is not None else 200, **values)


def _learn(reader: Reader, found: Sequence[Share]) -> Sequence[Share]:
    """Read the names of all at once, as far as the person may see people and units."""
    kinds = {each.kind for each in found}
    entities = [reader.ws.model.entity(each) for each in kinds]
    seen = {each.id for each in entities if each is not None and visibility.may(reader.ws, each, "read")}
    reader.titles.learn([(each.kind, each.principal) for each in found if each.kind in seen])
    return found


def _held(reader: Reader, entity: Entity, share: Share, may: bool, problems: Sequence[str]) -> Held:
    piece = reader.titles.piece(share.kind, share.principal)
    _, until, role = _fields(entity, _prefix(share.id))
    record = {until.key: sharing.as_json(share)["until"], role.key: share.role}
    form = _form(reader, entity)
    end = local(share.until, reader.context.timezone).replace(tzinfo=None) if share.until is not None else None
    return Held(
        share.id,
        share.kind,
        piece.text,
        piece.url,
        share.write,
        share.role or "",
        end.isoformat(" ", "minutes") if end is not None else "",
        tuple(controls.control(form, each, record) for each in (until, role)) if may else (),
        may or share.principal == reader.ws.actor.user,
        tuple(problems),
        bool(problems),
    )


def _new(reader: Reader, entity: Entity, sent: controls.Sent | None) -> tuple[controls.Control, ...]:
    form = _form(reader, entity)
    whom, *others = (controls.control(form, each, {}, sent) for each in _fields(entity, ""))
    return replace(whom, focus=True), *others


ROUTES = (
    Route("/app/<entity>/<id>/share", "GET", shares, PAGE),
    Route("/app/<entity>/<id>/share", "POST", shares_post, PAGE),
)
