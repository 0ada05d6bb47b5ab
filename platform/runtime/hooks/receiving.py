"""Takes messages of other systems: signed, fresh, each once; what they tell becomes a record and starts a workflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from channels import signing
from metadata.access import platform_actor
from metadata.model import Entity
from metadata.problems import Conflict, Unauthenticated, kind
from metadata.workflows import Trigger, Workflow
from runtime import records
from runtime.deliveries.secrets import secret_of
from runtime.deliveries.table import SINCE
from runtime.directory import Tenant
from runtime.hooks import correlating
from runtime.hooks.rows import INCOMING, Incoming, actor_of, incoming
from runtime.host import Host
from runtime.portable import Id, Moment
from runtime.processes import switches
from runtime.processes.starting import Start, begin
from runtime.processes.world import Records
from runtime.queries.build import binding_of
from runtime.workspace import PlatformActor, Workspace, open_workspace
from workflow.matching import at

REFUSED = kind(
    "hook.refused",
    en="No message is taken here that is not signed with the secret of this address, or is older than five minutes.",
    zh="此地址只接收用其密钥签名且不超过五分钟的消息。",
)
NOT_NOW = kind(
    "hook.not_now",
    en="Nothing takes this message at present: the workflow “{name}” is gone, switched off or has no such trigger.",
    zh="当前没有流程接收此消息：工作流“{name}”不存在、已停用或没有相应的触发器。",
)

_SEEN = sa.table(
    "_webhook_seen",
    sa.column("hook", Id()),
    sa.column("message", sa.Text()),
    sa.column("at", Moment()),
    sa.column("record", Id()),
)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a message. `repeated`: it was taken before, and nothing was done now."""

    record: str | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A message whose signature is right."""

    hook: Incoming
    message: str


def known(host: Host, tenant: Tenant, name: str, headers: Mapping[str, str], body: bytes) -> Known:
    """Whether a message may be taken; nothing is written. `headers` by names in small letters. Raises Unauthenticated.

    An address that there is not is refused in the same words as a wrong signature.
    """
    with open_workspace(host, tenant, PlatformActor(), channel="workflow") as ws:
        hook = incoming(ws, name) if ws.system_version >= SINCE else None
        secret = None if hook is None else secret_of(ws, INCOMING, "id", hook.id)
    # Without a hook a signature is made all the same: how long it takes says nothing.
    message = signing.verified(secret or "none", headers, body, time.time())
    if hook is None or secret is None or message is None:
        raise Unauthenticated(REFUSED())
    return Known(hook, message)


def receive(ws: Workspace, message: Known, body: Mapping[str, Any]) -> Received:
    """Take a message, unless it was taken before. Raises Invalid with what is wrong with its values, Conflict."""
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    mine = {"hook": message.hook.id, "message": message.message}
    first = insert(_SEEN).values(**mine, at=ws.now).on_conflict_do_nothing(index_elements=["hook", "message"])
    if ws.db.execute(first.returning(_SEEN.c.message)).first() is None:
        where = (_SEEN.c.hook == message.hook.id, _SEEN.c.message == message.message)
        return Received(ws.db.execute(sa.select(_SEEN.c.record).where(*where)).scalar_one(), repeated=True)
    record = received(ws, message, body)
    this = sa.update(_SEEN).where(_SEEN.c.hook == message.hook.id, _SEEN.c.message == message.message)
    ws.db.execute(this.values(record=record))
    return Received(record)


def received(ws: Workspace, message: Known, body: Mapping[str, Any]) -> str | None:
    """Create the record that a body tells of, and start the workflow about it; or wake and start what it is a message
    about. The record's id."""
    hook = message.hook
    workflow, role = _workflow(ws, hook), ws.model.role(hook.role)
    if role is None:
        raise Conflict(NOT_NOW(name=hook.workflow))
    if correlating.takes(ws, workflow, hook.name):
        return correlating.correlated(ws, workflow, hook.name, role, body, message.message)
    trigger, entity = _target(ws, workflow, hook)
    acts = replace(ws, actor=actor_of(ws, role, hook.name, "workflow"))
    values = {entity.fields[id].key: at(body, path) for id, path in trigger.values.items() if id in entity.fields}
    given = {key: value for key, value in values.items() if value is not None}
    record = records.create(acts, entity, given, confirm=("*",))
    platform = replace(ws, actor=platform_actor("workflow"))
    world = Records(platform, binding_of(ws.model, acts.actor, ws.now))
    if trigger.when is None or world.holds(trigger.when, entity.id, record.id):
        begin(acts, [Start(workflow, trigger.id, record.id)])
    return record.id


def _workflow(ws: Workspace, hook: Incoming) -> Workflow:
    workflow: Workflow | None = ws.model.get("workflows", hook.workflow)
    if workflow is None or not workflow.active or not switches.off(ws).isdisjoint((workflow.id, switches.ALL)):
        raise Conflict(NOT_NOW(name=hook.workflow))
    return workflow


def _target(ws: Workspace, workflow: Workflow, hook: Incoming) -> tuple[Trigger, Entity]:
    trigger = next((each for each in workflow.triggers if each.kind == "webhook"), None)
    entity = ws.model.entity(workflow.entity)
    if trigger is None or entity is None:
        raise Conflict(NOT_NOW(name=hook.workflow))
    return trigger, entity


def forget(ws: Workspace, before: Any) -> int:
    """Forget messages that came before a moment: nobody's clock is that wrong. How many."""
    return ws.db.execute(sa.delete(_SEEN).where(_SEEN.c.at < before)).rowcount
