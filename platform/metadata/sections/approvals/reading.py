"""What every part of an approval is read with: names to ids, texts checked, what is wrong noted at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from metadata.compilation import SECTION_LABELS, Compilation, inside, place_of
from metadata.documents.marked import Map
from metadata.durations import parse_duration
from metadata.expressions.holes import parse_text, text_by_ids
from metadata.expressions.names import Scope, Wanted
from metadata.expressions.parser import MAX_LENGTH
from metadata.expressions.printing import text_of
from metadata.expressions.tree import Call, Constant, Either, Expression, FieldRef, InUnit, Node, walk
from metadata.expressions.truth import constant_truth
from metadata.fieldtypes import registry
from metadata.model import EMPTY, Entity, Field
from metadata.problems import Kind, Label, PlatformError
from metadata.section import Element
from metadata.sections.approvals import refusals as r
from metadata.sections.entities.computing import calendars_of
from metadata.sections.entities.ruling import NOT_SET

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one approval; what is wrong is noted in the compilation."""

    compilation: Compilation
    element: Element
    entity: Entity

    def refuse(self, what: Kind, *path: str, at_key: bool = False, **params: Any) -> None:
        self.compilation.refuse(what, self.element, *path, at_key=at_key, **params)

    def allow(self, data: Map, at: Path, type: str, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> None:
        """Refuse keys that say nothing of a type, and ask for those that it needs."""
        for key in data:
            if key not in known and key not in ("id", "before", "after", "label", "type", "by", "kind"):
                self.refuse(r.MISPLACED, *at, key, at_key=True, key=key, type=type, known=known)
        for key in needed:
            if key not in data:
                self.refuse(r.MISSING, *at, at_key=True, key=key, type=type)

    def at(self, path: Path) -> Map:
        """What was written at a place of the approval."""
        held: Any = self.element.data
        for step in path:
            held = held.get(step) if isinstance(held, Map) else None
        return held if isinstance(held, Map) else Map()

    # -- names

    def entries(self, data: Map, key: str) -> Iterator[tuple[str, Any]]:
        held = data.get(key)
        yield from held.items() if isinstance(held, Map) else ()

    def fields(self, data: Map, key: str, at: Path, written: bool = False) -> tuple[str, ...]:
        """Ids of the fields that are named as keys; `written`: that people write."""
        found: dict[str, None] = {}
        for name, _ in self.entries(data, key):
            field = self.field(name, (*at, key, name))
            if field is not None and (not written or self.is_written(field, (*at, key, name))):
                found[field.id] = None
        return tuple(found)

    def field(self, name: str, path: Path) -> Field | None:
        return self.compilation.named_field(self.element, self.entity, name, *path)

    def is_written(self, field: Field, path: Path) -> bool:
        """Whether people write it; a problem when not."""
        if field.computed is None and not field.system and field.type != "sequence":
            return True
        self.refuse(r.NOT_WRITTEN, *path, at_key=True, field=field.label)
        return False

    def roles(self, data: Map, key: str, at: Path) -> tuple[str, ...]:
        """Ids of the roles that are named as keys."""
        found = (self.role(name, (*at, key, name), at_key=True) for name, _ in self.entries(data, key))
        return tuple(dict.fromkeys(each for each in found if each is not None))

    def role(self, name: str, path: Path, at_key: bool = False) -> str | None:
        return self._named("roles", name, path, at_key)

    def calendar(self, data: Map, at: Path) -> str | None:
        name = data.get("calendar")
        return self._named("calendars", name, (*at, "calendar"), False) if isinstance(name, str) else None

    def _named(self, section: str, name: str, path: Path, at_key: bool) -> str | None:
        id = self.compilation.resolve(section, name)
        if id is None:
            known, labels = self.compilation.known(section), SECTION_LABELS[section]
            self.compilation.unknown(self.element, name, known, labels, *path, at_key=at_key)
        return id

    # -- texts

    def span(self, data: Map, key: str, at: Path) -> str | None:
        """A length of time to wait."""
        text = data.get(key)
        if not isinstance(text, str):
            return None
        try:
            length = parse_duration(text)
        except PlatformError as error:
            self._note(error, (*at, key))
            return text
        if length.empty or length.negative:
            self.refuse(r.NOT_FORWARD, *at, key, text=text)
        return text

    def condition(self, data: Map, key: str, at: Path, *, last: bool = False) -> str | None:
        """A condition over the record alone. `last`: nothing stands after it that it could keep from counting."""
        text = data.get(key)
        if not isinstance(text, str):
            return None
        path = (*at, key)
        expression = self.compilation.expression(self.element, text, self.entity, *path, scope=self.scope())
        if expression is None:
            return text
        self._decided_by_record(expression, path)
        truth = constant_truth(expression)
        if truth is not None and not (truth and last):
            self.refuse(r.ALWAYS if truth else r.NEVER, *path)
        return self._by_ids(expression)

    def value(self, text: str, wanted: Wanted, path: Path) -> Expression | None:
        """The checked expression of a value."""
        return self.compilation.expression(self.element, text, self.entity, *path, scope=self.scope(), wanted=wanted)

    def person(self, text: str, path: Path) -> str:
        """An expression whose value is a user."""
        expression = self.value(text, Wanted("id"), path)
        if expression is None:
            return text
        self._decided_by_record(expression, path)
        if not self._gives_user(expression.root):
            self.refuse(r.NO_USER, *path)
        return self._by_ids(expression)

    def _gives_user(self, node: Node) -> bool:
        match node:
            case FieldRef():
                entity = self.compilation.entity(node.entity)
                return entity is not None and entity.fields[node.field].to == ("user",)
            case Either(then=then, otherwise=otherwise):
                return self._gives_user(then) and self._gives_user(otherwise)
            case Call(function="coalesce", arguments=arguments):
                return all(map(self._gives_user, arguments))
            case Constant(name=name, kind=kind):
                return name is not None or kind == "null"
            case _:
                return False

    def values(self, data: Map, key: str, at: Path) -> Mapping[str, str]:
        """Field id -> text of the value that it gets."""
        found: dict[str, str] = {}
        for name, given in self.entries(data, key):
            path = (*at, key, name)
            field = self.field(name, path)
            if field is None or given is None or not self.is_written(field, path):
                continue
            if field.type in NOT_SET:
                self.refuse(r.NOT_WRITTEN, *path, at_key=True, field=field.label)
                continue
            text = str(given).lower() if isinstance(given, bool) else str(given)
            expression = self.value(text, Wanted(registry.of(field).kind, field), path)
            found[field.id] = text if expression is None else self._by_ids(expression, field)
        return found or EMPTY

    def holes(self, data: Map, key: str) -> Label:
        """A text with holes, by language, with every field named by id."""
        said = data.get(key)
        if not isinstance(said, Mapping) or self.entity.id in self.compilation.untyped:
            return EMPTY
        found: dict[str, str] = {}
        for lang, text in said.items():
            try:
                found[lang] = text_by_ids(parse_text(text, self.entity, self.scope()), self.scope())
            except PlatformError as error:
                self._note(error, (key, *((lang,) if lang in getattr(said, "marks", {}) else ())))
        return found

    def scope(self) -> Scope:
        """What the texts of an approval may name; the same as `approvals.scope_of_approvals` of the model."""

        def role(name: str) -> str | None:
            return self.compilation.resolve("roles", name)

        return Scope(self.compilation.entity, role=role, calendars=calendars_of(self.compilation))

    def _decided_by_record(self, expression: Expression, path: Path) -> None:
        for node in walk(expression.root):
            match node:
                case Constant(name=str(name)) if name not in ("$now", "$today"):
                    self.refuse(r.ASKS_WHO, *path, name=_said(name))
                    return
                case InUnit():
                    self.refuse(r.ASKS_WHO, *path, name="in_unit(..)")
                    return
                case _:
                    continue

    def _by_ids(self, expression: Expression, field: Field | None = None) -> str:
        text = text_of(expression, self.compilation.entity, ids=True, field=field)
        return text if len(text) <= MAX_LENGTH else expression.source

    def _note(self, error: PlatformError, path: Path) -> None:
        place, prefix = place_of(self.element, path), ".".join((self.element.path, *path))
        self.compilation.problems.extend(inside(each, place).under(prefix) for each in error.problems)


def _said(variable: str) -> str:
    """How a text says a value that depends on who asks."""
    return "has_role(..)" if variable.startswith("has_role:") else variable.split(".")[0]
