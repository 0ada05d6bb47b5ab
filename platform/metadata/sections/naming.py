"""Rules for ids and keys, the same in every section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from metadata.documents.marked import Map, Mark
from metadata.documents.shape import Shape
from metadata.problems import Problem, kind
from metadata.section import said_id

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
TENANT_PREFIX = "x_"
NOT_ENTITY_KEYS = frozenset({"approvals", "deliveries", "tasks", "events", "files", "inbox", "jobs", "meta", "openapi"})
"""Words that the API needs for itself."""

BAD_NAME = kind(
    "name_malformed",
    en="“{name}” cannot be a key or id. Use small letters, digits and single _, beginning with a letter, 40 at most.",
    zh="“{name}”不能作为键或 ID。请使用小写字母、数字和单个下划线，以字母开头，最多 40 个字符。",
)
TENANT_NAME = kind(
    "name_tenant_prefix",
    en="“{name}” was born in the tenant's own layer, so its id must start with x_. Write x_{name}, or keep `id:`.",
    zh="“{name}”产生于租户自己的层，其 ID 必须以 x_ 开头。请写成 x_{name}，或保留 `id:`。",
)
RESERVED_ENTITY = kind(
    "name_reserved_entity",
    en="No entity can be called “{name}”: the API needs the word. Choose another key; the label may say what you like.",
    zh="实体不能命名为“{name}”：API 需要使用该词。请换一个键，标签可任意填写。",
)
ALIAS_TAKEN = kind(
    "name_alias_taken",
    en="The former name “{name}” is in use here. Remove the alias or rename the other one.",
    zh="旧名称“{name}”在此处已被使用。请删除该别名，或重命名另一项。",
)


def check_names(section: str, shape: Shape, id: str, key: str, data: Any, mark: Mark, born: Mark) -> Iterator[Problem]:
    """Everything wrong with the names of an element and of the entries inside it."""
    path = f"{section}.{key}"
    yield from _check(path, id, key, data, mark, born, born.source.kind == "tenant")
    if section == "entities" and key in NOT_ENTITY_KEYS:
        yield RESERVED_ENTITY(path, at=mark.key_position, name=key)
    theirs = born.source.kind == "tenant" and id.startswith(TENANT_PREFIX)
    yield from _entries(path, shape, data, theirs)


def _entries(path: str, shape: Shape, data: Any, theirs: bool) -> Iterator[Problem]:
    """`theirs`: inside something that no package can land on, so nothing further needs the prefix."""
    if not isinstance(data, Map):
        return
    if shape.kind == "struct":
        for key, below in shape.properties.items():
            if key in data:
                yield from _entries(f"{path}.{key}", below, data[key], theirs)
    elif shape.kind == "entries" and shape.entry is not None:
        if shape.has_ids:
            yield from _check_aliases(path, data)
        for key, value in data.items():
            here, born = f"{path}.{key}", data.birth(key)
            mine = born.source.kind == "tenant"
            if shape.has_ids:
                id = said_id(key, value)
                yield from _check(here, id, key, value, data.marks[key], born, mine and not theirs)
                mine = mine and id.startswith(TENANT_PREFIX)
            yield from _entries(here, shape.entry, value, theirs or mine)


def _check(path: str, id: str, key: str, data: Any, mark: Mark, born: Mark, prefix: bool) -> Iterator[Problem]:
    for name in dict.fromkeys((key, id)):
        if not NAME.fullmatch(name) or "__" in name:
            yield BAD_NAME(path, at=mark.key_position, name=name)
            return
    if prefix and not id.startswith(TENANT_PREFIX):
        yield TENANT_NAME(path, at=born.key_position, suggestion=TENANT_PREFIX + key, name=key)


def _check_aliases(path: str, entries: Map) -> Iterator[Problem]:
    taken = {name for key, value in entries.items() for name in (key, said_id(key, value))}
    for key, value in entries.items():
        said = value.get("aliases") if isinstance(value, Map) else None
        aliases = said if isinstance(said, Map) else Map()
        for alias in aliases:
            # A field's own id is always understood, so naming it as a former key is harmless.
            if alias in taken and alias != said_id(key, value):
                at = aliases.marks[alias].key_position
                yield ALIAS_TAKEN(f"{path}.{key}.aliases.{alias}", at=at, name=alias)
            taken.add(alias)
