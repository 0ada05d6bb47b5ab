"""What somebody asks to be done to a request, read from JSON and done: he must see it, the engine says the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metadata.approvals import Human
from metadata.ids import is_uuid
from metadata.problems import BadRequest, Conflict, Forbidden, Invalid, NotFound, PlatformError, Problem, kind
from runtime import files, queries
from runtime.approvals.asking.submitting import resubmission
from runtime.approvals.driving.drive import UNKNOWN, Drive, carry_out, opened
from runtime.approvals.keeping.listing import REQUEST, TASK, as_platform, copies_of, id_of, write_rows
from runtime.approvals.showing.seeing import may_see
from runtime.queries import Query
from runtime.queries.rules import token_allows
from runtime.records.operations import Verdict
from runtime.records.policies import may_not
from runtime.workspace import Workspace
from workflow.approvals import verbs as v
from workflow.approvals.request import Request, Task

LONGEST = 4_000
MOST_AT_ONCE = 100

UNKNOWN_VERB = kind(
    "approval_verb_unknown",
    en="{verb} is no verb of approvals. There are: {known}.",
    zh="审批没有操作 {verb}。可用操作：{known}。",
)
BAD = kind(
    "approval_verb_bad",
    en="{key} does not fit here: {verb} takes {known}.",
    zh="{key} 不适用：{verb} 可用参数：{known}。",
)
NEEDS = kind(
    "approval_verb_needs",
    en="{verb} needs {key}.",
    zh="{verb} 需要 {key}。",
)
WHICH_TASK = kind(
    "approval_which_task",
    en="Say which task is meant: more than one of this request, or none, is yours to decide now.",
    zh="请指明任务：此申请中当前由您处理的任务不止一个，或没有。",
)
TOO_LONG = kind(
    "approval_text_too_long",
    en="At most {most} characters.",
    zh="最多 {most} 个字符。",
)
STALE = kind(
    "approval_stale",
    en="This request has moved on since you looked: it is at version {current}, you have version {given}. Look again.",
    zh="该申请在您查看后已有变化：当前版本 {current}，您的版本 {given}。请重新查看。",
)
NOT_ONE_OF_THEM = kind(
    "approval_mention_outside",
    en="Only people who may see this request can be mentioned.",
    zh="只能提及可以查看此申请的人。",
)
NO_SIGNATURE = kind(
    "approval_no_signature",
    en="A signature is the id of a picture that you have just uploaded. Upload it, then send its id.",
    zh="签名应为您刚上传的图片的 ID。请先上传，再提交其 ID。",
)
NOT_IN_BULK = kind(
    "approval_not_in_bulk",
    en="This one cannot be approved together with others. Open it.",
    zh="此任务不能批量审批，请单独打开处理。",
)
TOO_MANY = kind(
    "approval_too_many_at_once",
    en="At most {most} at once.",
    zh="一次最多 {most} 条。",
)

Body = Mapping[str, Any]


def act(ws: Workspace, id: str, verb: str, body: Body, address: str | None = None) -> Request:
    """Do one thing to a request; the request after it.

    `verb`: approve, reject, return, add_signer, remove_signer, transfer, delegate, withdraw, resubmit, take_back, void,
    urge, comment, reassign, jump, terminate, read. Of the body `task` names the task where the actor has several,
    `version` what he saw, `comment` says why; the others are told by `KEYS`. Raises NotFound for what the actor may
    not see, BadRequest, Forbidden, Conflict, Invalid.
    """
    if verb not in KEYS:
        raise BadRequest(UNKNOWN_VERB(verb=verb[:40], known=sorted(KEYS)))
    _check_keys(verb, body)
    driven = _mine(ws, id)
    request = driven.request
    given = body.get("version")
    if given is not None and given != request.version:
        raise Conflict(STALE("version", current=request.version, given=given))
    if verb == "read":
        _mark_read(ws, request.id)
        return request
    if body.get("values") and not token_allows(ws.model, ws.actor, driven.plan.entity, "update"):
        raise Forbidden(may_not(driven.plan.entity, "update"))
    driven.address = address
    return carry_out(driven, _made(driven, verb, body), request)


def _mine(ws: Workspace, id: str) -> Drive:
    """A request that the actor sees and may act on. Raises NotFound, Forbidden."""
    if not is_uuid(id) or ws.actor.user is None:
        raise NotFound(UNKNOWN())
    driven = opened(ws, id.lower())
    _require_seen(ws, driven)
    return driven


def _require_seen(ws: Workspace, driven: Drive) -> None:
    if not may_see(ws, driven.approval, driven.request):
        raise NotFound(UNKNOWN())
    entity = ws.model.entity(REQUEST)
    if entity is not None and not token_allows(ws.model, ws.actor, entity, "update"):
        raise Forbidden(may_not(entity, "update"))


# -- reading

_TASK: Mapping[str, type] = {"task": str, "comment": str}
KEYS: Mapping[str, Mapping[str, type]] = {
    "approve": {**_TASK, "values": dict, "picks": dict, "signature": str},
    "reject": {**_TASK, "signature": str},
    "return": {**_TASK, "to": str},
    "add_signer": {**_TASK, "how": str, "people": list},
    "remove_signer": _TASK,
    "transfer": {**_TASK, "to": str},
    "delegate": {**_TASK, "to": str},
    "withdraw": {"comment": str},
    "resubmit": {"comment": str, "picks": dict},
    "take_back": _TASK,
    "void": {"comment": str},
    "urge": {"task": str},
    "comment": {"comment": str, "mentions": list},
    "reassign": {**_TASK, "to": str},
    "jump": {"to": str, "comment": str},
    "terminate": {"comment": str},
    "read": {},
}
"""Verb -> what its body may hold beside `version`."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "add_signer": ("how", "people"),
    "remove_signer": ("task",),
    "transfer": ("to",),
    "delegate": ("to",),
    "comment": ("comment",),
    "reassign": ("task", "to"),
    "jump": ("to",),
}
"""Verb -> what its body must hold."""


