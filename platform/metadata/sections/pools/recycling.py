"""When records of a pool go back from their owners: `recycle` of a pool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.expressions.parser import MAX_LENGTH, parse_in
from metadata.expressions.tree import Constant, walk
from metadata.fieldtypes import registry
from metadata.model import Entity, Model, Part
from metadata.pools import Pool, Recycle, recycled_where
from metadata.problems import PlatformError, kind, say
from metadata.section import Element, Reference, label_of, said_id
from metadata.sections.documenting import table, words
from metadata.sections.views.section import mentioned, walked
from metadata.sections.workflows.reading import Reader

NOT_A_DATE = kind(
    "pool_since_not_a_date",
    en="{name} is of type {type}. Days are counted from fields of type date or datetime that are kept.",
    zh="{name} 的类型是 {type}。天数须从已保存的 date 或 datetime 字段起算。",
)
NO_ASKER = kind(
    "pool_recycle_user",
    en="Nobody asks when records go back to a pool, so there is no {name}. Leave it out.",
    zh="回收记录时没有操作人，不能使用 {name}，请去掉。",
)
NOTHING_TO_REMIND = kind(
    "pool_nothing_to_remind",
    en="`remind_before_days` is about `recycle`, and this pool has none. Add `recycle`, or remove it.",
    zh="`remind_before_days` 用于 `recycle`，此公海没有回收规则。请添加 `recycle`，或删除该项。",
)
TOO_LONG = kind(
    "pool_recycle_too_long",
    en="The conditions of {pool}, of the pools before it and of this rule are too much together. Shorten them, or keep "
    "a part of them in a formula field.",
    zh="{pool}、其之前的公海及此规则的条件合计过长。请缩短，或将部分条件存入公式字段。",
)
_MOMENT = "2000-01-01T00:00:00Z"
"""As long as the text of any moment."""


def rules(element: Element, compilation: Compilation, entity: Entity) -> tuple[Recycle, ...]:
    held = element.data.get("recycle")
    reader = Reader(compilation, element, entity)
    found = held.items() if isinstance(held, Map) else ()
    return tuple(_rule(reader, each, key, entity) for key, each in found if isinstance(each, Map))


def _rule(reader: Reader, data: Map, key: str, entity: Entity) -> Recycle:
    path = ("recycle", key)
    texts = {each: reader.condition(data, each, entity, path, sql=True) for each in ("when", "keep")}
    for each, text in texts.items():
        if text is not None and (name := _asker(reader, text, entity)) is not None:
            reader.refuse(NO_ASKER, *path, each, name=name)
    days = data.get("days")
    return Recycle(
        id=said_id(key, data),
        label=label_of(data, key),
        days=days if isinstance(days, int) else 1,
        since=tuple(_since(reader, data, path, entity)),
        when=texts["when"],
        keep=texts["keep"],
    )


def _asker(reader: Reader, text: str, entity: Entity) -> str | None:
    """What a condition names of the one who asks."""
    try:
        root = parse_in(text, entity, reader.scope()).root
    except PlatformError:
        return None
    names = (each.name for each in walk(root) if isinstance(each, Constant) and each.name is not None)
    return next((each.split(":")[0] for each in names if each.startswith(("$user", "has_role"))), None)


def _since(reader: Reader, data: Map, path: tuple[str, ...], entity: Entity) -> Iterator[str]:
    held = data.get("since")
    for name in held if isinstance(held, Map) else ():
        here = (*path, "since", name)
        way = reader.compilation.named_path(reader.element, entity, name, *here)
        if way is None:
            continue
        if registry.of(way[-1]).kind not in ("date", "datetime"):
            reader.refuse(NOT_A_DATE, *here, at_key=True, name=name, type=way[-1].type)
        yield ".".join(each.id for each in way)


def remind_before(element: Element, compilation: Compilation) -> int | None:
    found = element.data.get("remind_before_days")
    if not isinstance(found, int):
        return None
    if not element.data.get("recycle"):
        compilation.refuse(NOTHING_TO_REMIND, element, "remind_before_days", at_key=True)
    return found


def check(compilation: Compilation) -> None:
    """What decides in the end is the conditions of several pools together."""
    pools: Mapping[str, Pool] = compilation.made["pools"]
    for pool in pools.values():
        entity = compilation.entity(pool.entity)
        beside = [each for each in pools.values() if each.entity == pool.entity]
        for rule in pool.recycle if entity is not None and entity.id not in compilation.untyped else ():
            assert entity is not None
            _check(compilation, entity, beside, pool, rule)


def _check(compilation: Compilation, entity: Entity, beside: Sequence[Pool], pool: Pool, rule: Recycle) -> None:
    text = recycled_where(beside, pool, rule, dict.fromkeys(rule.since, _MOMENT))
    if text is not None and len(text) > MAX_LENGTH:
        element = compilation.elements["pools"][pool.id]
        compilation.refuse(TOO_LONG, element, "recycle", _key(element, rule), at_key=True, pool=pool.label)


def _key(element: Element, rule: Recycle) -> str:
    return next(str(key) for key, each in element.data["recycle"].items() if said_id(key, each) == rule.id)


def references(part: Part, model: Model) -> Iterable[Reference]:
    for rule in part.get("recycle", ()):
        path = ("recycle", rule["id"])
        for name in ("when", "keep"):
            for entity, field in mentioned(model, part["entity"], rule[name]) if name in rule else ():
                yield Reference((*path, name), "entities", entity, field)
        for way in rule.get("since", ()):
            yield from (
                Reference((*path, "since", way), "entities", *each) for each in walked(model, part["entity"], way)
            )


def document(part: Part, lang: str) -> str:
    """What a pool takes back, and when; nothing for one that takes nothing back."""
    if not part.get("recycle"):
        return ""
    head = tuple(
        words(lang, *each)
        for each in (
            ("Goes back", "回收规则"),
            ("When", "条件"),
            ("Days", "天数"),
            ("Counted from", "起算"),
            ("Stays", "保留条件"),
        )
    )
    rows = [
        (
            say(rule["label"], lang),
            f"`{rule['when']}`" if "when" in rule else "–",
            str(rule["days"]),
            ", ".join(f"`{each}`" for each in rule.get("since", ())) or "–",
            f"`{rule['keep']}`" if "keep" in rule else "–",
        )
        for rule in part["recycle"]
    ]
    return "\n" + table(head, rows)
