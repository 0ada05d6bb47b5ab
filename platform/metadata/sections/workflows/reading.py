"""What every part of a workflow is read with: conditions, texts for people, lengths of time, names of other things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from metadata.compilation import SECTION_LABELS, Compilation, inside, place_of
from metadata.documents.marked import Map
from metadata.durations import Duration, parse_duration
from metadata.expressions.holes import parse_text, text_by_ids
from metadata.expressions.names import Scope
from metadata.expressions.parser import MAX_LENGTH, parse_in
from metadata.expressions.printing import text_of
from metadata.expressions.sql import sql_problem
from metadata.expressions.tree import Expression
from metadata.expressions.truth import constant_truth
from metadata.fieldtypes import registry
from metadata.fieldtypes.comparing import can_be_indexed
from metadata.model import EMPTY, Entity, Field
from metadata.problems import Kind, Label, PlatformError
from metadata.section import Element
from metadata.sections.entities.computing import calendars_of
from metadata.sections.entities.indexing import NOT_INDEXED
from metadata.sections.workflows import refusals as r

LINKS = frozenset({"link", "user", "unit"})
Path = tuple[str, ...]
Read = Callable[[str, Entity, Scope], Expression]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands. `entity` is that of the block's records; None when it is not known, which has been said."""

    entity: Entity | None
    made: Mapping[str, tuple[str, Entity | None]] = field(default_factory=lambda: EMPTY)
    """Key and id of the steps `create` before -> (id, entity of the record made)."""
    loops: tuple[int, ...] = ()
    """Limits of the `for_each` around it."""
    gone: bool = False
    """Whether the record of the block is in the recycle bin by now."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one workflow; what is wrong is noted in the compilation, and what is read stays as far as it goes."""

    compilation: Compilation
    element: Element
    start: Entity
    steps: dict[str, Path] = field(default_factory=dict)
    """Id of every step that was read -> where it stands."""

    def refuse(self, what: Kind, *path: str, at_key: bool = False, **params: Any) -> None:
        self.compilation.refuse(what, self.element, *path, at_key=at_key, **params)

    # -- expressions

    def scope(self, changes: bool = False) -> Scope:
        calendars = calendars_of(self.compilation)
        return Scope(self.compilation.entity, changes=changes, role=self._role, calendars=calendars)

    def _role(self, name: str) -> str | None:
        return self.compilation.resolve("roles", name)

    def expression(
        self, text: str, entity: Entity | None, path: Path, read: Read = parse_in, changes: bool = False
    ) -> Expression | None:
        """The checked expression; its problems are noted at their columns. None: it has some, or nothing is known."""
        if entity is None or entity.id in self.compilation.untyped:
            return None
        try:
            return read(text, entity, self.scope(changes))
        except PlatformError as error:
            self.note(error, path)
            return None

    def note(self, error: PlatformError, path: Path) -> None:
        place = place_of(self.element, path)
        prefix = ".".join((self.element.path, *path))
        self.compilation.problems.extend(inside(each, place).under(prefix) for each in error.problems)

    def by_ids(self, text: str, expression: Expression | None, into: Field | None = None) -> str:
        """The text with every name as an id, so that it outlives renames."""
        if expression is None:
            return text
        found = text_of(expression, self.compilation.entity, ids=True, field=into)
        return found if len(found) <= MAX_LENGTH else text

    def condition(
        self, data: Map, key: str, entity: Entity | None, path: Path, changes: bool = False, sql: bool = False
    ) -> str | None:
        """The condition under a key. `sql`: a database has to answer it."""
        text = data.get(key)
        if not isinstance(text, str):
            return None
        here = (*path, key)
        expression = self.expression(text, entity, here, changes=changes)
        if expression is not None and constant_truth(expression) is False:
            self.refuse(r.NEVER, *here)
        problem = sql_problem(expression.root) if expression is not None and sql else None
        if problem is not None:
            problem = problem.under(".".join((self.element.path, *here)))
            self.compilation.problems.append(problem.at(place_of(self.element, here)))
        return self.by_ids(text, expression)

    def text(self, data: Map, key: str, entity: Entity | None, path: Path) -> Label:
        """A text for people with holes, by language."""
        said = data.get(key)
        if not isinstance(said, Mapping):
            return EMPTY
        return {lang: self._text(text, lang, entity, (*path, key)) for lang, text in said.items()}

    def _text(self, text: str, lang: str, entity: Entity | None, path: Path) -> str:
        if entity is None or entity.id in self.compilation.untyped:
            return text
        try:
            return text_by_ids(parse_text(text, entity, self.scope()), self.scope())
        except PlatformError as error:
            self.note(error, (*path, lang))
            return text

    # -- times

    def span(self, data: Map, key: str, path: Path, negative: bool = False, calendar: str | None = None) -> str | None:
        text = data.get(key)
        if not isinstance(text, str):
            return None
        here = (*path, key)
        try:
            found = parse_duration(text)
        except PlatformError as error:
            self.note(error, here)
            return text
        self._check_span(found, text, here, negative, calendar)
        return text

    def _check_span(self, found: Duration, text: str, here: Path, negative: bool, calendar: str | None) -> None:
        if not negative and (found.negative or found.empty):
            self.refuse(r.NOT_NEGATIVE, *here, text=text)
        if calendar is not None and found.months:
            self.refuse(r.NO_MONTHS, *here, text=text)

    def calendar(self, data: Map, path: Path) -> str | None:
        name = data.get("calendar")
        return self.named("calendars", name, *path, "calendar") if isinstance(name, str) else None

    # -- names

    def named(self, section: str, name: str, *path: str, at_key: bool = False) -> str | None:
        """Id of an element of another section; a problem when there is none."""
        id = self.compilation.resolve(section, name)
        if id is None:
            known, labels = self.compilation.known(section), SECTION_LABELS[section]
            self.compilation.unknown(self.element, name, known, labels, *path, at_key=at_key)
        return id

    def roles(self, data: Map, path: Path) -> tuple[str, ...]:
        said = data.get("roles")
        found = (self.named("roles", name, *path, "roles", name, at_key=True) for name in _keys(said))
        return tuple(dict.fromkeys(each for each in found if each is not None))

    def entity(self, data: Map, path: Path) -> Entity | None:
        name = data.get("entity")
        return self.compilation.named_entity(self.element, name, *path, "entity") if isinstance(name, str) else None

    def field(self, entity: Entity, name: str, *path: str, at_key: bool = True) -> Field | None:
        return self.compilation.named_field(self.element, entity, name, *path, at_key=at_key)

    def back(self, data: Map, entity: Entity | None, place: Place, path: Path) -> str | None:
        """`by`: the field of the records found that leads to the record of the block."""
        name = data.get("by")
        if not isinstance(name, str) or entity is None:
            return None
        found = self.field(entity, name, *path, "by", at_key=False)
        if found is None:
            return None
        held = found.type in ("link", "user", "unit") and registry.stored(found)
        if place.entity is not None and not (held and place.entity.id in found.to):
            self.refuse(r.NOT_BACK, *path, "by", field=found.label, entity=place.entity.label, of=entity.label)
        return found.id

    def linked(self, data: Map, place: Place, path: Path) -> tuple[str, Entity | None]:
        """`path`: the links of the record of the block, dotted by ids, and the entity to which they lead."""
        name = data.get("path")
        if not isinstance(name, str) or place.entity is None:
            return "", None
        way = self.compilation.named_path(self.element, place.entity, name, *path, "path")
        if way is None:
            return name, None
        last = way[-1]
        target = self.compilation.entity(last.to[0]) if last.type in LINKS and len(last.to) == 1 else None
        if target is None:
            self.refuse(r.NOT_LINKED, *path, "path", name=name, type=last.type)
        return ".".join(each.id for each in way), target

    def sort(self, data: Map, entity: Entity | None, path: Path) -> tuple[str, ...]:
        said = data.get("sort")
        found = []
        if not isinstance(said, Map) or entity is None:
            return ()
        for name, direction in said.items():
            here = (*path, "sort", name)
            way = self.compilation.named_path(self.element, entity, name, *here)
            if way is None:
                continue
            if not registry.of(way[-1]).sortable or not can_be_indexed(way[-1]):
                self.refuse(NOT_INDEXED, *here, at_key=True, name=name, type=way[-1].type)
                continue
            found.append(("-" if direction == "desc" else "") + ".".join(each.id for each in way))
        return tuple(found)

    def within(self, place: Place, entity: Entity | None, loop: int | None = None) -> Place:
        """The place of the steps for records that were found."""
        return replace(place, entity=entity, gone=False, loops=place.loops if loop is None else (*place.loops, loop))


def _keys(said: Any) -> tuple[str, ...]:
    return tuple(said) if isinstance(said, Map) else ()
