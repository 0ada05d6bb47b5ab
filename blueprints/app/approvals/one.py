"""The page of one request: what it is about, where it stands, what its reader may do; and what he does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.addresses import address_at
from blueprints.app.approvals import fields, trail, values, verbs, way
from blueprints.app.approvals.speaking import speaking
from blueprints.app.approvals.verbs import Wrong
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, PAGE_FILES, Route
from blueprints.texts import TEXTS
from metadata.model import Entity
from metadata.problems import PlatformError
from runtime import approvals
from runtime.approvals.showing.briefs import ahead
from runtime.workspace import Workspace

_TINTS = {"running": "blue", "approved": "green", "rejected": "red", "returned": "orange", "voided": "orange"}
_REFUSED = (400, 403, 409, 422)
_ASKED = frozenset({"approve", "reject", "return", "transfer", "add_signer"})
"""After these the next request that waits is offered."""


def approval(id: str) -> Response:
    """`?task=` names the task where several wait, `?did=` what was just done."""
    return context.perform(lambda ws: _shown(ws, id))


def _shown(ws: Workspace, id: str, wrong: Wrong | None = None, status: int = 200) -> Response:
    ws = speaking(ws)
    reader, told = reader_of(ws), approvals.show(ws, id)
    entity = ws.model.entity(told["record"]["entity"])
    assert entity is not None  # `show` has read its record
    did = request.args.get("did", "")
    decision = verbs.decision(reader, entity, told, wrong.task if wrong else request.args.get("task", ""), wrong)
    return page(
        ws,
        "approval.html",
        status,
        told=told,
        title=told["title"] or reader.words("approval_no_title"),
        state=_state(told),
        tint=_TINTS.get(_state(told), "gray"),
        initiator=(told["initiator"] or {}).get("name") or "–",
        submitted=way.moment(reader, told["submitted_at"]),
        ended=way.moment(reader, told["ended_at"]),
        decision=decision,
        acts=verbs.acts(reader, entity, told, decision.task if decision else "", wrong),
        wrong=wrong,
        said=request.form.get("comment", "")[: approvals.LONGEST] if wrong else "",
        sent=request.form,
        did=reader.words(f"approval_done_{did}") if f"approval_done_{did}" in TEXTS else "",
        next=_next(ws, id) if did in _ASKED and wrong is None else None,
        urges=verbs.may(told, "urge"),
        resubmits=_resubmission(reader, entity, told, wrong),
        unread=verbs.may(told, "read") and _unread(ws, told),
        comments=verbs.may(told, "comment"),
        mentions=_mentions(ws, told),
        waiting=_waiting(reader, told),
        **_about(reader, entity, told),
        **_way(reader, ws, told),
        urls={
            "self": url_for("app.approval", id=told["id"]),
            "list": url_for("app.approvals"),
            "record": address_at("app.show", entity=entity.key, id=told["record"]["id"])
            if told["record"]["readable"]
            else None,
        },
    )


def _state(told: Mapping[str, Any]) -> str:
    return "returned" if told["returned"] and told["state"] == "running" else str(told["state"])


def _about(reader: Reader, entity: Entity, told: Mapping[str, Any]) -> dict[str, Any]:
    """The record as it was submitted, and what has changed since."""
    record = told["record"]
    kept, summary = record["fields"], record["summary"]
    return {
        "entity": entity,
        "what": reader.words.label(entity.label),
        "summary": values.labelled(reader, entity, kept, summary),
        "facts": values.labelled(reader, entity, kept, values.rest(entity, kept, summary)),
        "lists": values.lists(reader, entity, kept),
        "moved": values.moved(reader, entity, record["moved"]),
        "deleted": record["deleted"],
    }


def _way(reader: Reader, ws: Workspace, told: Mapping[str, Any]) -> dict[str, Any]:
    entity = ws.model.entity(told["record"]["entity"])
    assert entity is not None
    return {
        "stops": way.line(reader, told["route"]),
        "coming": way.to_come(reader, ahead(ws, told["id"])),
        "copies": told["copies"],
        "history": trail.told(reader, entity, told["history"]),
    }


def _waiting(reader: Reader, told: Mapping[str, Any]) -> str:
    pending = [(each, task) for each in told["route"] for task in each["tasks"] if task["state"] == "pending"]
    nodes = {visit["label"] for visit, _ in pending}
    names = [(task["assignee"] or {}).get("name", "") for _, task in pending]
    return way.waiting_for(reader, names, nodes.pop() if len(nodes) == 1 else "")


def _unread(ws: Workspace, told: Mapping[str, Any]) -> bool:
    return any(each["id"] == ws.actor.user and not each["read"] for each in told["copies"])


def _mentions(ws: Workspace, told: Mapping[str, Any]) -> list[dict[str, str]]:
    """The others who have to do with it."""
    people = [told["initiator"], *(task["assignee"] for each in told["route"] for task in each["tasks"])]
    others = {each["id"]: each for each in (*people, *told["copies"]) if each and each["id"] != ws.actor.user}
    return [{"id": id, "name": each["name"]} for id, each in others.items() if each["name"]]


def _resubmission(
    reader: Reader, entity: Entity, told: Mapping[str, Any], wrong: Wrong | None
) -> dict[str, Any] | None:
    """What a returned request needs of its initiator: None when it is not his turn."""
    if not verbs.may(told, "resubmit"):
        return None
    returned = next((each for each in reversed(told["history"]) if each["verb"] == "return"), None)
    why = ""
    if returned is not None and returned["comment"]:
        who = (returned["actor"] or {}).get("name") or "–"
        why = reader.words("approval_returned_why", who=who, comment=returned["comment"])
    return {"why": why, "edit": address_at("app.edit", entity=entity.key, id=told["record"]["id"])}


def _next(ws: Workspace, id: str) -> dict[str, str] | None:
    """The request that waits longest of the newest: not this one again."""
    waiting = approvals.boxes(ws, "waiting", limit=2)["data"]
    found = next((each for each in waiting if each["request"] != id.lower()), None)
    if found is None:
        return None
    return {"title": found["title"], "url": url_for("app.approval", id=found["request"], task=found["task"])}


# -- doing


def approval_act(id: str, verb: str) -> Response:
    """Do one thing, by a plain form or from htmx: then the page as it is; a refusal is told on the page."""
    address = request.remote_addr

    def command(ws: Workspace) -> None:
        approvals.act(ws, id, verb, _body(ws, id, verb), address)

    try:
        context.perform(command, write=True)
    except PlatformError as error:
        if error.status not in _REFUSED:
            raise
        lang = context.language()
        messages = tuple(each.message(lang) for each in error.problems)
        wrong = Wrong(verb, request.form.get("task", ""), messages, error.status == 409)
        # A part of the page takes the place of the old one: htmx swaps nothing that was refused.
        status = 200 if _by_script() else error.status
        return context.perform(lambda ws: _shown(ws, id, wrong, status))
    if verb == "read":
        return make_response(redirect(url_for("app.approval", id=id), 303))
    return make_response(redirect(url_for("app.approval", id=id, did=verb), 303))


def _by_script() -> bool:
    return request.headers.get("HX-Request") == "true"


def _body(ws: Workspace, id: str, verb: str) -> dict[str, Any]:
    """What the form says, as the API takes it. Raises NotFound, BadRequest, Invalid."""
    known = approvals.KEYS.get(verb)
    if known is None:
        return {}  # `act` says which there are
    given = request.form
    body: dict[str, Any] = {
        key: given[key].strip()
        for key, kind in known.items()
        if kind is str and key != "signature" and given.get(key, "").strip()
    }
    if not {"people", "values", "picks", "mentions", "to", "signature"} & known.keys():
        return body
    reader, told = reader_of(ws), approvals.show(ws, id)
    entity = ws.model.entity(told["record"]["entity"])
    assert entity is not None
    if verb in ("transfer", "delegate", "reassign"):
        body["to"] = fields.read_person(reader, entity, verb)
    if "people" in known:
        body["people"] = fields.read_people(reader, entity, verb)
    if "mentions" in known and given.getlist("mentions"):
        body["mentions"] = given.getlist("mentions")
    if "picks" in known and (picks := fields.read_picks(reader, entity)):
        body["picks"] = picks
    if "signature" in known and (signature := fields.read_signature(reader, entity)):
        body["signature"] = signature
    if "values" in known:
        body |= _written(reader, entity, told)
    return body


def _written(reader: Reader, entity: Entity, told: Mapping[str, Any]) -> dict[str, Any]:
    task = request.form.get("task", "")
    keys: Sequence[str] = next(
        (each["write"] for each in told["verbs"] if each["verb"] == "approve" and task in ("", each["task"])), ()
    )
    written = fields.read_written(reader, entity, keys, verbs.current(told))
    return {"values": written} if written else {}


ROUTES = (
    Route("/app/-/approvals/<id>", "GET", approval, PAGE),
    Route("/app/-/approvals/<id>/<verb>", "POST", approval_act, PAGE_FILES),
)
