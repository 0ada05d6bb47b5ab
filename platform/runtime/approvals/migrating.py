"""Running requests moved to today's description of their approval, by whoever looks after it, with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metadata.approvals import Approval
from metadata.ids import is_uuid
from metadata.model import EMPTY
from metadata.problems import BadRequest, Forbidden, Invalid, NotFound, Problem, kind
from runtime import record_locks
from runtime.approvals.driving.drive import lock_of, opened
from runtime.approvals.keeping import definitions, listing, trail
from runtime.approvals.keeping import requests as store
from runtime.queries.rules import token_allows
from runtime.records.policies import may_not
from runtime.workspace import Workspace
from workflow.approvals.migrating import migrate as moved
from workflow.approvals.migrating import misfits
from workflow.approvals.request import Request

MOST = 500

BAD = kind(
    "approval_migration_bad",
    en="A migration is {{approval, nodes?, requests?, reason, dry?}}: a code, a map of node ids, ids of requests, a "
    "text, true or false.",
    zh="迁移格式为 {{approval, nodes?, requests?, reason, dry?}}：审批代码、节点映射、申请 ID 列表、原因、是否仅预演。",
)
NO_REASON = kind(
    "approval_migration_reason",
    en="Say why the requests are moved: it is kept with each of them.",
    zh="请说明迁移原因，原因会记录在每条申请中。",
)
NO_APPROVAL = kind(
    "approval_migration_unknown",
    en="There is no approval {name} today. Requests are moved to a description that there is.",
    zh="当前没有审批 {name}。只能迁移到现有的审批流程。",
)
NOT_YOURS = kind(
    "approval_migration_not_yours",
    en="Only who looks after this approval moves its requests. Ask an administrator.",
    zh="只有该审批的管理员可以迁移申请，请联系管理员。",
)
NOT_ITS_REQUEST = kind(
    "approval_migration_not_its_request",
    en="This is no running request of the approval under an older description.",
    zh="这不是该审批旧版本下进行中的申请。",
)


@dataclass(frozen=True, slots=True)
class Migration:
    """What is wanted. `nodes`: old id -> new id; `requests`: all of older releases when none is named."""

    approval: str
    reason: str
    nodes: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    requests: tuple[str, ...] | None = None
    dry: bool = False


@dataclass(frozen=True, slots=True)
class Migrated:
    """What became of it: ids of what was moved (or would be), and why others stay where they are."""

    moved: tuple[str, ...]
    refused: Mapping[str, Sequence[Problem]]


def migration(body: Mapping[str, Any]) -> Migration:
    """What somebody asks for as JSON. Raises BadRequest."""
    nodes, ids, dry = body.get("nodes", {}), body.get("requests"), body.get("dry", False)
    texts = [body.get("approval"), body.get("reason", "")]
    right = all(isinstance(each, str) and len(each) <= 4_000 and "\x00" not in each for each in texts)
    right = right and isinstance(dry, bool) and isinstance(nodes, dict) and len(nodes) <= MOST
    right = right and all(isinstance(each, str) for each in nodes.values())
    if ids is not None:
        right = right and isinstance(ids, list) and len(ids) <= MOST
        right = right and all(isinstance(each, str) and is_uuid(each) for each in ids)
    if not right:
        raise BadRequest(BAD())
    named = None if ids is None else tuple(each.lower() for each in ids)
    return Migration(str(texts[0]), str(texts[1]).strip(), nodes, named, dry)


def migrate(ws: Workspace, wanted: Migration, address: str | None = None) -> Migrated:
    """Move requests, each or none of it: one that does not fit stays as it is, with the reason.

    Raises NotFound, Forbidden, Invalid.
    """
    approval: Approval | None = ws.model.get("approvals", wanted.approval)
    if approval is None:
        raise NotFound(NO_APPROVAL("approval", name=wanted.approval[:80]))
    entity = ws.model.entity(listing.REQUEST)
    if entity is None or not definitions.administers(ws, approval):
        raise Forbidden(NOT_YOURS())
    if not token_allows(ws.model, ws.actor, entity, "update"):
        raise Forbidden(may_not(entity, "update"))
    if not wanted.reason:
        raise Invalid(NO_REASON("reason"))
    older = store.running_under(ws, (approval.id,), but=ws.release, limit=MOST)
    done: list[str] = []
    refused: dict[str, Sequence[Problem]] = {}
    for id in older if wanted.requests is None else dict.fromkeys(wanted.requests):
        if id not in older:
            refused[id] = (NOT_ITS_REQUEST(),)
        elif wrong := _move(ws, approval, id, wanted, address):
            refused[id] = wrong
        else:
            done.append(id)
    return Migrated(tuple(done), refused)


def _move(ws: Workspace, approval: Approval, id: str, wanted: Migration, address: str | None) -> Sequence[Problem]:
    """Move one; what keeps it from that."""
    driven = opened(ws if not wanted.dry else replace(ws, write=False), id)
    before = driven.request
    wrong = misfits(driven.approval, approval, before, wanted.nodes)
    if wrong or wanted.dry:
        return wrong
    after, entry = moved(approval, before, wanted.nodes, ws.release, ws.actor.user, wanted.reason)
    store.move(ws, after)
    listing.sync(ws, approval, _renamed(before), after, listing.titles_of(ws, id))
    if record_locks.held(ws, after.entity, [after.record]).get(after.record) is not None:
        record_locks.put(ws, lock_of(ws, approval, after))
    trail.append(ws, id, [entry], address)
    return ()


def _renamed(before: Request) -> Request:
    """As if every open task were another one: their nodes may be called otherwise now."""
    return replace(before, tasks=tuple(replace(each, order=-1) if each.open else each for each in before.tasks))
