"""Section `roles`: what people may see and do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metadata import grammar
from metadata.access import policy_field
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.model import ACTIONS, EMPTY, Entity, Grant, Model, Part, Right, Role, Scope
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

NOT_OWNED = kind(
    "role_scope_not_owned",
    en="Records of {entity} have no owner, so “{scope}” means nobody. Write all or none, or make it `owned: true`.",
    zh="{entity}的记录没有负责人，“{scope}”不会包含任何人。请写 all 或 none，或将实体设为 `owned: true`。",
)
NOT_A_FIELD_OF_ALL = kind(
    "role_fields_of_all",
    en='Under "*" only fields that every entity has can be named, not “{name}”. Name the entity instead.',
    zh="“*”下只能使用所有实体共有的字段，不能使用“{name}”。请改为指定实体。",
)

GRAMMAR = grammar.grammar(grammar.load("roles"))
OF_OWNERS = ("own", "unit", "subtree")
OF_ALL = frozenset({"*", "id", "version", "created_at", "created_by", "updated_at", "updated_by"})


def compile_role(element: Element, compilation: Compilation) -> Role:
    data = element.data
    capabilities = data.get("capabilities")
    return Role(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        grants=dict(_grants(element, compilation)) or EMPTY,
        capabilities=frozenset(
            name for name, given in (capabilities.items() if isinstance(capabilities, Map) else ()) if given is True
        ),
    )


def _grants(element: Element, compilation: Compilation) -> Iterable[tuple[str, Grant]]:
    entities = element.data.get("entities")
    for name, data in entities.items() if isinstance(entities, Map) else ():
        if not isinstance(data, Map):
            continue
        path = ("entities", name)
        if name == "*":
            yield "*", Grant(_scopes(data), _fields_of_all(element, compilation, data, path))
            continue
        entity = compilation.named_entity(element, name, *path, at_key=True)
        if entity is None:
            continue
        if not entity.owned and policy_field(entity) is None:
            _refuse_owner_scopes(element, compilation, entity, data, path)
        yield entity.id, Grant(_scopes(data), _fields(element, compilation, entity, data, path))


def _scopes(data: Map) -> Mapping[str, Scope]:
    return {action: data[action] for action in ACTIONS if isinstance(data.get(action), str)} or EMPTY


def _refuse_owner_scopes(
    element: Element, compilation: Compilation, entity: Entity, data: Map, path: tuple[str, ...]
) -> None:
    for action in ACTIONS:
        if data.get(action) in OF_OWNERS:
            compilation.refuse(NOT_OWNED, element, *path, action, entity=entity.plural, scope=data[action])


def _fields(
    element: Element, compilation: Compilation, entity: Entity, data: Map, path: tuple[str, ...]
) -> Mapping[str, Right]:
    found: dict[str, Right] = {}
    named = data.get("fields")
    for name, right in named.items() if isinstance(named, Map) else ():
        if name == "*":
            found["*"] = right
            continue
        field = compilation.named_field(element, entity, name, *path, "fields", name)
        if field is not None:
            found[field.id] = right
    return found or EMPTY


def _fields_of_all(element: Element, compilation: Compilation, data: Map, path: tuple[str, ...]) -> Mapping[str, Right]:
    named = data.get("fields")
    found: dict[str, Right] = {}
    for name, right in named.items() if isinstance(named, Map) else ():
        if name in OF_ALL:
            found[name] = right
        else:
            compilation.refuse(NOT_A_FIELD_OF_ALL, element, *path, "fields", name, at_key=True, name=name)
    return found or EMPTY


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    for entity, grant in part.get("grants", EMPTY).items():
        if entity == "*":
            continue
        yield Reference(("entities", entity), "entities", entity)
        for field in grant.get("fields", EMPTY):
            if field != "*":
                yield Reference(("entities", entity, "fields", field), "entities", entity, field)


def document(part: Part, lang: str, model: Model) -> str:
    rows = []
    for id, grant in part.get("grants", EMPTY).items():
        entity = model.entity(id)
        scopes = grant.get("scopes", EMPTY)
        fields = ", ".join(f"`{name}`: {right}" for name, right in grant.get("fields", EMPTY).items())
        name = say(entity.label, lang) if entity else id
        rows.append((name, *(scopes.get(each, "none") for each in ACTIONS), fields))
    head = (
        words(lang, "Entity", "实体"),
        words(lang, "Read", "查看"),
        words(lang, "Create", "新建"),
        words(lang, "Update", "修改"),
        words(lang, "Delete", "删除"),
        words(lang, "Fields", "字段"),
    )
    return heading(2, part["label"], lang, part["key"]) + "\n" + table(head, rows)


SECTION = Section(
    name="roles",
    grammar=GRAMMAR,
    check_grammar=grammar_only("roles", GRAMMAR),
    identity=said_id,
    compile=each_element("roles", compile_role),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
