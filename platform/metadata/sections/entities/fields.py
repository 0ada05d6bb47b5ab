"""Fields: those that the description lists and those that the platform adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from metadata.compilation import NO_SUCH, SECTION_LABELS, Compilation, problem_at, relocated
from metadata.documents.marked import Map, plain
from metadata.explaining import nearest
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import FieldType
from metadata.fieldtypes.defaults import check_default
from metadata.model import EMPTY, Computed, Field, Option
from metadata.problems import Label, Problem, kind
from metadata.section import label_of, said_id
from metadata.sections.entities.depending import settle_dependencies
from metadata.sections.entities.outline import FieldOutline, Outline
from metadata.sections.entities.ties import Ties
from metadata.sections.options.reading import options_of

RESERVED = kind(
    "field_reserved",
    en="The platform keeps “{name}” itself; only its label, help and sensitivity can be set. Choose another key.",
    zh="“{name}”由平台维护，只能设置其标签、说明与敏感级别。请换一个键。",
)
ONLY_PLATFORM = kind(
    "field_default_of_computed",
    en="A field of type {type} gets its values from the platform and cannot have a {property}. Remove it.",
    zh="类型为 {type} 的字段由平台赋值，不能设置 {property}，请删除。",
)

COMMON = frozenset(
    "type id before after label help required unique default aliases sensitivity options to inverse on_delete on_merge"
    " follows_owner lives_with_parent fields".split()
)
"""Properties of a field that the model holds elsewhere than in `props`."""

PLATFORM: Mapping[str, tuple[str, Label, Mapping[str, Any]]] = {
    "id": ("id", {"en": "ID", "zh": "ID"}, EMPTY),
    "number": ("sequence", {"en": "Number", "zh": "编号"}, EMPTY),
    "owner": ("user", {"en": "Owner", "zh": "负责人"}, EMPTY),
    "unit": ("unit", {"en": "Unit", "zh": "所属部门"}, EMPTY),
    "pool": ("choice", {"en": "Pool", "zh": "公海"}, EMPTY),
    "currency": ("text", {"en": "Currency", "zh": "币种"}, {"min": 3, "max": 3}),
    "created_at": ("datetime", {"en": "Created at", "zh": "创建时间"}, EMPTY),
    "created_by": ("user", {"en": "Created by", "zh": "创建人"}, EMPTY),
    "updated_at": ("datetime", {"en": "Updated at", "zh": "更新时间"}, EMPTY),
    "updated_by": ("user", {"en": "Updated by", "zh": "更新人"}, EMPTY),
    "version": ("integer", {"en": "Version", "zh": "版本"}, EMPTY),
}
"""Type, label and properties of the fields that the platform adds, in the order of display around the others."""

Report = Callable[[Problem], None]


def fields_of(outline: Outline, ties: Ties, compilation: Compilation, report: Report) -> dict[str, Field]:
    """Every field of an entity by id, in the order of display."""
    declared = outline.data.get("fields") if not outline.generated else None
    overlays = _overlays(declared) if isinstance(declared, Map) else {}
    mine = outline.platform_fields
    added = {id: _platform_field(outline, id, overlays.get(id, EMPTY), compilation) for id in PLATFORM if id in mine}
    found: dict[str, Field] = {id: added[id] for id in ("id", "number") if id in added}
    for each in outline.fields.values():
        if each.id in mine or each.key in mine:
            name = each.id if each.id in mine else each.key
            report(problem_at(RESERVED, outline.element, each.at, True, name=name))
        else:
            found[each.id] = _field(outline, each, ties, compilation, report)
    settle_dependencies(outline, found, report)
    return {**found, **{id: field for id, field in added.items() if id not in found}}


def _overlays(declared: Map) -> dict[str, Map]:
    """What a description says of the platform's own fields: entries without a type."""
    return {said_id(key, data): data for key, data in declared.items() if isinstance(data, Map) and "type" not in data}


def _platform_field(outline: Outline, id: str, overlay: Mapping[str, Any], compilation: Compilation) -> Field:
    type_name, label, props = PLATFORM[id]
    if id == "number":
        props = {"format": outline.data["number"]}
    return Field(
        id=id,
        key=id,
        type=type_name,
        label=dict(overlay["label"]) if "label" in overlay else label,
        entity=outline.id,
        help=dict(overlay["help"]) if "help" in overlay else None,
        system=id != "number",
        sensitivity=overlay.get("sensitivity", "internal"),
        options=tuple(pools_of(outline, compilation)) if id == "pool" else (),
        to=("unit",) if type_name == "unit" else ("user",) if type_name == "user" else (),
        props=props,
    )


