"""Section `roles`: what people may see and do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metadata import grammar
from metadata.access import policy_field
from metadata.compilation import Compilation, place_of
from metadata.documents.marked import Map
from metadata.fieldtypes import registry
from metadata.model import ACTIONS, EMPTY, Entity, Field, Grant, Model, Narrowed, Part, Right, Role, Scope
from metadata.policies import condition_of, scope_of, unsayable
from metadata.problems import PlatformError, kind, say
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
OF_A_PART = kind(
    "role_condition_of_part",
    en="{entity} are seen and changed as the record that they belong to. Write the condition there.",
    zh="{entity}随其所属记录查看和修改，请在所属实体上设置条件。",
)
CONDITION_OF_ALL = kind(
    "role_condition_of_all",
    en='A condition speaks of the fields of one entity, so it cannot stand under "*". Name the entity.',
    zh="条件涉及某个实体的字段，不能写在“*”下。请指定实体。",
)
NO_MASK = kind(
    "role_no_mask",
    en="{field} cannot be masked: there is no mask for the type {type}. Write hidden or read.",
    zh="{field}无法脱敏：类型 {type} 不支持。请写 hidden 或 read。",
)
NOT_NARROWER = kind(
    "role_field_not_narrower",
    en="The right to {field} cannot depend on a condition like this: `otherwise` must be less than `right`, and "
    "titles, links, files, secrets and what the platform keeps are as visible as their record.",
    zh="{field}的权限不能这样设置条件：`otherwise` 必须小于 `right`；标题、关联、文件、密文及系统字段与记录同样可见。",
)
OF_OWNERS = ("own", "unit", "subtree")
ALWAYS_READ = frozenset({"id", "version", "currency"})
FILES = frozenset({"file", "files", "image"})
OF_ALL = frozenset({"*", "id", "version", "created_at", "created_by", "updated_at", "updated_by"})


def compile_role(element: Element, compilation: Compilation) -> Role:
    data = element.data
    capabilities = data.get("capabilities")
    return Role(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        grants=dict(_grants(element, compilation)) or EMPTY,
        clearance=data.get("clearance", "internal"),
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
            yield "*", _of_all(element, compilation, data, path)
            continue
        entity = compilation.named_entity(element, name, *path, at_key=True)
        if entity is not None:
            yield entity.id, _grant(element, compilation, entity, data, path)


def _grant(element: Element, compilation: Compilation, entity: Entity, data: Map, path: tuple[str, ...]) -> Grant:
    part = policy_field(entity) is not None
    where: dict[str, str] = {}
    for action in ACTIONS:
        if data.get(action) in OF_OWNERS and not entity.owned and not part:
            compilation.refuse(NOT_OWNED, element, *path, action, entity=entity.plural, scope=data[action])
        if isinstance(data.get(action), Map):
            where[action] = str(data[action].get("where"))
            check_condition(element, compilation, entity, where[action], *path, action, "where")
            if part:
                compilation.refuse(OF_A_PART, element, *path, action, at_key=True, entity=entity.plural)
    fields, narrowed = _fields(element, compilation, entity, data, path)
    return Grant(_scopes(data), fields, where or EMPTY, narrowed)


def _of_all(element: Element, compilation: Compilation, data: Map, path: tuple[str, ...]) -> Grant:
    """What is said of every entity: no condition, since they have different fields."""
    for action in ACTIONS:
        if isinstance(data.get(action), Map):
            compilation.refuse(CONDITION_OF_ALL, element, *path, action, at_key=True)
    named = data.get("fields")
    found: dict[str, Right] = {}
    for name, right in named.items() if isinstance(named, Map) else ():
        if isinstance(right, Map):
            compilation.refuse(CONDITION_OF_ALL, element, *path, "fields", name, at_key=True)
        elif name in OF_ALL:
            found[name] = right
        else:
            compilation.refuse(NOT_A_FIELD_OF_ALL, element, *path, "fields", name, at_key=True, name=name)
    return Grant(_scopes(data), found or EMPTY)


def _scopes(data: Map) -> Mapping[str, Scope]:
    return {action: data[action] for action in ACTIONS if isinstance(data.get(action), str)} or EMPTY


def check_condition(element: Element, compilation: Compilation, entity: Entity, text: str, *path: str) -> None:
    """Refuse a condition with mistakes, and one that a database cannot answer."""
    scope = scope_of(compilation.entity, lambda name: compilation.resolve("roles", name))
    expression = compilation.expression(element, text, entity, *path, scope=scope)
    for problem in unsayable(expression, compilation.entity) if expression is not None else ():
        at = place_of(element, path)
        compilation.problems.append(problem.under(".".join((element.path, *path))).at(at))


def _fields(
    element: Element, compilation: Compilation, entity: Entity, data: Map, path: tuple[str, ...]
) -> tuple[Mapping[str, Right], Mapping[str, Narrowed]]:
    found: dict[str, Right] = {}
    narrowed: dict[str, Narrowed] = {}
    named = data.get("fields")
    for name, right in named.items() if isinstance(named, Map) else ():
        here = (*path, "fields", name)
        if name == "*" and isinstance(right, str):
            found["*"] = right  # type: ignore[assignment]
            continue
        field = compilation.named_field(element, entity, name, *here)
        if field is None:
            continue
        said = right if isinstance(right, Map) else {"right": right}
        found[field.id] = said["right"]
        if "masked" in (said["right"], said.get("otherwise")) and not registry.of(field).maskable:
            compilation.refuse(NO_MASK, element, *here, field=field.label, type=field.type)
        if "when" in said:
            narrowed[field.id] = Narrowed(said["when"], said.get("otherwise", "hidden"))
            check_condition(element, compilation, entity, said["when"], *here, "when")
            if said["right"] == said.get("otherwise") or not _can_be_narrowed(entity, field):
                compilation.refuse(NOT_NARROWER, element, *here, at_key=True, field=field.label)
    return found or EMPTY, narrowed or EMPTY


def _can_be_narrowed(entity: Entity, field: Field) -> bool:
    """What names a record, what it is found by and what it links to is as visible as the record."""
    kind = registry.of(field)
    told = field.id == entity.title or field.id in ALWAYS_READ or field.to or kind.concealed or kind.name in FILES
    return kind.stored and not told


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    for entity, grant in part.get("grants", EMPTY).items():
        if entity == "*":
            continue
        yield Reference(("entities", entity), "entities", entity)
        for field in grant.get("fields", EMPTY):
            if field != "*":
                yield Reference(("entities", entity, "fields", field), "entities", entity, field)
        for path, text in _conditions(grant):
            for read in _mentioned(model, entity, text):
                yield Reference(("entities", entity, *path), "entities", *read)


def _conditions(grant: Mapping[str, Any]) -> Iterable[tuple[tuple[str, ...], str]]:
    """Where the conditions of a grant stand, and what they say."""
    for action, text in grant.get("where", EMPTY).items():
        yield (action, "where"), text
    for field, narrowed in grant.get("narrowed", EMPTY).items():
        yield ("fields", field, "when"), narrowed["when"]


def _mentioned(model: Model, entity: str, text: str) -> Iterable[tuple[str, str]]:
    found = model.entity(entity)
    try:
        return sorted(condition_of(model, found, text).reads()) if found else ()
    except PlatformError:
        return ()


def document(part: Part, lang: str, model: Model) -> str:
    rows = []
    for id, grant in part.get("grants", EMPTY).items():
        entity = model.entity(id)
        scopes = grant.get("scopes", EMPTY)
        narrowed, where = grant.get("narrowed", EMPTY), grant.get("where", EMPTY)
        fields = ", ".join(
            f"`{name}`: {right}" + (f" (`{narrowed[name]['when']}`)" if name in narrowed else "")
            for name, right in grant.get("fields", EMPTY).items()
        )
        name = say(entity.label, lang) if entity else id
        rows.append(
            (name, *(f"`{where[each]}`" if each in where else scopes.get(each, "none") for each in ACTIONS), fields)
        )
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
