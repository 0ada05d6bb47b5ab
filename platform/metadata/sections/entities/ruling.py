"""Rules of an entity: their grammar made into the model's `Rule`s, with everything that can be wrong in them.

They need every entity with the types of its computed fields; what they set is put in order by `computing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from metadata.compilation import Compilation, inside, place_of
from metadata.documents.marked import Map
from metadata.expressions.holes import parse_text, text_by_ids
from metadata.expressions.names import Scope, Wanted
from metadata.expressions.parser import MAX_LENGTH, parse_in
from metadata.expressions.printing import text_of
from metadata.expressions.tree import Expression
from metadata.expressions.truth import constant_truth
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from metadata.problems import PlatformError
from metadata.rules import Reject, Rule
from metadata.section import Element, label_of, said_id
from metadata.sections.entities import rule_refusals as r
from metadata.sections.entities.computing import calendars_of

Action = Literal["reject", "set", "require", "hide", "read_only", "options"]
ACTIONS: tuple[Action, ...] = ("reject", "set", "require", "hide", "read_only", "options")
NOT_SET = frozenset({"children", "links", "file", "files", "image", "secret", "sequence", "json", "signature"})
"""Types of fields that no expression gives a value to."""
ALWAYS_SHOWN = frozenset({"owner", "unit", "pool", "currency"})


def rule_entities(compilation: Compilation) -> None:
    """Give each entity the rules that its description has."""
    made: dict[str, Entity] = compilation.made["entities"]
    for element in compilation.elements["entities"].values():
        rules = element.data.get("rules")
        if not isinstance(rules, Map) or element.id not in made:
            continue
        entity = made[element.id]
        if entity.written_by == "platform":
            compilation.refuse(r.OF_PLATFORM, element, "rules", at_key=True, entity=entity.label)
        reader = _Reader(compilation, element, entity)
        found = tuple(reader.rule(key, data) for key, data in rules.items() if isinstance(data, Map))
        made[element.id] = replace(entity, rules=found)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the rules of one entity; what is wrong is noted in the compilation."""

    compilation: Compilation
    element: Element
    entity: Entity

    def rule(self, key: str, data: Map) -> Rule:
        at = ("rules", key)
        if not any(each in data for each in ACTIONS):
            self._refuse(r.DOES_NOTHING, *at, at_key=True, name=key)
        cleared = self._hidden(data, at)
        rule = Rule(
            id=said_id(key, data),
            key=key,
            label=label_of(data, key),
            when=self._when(data, at),
            on=cast(Literal["save"], data.get("on", "save")),
            reject=self._reject(data, at),
            set={**self._set(data, at), **dict.fromkeys((id for id, clear in cleared.items() if clear), "null")},
            require=self._required(data, at),
            hide=cleared,
            read_only=self._named(data, at, "read_only"),
            options=self._options(data, at),
        )
        self._check_together(rule, at)
        return rule

    # -- conditions and values

    def _when(self, data: Map, at: tuple[str, ...]) -> str | None:
        text = data.get("when")
        if not isinstance(text, str):
            if "reject" in data and not self._warns(data):
                self._refuse(r.ALWAYS_REJECTS, *at, at_key=True, name=at[-1])
            return None
        expression = self._parsed(text, None, *at, "when", encrypted=True)
        if expression is None:
            return text
        truth = constant_truth(expression)
        if truth is False:
            self._refuse(r.NEVER, *at, "when", name=at[-1])
        elif truth is True and "reject" in data and not self._warns(data):
            self._refuse(r.ALWAYS_REJECTS, *at, "when", name=at[-1])
        return None if truth is True else self._by_ids(expression)

    def _warns(self, data: Map) -> bool:
        reject = data.get("reject")
        return isinstance(reject, Map) and reject.get("warn") is True

    def _set(self, data: Map, at: tuple[str, ...]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, given in self._entries(data, "set"):
            here = (*at, "set", name)
            field = self._field(name, here)
            if field is None or given is None:
                continue
            if field.computed is not None or field.system or field.type in NOT_SET:
                self._refuse(r.NOT_WRITTEN, *here, at_key=True, field=field.label, action="set")
                continue
            text = given if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
            expression = self._parsed(text, Wanted(registry.of(field).kind, field), *here)
            found[field.id] = text if expression is None else self._by_ids(expression)
        return found

    def _parsed(self, text: str, wanted: Wanted | None, *path: str, encrypted: bool = False) -> Expression | None:
        if self.entity.id in self.compilation.untyped:
            return None
        try:
            return parse_in(text, self.entity, replace(self._scope(), encrypted=encrypted), wanted)
        except PlatformError as error:
            self._note(error, *path)
            return None

    def _note(self, error: PlatformError, *path: str) -> None:
        place = place_of(self.element, path)
        prefix = ".".join((self.element.path, *path))
        self.compilation.problems.extend(inside(each, place).under(prefix) for each in error.problems)

    def _by_ids(self, expression: Expression) -> str:
        text = text_of(expression, self.compilation.entity, ids=True)
        return text if len(text) <= MAX_LENGTH else expression.source

    def _scope(self) -> Scope:
        def role(name: str) -> str | None:
            return self.compilation.resolve("roles", name)

        return Scope(self.compilation.entity, changes=True, role=role, calendars=calendars_of(self.compilation))

    # -- what a rule does

    def _reject(self, data: Map, at: tuple[str, ...]) -> Reject | None:
        said = data.get("reject")
        if not isinstance(said, Map) or not isinstance(said.get("message"), Mapping):
            return None
        message = {lang: self._message(text, lang, at) for lang, text in said["message"].items()}
        field = None
        if isinstance(said.get("field"), str):
            field = self._field(said["field"], (*at, "reject", "field"), at_key=False)
        return Reject(message, field.id if field else None, said.get("warn") is True)

    def _message(self, text: str, lang: str, at: tuple[str, ...]) -> str:
        if self.entity.id in self.compilation.untyped:
            return text
        try:
            return text_by_ids(parse_text(text, self.entity, self._scope()), self._scope())
        except PlatformError as error:
            path = (*at, "reject", "message")
            said = self.element.data["rules"][at[-1]]["reject"]["message"]
            self._note(error, *path, *((lang,) if lang in getattr(said, "marks", {}) else ()))
            return text

    def _hidden(self, data: Map, at: tuple[str, ...]) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for name, said in self._entries(data, "hide"):
            here = (*at, "hide", name)
            field = self._field(name, here)
            if field is None:
                continue
            clear = isinstance(said, Map) and said.get("clear") is True
            if clear and (field.computed is not None or field.system or field.type in NOT_SET):
                self._refuse(r.NOT_WRITTEN, *here, at_key=True, field=field.label, action="clear")
                continue
            if field.required and (clear or field.default is None):
                self._refuse(r.HIDES_REQUIRED, *here, at_key=True, field=field.label)
            if field.id == self.entity.title or field.system:
                self._refuse(r.HIDES_NEEDED, *here, at_key=True, field=field.label)
            found[field.id] = clear
        return found

    def _required(self, data: Map, at: tuple[str, ...]) -> tuple[str, ...]:
        return self._named(data, at, "require")

    def _named(self, data: Map, at: tuple[str, ...], action: Action) -> tuple[str, ...]:
        """Fields that people write."""
        found: dict[str, None] = {}
        for name, _ in self._entries(data, action):
            here = (*at, action, name)
            field = self._field(name, here)
            if field is None:
                continue
            kept = field.computed is not None or (field.system and field.id not in ALWAYS_SHOWN)
            if kept or field.type == "sequence":
                self._refuse(r.NOT_WRITTEN, *here, at_key=True, field=field.label, action=action)
            else:
                found[field.id] = None
        return tuple(found)

    def _options(self, data: Map, at: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name, said in self._entries(data, "options"):
            here = (*at, "options", name)
            field = self._field(name, here)
            if field is None:
                continue
            if field.type not in ("choice", "multi_choice") or field.computed is not None or field.system:
                self._refuse(r.NO_OPTIONS, *here, at_key=True, field=field.label, type=field.type)
                continue
            ids: dict[str, None] = {}
            for key in said if isinstance(said, Map) else ():
                option = field.option(key)
                if option is None:
                    keys = [each.key for each in field.options]
                    self.compilation.unknown(self.element, key, keys, field.label, *here, key, at_key=True)
                else:
                    ids[option.id] = None
            found[field.id] = tuple(ids)
        return found

    def _check_together(self, rule: Rule, at: tuple[str, ...]) -> None:
        """A field that one rule hides can neither be asked for nor be refused beside it."""
        for id in rule.require:
            if id in rule.hide:
                self._refuse(r.REQUIRES_HIDDEN, *at, "require", at_key=True, field=self.entity.fields[id].label)
        if rule.on == "create" and rule.when is not None and "old." in rule.when:
            self._refuse(r.NO_BEFORE, *at, "when", name=rule.key)

    # -- names

    def _entries(self, data: Map, action: Action) -> Iterator[tuple[str, Any]]:
        said = data.get(action)
        if isinstance(said, Map):
            yield from said.items()

    def _field(self, name: str, path: tuple[str, ...], at_key: bool = True) -> Field | None:
        return self.compilation.named_field(self.element, self.entity, name, *path, at_key=at_key)

    def _refuse(self, what: Any, *path: str, at_key: bool = False, **params: Any) -> None:
        self.compilation.refuse(what, self.element, *path, at_key=at_key, **params)
