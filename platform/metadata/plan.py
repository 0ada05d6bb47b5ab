"""`plan_changes`: how to get from one model to another, with the risk of every step. Pure: asks no database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from metadata import parts
from metadata.changes import RISKS, Change, Kind, Risk
from metadata.fieldtypes import registry
from metadata.model import EMPTY, EntityStorage, Model, Part, StorageMap
from metadata.problems import KINDS, Problem, kind
from metadata.risks import RISKS as CLASSIFY
from metadata.risks import always
from metadata.section import Element
from metadata.sections import SECTIONS
from metadata.storage import is_encrypted, same_place

RETYPED = kind(
    "plan.retyped",
    en="“{field}” would change from {before} to {after}, which its stored values may not survive. "
    "Keep the type and add a field with another id.",
    zh="“{field}”将由 {before} 改为 {after}，已存的值可能无法转换。请保留原类型，另以新的 id 添加字段。",
)
OPTION_REMOVED = kind(
    "plan.option_removed",
    en="The option “{option}” would be removed while records may hold it. Keep it with `retired: true`.",
    zh="选项“{option}”将被删除，但可能仍有记录在使用。请保留该选项并设置 `retired: true`。",
)
RETARGETED = kind(
    "plan.retargeted",
    en="“{field}” would point at {after} instead of {before}. Add a new link with another id.",
    zh="“{field}”将由指向 {before} 改为指向 {after}。请以新的 id 添加关联字段。",
)
UNCONVERTED = kind(
    "plan.form_changed",
    en="The form of “{field}” would change ({what}) while values are stored in the old one. Add a new field instead.",
    zh="“{field}”的存储形式将改变（{what}），而已有值按旧形式保存。请改为添加新字段。",
)
OPENED = kind(
    "plan.opened",
    en="The values of “{field}” are encrypted and cannot be opened in place. Keep `encrypted: true`, or add a field "
    "with another id and copy the values by an export and an import.",
    zh="“{field}”的值已加密，无法就地解密。请保留 `encrypted: true`，或以新的 id 添加字段，再通过导出和导入复制数据。",
)
REVIVED = kind(
    "plan.revived",
    en="“{name}” was removed before and its values are kept in the trash. Write `id: {id}` to bring it back with them, "
    "or give the new one another id (`id: {other}`).",
    zh="“{name}”此前已被移除，其数据仍保留在回收区。若要连同数据恢复，请写 `id: {id}`；"
    "若是新建，请换一个 id（`id: {other}`）。",
)


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """Every change from the release `base` to the model with `fingerprint`. `id` once it has been stored."""

    base: int
    fingerprint: str
    changes: tuple[Change, ...]
    id: str | None = None

    @property
    def empty(self) -> bool:
        return not self.changes

    @property
    def risk(self) -> Risk:
        """The gravest of its changes."""
        return max((each.risk for each in self.changes), key=RISKS.index, default="safe")

    @property
    def refused(self) -> tuple[Problem, ...]:
        """Why it cannot be applied; empty when it can."""
        return tuple(each.refused for each in self.changes if each.refused is not None)

    def entities(self) -> frozenset[str]:
        """Ids of the entities that it touches."""
        return frozenset(each.id for each in self.changes if each.section == "entities")


def plan_changes(
    current: Model | None,
    target: Model,
    storage: StorageMap = EMPTY,
    base: int = 0,
    asked: Callable[[str], bool] | None = None,
) -> ChangePlan:
    """Compare two models by id. `storage` says what lies in the tenant's tables, trash included.

    `asked`: whether the description of what is at a path (`entities.deal.fields.a`) says its id, so that it is meant
    to return from the trash; None: everything that returns is meant to.
    """
    changes: list[Change] = []
    for section in SECTIONS:
        changes += _section(section, current, target)
    changes += _settings(current, target)
    checked = tuple(_with_refusal(each, current, target, storage, asked) for each in changes)
    return ChangePlan(base, target.fingerprint, checked)


def said_ids(elements: Mapping[str, Element]) -> Callable[[str], bool]:
    """The `asked` of some merged entities: whether a path is one at which `id:` is written."""

    def asked(path: str) -> bool:
        _, entity, *rest = path.split(".")
        owner, _, pair = entity.partition("__")  # the pairs of a `links` field come and go with it
        element = elements.get(owner if pair else entity)
        if element is None or not (rest or pair):
            return element is not None and isinstance(element.data.get("id"), str)
        fields = element.data.get("fields")
        wanted = pair or rest[-1]
        return isinstance(fields, Mapping) and any(
            isinstance(each, Mapping) and each.get("id") == wanted for each in fields.values()
        )

    return asked


def _section(section: str, current: Model | None, target: Model) -> Iterator[Change]:
    before = current.index.get(section, EMPTY) if current is not None else EMPTY
    after = target.index.get(section, EMPTY)
    classify = CLASSIFY.get(section, always("safe"))
    for id in (*before, *(each for each in after if each not in before)):
        if id in before and id in after and before[id]["hash"] == after[id]["hash"]:
            continue
        one = current.part(section, id) if current is not None and id in before else None
        two = target.part(section, id) if id in after else None
        for each in SECTIONS[section].difference(section, id, one, two):
            risk = classify(each.kind, each.path[1:], each.before, each.after)
            # What is new or gone as a whole is named, not told in full.
            whole = len(each.path) == 1
            yield Change(
                each.kind,
                ".".join((section, *each.path)),
                risk,
                each.label,
                None if whole else each.before,
                None if whole else each.after,
            )


def _settings(current: Model | None, target: Model) -> Iterator[Change]:
    before = current.settings if current is not None else EMPTY
    for name in sorted({*before, *target.settings}):
        one, two = before.get(name), target.settings.get(name)
        if one != two and current is not None and current.fingerprint:
            yield Change("changed", f"package.settings.{name}", "safe", EMPTY, one, two)


def _with_refusal(
    change: Change,
    current: Model | None,
    target: Model,
    storage: StorageMap,
    asked: Callable[[str], bool] | None,
) -> Change:
    problem = _refusal(change, current, target, storage)
    if problem is None and asked is not None and change.kind == "added":
        problem = _revived(change, target, storage, asked)
    if problem is None:
        return change
    return Change(change.kind, change.path, change.risk, change.label, change.before, change.after, problem)


def _refusal(change: Change, current: Model | None, target: Model, storage: StorageMap) -> Problem | None:
    """What needs values to be converted or mapped is refused; all else is carried out."""
    match change.path.split("."):
        case ["entities", entity, "fields", field, "type"]:
            return _retyped(change, target, storage.get(entity), entity, field)
        case ["entities", entity, "fields", field] if change.kind == "added":
            return _returning(change, target, storage.get(entity), entity, field)
        case ["entities", _, "fields", _, "options", _] if change.kind == "removed":
            return _option_removed(change)
        case ["entities", entity, "fields", field, "to"]:
            return _retargeted(change, target, entity, field)
        case ["entities", entity, "fields", field, "props", *_]:
            return _form_changed(change, current, target, entity, field)
    return None


def _name(model: Model, entity: str, field: str) -> Any:
    found = model.entity(entity)
    held = found.fields.get(field) if found is not None else None
    return held.label if held is not None else field


def _retyped(change: Change, target: Model, held: EntityStorage | None, entity: str, field: str) -> Problem | None:
    found = target.entity(entity)
    place = held.fields.get(field) if held is not None else None
    if found is None or place is None or field not in found.fields:
        return None
    if same_place(place.type, found.fields[field]):
        return None
    return RETYPED(change.path, field=_name(target, entity, field), before=change.before, after=change.after)


def _returning(change: Change, target: Model, held: EntityStorage | None, entity: str, field: str) -> Problem | None:
    """A field whose id lies in the trash comes back with its values, if these are of its type."""
    found = target.entity(entity)
    place = held.fields.get(field) if held is not None else None
    if found is None or place is None or same_place(place.type, found.fields[field]):
        return None
    if is_encrypted(place.type) and not found.fields[field].encrypted:
        return OPENED(change.path, field=_name(target, entity, field))
    return RETYPED(change.path, field=_name(target, entity, field), before=place.type, after=found.fields[field].type)


def _revived(change: Change, target: Model, storage: StorageMap, asked: Callable[[str], bool]) -> Problem | None:
    """A key that is the id of something in the trash: whoever wrote it may not know of that."""
    match change.path.split("."):
        case ["entities", entity]:
            held, id, found = storage.get(entity), entity, target.entity(entity)
            trashed, name = held is not None and held.trashed, found.label if found is not None else entity
        case ["entities", entity, "fields", id]:
            held, found = storage.get(entity), target.entity(entity)
            place = held.fields.get(id) if held is not None else None
            trashed, name = place is not None and place.trashed, _name(target, entity, id)
            if found is not None and id in found.fields and found.fields[id].system:
                return None
        case _:
            return None
    if not trashed or asked(change.path):
        return None
    return REVIVED(change.path, name=name, id=id.partition("__")[2] or id, other=f"{id.partition('__')[2] or id}_2")


def _form_changed(change: Change, current: Model | None, target: Model, entity: str, field: str) -> Problem | None:
    """A property may decide in which form values are stored: the scale of a decimal."""
    one, two = (each.entity(entity) if each is not None else None for each in (current, target))
    before, after = (each.fields.get(field) if each is not None else None for each in (one, two))
    if before is not None and after is not None and before.encrypted and not after.encrypted:
        return OPENED(change.path, field=after.label) if change.path.endswith((".props", ".encrypted")) else None
    if before is None or after is None or before.type != after.type or not registry.of(after).stored:
        return None
    old, new = (registry.of(each).columns(each) for each in (before, after))
    if old == new:
        return None
    what = ", ".join(f"{one.kind} {one.scale} → {two.kind} {two.scale}" for one, two in zip(old, new, strict=False))
    return UNCONVERTED(change.path, field=after.label, what=what)


def _option_removed(change: Change) -> Problem:
    option = change.label or change.path.rpartition(".")[2]
    return OPTION_REMOVED(change.path, option=option)


def _retargeted(change: Change, target: Model, entity: str, field: str) -> Problem | None:
    before, after = change.before or [], change.after or []
    if set(before) <= set(after) and len(after) > 1 and len(before) > 1:
        return None
    return RETARGETED(change.path, field=_name(target, entity, field), before=before, after=after)


# -- as data, so that exactly what was reviewed is what is applied


def dump(plan: ChangePlan) -> dict[str, Any]:
    """A plan as JSON data."""
    return {
        "base": plan.base,
        "fingerprint": plan.fingerprint,
        "risk": plan.risk,
        "changes": [_dump_change(each) for each in plan.changes],
    }


def _dump_change(change: Change) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": change.kind, "path": change.path, "risk": change.risk}
    data["label"] = dict(change.label)
    if change.before is not None:
        data["before"] = parts.dump(change.before)
    if change.after is not None:
        data["after"] = parts.dump(change.after)
    if change.rows is not None:
        data["rows"] = change.rows
    if change.refused is not None:
        data["refused"] = {
            "code": change.refused.code,
            "path": change.refused.path,
            "params": parts.dump(change.refused.params),
        }
    return data


def load(data: Mapping[str, Any], id: str | None = None) -> ChangePlan:
    """The plan that `dump` wrote."""
    return ChangePlan(data["base"], data["fingerprint"], tuple(_load_change(each) for each in data["changes"]), id)


def _load_change(data: Part) -> Change:
    refused = data.get("refused")
    problem = KINDS[refused["code"]](refused["path"], **refused["params"]) if refused else None
    kind_: Kind = data["kind"]
    before, after = data.get("before"), data.get("after")
    return Change(kind_, data["path"], data["risk"], data["label"], before, after, problem, data.get("rows"))
