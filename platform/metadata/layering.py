"""What an upper layer may not take from core: its people and units, and the types that the platform counts on.

Everything else may be replaced or removed; where that changes stored values, the plan says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metadata.documents.layers import Overruled
from metadata.documents.marked import Map
from metadata.problems import Problem, kind

RETYPED = kind(
    "layer_core_type",
    en="“{key}” of {layer} is of type {before}, and the platform counts on that. Remove `type` here, or describe a "
    "field of your own with another key.",
    zh="{layer}中的“{key}”类型为 {before}，平台依赖于此。请删除此处的 `type`，或另建一个不同键的字段。",
)
REMOVED = kind(
    "layer_core_removed",
    en="“{key}” belongs to {layer} and the platform needs it. Extend it, but do not remove it.",
    zh="“{key}”属于{layer}，平台需要它。可以扩展，但不能移除。",
)

_KEPT = frozenset({"user", "unit"})


def check_overruled(overruled: Iterable[Overruled]) -> Iterator[Problem]:
    """Everything that an upper layer says against core."""
    for each in overruled:
        section, _, rest = each.path.partition(".")
        if section != "entities" or each.below.source.kind != "core":
            continue
        steps, layer = rest.split("."), each.below.source.layer
        if len(steps) == 1 and each.after is None and _is_needed(steps[0], each.before):
            yield REMOVED(each.path, at=each.above.key_position, key=steps[0], layer=layer)
        elif len(steps) == 4 and steps[1] == "fields" and steps[3] == "type":
            at = each.above.value_position
            yield RETYPED(each.path, at=at, key=f"{steps[0]}.{steps[2]}", layer=layer, before=each.before)


def _is_needed(id: str, entity: object) -> bool:
    return id in _KEPT or (isinstance(entity, Map) and entity.get("written_by") == "platform")
