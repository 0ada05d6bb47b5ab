"""Why somebody may or may not do something with a record or a field: every role, share and condition that decides.

Pure: it is given the record, and decides by the same rules as `access`. What its reader may not see is blanked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metadata.access import Actor, claim_of, grant_of, held_roles
from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Row, bound_values, condition
from metadata.expressions.printing import path_of, write
from metadata.expressions.tree import FieldRef, Logic, Node, walk
from metadata.model import RIGHTS, Entity, Field, Grant, Model, Right, Role, Scope
from metadata.policies import condition_of
from metadata.pools import opened_to
from metadata.problems import Problem, kind

NOTHING_SAID = kind(
    "explain_no_grant",
    en="The role {role} says nothing about {entity}.",
    zh="角色“{role}”未涉及{entity}。",
)
NO_ROLE = kind("explain_no_role", en="{user} has no role.", zh="{user}没有任何角色。")
NONE = kind(
    "explain_none",
    en="The role {role} does not let anybody {action} {entity}.",
    zh="角色“{role}”不允许{action}{entity}。",
)
ALL = kind(
    "explain_all",
    en="The role {role} lets its people {action} all {entity}.",
    zh="角色“{role}”允许{action}所有{entity}。",
)
OWN = kind("explain_own", en="The role {role}: {user} owns it.", zh="角色“{role}”：{user}是负责人。")
NOT_OWN = kind(
    "explain_not_own",
    en="The role {role} reaches what {user} owns; this one has {owner}.",
    zh="角色“{role}”仅限{user}负责的记录；该记录{owner}。",
)
UNIT = kind(
    "explain_unit",
    en="The role {role}: it lies in a unit of {user} ({scope}).",
    zh="角色“{role}”：记录属于{user}的部门范围（{scope}）。",
)
NOT_UNIT = kind(
    "explain_not_unit",
    en="The role {role} reaches units of {user} ({scope}); this one has {unit}.",
    zh="角色“{role}”仅限{user}的部门范围（{scope}）；该记录{unit}。",
)
TEAM = kind(
    "explain_team",
    en="The role {role} reaches only what is shared with {user}.",
    zh="角色“{role}”仅限共享给{user}的记录。",
)
MET = kind("explain_met", en="The role {role}: it meets “{condition}”.", zh="角色“{role}”：记录满足条件“{condition}”。")
NOT_MET = kind(
    "explain_not_met",
    en="The role {role} asks for “{condition}”, and “{part}” is not so: {values}.",
    zh="角色“{role}”要求“{condition}”，而“{part}”不成立：{values}。",
)
UNTOLD = kind(
    "explain_untold",
    en="The role {role} asks for something that you may not read, so what came of it is not told.",
    zh="角色“{role}”的条件涉及您无权查看的内容，因此不显示其结果。",
)
SHARED = kind(
    "explain_shared",
    en="It is shared with {user} ({what}, {until}).",
    zh="已共享给{user}（{what}，{until}）。",
)
SHARED_FOR_READING = kind(
    "explain_shared_for_reading",
    en="It is shared with {user} for reading only.",
    zh="已共享给{user}，但仅可查看。",
)
TOKEN = kind(
    "explain_token",
    en="The token that was used may not do this with {entity}, whatever the roles.",
    zh="所用令牌无权对{entity}执行此操作，与角色无关。",
)
FIELD = kind(
    "explain_field",
    en="The role {role} gives {right} to {field}.",
    zh="角色“{role}”对{field}的权限：{right}。",
)
FIELD_MET = kind(
    "explain_field_met",
    en="The role {role} gives {right} to {field}, since it meets “{condition}”.",
    zh="角色“{role}”对{field}的权限：{right}，因为记录满足“{condition}”。",
)
FIELD_NOT_MET = kind(
    "explain_field_not_met",
    en="The role {role} gives only {right} to {field}: of “{condition}”, “{part}” is not so: {values}.",
    zh="角色“{role}”对{field}的权限仅为{right}：条件“{condition}”中的“{part}”不成立：{values}。",
)
CAPPED = kind(
    "explain_capped",
    en="The role {role} gives only {right} to {field}: the field is {sensitivity}, the role is cleared for "
    "{clearance}.",
    zh="角色“{role}”对{field}的权限仅为{right}：字段敏感级别为{sensitivity}，角色许可级别为{clearance}。",
)
POOL = kind(
    "explain_pool",
    en="Nobody owns it: it lies in the pool {pool}, which is open to {user}.",
    zh="该记录无负责人，位于对{user}开放的公海“{pool}”中。",
)
DOES = {
    "read": {"en": "see", "zh": "查看"},
    "create": {"en": "create", "zh": "新建"},
    "update": {"en": "change", "zh": "修改"},
    "delete": {"en": "delete", "zh": "删除"},
}
SCOPES = {"unit": {"en": "his units", "zh": "本部门"}, "subtree": {"en": "his units and below", "zh": "本部门及下级"}}
MEANT = {
    "hidden": {"en": "nothing", "zh": "隐藏"},
    "masked": {"en": "a mask", "zh": "脱敏"},
    "read": {"en": "reading", "zh": "查看"},
    "write": {"en": "writing", "zh": "修改"},
}
NOBODY = {"en": "no owner", "zh": "没有负责人"}
OTHER = {"en": "another owner", "zh": "另有负责人"}
NO_UNIT = {"en": "no unit", "zh": "没有部门"}
OTHER_UNIT = {"en": "another unit", "zh": "属于其他部门"}
READING = {"en": "for reading", "zh": "可查看"}
WRITING = {"en": "for writing", "zh": "可修改"}
FOR_EVER = {"en": "without end", "zh": "长期有效"}
NO_VALUES = "•••"
"""Of a condition that looks at no field."""

Readable = Callable[[str, str], bool]
"""(entity id, field id) -> whether the reader of the explanation may read the value."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that lets somebody do it, or one that would have and does not."""

    granted: bool | None
    """None: it is not told, since it would tell of a value that the reader of the explanation may not see."""
    text: Problem
    role: str | None = None
    """Key of the role that it comes from."""


