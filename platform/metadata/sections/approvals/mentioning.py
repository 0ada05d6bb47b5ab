"""Everything that an approval mentions: fields, roles and calendars, for where-used and renaming."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from metadata.approvals import (
    Approval,
    Copy,
    Delay,
    Human,
    SetFields,
    Who,
    conditions_of,
    scope_of_approvals,
)
from metadata.expressions.holes import parse_text
from metadata.expressions.names import Wanted
from metadata.expressions.parser import parse_in
from metadata.fieldtypes import registry
from metadata.model import Entity, Model, Part
from metadata.parts import build
from metadata.problems import PlatformError
from metadata.section import Reference
from metadata.sections.views.section import walked

Path = tuple[str, ...]


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    approval: Approval = build("approvals", part)
    yield Reference(("entity",), "entities", approval.entity)
    entity = model.entity(approval.entity)
    if entity is not None:
        yield from sorted(set(_Mentions(approval, entity, model).all()), key=repr)


@dataclass(frozen=True, slots=True)
class _Mentions:
    approval: Approval
    entity: Entity
    model: Model

    def all(self) -> Iterator[Reference]:
        approval = self.approval
        for key, fields in (("summary", approval.summary), ("material", approval.material)):
            yield from (self._field((key, each), each) for each in fields)
        yield from (self._field(("lock", "open", each), each) for each in approval.open_fields)
        for key, roles in (("submitters", approval.submitters), ("admins", approval.admins)):
            yield from (Reference((key, each), "roles", each) for each in roles)
        for path, text in conditions_of(approval):
            yield from self._read(path, text)
        for lang, text in approval.title.items():
            yield from self._holes(("title", lang), text)
        for name, values in approval.actions.items():
            yield from self._values(("actions", name, "set"), values.items())
        for key, rows in approval.matrices.items():
            for row in rows:
                yield from self._people(("matrices", key, row.id, "who"), row.who)
        for node in approval.every():
            at = ("nodes", node.id)
            match node:
                case Human():
                    yield from self._human(at, node)
                case Copy():
                    yield from self._people((*at, "who"), node.who)
                case Delay(calendar=str(calendar)):
                    yield Reference((*at, "calendar"), "calendars", calendar)
                case SetFields():
                    yield from self._values((*at, "values"), node.values.items())
                case _:
                    continue

    def _human(self, at: Path, node: Human) -> Iterator[Reference]:
        yield from self._people((*at, "who"), node.who)
        yield from self._people((*at, "empty_users"), node.empty_users)
        yield from (self._field((*at, "fields", each), each) for each in node.fields)
        for key, roles in (("weights", node.mode.weights), ("veto", node.mode.veto)):
            yield from (Reference((*at, "mode", key, each), "roles", each) for each in roles)
        if node.timeout is not None:
            yield from self._people((*at, "timeout", "to"), node.timeout.to)
            if node.timeout.calendar is not None:
                yield Reference((*at, "timeout", "calendar"), "calendars", node.timeout.calendar)

    def _people(self, at: Path, sources: Iterable[Who]) -> Iterator[Reference]:
        for who in sources:
            for path in (who.path, None if who.of in ("initiator", "assignee") else who.of):
                for entity, field in walked(self.model, self.entity.id, path) if path else ():
                    yield Reference(at, "entities", entity, field)
            for role in (*who.among, *((who.role,) if who.role else ())):
                yield Reference((*at, role), "roles", role)
            if who.expression is not None:
                yield from self._read(at, who.expression, Wanted("id"))

    def _values(self, at: Path, values: Iterable[tuple[str, str]]) -> Iterator[Reference]:
        for id, text in values:
            yield self._field((*at, id), id)
            field = self.entity.fields[id]
            yield from self._read((*at, id), text, Wanted(registry.of(field).kind, field))

    def _field(self, at: Path, id: str) -> Reference:
        return Reference(at, "entities", self.entity.id, id)

    def _read(self, at: Path, text: str, wanted: Wanted | None = None) -> Iterator[Reference]:
        try:
            read = parse_in(text, self.entity, scope_of_approvals(self.model), wanted).reads()
        except PlatformError:
            return
        yield from (Reference(at, "entities", *each) for each in read)

    def _holes(self, at: Path, text: str) -> Iterator[Reference]:
        try:
            parts = parse_text(text, self.entity, scope_of_approvals(self.model))
        except PlatformError:
            return
        for part in parts:
            if not isinstance(part, str):
                yield from (Reference(at, "entities", *each) for each in part.expression.reads())
