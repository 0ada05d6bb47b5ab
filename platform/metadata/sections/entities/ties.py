"""How entities are tied to each other, and the work of finding out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metadata.compilation import NO_SUCH, SECTION_LABELS, Compilation, problem_at
from metadata.explaining import nearest
from metadata.model import Relation
from metadata.problems import Kind, kind
from metadata.sections.entities.outline import FieldOutline, Outline

NO_TARGET = kind(
    "relation_no_target",
    en="This field does not say which entity it points to. Add `{property}:`.",
    zh="此字段未说明指向哪个实体，请补充 `{property}:`。",
)


@dataclass(slots=True)
class Ties:
    """How one entity is tied to others."""

    relations: list[Relation] = field(default_factory=list)
    inverses: list[Relation] = field(default_factory=list)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Field id -> target entity ids."""
    by: dict[str, str] = field(default_factory=dict)
    """Id of a children field -> id of the link on the entity of the rows."""
    parent: str | None = None
    via: str | None = None

    def facts(self) -> str:
        """Everything in here as text: equal texts mean equal ties."""
        return repr((self.relations, self.inverses, self.targets, self.by, self.parent, self.via))


@dataclass(slots=True)
class Work:
    compilation: Compilation
    outlines: dict[str, Outline]
    ties: dict[str, Ties]
    children: dict[tuple[str, str], FieldOutline] = field(default_factory=dict)
    """(entity of the rows, its link) -> the children field."""

    def refuse(
        self,
        what: Kind,
        outline: Outline,
        each: FieldOutline,
        name: str | None = None,
        suggestion: str | None = None,
        /,
        **params: Any,
    ) -> None:
        """Note a problem of a link: at one of its properties when it says that, else at its key."""
        path = (*each.at, name) if name and name in each.data else each.at
        at_key = name is None or name not in each.data
        self.compilation.problems.append(problem_at(what, outline.element, path, at_key, suggestion, **params))

    def target(self, outline: Outline, each: FieldOutline, name: str) -> Outline | None:
        """The entity that a property names."""
        said = each.data.get(name)
        if not isinstance(said, str):
            self.refuse(NO_TARGET, outline, each, property=name)
            return None
        found = self.compilation.resolve("entities", said)
        if found is not None:
            return self.outlines[found]
        known = self.compilation.known("entities")
        where = SECTION_LABELS["entities"]
        self.refuse(NO_SUCH, outline, each, name, nearest(said, known), name=said, where=where)
        return None
