"""The row rule of an action as the write path asks for it, and the refusals that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from metadata.access import policy_field, rights
from metadata.expressions.evaluate import Linked
from metadata.model import Entity
from metadata.problems import Forbidden, NotFound, Problem, kind
from runtime.queries.build import Build, actor_shape
from runtime.queries.cache import kept
from runtime.queries.fields import Holds, narrowed, right_in
from runtime.queries.policies import links_of
from runtime.queries.rules import check_record, row_rule, token_allows
from runtime.workspace import Workspace

UNKNOWN_ENTITY = kind(
    "records.unknown_entity",
    en="There is no kind of record called {name}. Check its name in the description.",
    zh="没有名为 {name} 的记录类型，请检查其名称。",
)
NOT_FOUND = kind(
    "records.not_found",
    en="This {entity} does not exist, or you may not see it. It may have been deleted: look in the trash.",
    zh="该{entity}不存在或您无权查看。它可能已被删除，请查看回收站。",
)
MAY_NOT = kind(
    "records.may_not",
    en="You may not {action} this {entity}. Ask its owner or an administrator.",
    zh="您无权{action}该{entity}，请联系其负责人或管理员。",
)
BEYOND = kind(
    "records.beyond_rights",
    en="With this owner or unit the {entity} would be out of your reach. Choose an owner or unit within your rights.",
    zh="按此负责人或部门，该{entity}将超出您的权限范围。请选择权限内的负责人或部门。",
)
KEPT_ENTITY = kind(
    "records.written_by_platform",
    en="{entity} is written by the platform alone. You can read it, and change what it follows from.",
    zh="{entity}仅由系统写入。您可以查看，并修改其来源数据。",
)
NOT_TO_GIVE = kind(
    "records.shared_only",
    en="You have this {entity} because it is shared with you, so its owner and unit stay as they are. Ask its owner.",
    zh="该{entity}仅是共享给您的，因此不能更改其负责人和部门，请联系其负责人。",
)
ACTIONS = {
    "create": {"en": "create", "zh": "新建"},
    "update": {"en": "change", "zh": "修改"},
    "delete": {"en": "delete", "zh": "删除"},
    "restore": {"en": "restore", "zh": "恢复"},
}


def entity_of(ws: Workspace, name: str | Entity) -> Entity:
    """An entity by id or today's name. Raises NotFound."""
    if isinstance(name, Entity):
        return name
    found = ws.model.entity(name)
    if found is None:
        raise NotFound(UNKNOWN_ENTITY(name=name[:80]))
    return found


def require(ws: Workspace, entity: Entity, action: str) -> None:
    """Refuse at once what no record of the entity would allow the actor. Raises Forbidden."""
    if ws.actor.platform:
        return
    if entity.written_by == "platform":
        raise Forbidden(KEPT_ENTITY(entity=entity.plural))
    closed = policy_field(entity) is None and rights(ws.model, ws.actor, entity).reach(action).nothing
    if closed or not token_allows(ws.model, ws.actor, entity, action):
        raise Forbidden(may_not(entity, action))


def may_not(entity: Entity, action: str) -> Problem:
    return MAY_NOT(entity=entity.label, action=ACTIONS[action])


def not_found(entity: Entity) -> NotFound:
    return NotFound(NOT_FOUND(entity=entity.label))


def reaches_all(ws: Workspace, entity: Entity, action: str) -> bool:
    """Whether an action is allowed on every row, so that none needs to be asked."""
    if ws.actor.platform:
        return True
    key = ("reaches all", entity.id, action, ws.db.dialect, actor_shape(ws.actor))

    def ask() -> bool:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        return row_rule(build, build.aliased(entity), action) is None

    return kept(ws.model).get(key, ask)


class Judge:
    """The same policy on records in memory: what they would be after the save. What their conditions look at beyond
    them is read once for all.

    A record whose rights are another's is decided by that one, which the link check has asked already.
    """

    def __init__(self, ws: Workspace, entity: Entity, rows: Sequence[Mapping[str, Any]]) -> None:
        self._ws, self._entity, self._rows = ws, entity, rows
        self._narrow = {each: not reaches_all(ws, entity, each) for each in ("create", "update")}

    @cached_property
    def _linked(self) -> Linked:
        may = rights(self._ws.model, self._ws.actor, self._entity)
        texts = {text for action in self._narrow for text in may.reach(action).where}
        return links_of(self._ws, self._entity, sorted(texts), self._rows)

    @cached_property
    def narrowed(self) -> frozenset[str]:
        """Ids of fields that the actor may write in some records only."""
        return frozenset(narrowed(self._ws, self._entity, "write"))

    def may_write(self, field: str, before: Mapping[str, Any] | None, values: Mapping[str, Any]) -> bool:
        """Whether he may give a field its value in this record: as it was until now, a new one as it will be."""
        if before is None:
            return self._writes(field, values)
        # Where he may not read it, even the value that it has would tell him something.
        same = before.get(field) == values.get(field) and self._reads(field, before)
        return same or self._writes(field, before)

    def may_give(self, sent: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
        """Whether he may let the record change hands: who has it by a share alone could make it his own for ever."""
        if before is None or self._entity.id not in self._ws.actor.shared:
            return True
        if all(sent[each] == before.get(each) for each in ("owner", "unit") if each in sent):
            return True
        alone = replace(self._ws, actor=replace(self._ws.actor, shared=frozenset()))
        return check_record(alone, self._entity, "update", before, self._linked)

    @cached_property
    def _writes(self) -> Holds:
        return right_in(self._ws, self._entity, "write", self._rows)

    @cached_property
    def _reads(self) -> Holds:
        return right_in(self._ws, self._entity, "read", self._rows)

    def allows(self, action: str, values: Mapping[str, Any]) -> bool:
        if not self._narrow[action] or policy_field(self._entity) is not None:
            return True
        return check_record(self._ws, self._entity, action, values, self._linked)