def pools_of(outline: Outline, compilation: Compilation) -> Iterator[Option]:
    """The pools in which an entity's records may lie, as the options of their field `pool`."""
    for element in compilation.elements.get("pools", EMPTY).values():
        name = element.data.get("entity")
        if isinstance(name, str) and compilation.resolve("entities", name) == outline.id:
            yield Option(element.id, element.key, label_of(element.data, element.key))


def _field(outline: Outline, each: FieldOutline, ties: Ties, compilation: Compilation, report: Report) -> Field:
    data = each.data
    field = Field(
        id=each.id,
        key=each.key,
        type=each.type,
        label=each.label,
        entity=outline.id,
        # Rows without their parent would have nobody who may see them.
        required=data.get("required") is True or ties.parent == each.id,
        unique=data.get("unique") is True,
        default=plain(data.get("default")),
        help=dict(data["help"]) if "help" in data else None,
        sensitivity=data.get("sensitivity", "internal"),
        options=_options(outline, each, compilation, report),
        to=ties.targets.get(each.id, ()),
        props=_props(each, ties, compilation),
        aliases=dict(data["aliases"]) if "aliases" in data else EMPTY,
        computed=Computed(data["type"], "", disclose=data.get("disclose") is True) if each.computed else None,
    )
    # Of a type that nobody knows the grammar could not look at the properties.
    for problem in _wrong(field, registry.of(field)) if data.get("type") == each.type else ():
        report(relocated(problem, outline.element, each.at))
    return field


def _wrong(field: Field, type_: FieldType) -> Iterator[Problem]:
    if field.type in ("choice", "multi_choice") and not field.options and "options" in field.props:
        return  # an unknown set has been reported by its name
    yield from type_.check(field)
    if field.type in ("sequence", "children", "links"):
        for name in ("default", "unique"):
            if getattr(field, name):
                yield ONLY_PLATFORM(name, type=field.type, property=name)
    elif field.default is not None and (problem := check_default(field)) is not None:
        yield problem


def _props(each: FieldOutline, ties: Ties, compilation: Compilation) -> Mapping[str, Any]:
    if each.computed:  # what else it says tells how it is computed
        return {name: plain(value) for name, value in each.data.items() if name in _props_of_formula(each)} or EMPTY
    props = {name: plain(value) for name, value in each.data.items() if name not in COMMON}
    if isinstance(each.data.get("options"), str):
        props["options"] = compilation.resolve("options", each.data["options"]) or each.data["options"]
    if each.type == "children":
        props["of"] = next(iter(ties.targets.get(each.id, ())), props.get("of"))
        props["by"] = ties.by.get(each.id, props.get("by"))
    elif each.type == "links":
        relation = next((each_ for each_ in ties.relations if each_.field == each.id), None)
        if relation is not None:
            props |= {"through": relation.through, "near": relation.near, "far": relation.far}
    elif each.type == "any_link":
        outlines = compilation.outlines
        names = {id: outlines[id].key for id in ties.targets.get(each.id, ()) if outlines[id].key != id}
        if names:
            props["names"] = names
    return props or EMPTY


def _props_of_formula(each: FieldOutline) -> tuple[str, ...]:
    return ("scale", "unit", *(("max",) if each.type == "rating" else ())) if each.data["type"] == "formula" else ()


def _options(outline: Outline, each: FieldOutline, compilation: Compilation, report: Report) -> tuple[Option, ...]:
    said = each.data.get("options")
    if isinstance(said, Map):
        return options_of(said)
    if not isinstance(said, str):
        return ()
    id = compilation.resolve("options", said)
    if id is None:
        known = compilation.known("options")
        where = SECTION_LABELS["options"]
        path = (*each.at, "options")
        report(problem_at(NO_SUCH, outline.element, path, False, nearest(said, known), name=said, where=where))
        return ()
    options = compilation.elements["options"][id].data.get("options")
    return options_of(options) if isinstance(options, Map) else ()