def _check_keys(verb: str, body: Body) -> None:
    known = {"version": int, **KEYS[verb]}
    problems: list[Problem] = []
    for key, value in body.items():
        fits = key in known and isinstance(value, known[key]) and not (known[key] is int and isinstance(value, bool))
        if not fits or (isinstance(value, list) and not _texts(value)) or (key == "picks" and not _picks(value)):
            problems.append(BAD(key[:40], key=key[:40], verb=verb, known=sorted(known)))
        elif isinstance(value, str) and (len(value) > LONGEST or "\x00" in value):
            problems.append(TOO_LONG(key, most=LONGEST))
    problems += [NEEDS(key, verb=verb, key=key) for key in NEEDED.get(verb, ()) if not body.get(key)]
    if verb == "add_signer" and body.get("how") not in ("before", "after", "alongside"):
        problems.append(BAD("how", key="how", verb=verb, known=["before", "after", "alongside"]))
    if problems:
        raise BadRequest(problems)


def check_submission(body: Body) -> None:
    """What somebody sends to ask for an approval. Raises BadRequest."""
    _check_keys("resubmit", {key: value for key, value in body.items() if key != "version"})


def _texts(value: Sequence[Any]) -> bool:
    return len(value) <= MOST_AT_ONCE and all(isinstance(each, str) for each in value)


def _picks(value: Mapping[str, Any]) -> bool:
    return all(isinstance(each, list) and _texts(each) for each in value.values())


def picked(body: Body) -> dict[str, tuple[str, ...]]:
    """The people whom somebody has picked, by node."""
    return {str(node): tuple(people) for node, people in body.get("picks", {}).items()}


def _made(driven: Drive, verb: str, body: Body) -> v.Verb:
    signature = body.get("signature")
    if signature is not None and not files.is_own_upload(driven.ws, signature):
        raise Invalid(NO_SIGNATURE("signature"))
    who, said = str(driven.ws.actor.user), str(body.get("comment", "")).strip()
    to = str(body.get("to", ""))

    def task() -> str:
        return _task(driven, verb, body.get("task"))

    makers: Mapping[str, Callable[[], v.Verb]] = {
        "approve": lambda: v.Approve(
            who, task(), said, body.get("signature"), _by_ids(driven, body.get("values", {})), picked(body)
        ),
        "reject": lambda: v.Reject(who, task(), said, body.get("signature")),
        "return": lambda: v.Return(who, task(), to or "initiator", said),
        "add_signer": lambda: v.AddSigner(who, task(), body["how"], tuple(body["people"]), said),
        "remove_signer": lambda: v.RemoveSigner(who, task(), said),
        "transfer": lambda: v.Transfer(who, task(), to, said),
        "delegate": lambda: v.Delegate(who, task(), to, said),
        "withdraw": lambda: v.Withdraw(who, said),
        "resubmit": lambda: resubmission(driven, picked(body), said),
        "take_back": lambda: v.TakeBack(who, task(), said),
        "void": lambda: v.Void(who, said),
        "urge": lambda: v.Urge(who, body.get("task")),
        "comment": lambda: v.Comment(who, said, _mentions(driven, body.get("mentions", ()))),
        "reassign": lambda: v.Reassign(who, task(), to, said),
        "jump": lambda: v.Jump(who, to, said),
        "terminate": lambda: v.Terminate(who, said),
    }
    return makers[verb]()


