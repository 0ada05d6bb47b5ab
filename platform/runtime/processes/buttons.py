"""Workflows that somebody starts by a button on a record, and those that a program or another module starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Conflict, Forbidden, Label, NotFound, kind
from metadata.workflows import Trigger, Workflow
from runtime.processes import instances, switches
from runtime.processes.books import triggers_of
from runtime.processes.instances import Run
from runtime.processes.starting import Start, begin
from runtime.processes.world import Records
from runtime.queries.build import binding_of
from runtime.queries.merged import absent
from runtime.queries.rules import sees, token_allows
from runtime.records.locked import lock
from runtime.records.plans import plan_of
from runtime.records.policies import may_not, not_found
from runtime.workspace import Workspace

NO_ACTION = kind(
    "action_unknown",
    en="{entity} have no action {name}. There are: {known}.",
    zh="{entity}没有操作 {name}。现有操作：{known}。",
)
NOT_NOW = kind(
    "action_not_now",
    en="“{action}” is not possible while the {entity} is as it is now.",
    zh="该{entity}目前的状态不能执行“{action}”。",
)
NOT_YOURS = kind(
    "action_not_yours",
    en="Your roles do not let you use “{action}”. Ask an administrator.",
    zh="您的角色无权使用“{action}”，请联系管理员。",
)
RUNS_ALREADY = kind(
    "action_runs_already",
    en="“{action}” runs for this {entity} already. Wait until it is over.",
    zh="“{action}”已在该{entity}上运行，请等待其完成。",
)


@dataclass(frozen=True, slots=True)
class Button:
    """What a record offers. `name` is that of its address: `workflow`, or `workflow.trigger` where it has several."""

    name: str
    label: Label
    workflow: Workflow
    trigger: Trigger


def buttons_of(ws: Workspace, entity: Entity) -> tuple[Button, ...]:
    """The buttons of an entity that the actor's roles may press, whatever the record is like."""
    if ws.system_version < instances.SINCE:
        return ()
    return tuple(each for each in _buttons(ws, entity) if _may_press(ws, each))


def offered(ws: Workspace, entity: Entity, record: str) -> tuple[Button, ...]:
    """Those that he may press on this record as it is now. Raises NotFound for one that he does not see."""
    if not is_uuid(record) or not sees(ws, entity, "read", record.lower(), deleted=False):
        raise not_found(entity)
    found = [each for each in buttons_of(ws, entity) if not switches.is_off(ws, each.workflow.id)]
    if any(not each.trigger.roles for each in found) and not sees(ws, entity, "update", record.lower()):
        found = [each for each in found if each.trigger.roles]
    world = Records(ws, binding_of(ws.model, ws.actor, ws.now), locking=False)
    return tuple(each for each in found if _holds(world, each, record.lower()))


def press(ws: Workspace, entity: Entity, record: str, name: str) -> Run:
    """Start a workflow by its button; the run. Raises NotFound, Forbidden, and Conflict when it is not the time."""
    plan = plan_of(ws.model, entity, ws.db.dialect)
    held = lock(ws, plan, [record.lower()], "update") if is_uuid(record) else {}
    if not held:
        raise absent(ws, entity, record, not_found(entity))
    button = next((each for each in _buttons(ws, entity) if name in _names(each)), None)
    if button is None or ws.system_version < instances.SINCE:
        known = [each.name for each in buttons_of(ws, entity)]
        raise NotFound(NO_ACTION("name", entity=entity.plural, name=name[:80], known=known or "–"))
    if not _may_press(ws, button):
        raise Forbidden(NOT_YOURS(action=button.label))
    if not button.trigger.roles and not held[record.lower()].allowed:
        raise Forbidden(may_not(entity, "update"))
    switches.require_on(ws, button.workflow)
    world = Records(ws, binding_of(ws.model, ws.actor, ws.now))
    if not _holds(world, button, record.lower()):
        raise Conflict(NOT_NOW(action=button.label, entity=entity.label))
    begun = begin(ws, [Start(button.workflow, button.trigger.id, record.lower())])
    if not begun:
        raise Conflict(RUNS_ALREADY(action=button.label, entity=entity.label))
    return begun[0]


def start(ws: Workspace, workflow: Workflow, trigger: str, record: str) -> Run | None:
    """Start a workflow whose trigger has happened outside, such as a webhook; None when its condition does not hold,
    it is off or not active, or runs already."""
    found = next((each for each in workflow.triggers if each.id == trigger), None)
    if found is None or not workflow.active or switches.is_off(ws, workflow.id):
        return None
    if found.when is not None:
        world = Records(ws, binding_of(ws.model, ws.actor, ws.now))
        if not world.holds(found.when, workflow.entity, record):
            return None
    begun = begin(ws, [Start(workflow, trigger, record)])
    return begun[0] if begun else None


def _buttons(ws: Workspace, entity: Entity) -> Iterator[Button]:
    if not ws.model.index.get("workflows"):
        return
    for each in triggers_of(ws.model, entity, "button").ready:
        several = sum(1 for other in each.workflow.triggers if other.kind == "button") > 1
        name = f"{each.workflow.key}.{each.trigger.id}" if several else each.workflow.key
        yield Button(name, each.trigger.label or each.workflow.label, each.workflow, each.trigger)


def _names(button: Button) -> tuple[str, ...]:
    workflow, trigger = button.workflow, button.trigger.id
    exact = (button.name, f"{workflow.key}.{trigger}", f"{workflow.id}.{trigger}")
    return exact if "." in button.name else (*exact, workflow.id)


def _may_press(ws: Workspace, button: Button) -> bool:
    """A token that only reads presses nothing."""
    entity = ws.model.entity(button.workflow.entity)
    if entity is None or not token_allows(ws.model, ws.actor, entity, "update"):
        return False
    roles = button.trigger.roles
    return ws.actor.platform or not roles or not set(roles).isdisjoint(ws.actor.roles)


def _holds(world: Records, button: Button, record: str) -> bool:
    when = button.trigger.when
    return when is None or bool(world.holds(when, button.workflow.entity, record))
