"""Section `public_forms`: forms that anybody may fill in without signing in, each making a record of one kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map, plain
from metadata.fieldtypes import registry
from metadata.model import EMPTY, AskedField, Entity, Field, Model, Part, PublicForm
from metadata.problems import kind, say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    said_id,
)
from metadata.sections.documenting import heading, table, words
from metadata.sections.values import check_value

ASKED = frozenset(
    "text long_text email phone url integer decimal money percent rating boolean date datetime time choice"
    " multi_choice".split()
)
"""Types that a stranger can fill in: nothing that would show him records, and no files."""

NOT_FOR_STRANGERS = kind(
    "public_form_field_type",
    en="“{name}” is of type {type}, which a form for everybody cannot ask. Remove it; texts, numbers, dates, choices, "
    "e-mail and phone can be asked.",
    zh="“{name}”的类型是 {type}，公开表单不能填写该类型。请删除；可填写文本、数字、日期、选项、邮箱和电话。",
)
PLATFORM_FIELD = kind(
    "public_form_platform_field",
    en="“{name}” is kept by the platform. Remove it from the form.",
    zh="“{name}”由平台维护，请从表单中删除。",
)
REQUIRED_MISSING = kind(
    "public_form_required_missing",
    en="{entity} needs {field}, but the form neither asks for it nor gives it. Add it to `fields` or `constants`.",
    zh="{entity}必须填写{field}，但表单既未询问也未给定。请在 `fields` 或 `constants` 中添加。",
)
TWICE = kind(
    "public_form_asked_and_given",
    en="“{name}” is asked and given at once. Remove it from `fields` or from `constants`.",
    zh="“{name}”同时出现在 `fields` 和 `constants` 中，请删除其一。",
)
CANNOT_STAND_ALONE = kind(
    "public_form_entity",
    en="{entity} cannot be made by a form for everybody: its records belong to others, or the platform writes them.",
    zh="{entity}不能由公开表单创建：其记录从属于其他记录，或由平台写入。",
)
NO_OWNER = kind(
    "public_form_owner",
    en="{entity} has no owner. Remove `owner`, or make the entity `owned: true`.",
    zh="{entity}没有负责人。请删除 `owner`，或将实体设为 `owned: true`。",
)

GRAMMAR = grammar.grammar(grammar.load("public_forms"))
_CHOSEN_TYPES = frozenset({"choice", "multi_choice"})


def compile_form(element: Element, compilation: Compilation) -> PublicForm | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    if entity.parent is not None or entity.via is not None or entity.written_by == "platform" or entity.generated:
        compilation.refuse(CANNOT_STAND_ALONE, element, "entity", entity=entity.label)
    if "owner" in data and not entity.owned:
        compilation.refuse(NO_OWNER, element, "owner", entity=entity.label)
    return PublicForm(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key) if "label" in data else entity.label,
        entity=entity.id,
        fields=tuple(_asked(element, entity, compilation)),
        constants=dict(_constants(element, entity, compilation)) or EMPTY,
        intro=_text(data, "intro"),
        button=_text(data, "button"),
        thanks=_text(data, "thanks"),
        owner=str(data["owner"]).strip().lower() if isinstance(data.get("owner"), str) else None,
    )


def _text(data: Map, name: str) -> Any:
    return label_of(data, "", name) if name in data else None


def _asked(element: Element, entity: Entity, compilation: Compilation) -> Iterable[AskedField]:
    named = element.data.get("fields")
    for name, said in named.items() if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, "fields", name)
        if field is None or not _may_be_asked(element, field, compilation, name):
            continue
        said = said if isinstance(said, Map) else Map()
        yield AskedField(
            id=field.id,
            required=field.required or said.get("required") is True,
            label=_text(said, "label"),
            help=_text(said, "help"),
        )


def _may_be_asked(element: Element, field: Field, compilation: Compilation, name: str) -> bool:
    if field.system:
        compilation.refuse(PLATFORM_FIELD, element, "fields", name, at_key=True, name=field.key)
    elif field.type not in ASKED:
        compilation.refuse(NOT_FOR_STRANGERS, element, "fields", name, at_key=True, name=field.key, type=field.type)
    else:
        return True
    return False


def _constants(element: Element, entity: Entity, compilation: Compilation) -> Iterable[tuple[str, Any]]:
    named = element.data.get("constants")
    for name, value in named.items() if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, "constants", name)
        if field is None:
            continue
        if field.system:
            compilation.refuse(PLATFORM_FIELD, element, "constants", name, at_key=True, name=field.key)
        elif field.type not in ASKED:
            kinds = {"name": field.key, "type": field.type}
            compilation.refuse(NOT_FOR_STRANGERS, element, "constants", name, at_key=True, **kinds)
        else:
            check_value(element, compilation, field, plain(value), "constants", name)
            yield field.id, _by_id(field, plain(value))


def _by_id(field: Field, value: Any) -> Any:
    """Options by id, so that a renamed one is still meant."""
    if field.type not in _CHOSEN_TYPES:
        return value
    if isinstance(value, list):
        return [_by_id(field, each) for each in value]
    option = field.option(value) if isinstance(value, str) else None
    return option.id if option is not None else value


def check(compilation: Compilation) -> None:
    """Whether a record can be made of what each form asks and gives."""
    for id, form in compilation.made["public_forms"].items():
        element, entity = compilation.elements["public_forms"][id], compilation.entity(form.entity)
        if entity is None or entity.id in compilation.untyped:
            continue
        asked = {each.id for each in form.fields}
        for twice in asked & form.constants.keys():
            compilation.refuse(TWICE, element, "constants", name=entity.fields[twice].key)
        for field in entity.fields.values():
            given = field.id in asked or field.id in form.constants or field.default is not None
            stored = registry.of(field).stored and field.type != "sequence" and field.computed is None
            if field.required and not field.system and stored and not given:
                compilation.refuse(REQUIRED_MISSING, element, "fields", entity=entity.label, field=field.label)


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    yield Reference(("entity",), "entities", part["entity"])
    for each in part.get("fields", ()):
        yield Reference(("fields", each["id"]), "entities", part["entity"], each["id"])
    for each in part.get("constants", EMPTY):
        yield Reference(("constants", each), "entities", part["entity"], each)


def document(part: Part, lang: str, model: Model) -> str:
    entity = model.entity(part["entity"])
    rows = []
    for each in part.get("fields", ()):
        field = entity.fields[each["id"]] if entity is not None else None
        label = each.get("label") or (field.label if field is not None else {"*": each["id"]})
        needed = words(lang, "yes", "是") if each.get("required") else ""
        rows.append((say(label, lang), field.key if field is not None else each["id"], needed))
    rows += [
        (f"`{value}`", name, words(lang, "given", "固定值")) for name, value in part.get("constants", EMPTY).items()
    ]
    head = (words(lang, "Asked", "询问"), words(lang, "Field", "字段"), words(lang, "Required", "必填"))
    text = heading(2, part["label"], lang, part["key"])
    text += f"\n{words(lang, 'Makes', '创建')}: {say(entity.label, lang) if entity else part['entity']}"
    text += f" · `/f/{part['key']}`\n"
    return text + "\n" + table(head, rows)


SECTION = Section(
    name="public_forms",
    grammar=GRAMMAR,
    check_grammar=grammar_only("public_forms", GRAMMAR),
    identity=said_id,
    compile=each_element("public_forms", compile_form),
    checks=check,
    references=references,
    difference=differences,
    documentation=document,
)
