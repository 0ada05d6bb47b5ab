"""How a record is laid out for one person: the layout's tabs and sections, or what follows from the fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from blueprints import visibility
from metadata.fieldtypes import registry
from metadata.model import Entity, Field, Layout, Relation, Tab
from metadata.problems import Label
from runtime.workspace import Workspace

_LISTS = 8
_HIGHLIGHTS = 4
_QUICK = 5
_DETAILS: Label = {"en": "Details", "zh": "详细信息"}
_OTHER: Label = {"en": "Other fields", "zh": "其他字段"}
_TIMELINE: Label = {"en": "Timeline", "zh": "动态"}
_HISTORY: Label = {"en": "History", "zh": "历史"}
_KEPT = ("owner", "unit", "currency")
_TELLING = frozenset({"choice", "money", "date", "datetime", "link", "user", "percent", "rating"})
"""Types whose values say much in few words: highlights where the description names none."""
_SHORT = frozenset(
    {"text", "choice", "date", "datetime", "phone", "email", "money", "link", "user", "integer", "person_name"}
)
_TALKS = ("activity", "note")
"""The core entities that a timeline tells of where the description does not say."""


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of fields. `folded`: what no section names; it is there, and out of the way."""

    label: Label
    fields: tuple[str, ...]
    columns: int = 2
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A tab: a timeline, its parts, and the related lists below them."""

    id: str
    label: Label
    parts: tuple[Part, ...] = ()
    related: tuple[str, ...] = ()
    timeline: tuple[str, ...] = ()
    history: bool = False


@dataclass(frozen=True, slots=True)
class Arrangement:
    highlights: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    stage: str | None = None

    def sheet(self, id: str | None) -> Sheet:
        """The tab with this id, else the first."""
        return next((each for each in self.sheets if each.id == id), self.sheets[0])

    @property
    def timeline(self) -> tuple[str, ...]:
        """The lists of every timeline."""
        return tuple(dict.fromkeys(key for each in self.sheets for key in each.timeline))

    @property
    def related(self) -> tuple[str, ...]:
        """The related lists of every tab."""
        return tuple(dict.fromkeys(key for each in self.sheets for key in each.related))


def arrangement(ws: Workspace, entity: Entity) -> Arrangement:
    return visibility.kept_for(ws, ("arrangement", entity.id), lambda: _arrangement(ws, entity))


def quick_fields(ws: Workspace, entity: Entity) -> tuple[str, ...]:
    """Ids of the fields of the short form that the person may write; what a record needs is always among them."""
    return visibility.kept_for(ws, ("quick", entity.id), lambda: tuple(dict.fromkeys(_quick(ws, entity))))


def side_fields(ws: Workspace, entity: Entity) -> tuple[str, ...]:
    """Ids of the fields beside a tab that does not show them: the short form's and whose record it is."""

    def make() -> tuple[str, ...]:
        plan = arrangement(ws, entity)
        top = {entity.title, plan.stage, *plan.highlights}
        named = [*quick_fields(ws, entity), *(id for id in ("owner", "unit") if id in entity.fields)]
        return tuple(id for id in dict.fromkeys(named) if id not in top)

    return visibility.kept_for(ws, ("side", entity.id), make)


def layout_of(ws: Workspace, entity: Entity) -> Layout | None:
    """The first layout that is for one of the person's roles, else the first that is for everybody."""
    own = [each for each in ws.model.all("layouts") if each.entity == entity.id]
    fitting = [each for each in own if set(each.roles) & set(ws.actor.roles)]
    return next(iter(fitting or [each for each in own if not each.roles]), None)


