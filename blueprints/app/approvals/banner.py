"""What a record's page says of its approval, and what is closed on it meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from blueprints.addresses import address_at
from blueprints.app.approvals.way import waiting_for
from blueprints.app.reading import Reader
from metadata.model import Entity
from runtime import approvals, record_locks
from runtime.approvals.asking.submitting import Standing
from runtime.approvals.keeping import definitions
from runtime.approvals.keeping.listing import node_name
from runtime.approvals.showing.seeing import sight
from runtime.record_locks import Lock
from runtime.records.checking.locks import guard_of

_ENDED = ("rejected", "withdrawn", "terminated", "voided")
_LOOKS = {
    "running": ("hourglass", "blue"),
    "returned": ("arrow-back-up", "orange"),
    "approved": ("circle-check", "green"),
    "rejected": ("circle-x", "red"),
}


@dataclass(frozen=True, slots=True)
class Banner:
    """Addresses are None for what the actor may not do or see."""

    said: str
    detail: str
    icon: str
    tint: str
    open: str | None = None
    decides: bool = False
    """The request waits for the actor."""
    submit: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """A record that a request has locked. `fields`: ids of those that are open to the actor all the same."""

    said: str
    fields: frozenset[str]


def closed(reader: Reader, entity: Entity, id: str) -> Closed | None:
    """None for a record that the actor may change as his roles say."""
    ws = reader.ws
    guard = guard_of(ws.model, entity)
    if guard is None or not guard.own or ws.system_version < record_locks.LOCKS_SINCE:
        return None
    lock = record_locks.held(ws, entity.id, [id]).get(id)
    if lock is None or lock.administered_by(ws):
        return None
    said = "approval_locked_help" if lock.state == "running" else "approval_locked_for_good"
    return Closed(reader.words(said), _open(reader, lock))


def _open(reader: Reader, lock: Lock) -> frozenset[str]:
    return frozenset(lock.open.get(reader.ws.actor.user or "", ()))


def banner(reader: Reader, entity: Entity, id: str) -> Banner | None:
    """None for a record that needs no approval and has none. Nothing is asked of entities without approvals."""
    ws = reader.ws
    if not approvals.has_approvals(ws, entity):
        return None
    found = approvals.standing(ws, entity, id)
    if found.approval is None:
        return None
    name = reader.words.label(found.approval.label)
    match found.need:
        case "running":
            return _running(reader, found, name)
        case "approved":
            icon, tint = _LOOKS["approved"]
            said = reader.words("approval_is_approved", approval=name)
            return Banner(said, "", icon, tint, _url(reader, found))
        case "needs_approval":
            return _needed(reader, entity, id, found, name)
    return None


def _running(reader: Reader, found: Standing, name: str) -> Banner:
    words, url = reader.words, _url(reader, found)
    icon, tint = _LOOKS["running"]
    if url is None or found.request is None:
        return Banner(words("approval_in", approval=name), words("approval_in_unseen"), icon, tint)
    told = approvals.summed_up(reader.ws, found.request)
    asked = [each for each in told["asked"] if each["assignee"]]
    assert found.approval is not None
    nodes = {node_name(found.approval, each["node"], words.lang) for each in asked}
    names = [each["assignee"]["name"] for each in asked]
    detail = waiting_for(reader, names, nodes.pop() if len(nodes) == 1 else "")
    user = reader.ws.actor.user
    decides = any(user in (each.assignee, each.deputy) for each in found.request.pending())
    if told["returned"]:
        icon, tint = _LOOKS["returned"]
        detail = words("approval_resubmit_help") if decides else detail
    said = words("approval_in_returned" if told["returned"] else "approval_in", approval=name)
    return Banner(said, detail, icon, tint, url, decides)


def _needed(reader: Reader, entity: Entity, id: str, found: Standing, name: str) -> Banner:
    words = reader.words
    submit = address_at("app.approval_asked", entity=entity.key, id=id) if found.may_submit else None
    state = found.request.state if found.request is not None else ""
    url = _url(reader, found)
    detail = "" if submit else words("approval_needed_not_you")
    if state == "approved":
        said, detail = words("approval_changed", approval=name), words("approval_changed_help")
        return Banner(said, detail, "refresh-alert", "amber", url, submit=submit, again=True)
    if state in _ENDED and url is not None:
        icon, tint = _LOOKS.get(state, ("circle-minus", "gray"))
        said = words(f"approval_was_{state}", approval=name)
        return Banner(said, detail, icon, tint, url, submit=submit, again=True)
    said = words("approval_needed", approval=name)
    return Banner(said, detail or words("approval_needed_help"), "writing-sign", "amber", None, submit=submit)


def _url(reader: Reader, found: Standing) -> str | None:
    """Where the request is shown, to whoever may see it."""
    request, ws = found.request, reader.ws
    if request is None or sight(ws, definitions.of_request(ws, request), request) is None:
        return None
    return url_for("app.approval", id=request.id)
