"""The state of one compilation: merged elements, what has been made of them, and everything found wrong on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from metadata.documents.marked import Map
from metadata.explaining import nearest, position
from metadata.expressions.names import Scope, Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from metadata.problems import Kind, PlatformError, Position, Problem, kind
from metadata.section import Element

NO_SUCH = kind(
    "reference_unknown",
    en="There is no “{name}” in {where}. Correct the name.",
    zh="{where}中没有“{name}”，请更正名称。",
)

NO_WAY = kind(
    "reference_no_way",
    en="“{name}” leads nowhere at “{step}”: dots go over links to one record, and end at a field that is stored.",
    zh="“{name}”在“{step}”处无法继续：点号只能经过指向单条记录的关联，且须以存储字段结尾。",
)
MOST_STEPS = 5

SECTION_LABELS: Mapping[str, Mapping[str, str]] = {
    "entities": {"en": "the entities", "zh": "实体"},
    "options": {"en": "the option sets", "zh": "选项集"},
    "views": {"en": "the views", "zh": "视图"},
    "dashboards": {"en": "the dashboards", "zh": "仪表盘"},
    "roles": {"en": "the roles", "zh": "角色"},
    "calendars": {"en": "the calendars", "zh": "工作日历"},
    "assignments": {"en": "the assignments", "zh": "分配规则"},
    "pools": {"en": "the pools", "zh": "公海"},
    "approvals": {"en": "the approvals", "zh": "审批"},
    "workflows": {"en": "the workflows", "zh": "工作流"},
}


class Compilation:
    """What the compile steps of the sections share. Lives only as long as one call of the compiler."""

    def __init__(self, elements: Mapping[str, Mapping[str, Element]], settings: Mapping[str, Any]) -> None:
        self.elements = elements
        self.settings = settings
        self.made: dict[str, dict[str, Any]] = {section: {} for section in elements}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.outlines: dict[str, Any] = {}
        """Entity id -> its outline; see sections.entities."""
        self.demands: dict[str, Any] = {}
        """Entity id -> what its views want to be quick; see sections.entities.indexing."""
        self.untyped: set[str] = set()
        """Ids of entities with fields of unknown type: nothing can be said of conditions over them."""
        self._names: dict[str, dict[str, str]] = {}

    def resolve(self, section: str, name: str) -> str | None:
        """The id of an element by id, else by today's key, else by a former one."""
        held = self.outlines if section == "entities" and self.outlines else self.elements[section]
        if name in held:
            return name
        if section not in self._names:
            names: dict[str, str] = {}
            for id, element in self.elements[section].items():
                for alias in element.data.get("aliases") or ():
                    names.setdefault(alias, id)
            names.update({element.key: id for id, element in self.elements[section].items()})
            self._names[section] = names
        return self._names[section].get(name)

    def entity(self, name: str) -> Entity | None:
        """A compiled entity by id, else by name."""
        id = self.resolve("entities", name)
        return self.made["entities"].get(id) if id is not None else None

    def known(self, section: str) -> list[str]:
        return [element.key for element in self.elements[section].values()]

    def refuse(self, what: Kind, element: Element, /, *path: str, at_key: bool = False, **params: Any) -> None:
        """Note a problem at a place of an element."""
        self.problems.append(problem_at(what, element, path, at_key, None, **params))

    def warn(self, what: Kind, element: Element, /, *path: str, at_key: bool = False, **params: Any) -> None:
        """Note something doubtful at a place of an element."""
        self.warnings.append(problem_at(what, element, path, at_key, None, **params))

    def own_entity(self, element: Element) -> Entity | None:
        """The entity that an element says it is about; None when the grammar or this has refused it."""
        name = element.data.get("entity")
        return self.named_entity(element, name, "entity") if isinstance(name, str) else None

    def named_entity(self, element: Element, name: str, *path: str, at_key: bool = False) -> Entity | None:
        """The entity that a place names; a problem when there is none."""
        found = self.entity(name)
        if found is None and self.resolve("entities", name) is None:
            self.unknown(element, name, self.known("entities"), SECTION_LABELS["entities"], *path, at_key=at_key)
        return found

    def named_field(self, element: Element, entity: Entity, name: str, *path: str, at_key: bool = True) -> Field | None:
        """The field of an entity that a place names; a problem when there is none."""
        found = entity.find(name)
        if found is None:
            self.unknown(element, name, field_names(entity), entity.label, *path, at_key=at_key)
        return found

    def named_path(self, element: Element, entity: Entity, name: str, *path: str) -> tuple[Field, ...] | None:
        """The fields of a name that is dotted over links, the last one stored; a problem when it leads nowhere."""
        found: list[Field] = []
        steps = name.split(".")
        for step in steps:
            field = self.named_field(element, entity, step, *path)
            if field is None:
                return None
            found.append(field)
            if len(found) == len(steps):
                break
            one = field.type in ("link", "user", "unit")
            target = self.entity(field.to[0]) if one and field.to else None
            if target is None:
                if not one or field.to:  # a link that leads nowhere has been reported itself
                    self.refuse(NO_WAY, element, *path, at_key=True, name=name, step=step)
                return None
            entity = target
        if not registry.of(found[-1]).stored or len(steps) > MOST_STEPS:
            self.refuse(NO_WAY, element, *path, at_key=True, name=name, step=steps[-1])
            return None
        return tuple(found)

    def unknown(
        self,
        element: Element,
        name: str,
        known: Iterable[str],
        where: Mapping[str, str],
        *path: str,
        at_key: bool = False,
    ) -> None:
        problem = problem_at(NO_SUCH, element, path, at_key, nearest(name, known), name=name, where=where)
        self.problems.append(problem)

    def expression(
        self,
        element: Element,
        text: str,
        entity: Entity,
        *path: str,
        scope: Scope | None = None,
        wanted: Wanted | None = None,
    ) -> Expression | None:
        """The checked condition at a place; its problems are noted at the column inside the text.

        `scope`: what it may name beside fields. `wanted`: the value that is expected there instead of a condition.
        """
        if entity.id in self.untyped:
            return None
        try:
            return parse_in(text, entity, scope or Scope(self.entity), wanted)
        except PlatformError as error:
            place = position(element.data, path, element.mark.key_position)
            for problem in error.problems:
                self.problems.append(inside(problem, place).under(".".join((element.path, *path))))
            return None


