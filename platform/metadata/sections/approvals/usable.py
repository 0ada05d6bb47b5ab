"""Whether those whom an approval asks could see what they are asked: a warning, since people hold several roles."""

from __future__ import annotations

from collections.abc import Iterator

from metadata.approvals import Approval, Copy, Human, Who
from metadata.compilation import Compilation
from metadata.model import Role
from metadata.sections.approvals import refusals as r

_READ = ("approval_task", "approval_request")


def check_use(compilation: Compilation) -> None:
    """Warn of roles by which an approval asks or lets ask, when neither they nor a role for everybody open approvals.

    A role that configures is for few people: it opens nothing for the others.
    """
    entities = [each for each in _READ if each in compilation.made["entities"]]
    roles: dict[str, Role] = compilation.made["roles"]
    common = [each for each in roles.values() if "configure" not in each.capabilities]
    others = (role for role in common if not _named(role, compilation))
    if not entities or any(all(_reads(role, each) for each in entities) for role in others):
        return
    for id, approval in compilation.made["approvals"].items():
        blind = [
            roles[each].label
            for each in dict.fromkeys(_roles(approval))
            if each in roles and not all(_reads(roles[each], entity) for entity in entities)
        ]
        if blind:
            compilation.warn(
                r.BLIND, compilation.elements["approvals"][id], at_key=True, roles=blind, entities=entities
            )


def _reads(role: Role, entity: str) -> bool:
    grant = role.grants.get(entity) or role.grants.get("*")
    return grant is not None and ("read" in grant.where or grant.scopes.get("read", "none") != "none")


def _named(role: Role, compilation: Compilation) -> bool:
    return any(role.id in _roles(each) for each in compilation.made["approvals"].values())


def _roles(approval: Approval) -> Iterator[str]:
    """Ids of the roles whose people submit, decide or get copies."""
    yield from approval.submitters
    yield from approval.admins
    sources: list[Who] = [who for rows in approval.matrices.values() for row in rows for who in row.who]
    for node in approval.every():
        if isinstance(node, (Human, Copy)):
            sources += node.who
        if isinstance(node, Human):
            sources += node.empty_users
    yield from (who.role for who in sources if who.by == "role" and who.role is not None)
