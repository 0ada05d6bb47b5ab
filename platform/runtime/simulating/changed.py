"""Which rules, workflows and approvals decide otherwise in another description, with all that they lean on. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from metadata import parts
from metadata.model import EMPTY, Entity, Field, Model
from metadata.problems import LANGUAGES, Invalid, Label
from metadata.rules import Rule
from runtime.simulating.asking import BAD_ONLY, KINDS, Asked, entity_named

Change = Literal["added", "removed", "changed", "same"]
ItemKind = Literal["rule", "workflow", "approval"]

_SECTIONS: Mapping[ItemKind, str] = {"workflow": "workflows", "approval": "approvals"}
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_SAID = frozenset({"key", "label", "aliases", "help", "title", "summary"})
"""What people read of a definition: it decides nothing."""


@dataclass(frozen=True, slots=True)
class Item:
    """One definition that is asked of the past."""

    kind: ItemKind
    entity: str
    """Id of the entity whose records it is about."""
    id: str
    key: str
    label: Label
    change: Change

    @property
    def name(self) -> str:
        """How `only` names it."""
        return f"{self.kind}:{self.entity}.{self.id}" if self.kind == "rule" else f"{self.kind}:{self.id}"


def items(old: Model, new: Model, asked: Asked) -> tuple[Item, ...]:
    """What is to be asked, in the order of the description. Raises Invalid, for a name that there is not."""
    wanted = None if asked.entity is None else entity_named((old, new), asked.entity).id
    found = [each for each in _all(old, new) if wanted in (None, each.entity)]
    if asked.only is not None:
        return (_named(found, (old, new), asked.only),)
    return tuple(each for each in found if asked.everything or each.change != "same")


def _named(found: list[Item], models: tuple[Model, Model], text: str) -> Item:
    kind, _, name = text.partition(":")
    entity, _, rule = name.rpartition(".")
    if kind not in KINDS or not name or (kind == "rule" and not entity):
        raise Invalid(BAD_ONLY("only", given=text[:60]))
    of = entity_named(models, entity).id if kind == "rule" else None
    for each in found:
        if each.kind == kind and of in (None, each.entity) and (rule if of else name) in (each.id, each.key):
            return each
    raise Invalid(BAD_ONLY("only", given=text[:60]))


def _all(old: Model, new: Model) -> Iterator[Item]:
    before, after = _Leaning(old), _Leaning(new)
    for id in dict.fromkeys((*new.index.get("entities", EMPTY), *old.index.get("entities", EMPTY))):
        yield from _rules(old.entity(id), new.entity(id), before, after)
    for kind, section in _SECTIONS.items():
        for id in dict.fromkeys((*new.index.get(section, EMPTY), *old.index.get(section, EMPTY))):
            was, now = old.get(section, id), new.get(section, id)
            held: Any = now if now is not None else was
            change = _change(before.of(was, held.entity), after.of(now, held.entity))
            yield Item(kind, held.entity, id, held.key, held.label, change)


def _rules(old: Entity | None, new: Entity | None, before: _Leaning, after: _Leaning) -> Iterator[Item]:
    entity = new.id if new is not None else old.id if old is not None else ""
    was = {each.id: each for each in (old.rules if old else ())}
    now = {each.id: each for each in (new.rules if new else ())}
    for id in dict.fromkeys((*now, *was)):
        held = now.get(id) or was[id]
        change = _change(before.of(was.get(id), entity), after.of(now.get(id), entity))
        yield Item("rule", entity, id, held.key, held.label, change)


def _change(was: Any, now: Any) -> Change:
    if was is None:
        return "added"
    if now is None:
        return "removed"
    return "same" if was == now else "changed"


class _Leaning:
    """Definitions of one model with what they lean on, as data that can be compared."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._calendars = {id: entry["hash"] for id, entry in model.index.get("calendars", EMPTY).items()}

    def of(self, definition: Any, entity: str) -> Any:
        """None for a definition that there is not, or that is switched off by its description."""
        if definition is None or getattr(definition, "active", True) is False:
            return None
        plain = _decisive(definition)
        found: dict[tuple[str, str], Any] = {}
        names = frozenset(_names(plain))
        for id in (entity, *(each for each in names if each in self.model.index.get("entities", EMPTY))):
            self._fields(self.model.entity(id), names, found, set())
        told = [plain, found, {name: self.model.settings.get(name) for name in ("timezone", "currency")}]
        if any("business" in name or name == "calendar" or name in self._calendars for name in names):
            told.append(self._calendars)
        return told

    def _fields(
        self, entity: Entity | None, names: frozenset[str], found: dict[tuple[str, str], Any], seen: set[Any]
    ) -> None:
        """The fields of an entity, and of those that it leads to, that bear one of these names."""
        if entity is None or (entity.id, names) in seen:
            return
        seen.add((entity.id, names))
        for name in names:
            field, inverse = entity.find(name), entity.inverse(name)
            if inverse is not None:
                self._fields(self.model.entity(inverse.source), names, found, seen)
            if field is not None and (entity.id, field.id) not in found:
                self._field(entity, field, names, found, seen)

    def _field(
        self, entity: Entity, field: Field, names: frozenset[str], found: dict[tuple[str, str], Any], seen: set[Any]
    ) -> None:
        rules = [_decisive(rule) for rule in entity.rules if field.id in rule.set or field.id in rule.cleared]
        found[entity.id, field.id] = [_plain_field(field), rules]
        if field.computed is not None:
            self._fields(entity, frozenset(_names(field.computed.value)), found, seen)
        for rule in rules:
            self._fields(entity, frozenset(_names(rule)), found, seen)
        for target in field.to:
            self._fields(self.model.entity(target), names, found, seen)


def _plain_field(field: Field) -> Any:
    computed = None if field.computed is None else (field.computed.how, field.computed.value, field.computed.stored)
    options = [(each.id, each.given) for each in field.options]
    return field.type, field.to, options, computed, dict(field.props)


def _decisive(definition: Any) -> Any:
    """A definition as data without what people read of it."""
    if isinstance(definition, Rule):
        plain = dict(parts.dump(definition))
        plain["reject"] = None if definition.reject is None else "warn" if definition.reject.warn else "block"
        return _bare(plain)
    return _bare(parts.dump(definition))


def _bare(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {
            key: _bare(value)
            for key, value in data.items()
            if not (key in _SAID and (isinstance(value, str) or _is_label(value) or key == "summary"))
        }
    if isinstance(data, (list, tuple)):
        return [_bare(each) for each in data]
    return data


def _is_label(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) <= {"*", *LANGUAGES}


def _names(data: Any) -> Iterator[str]:
    """Every name in the texts of a definition."""
    if isinstance(data, str):
        yield from _NAME.findall(data)
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _names(key)
            yield from _names(value)
    elif isinstance(data, (list, tuple)):
        for each in data:
            yield from _names(each)