def inside(problem: Problem, place: Position) -> Problem:
    """A problem of an expression, at its column inside the text that stands at a place."""
    column = problem.params.get("column")
    offset = column - 1 if isinstance(column, int) else 0
    return problem.at(Position(place.file, place.line, place.column + offset))


def problem_at(
    what: Kind,
    element: Element,
    path: tuple[str, ...],
    at_key: bool = False,
    suggestion: str | None = None,
    /,
    **params: Any,
) -> Problem:
    """A problem at a place of an element: at the value there, or at its key."""
    at = place_of(element, path, at_key)
    return what(".".join((element.path, *path)), at=at, suggestion=suggestion, **params)


def place_of(element: Element, path: tuple[str, ...], at_key: bool = False) -> Position:
    """Where a value of an element was written, or its key; of what is not there, where its holder was."""
    holder: Any = element.data
    for step in path[:-1]:
        holder = holder.get(step) if isinstance(holder, Map) else None
    if at_key and path and isinstance(holder, Map) and path[-1] in holder.marks:
        return holder.marks[path[-1]].key_position
    return position(element.data, path, element.mark.key_position)


def relocated(problem: Problem, element: Element, path: tuple[str, ...]) -> Problem:
    """A problem that a field type found, at its place in an element."""
    whole = (*path, *(step for step in problem.path.split(".") if step))
    return replace(problem, path=".".join((element.path, *whole)), position=place_of(element, whole))


def field_names(entity: Entity) -> list[str]:
    return [field.key for field in entity.fields.values()]