def _task(driven: Drive, verb: str, named: str | None) -> str:
    """The task that is meant: the one named, else the only one that fits. Raises Invalid."""
    if named is not None:
        return named.lower()
    who, tasks = driven.ws.actor.user, driven.request.tasks
    fits: Callable[[Task], bool] = (
        (lambda each: each.decided_by == who and each.state in ("approved", "rejected", "approving"))
        if verb == "take_back"
        else (lambda each: each.state == "pending" and who in (each.assignee, each.deputy))
    )
    found = [each for each in tasks if fits(each)]
    if verb == "take_back" and found:
        return found[-1].id
    if len(found) != 1:
        raise Invalid(WHICH_TASK("task"))
    return found[0].id


def _by_ids(driven: Drive, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by field id. What names no field stays as it is: the save refuses it."""
    entity = driven.plan.entity
    found = {}
    for name, value in values.items():
        field = entity.find(name)
        found[name if field is None else field.id] = value
    return found


def _mentions(driven: Drive, people: Sequence[str]) -> tuple[str, ...]:
    """Whoever is mentioned is told the title, so he must be one who may see the request."""
    request = driven.request
    seeing = {request.initiator, *driven.people.admins(driven.approval)}
    for each in request.tasks:
        seeing |= {each.assignee, each.deputy or "", each.behalf or "", each.added_by or "", each.decided_by or ""}
    seeing |= {id_of(each["assignee"]) for each in copies_of(driven.ws, request.id)}
    if not set(people) <= seeing:
        raise Invalid(NOT_ONE_OF_THEM("mentions"))
    return tuple(dict.fromkeys(people))


def _mark_read(ws: Workspace, request: str) -> None:
    """The actor has read his copies."""
    mine = [
        each["id"]
        for each in copies_of(ws, request)
        if id_of(each["assignee"]) == ws.actor.user and not each["read_at"]
    ]
    write_rows(ws, TASK, {id: {"read_at": ws.now} for id in mine}, new=())


# -- many at once


def approve_many(ws: Workspace, tasks: Sequence[str], comment: str = "", address: str | None = None) -> list[Verdict]:
    """Approve tasks of nodes that allow it together; a verdict for each, and what is refused has changed nothing.

    Raises TooLarge beyond `MOST_AT_ONCE`.
    """
    if len(tasks) > MOST_AT_ONCE:
        raise BadRequest(TOO_MANY("tasks", most=MOST_AT_ONCE))
    requests = _requests_of(ws, tasks)
    verdicts = []
    for task in tasks:
        try:
            with ws.db.savepoint():
                _approve_one(ws, requests.get(task.lower()), task.lower(), comment, address)
            verdicts.append(Verdict("updated", task))
        except PlatformError as refused:
            verdicts.append(Verdict("refused", task, refused.problems))
    return verdicts


def _approve_one(ws: Workspace, request: str | None, task: str, comment: str, address: str | None) -> None:
    driven = _mine(ws, request or "")
    found = driven.request.task(task)
    node = None if found is None else next((each for each in driven.approval.every() if each.id == found.node), None)
    if not isinstance(node, Human) or not node.bulk:
        raise Invalid(NOT_IN_BULK())
    driven.address = address
    carry_out(driven, v.Approve(str(ws.actor.user), task, comment.strip()), driven.request)


def _requests_of(ws: Workspace, tasks: Sequence[str]) -> dict[str, str]:
    """Task id -> request id of the actor's own tasks."""
    ids = tuple(each.lower() for each in tasks if is_uuid(each))
    if ws.model.entity(TASK) is None or not ids:
        return {}
    where = "assignee == $user or deputy == $user"
    query = Query(TASK, where=where, fields=("request",), ids=ids, limit=len(ids))
    return {each["id"]: id_of(each["request"]) for each in queries.as_json(queries.find(as_platform(ws), query))}
