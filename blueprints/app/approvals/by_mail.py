"""The page behind the link in a mail: what is to be decided, and the decision; looking at it changes nothing."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, make_response, redirect, render_template, request, url_for

from blueprints import context, security
from blueprints.app.approvals import values
from blueprints.app.approvals.speaking import speaking
from blueprints.app.approvals.way import moment
from blueprints.app.reading import reader_of
from blueprints.policies import VISITOR, Route
from blueprints.texts import Words
from metadata.problems import BadRequest, NotFound, PlatformError, Unauthenticated
from runtime import approvals
from runtime.approvals import by_mail
from runtime.approvals.acting import TOO_LONG
from runtime.approvals.by_mail import CHANNEL, UNKNOWN, Opened
from runtime.database.errors import SerializationFailure
from runtime.workspace import AsUser, Workspace, open_workspace

_REFUSED = (400, 403, 409, 422)
_VERBS = ("approve", "reject")
_ATTEMPTS = 3


def approval_by_mail(secret: str) -> Response:
    """What is asked, or why there is nothing to decide any more."""
    who = _person(secret)
    done = request.args.get("did", "")
    with open_workspace(context.host(), context.tenant(), who, channel=CHANNEL) as ws:
        return _page(ws, secret, done=done if done in _VERBS else "")


def approval_by_mail_post(secret: str) -> Response:
    """Decide. There is no session here to be abused: what counts is the secret, and that the form is our own."""
    security.require_own_origin(request)
    who = _person(secret)
    try:
        verb, said = _said()
        _decide(who, secret, verb, said)
    except PlatformError as error:
        if error.status not in _REFUSED:
            raise
        refused = error
        with open_workspace(context.host(), context.tenant(), who, channel=CHANNEL) as ws:
            return _page(ws, secret, error=refused)
    return make_response(redirect(url_for("app.approval_by_mail", secret=secret, did=verb), 303))


def _person(secret: str) -> AsUser:
    """Raises NotFound, which is also said of somebody who has left."""
    who = by_mail.person_of(context.host(), context.tenant(), secret)
    try:
        with open_workspace(context.host(), context.tenant(), who, channel=CHANNEL):
            return who
    except Unauthenticated:
        raise NotFound(UNKNOWN()) from None


def _said() -> tuple[str, dict[str, Any]]:
    """The decision as the form says it. Raises BadRequest."""
    verb: Literal["approve", "reject"] = "reject" if request.form.get("decision") == "reject" else "approve"
    comment, version = request.form.get("comment", "").strip(), request.form.get("version", "")
    if len(comment) > approvals.LONGEST or "\x00" in comment:
        raise BadRequest(TOO_LONG("comment", most=approvals.LONGEST))
    known = version.isascii() and version.isdigit() and len(version) < 10
    return verb, {"comment": comment, **({"version": int(version)} if known else {})}


def _decide(who: AsUser, secret: str, verb: str, said: dict[str, Any]) -> None:
    host, tenant = context.host(), context.tenant()
    for attempt in range(_ATTEMPTS):
        try:
            with open_workspace(host, tenant, who, write=True, channel=CHANNEL) as ws:
                by_mail.decide(ws, secret, verb, said, request.remote_addr)
                return
        except SerializationFailure:
            if attempt == _ATTEMPTS - 1:
                raise


def _page(ws: Workspace, secret: str, done: str = "", error: PlatformError | None = None) -> Response:
    ws = speaking(ws)
    words, found = Words(context.language()), by_mail.opened(ws, secret)
    name = ws.model.settings.get("name")
    open_ = found.problem is None
    messages = [each.message(words.lang) for each in error.problems] if error is not None else []
    page = render_template(
        "approval_mail.html",
        organisation=words.label(name) if name else "",
        person=ws.actor.name,
        open=open_,
        said=words(f"approval_mail_done_{done}") if done and not open_ else "",
        problem=found.problem.message(words.lang) if found.problem is not None else "",
        messages=messages if open_ else [],
        calm=error is not None and error.status == 409,
        comment=request.form.get("comment", "")[: approvals.LONGEST],
        **(_about(ws, found) if open_ else {}),
        urls={
            "self": url_for("app.approval_by_mail_post", secret=secret),
            "app": url_for("app.approval", id=found.request.id, task=found.link.task),
        },
        languages=[
            (code, label, url_for("app.approval_by_mail", secret=secret, lang=code, did=done or None))
            for code, label in (("en", "English"), ("zh", "中文"))
        ],
    )
    return make_response(page, 200 if error is None else error.status)


def _about(ws: Workspace, found: Opened) -> dict[str, Any]:
    """The summary and no more: whoever holds a mail is not as sure to be its receiver as whoever has signed in."""
    reader, told = reader_of(ws), approvals.show(ws, found.request.id)
    entity = ws.model.entity(told["record"]["entity"])
    assert entity is not None  # `show` has read its record
    record = told["record"]
    moved = {key: both for key, both in record["moved"].items() if key in record["summary"]}
    verbs = {each["verb"] for each in told["verbs"] if each.get("task") == found.link.task}
    return {
        "title": told["title"] or reader.words("approval_no_title"),
        "approval": told["approval"]["label"],
        "version": told["version"],
        "initiator": (told["initiator"] or {}).get("name") or "–",
        "submitted": moment(reader, told["submitted_at"]),
        "iso": told["submitted_at"],
        "summary": values.labelled(reader, entity, record["fields"], record["summary"]),
        "moved": values.moved(reader, entity, moved),
        "approve": reader.words("approval_approve" if "reject" in verbs else "approval_handle"),
        "rejects": "reject" in verbs,
        "needs": "approve" in found.comment_on,
        "reason": "reject" in found.comment_on,
    }


ROUTES = (
    Route("/approve/<secret>", "GET", approval_by_mail, VISITOR),
    Route("/approve/<secret>", "POST", approval_by_mail_post, VISITOR),
)