@dataclass(frozen=True, slots=True)
class Explained:
    """The answer and all that was looked at."""

    allowed: bool
    grounds: tuple[Ground, ...]
    right: Right | None = None
    """Of a field."""


@dataclass(frozen=True, slots=True)
class Given:
    """A share that reaches the person, now."""

    write: bool
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Who, which record, and who reads the explanation."""

    model: Model
    actor: Actor
    entity: Entity
    row: Row
    binding: Binding
    readable: Readable
    shares: Sequence[Given] = ()

    def condition(self, text: str) -> tuple[bool, dict[str, Any] | None]:
        """Whether the record meets it; if not, the first part that failed, with its values.

        None instead, where it looks at what the reader may not read: that a part failed tells of it as well.
        """
        expression = condition_of(self.model, self.entity, text)
        constants = bound_values(expression, self.binding)
        met = condition(expression.root)(self.row, constants)
        if not self._may_be_told(expression.root):
            return met, None
        if met:
            return True, {"condition": text}
        part = self._failed(expression.root, constants)
        written = write(part, expression.values, self.model.entity)
        return False, {"condition": text, "part": written, "values": self._values(part)}

    def _failed(self, node: Node, constants: Any) -> Node:
        if isinstance(node, Logic) and node.op == "and":
            for part in node.parts:
                if not condition(part)(self.row, constants):
                    return self._failed(part, constants)
        return node

    def _may_be_told(self, node: Node) -> bool:
        refs = (each for each in walk(node) if isinstance(each, FieldRef))
        steps = (step for each in refs for step in (*(link[:2] for link in each.links), (each.entity, each.field)))
        return all(self.readable(*step) for step in steps)

    def _values(self, node: Node) -> str:
        found: dict[str, str] = {}
        for ref in walk(node):
            if isinstance(ref, FieldRef):
                found[path_of(ref, self.model.entity)] = _shown(self._value(ref))
        return ", ".join(f"{name} = {value}" for name, value in found.items()) or NO_VALUES

    def _value(self, ref: FieldRef) -> Any:
        values: Any = self.row.values
        for _, link, target in ref.links:
            record = values.get(link)
            values = self.row.linked(target, record) if record is not None else None
            if values is None:
                return None
        return values.get(ref.field)


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)


def explain(case: Case, action: str, token: bool = True) -> Explained:
    """Why the actor may or may not do this with the record. `token`: whether the token that was used lets him."""
    grounds = list(_of_roles(case, action))
    if action == "read":
        pools = opened_to(case.model, case.entity, case.actor.roles)
        held = [each for each in pools if each.id == case.row.values.get("pool")]
        grounds += [Ground(True, POOL(pool=each.label, user=case.actor.name)) for each in held]
    reached = any(grant is not None and _opens(grant, action, case.entity) for _, grant in _grants(case))
    if action in ("read", "update") and reached:
        grounds += _of_shares(case, action)
    if not token:
        grounds = [Ground(False, TOKEN(entity=case.entity.plural)), *(_refused(each) for each in grounds)]
    return Explained(token and any(each.granted for each in grounds), _told(grounds))


def _told(grounds: Iterable[Ground]) -> tuple[Ground, ...]:
    """What the reader gets of what has been decided."""
    return tuple(replace(each, granted=None) if each.text.code == UNTOLD.code else each for each in grounds)


def _refused(ground: Ground) -> Ground:
    return Ground(False, ground.text, ground.role)


def _grants(case: Case) -> Iterator[tuple[Role, Grant | None]]:
    for role in held_roles(case.model, case.actor.roles):
        yield role, grant_of(case.model, role, case.entity)


def _opens(grant: Grant, action: str, entity: Entity) -> bool:
    scope = grant.scopes.get(action, "none")
    return action in grant.where or scope in ("all", "team") or (scope != "none" and entity.owned)


def _of_roles(case: Case, action: str) -> Iterator[Ground]:
    who = case.actor.name
    if not case.actor.roles:
        yield Ground(False, NO_ROLE(user=who))
    for role, grant in _grants(case):
        if grant is None:
            yield Ground(False, NOTHING_SAID(role=role.label, entity=case.entity.plural), role.key)
        elif action in grant.where:
            met, told = case.condition(grant.where[action])
            kind_ = MET if met else NOT_MET
            text = UNTOLD(role=role.label) if told is None else kind_(role=role.label, **told)
            yield Ground(met, text, role.key)
        else:
            granted, text = _of_scope(case, role, grant.scopes.get(action, "none"), action)
            yield Ground(granted, text, role.key)


def _of_scope(case: Case, role: Role, scope: Scope, action: str) -> tuple[bool, Problem]:
    told: dict[str, Any] = {
        "role": role.label,
        "user": case.actor.name,
        "entity": case.entity.plural,
        "action": DOES[action],
    }
    if scope == "all":
        return True, ALL(**told)
    if scope == "team":
        return False, TEAM(**told)
    if scope == "none" or not case.entity.owned:
        return False, NONE(**told)
    owner, unit = case.row.values.get("owner"), case.row.values.get("unit")
    if scope == "own":
        if owner is not None and owner == case.actor.user:
            return True, OWN(**told)
        return False, NOT_OWN(owner=NOBODY if owner is None else OTHER, **told)
    within = case.actor.units if scope == "unit" else case.actor.subtree
    if unit is not None and unit in within:
        return True, UNIT(scope=SCOPES[scope], **told)
    return False, NOT_UNIT(scope=SCOPES[scope], unit=NO_UNIT if unit is None else OTHER_UNIT, **told)


def _of_shares(case: Case, action: str) -> Iterator[Ground]:
    who = case.actor.name
    for share in case.shares:
        if action == "read" or share.write:
            until: object = FOR_EVER if share.until is None else share.until.isoformat(timespec="minutes")
            yield Ground(True, SHARED(user=who, what=WRITING if share.write else READING, until=until))
        else:
            yield Ground(False, SHARED_FOR_READING(user=who))


def explain_field(case: Case, field: Field, wanted: Right) -> Explained:
    """Why the actor has which right to a field of the record."""
    grounds, best = [], "hidden"
    for role, grant in _grants(case):
        if grant is None:
            grounds.append(Ground(False, NOTHING_SAID(role=role.label, entity=case.entity.plural), role.key))
            continue
        right, text = _of_field(case, role, grant, field)
        grounds.append(Ground(RIGHTS.index(right) >= RIGHTS.index(wanted), text, role.key))
        best = max(best, right, key=RIGHTS.index)
    return Explained(any(each.granted for each in grounds), _told(grounds), best)  # type: ignore[arg-type]


def _of_field(case: Case, role: Role, grant: Grant, field: Field) -> tuple[Right, Problem]:
    claim, said = claim_of(role, grant, field), grant.fields.get(field.id, grant.fields.get("*", "write"))
    told: dict[str, Any] = {"role": role.label, "field": field.label}
    right, met = claim.right, True
    conditional: dict[str, Any] | None = {}
    if claim.when is not None:
        met, conditional = case.condition(claim.when)
        right = claim.right if met else claim.otherwise
        said = said if met else grant.narrowed[field.id].otherwise
        if conditional is None:
            return right, UNTOLD(role=role.label)
    if RIGHTS.index(said) > RIGHTS.index(right):
        levels: dict[str, Any] = {"sensitivity": field.sensitivity, "clearance": role.clearance}
        return right, CAPPED(right=MEANT[right], **told, **levels)
    if claim.when is None:
        return right, FIELD(right=MEANT[right], **told)
    return right, (FIELD_MET if met else FIELD_NOT_MET)(right=MEANT[right], **told, **(conditional or {}))
