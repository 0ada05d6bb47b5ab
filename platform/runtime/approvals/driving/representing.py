"""Standing proxies on demand: what was asked before a proxy came into force, or is still with one who no longer is."""

from __future__ import annotations

from dataclasses import replace

from metadata.ids import is_uuid
from metadata.problems import BadRequest, Forbidden, NotFound, kind
from runtime import queries
from runtime.approvals import subject
from runtime.approvals.driving.drive import drive
from runtime.approvals.driving.timing import OPEN, open_requests
from runtime.approvals.keeping import definitions
from runtime.approvals.keeping import requests as store
from runtime.approvals.keeping.listing import TASK, as_platform, id_of
from runtime.approvals.world.people import People
from runtime.approvals.world.world import RecordWorld
from runtime.queries import Query
from runtime.records.drafts import draft_of
from runtime.workspace import Workspace
from workflow.approvals.acting import act as decide
from workflow.approvals.refusals import Refused
from workflow.approvals.request import Request
from workflow.approvals.verbs import Represent

UNKNOWN_PERSON = kind(
    "approval_nobody_to_represent",
    en="There is no such person. Name somebody by the id of his user.",
    zh="没有该用户。请使用用户 ID 指定人员。",
)
TOO_MANY = kind(
    "approval_too_many_to_represent",
    en="More than {most} requests wait. Ask an administrator to reassign them.",
    zh="待处理的申请超过 {most} 条，请联系管理员改派。",
)
_AT_ONCE = 200


def represent(ws: Workspace, principal: str, address: str | None = None) -> int:
    """Bring the open tasks of a person in line with his standing proxies as they are now; how many requests changed.

    The person himself may do so, a proxy of his, and who looks after an approval. What a proxy may not touch is passed
    over. Raises NotFound for nobody, BadRequest for too many at once.
    """
    actor = ws.actor.user
    if actor is None or not is_uuid(principal) or not People(ws).name(principal):
        raise NotFound(UNKNOWN_PERSON())
    found = open_requests(ws, principal.lower(), behalf=True)
    if len(found) > _AT_ONCE:
        raise BadRequest(TOO_MANY(most=_AT_ONCE))
    changed, refused = 0, list[Forbidden]()
    for each in found:
        try:
            before = store.find(replace(ws, write=False), each)
            after = drive(ws, each, Represent(principal.lower(), actor), address)
            changed += before is not None and before.tasks != after.tasks
        except Forbidden as wrong:
            refused.append(wrong)
    if refused and len(refused) == len(found):
        raise refused[0]
    return changed


def out_of_line(ws: Workspace) -> int:
    """How many requests ask the actor, or somebody for him, otherwise than his standing proxies say now; 0 for most
    people, by two small questions."""
    user = ws.actor.user
    if user is None or not ws.model.index.get("approvals"):
        return 0
    mine = [each for each in People(ws).proxies() if each.principal == user]
    found = open_requests(ws, user, behalf=True)[:_AT_ONCE] if mine else _given(ws, user)
    changed = 0
    for request in store.several(ws, found):
        if request.running and _would_change(ws, request, user):
            changed += 1
    return changed


def _given(ws: Workspace, user: str) -> list[str]:
    """Requests in which somebody is asked for him."""
    if ws.model.entity(TASK) is None:
        return []
    query = Query(TASK, where=f"behalf == '{user}' and {OPEN}", fields=("request",), limit=_AT_ONCE)
    return sorted({id_of(each["request"]) for each in queries.as_json(queries.find(as_platform(ws), query))})


def _would_change(ws: Workspace, request: Request, user: str) -> bool:
    """Tried on the engine, which is pure."""
    try:
        plan = subject.plan_for(ws, request.entity)
        values = subject.look(ws, plan, request.record)
        world = RecordWorld(ws, plan, draft_of(request.record, values or {"id": request.record}), People(ws))
        after, _ = decide(definitions.of_request(ws, request), request, Represent(user, user), world)
    except (NotFound, Refused):
        return False
    return after.tasks != request.tasks