def _arrangement(ws: Workspace, entity: Entity) -> Arrangement:
    layout = layout_of(ws, entity)
    tabs = [each for each in layout.tabs if each.sections or each.related or each.timeline] if layout else []
    sheets = [_by_tab(each) for each in tabs] or [_by_fields(ws, entity)]
    sheets = list(_with_forgotten(entity, sheets))
    if not any(each.timeline for each in sheets) and (talks := _talks(ws, entity)):
        listed = set(talks)  # told by the timeline: not once more as a list
        sheets = [replace(each, related=tuple(key for key in each.related if key not in listed)) for each in sheets]
        sheets.append(Sheet(_free("timeline", sheets), _TIMELINE, timeline=talks))
    if entity.history:
        sheets.append(Sheet(_free("history", sheets), _HISTORY, history=True))
    said = layout.highlights if layout is not None and layout.highlights else _highlights(entity)
    stage = layout.props.get("stage") if layout is not None else None
    return Arrangement(said, tuple(sheets), stage)


def _free(id: str, sheets: list[Sheet]) -> str:
    return id if all(each.id != id for each in sheets) else f"{id}-"


def _by_tab(tab: Tab) -> Sheet:
    parts = tuple(Part(each.label, each.fields, each.columns) for each in tab.sections)
    return Sheet(tab.id, tab.label, parts, tab.related, tab.timeline)


def _by_fields(ws: Workspace, entity: Entity) -> Sheet:
    """Every field of the description in one part, and the first related lists."""
    lists = tuple(each.inverse for each in entity.inverses if _may_see(ws, each))
    return Sheet("details", _DETAILS, (Part(_DETAILS, _own(entity)),), lists[:_LISTS])


def _own(entity: Entity) -> tuple[str, ...]:
    return tuple(id for id, each in entity.fields.items() if not each.system or id in _KEPT)


def _with_forgotten(entity: Entity, sheets: list[Sheet]) -> Iterator[Sheet]:
    """What no section names comes last: a field that was added is seen at once."""
    placed = {id for sheet in sheets for part in sheet.parts for id in part.fields}
    lists = {key for sheet in sheets for key in sheet.related}
    children = {id for id, each in entity.fields.items() if each.type == "children" and lists & {id, each.key}}
    forgotten = tuple(id for id in _own(entity) if id not in placed | children and not entity.fields[id].system)
    last = max((at for at, sheet in enumerate(sheets) if sheet.parts), default=0)
    for at, sheet in enumerate(sheets):
        if at == last and forgotten:
            yield replace(sheet, parts=(*sheet.parts, Part(_OTHER, forgotten, 2, True)))
        else:
            yield sheet


def _may_see(ws: Workspace, relation: Relation) -> bool:
    source = ws.model.entity(relation.source)
    return source is not None and not source.generated and visibility.may(ws, source, "read")


def _talks(ws: Workspace, entity: Entity) -> tuple[str, ...]:
    """The lists of activities and notes about a record, where it may have any."""
    found = []
    for relation in entity.inverses:
        source = ws.model.entity(relation.source)
        link = source.fields.get(relation.field) if source is not None else None
        if relation.source in _TALKS and link is not None and link.type == "any_link" and _may_see(ws, relation):
            found.append(relation.inverse)
    return tuple(found)


def _highlights(entity: Entity) -> tuple[str, ...]:
    fields = [entity.fields[id] for id in _own(entity) if id != entity.title]
    return tuple(each.id for each in fields if each.type in _TELLING and each.id not in ("unit", "currency"))[
        :_HIGHLIGHTS
    ]


def _quick(ws: Workspace, entity: Entity) -> Iterator[str]:
    layout = layout_of(ws, entity)
    said = layout.props.get("quick", ()) if layout is not None else ()
    writable = {each.id: each for each in visibility.writable(ws, entity) if each.type != "children"}
    needed = [id for id, each in writable.items() if _is_needed(each)]
    if said:
        yield from (id for id in said if id in writable)
        yield from needed
        return
    if entity.title in writable:
        yield entity.title
    yield from needed
    plain = [id for id, each in writable.items() if each.type in _SHORT and not each.system and id not in needed]
    yield from [id for id in plain if id != entity.title][: max(0, _QUICK - 1 - len(needed))]


def _is_needed(field: Field) -> bool:
    return field.required and field.default is None and not field.system and registry.of(field).stored
