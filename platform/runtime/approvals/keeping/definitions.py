"""The definitions of approvals: today's for new requests, for each running one that of the release it began with."""

from __future__ import annotations

from functools import partial

from metadata.access import Actor
from metadata.approvals import Approval, approvals_of
from metadata.model import Entity, Model
from metadata.problems import NotFound, kind
from runtime import releases
from runtime.queries.cache import kept
from runtime.workspace import Workspace
from workflow.approvals.request import Request

GONE = kind(
    "approval_definition_gone",
    en="The release that this approval began with no longer has it. Ask an administrator to end the request.",
    zh="该审批发起时的版本已不可用，请联系管理员终止该申请。",
)


def of_entity(model: Model, entity: Entity) -> tuple[Approval, ...]:
    """The approvals that new requests may take, in the order in which a record looks for its own."""
    if not model.index.get("approvals"):
        return ()
    found = kept(model).get(("approvals", entity.id), partial(approvals_of, model, entity.id))
    return tuple(each for each in found if each.active)


def has_approvals(ws: Workspace, entity: Entity) -> bool:
    """Whether records of an entity may need an approval."""
    return bool(of_entity(ws.model, entity))


def of_request(ws: Workspace, request: Request) -> Approval:
    """The definition under which a request runs. Raises NotFound."""
    model = ws.model if request.release == ws.release else releases.model_at(ws, request.release)
    found: Approval | None = model.get("approvals", request.approval)
    if found is None:
        raise NotFound(GONE())
    return found


def administers(ws: Workspace, approval: Approval, actor: Actor | None = None) -> bool:
    """Whether somebody looks after an approval: by one of its roles, or whoever configures where it names none."""
    who = actor or ws.actor
    return who.platform or bool(set(admin_roles(ws.model, approval)) & set(who.roles))


def admin_roles(model: Model, approval: Approval) -> tuple[str, ...]:
    """Ids of the roles that look after an approval."""
    if approval.admins:
        return approval.admins
    return tuple(id for id in model.index.get("roles", {}) if _configures(model, id))


def _configures(model: Model, id: str) -> bool:
    role = model.role(id)
    return role is not None and "configure" in role.capabilities
