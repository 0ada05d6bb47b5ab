"""Section `imports`: how the columns of a file become fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map, plain
from metadata.model import EMPTY, Entity, Field, ImportMapping, Model, Part
from metadata.problems import kind, say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.documenting import heading, table, words
from metadata.sections.values import check_value

NEEDS_BY = kind(
    "import_needs_by",
    en="Mode {mode} has to find records again. Say by which fields: `by: {{number: {{}}}}`.",
    zh="{mode} 模式需要找到已有记录，请说明依据的字段：`by: {{number: {{}}}}`。",
)
NO_FIELD = kind(
    "import_column_without_field",
    en="The column “{header}” says neither `field` nor `ignore: true`. Add one.",
    zh="列“{header}”既没有 `field` 也没有 `ignore: true`，请补充其一。",
)
BY_LINK_ONLY = kind(
    "import_by_of_no_link",
    en="“{name}” is no link, so `by` has no meaning. Remove it.",
    zh="“{name}”不是关联字段，`by` 没有意义，请删除。",
)

GRAMMAR = grammar.grammar(grammar.load("imports"))


def compile_import(element: Element, compilation: Compilation) -> ImportMapping | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    by = tuple(named_fields(element, entity, compilation, "by"))
    mode: Literal["insert", "update", "upsert"] = data.get("mode", "upsert" if "by" in data else "insert")
    if mode != "insert" and "by" not in data:
        compilation.refuse(NEEDS_BY, element, "mode", mode=mode)
    return ImportMapping(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key) if "label" in data else entity.plural,
        entity=entity.id,
        mode=mode,
        by=by,
        columns=dict(_columns(element, entity, compilation)),
        constants=dict(_constants(element, entity, compilation)) or EMPTY,
    )


def named_fields(element: Element, entity: Entity, compilation: Compilation, name: str) -> Iterable[str]:
    """Ids of the fields that are the keys of a property."""
    named = element.data.get(name)
    for each in named if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, each, name, each)
        if field is not None:
            yield field.id


def _columns(element: Element, entity: Entity, compilation: Compilation) -> Iterable[tuple[str, Mapping[str, Any]]]:
    columns = element.data.get("columns")
    for header, data in columns.items() if isinstance(columns, Map) else ():
        if not isinstance(data, Map):
            continue
        path = ("columns", header)
        if data.get("ignore") is True:
            yield header, {"ignore": True}
        elif not isinstance(data.get("field"), str):
            compilation.refuse(NO_FIELD, element, *path, at_key=True, header=header)
        else:
            field = compilation.named_field(element, entity, data["field"], *path, "field", at_key=False)
            if field is not None:
                yield header, _column(element, compilation, field, data, path)


def _column(
    element: Element, compilation: Compilation, field: Field, data: Map, path: tuple[str, ...]
) -> Mapping[str, Any]:
    made: dict[str, Any] = {"field": field.id}
    if isinstance(by := data.get("by"), str):
        target = compilation.entity(field.to[0]) if field.to else None
        if target is None:
            compilation.refuse(BY_LINK_ONLY, element, *path, "by", name=field.key)
        elif (found := compilation.named_field(element, target, by, *path, "by", at_key=False)) is not None:
            made["by"] = found.id
    if isinstance(values := data.get("values"), Map):
        made["values"] = {text: _text(value) for text, value in values.items()}
    return made


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _constants(element: Element, entity: Entity, compilation: Compilation) -> Iterable[tuple[str, Any]]:
    constants = element.data.get("constants")
    for name, value in constants.items() if isinstance(constants, Map) else ():
        field = compilation.named_field(element, entity, name, "constants", name)
        if field is not None:
            check_value(element, compilation, field, plain(value), "constants", name)
            yield field.id, plain(value)


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    entity = model.entity(part["entity"])
    yield Reference(("entity",), "entities", part["entity"])
    for each in (*part.get("by", ()), *part.get("constants", EMPTY)):
        yield Reference(("by", each), "entities", part["entity"], each)
    for header, column in part.get("columns", EMPTY).items():
        if "field" in column:
            yield Reference(("columns", header, "field"), "entities", part["entity"], column["field"])
        if "by" in column and entity is not None:
            yield Reference(("columns", header, "by"), "entities", entity.fields[column["field"]].to[0], column["by"])


def document(part: Part, lang: str, model: Model) -> str:
    entity = model.entity(part["entity"])
    columns = part.get("columns", EMPTY)
    rows = [(header, column.get("field", "—"), column.get("by")) for header, column in columns.items()]
    head = (words(lang, "Column", "列"), words(lang, "Field", "字段"), words(lang, "Found by", "匹配字段"))
    text = heading(2, part["label"], lang, part["key"])
    text += f"\n{words(lang, 'Writes', '写入')}: {say(entity.plural, lang) if entity else part['entity']}\n"
    return text + "\n" + table(head, rows)


SECTION = Section(
    name="imports",
    grammar=GRAMMAR,
    check_grammar=grammar_only("imports", GRAMMAR),
    identity=said_id,
    compile=each_element("imports", compile_import),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
