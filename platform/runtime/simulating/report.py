"""What a simulation says: counts and samples by definition, in words of both languages, and what it cannot know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metadata.problems import LANGUAGES, Label, say
from runtime.simulating.comparing import DIFFERENCES, Tally

if TYPE_CHECKING:
    from runtime.simulating.changed import Item
    from runtime.simulating.samples import Kept

_SAID: Mapping[str, Label] = {
    "newly_refuses": {"en": "{count} would newly be refused", "zh": "{count} 次将被新拒绝"},
    "no_longer_refuses": {"en": "{count} would no longer be refused", "zh": "{count} 次将不再被拒绝"},
    "newly_warns": {"en": "{count} would newly be warned of", "zh": "{count} 次将新出现警告"},
    "no_longer_warns": {"en": "{count} would no longer be warned of", "zh": "{count} 次将不再出现警告"},
    "sets_differently": {"en": "{count} would get other values", "zh": "{count} 次所设的值将不同"},
    "newly_starts": {"en": "{count} would newly start it", "zh": "{count} 次将新触发"},
    "no_longer_starts": {"en": "{count} would no longer start it", "zh": "{count} 次将不再触发"},
    "takes_another_path": {"en": "{count} runs would go another way", "zh": "{count} 次运行的路径将不同"},
    "newly_asked": {"en": "{count} would newly need it", "zh": "{count} 次将新需要此审批"},
    "no_longer_asked": {"en": "{count} would no longer need it", "zh": "{count} 次将不再需要此审批"},
    "asks_otherwise": {"en": "{count} would go another way or to other people", "zh": "{count} 次的路径或审批人将不同"},
}
_NOTHING: Label = {"en": "nothing would differ", "zh": "没有差异"}
_SEEN: Label = {"en": "{seen} seen, {same} the same: {what}.", "zh": "共 {seen} 次，{same} 次相同：{what}。"}
_NEVER: Label = {"en": "Nothing in this time asks it.", "zh": "此期间内没有相关事件。"}
_UNCHANGED: Label = {
    "en": "No rule, workflow or approval decides otherwise in this description.",
    "zh": "该描述中没有任何规则、工作流或审批的决定发生变化。",
}
_TOTAL: Label = {"en": "{events} events of {records} replayed.", "zh": "已重放 {records} 的 {events} 个事件。"}

LIMITS: Mapping[str, Label] = {
    "now": {
        "en": "A record has its own fields as of the event; linked records, lists and children are as they are now.",
        "zh": "记录自身的字段为事件发生时的值；关联记录、列表和子记录为当前的值。",
    },
    "people": {
        "en": "People, their roles and managers are as they are now.",
        "zh": "人员及其角色、上级均按当前情况计算。",
    },
    "alone": {
        "en": "Each save is asked for itself: what would have followed from a refusal or another value is left out.",
        "zh": "每次保存单独判断：不会继续推演被拒绝或值不同之后的后果。",
    },
    "cut": {
        "en": "{count} ways were followed only to the first step that people, time or another system decides.",
        "zh": "{count} 条路径仅推演到首个由人员、时间或外部系统决定的步骤为止。",
    },
    "early": {
        "en": "{count} saves are from before a field that is read was there, or its value of then is lost: it counts "
        "as empty.",
        "zh": "{count} 次保存发生时所读字段尚不存在或已无法读取，按空值计算。",
    },
    "unknown": {
        "en": "Of {count} saves it cannot be known: what is looked at in other records has another type.",
        "zh": "{count} 次保存无法判断：所读取的其他记录的字段类型不同。",
    },
    "rollups": {
        "en": "What lists of those days added up to is not known: {names} count as empty.",
        "zh": "当时列表的汇总值未知：{names} 按空值计算。",
    },
    "purged": {
        "en": "{count} events are of records that were purged: they cannot be replayed.",
        "zh": "{count} 个事件的记录已被彻底清除，无法重放。",
    },
    "new_entity": {
        "en": "{names} have no past: nothing was replayed for them.",
        "zh": "{names} 没有历史，未作重放。",
    },
    "new_fields": {
        "en": "New fields were empty then: {names}.",
        "zh": "新字段在当时为空：{names}。",
    },
    "lost_fields": {
        "en": "Fields that are no longer there: {names}.",
        "zh": "已不存在的字段：{names}。",
    },
    "others_start": {
        "en": "Schedules, dates, buttons, webhooks and calls were not replayed: only saves and deletions.",
        "zh": "未重放定时、日期、按钮、Webhook 和调用触发：仅重放保存和删除。",
    },
    "cancelled": {
        "en": "It was stopped before it was through.",
        "zh": "模拟在完成前被停止。",
    },
    "hidden": {
        "en": "Records that you may not see are counted but not shown.",
        "zh": "您无权查看的记录计入数量，但不显示。",
    },
}


@dataclass(slots=True)
class Report:
    """What came of it. Labels stay labels until somebody reads it: see `told`."""

    items: tuple[Item, ...]
    samples: Kept
    tallies: dict[str, Tally] = field(default_factory=dict)
    """By `Item.name`."""
    events: int = 0
    entities: list[Label] = field(default_factory=list)
    since: str | None = None
    limits: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    seconds: float = 0.0
    entity_keys: Mapping[str, str] = field(default_factory=dict)
    """Id -> today's key."""

    def limit(self, name: str, **values: Any) -> None:
        self.limits.append((name, values))

    @property
    def differs(self) -> bool:
        return any(each.counts for each in self.tallies.values())

    def as_json(self) -> dict[str, Any]:
        """JSON data with labels in all languages: what a job keeps."""
        return {
            "events": self.events,
            "since": self.since,
            "seconds": round(self.seconds, 3),
            "differs": self.differs,
            "summary": self._summary(),
            "definitions": [self._item(each) for each in self.items],
            "limits": [{"code": name, "message": _filled(LIMITS[name], values)} for name, values in self.limits],
        }

    def _summary(self) -> Label:
        if not self.items:
            return _UNCHANGED
        records = {lang: ", ".join(say(each, lang) for each in self.entities) or "–" for lang in LANGUAGES}
        return _filled(_TOTAL, {"events": f"{self.events:,}", "records": records})

    def _item(self, item: Item) -> dict[str, Any]:
        tally = self.tallies.get(item.name, Tally())
        return {
            "kind": item.kind,
            "entity": self.entity_keys.get(item.entity, item.entity),
            "name": item.key,
            "label": dict(item.label),
            "change": item.change,
            "seen": tally.seen,
            "same": tally.same,
            "unknown": tally.unknown,
            "counts": {each: tally.counts[each] for each in DIFFERENCES[item.kind] if each in tally.counts},
            "message": self._message(item, tally),
            "samples": [
                {"difference": each, **sample}
                for each in DIFFERENCES[item.kind]
                for sample in self.samples.of(item.name, each)
            ],
        }

    def _message(self, item: Item, tally: Tally) -> Label:
        if not tally.seen:
            return _NEVER
        parts = [
            _filled(_SAID[each], {"count": f"{tally.counts[each]:,}"})
            for each in DIFFERENCES[item.kind]
            if tally.counts.get(each)
        ] or [_NOTHING]
        what = {lang: ("，" if lang == "zh" else ", ").join(say(each, lang) for each in parts) for lang in LANGUAGES}
        return _filled(_SEEN, {"seen": f"{tally.seen:,}", "same": f"{tally.same:,}", "what": what})


def _filled(text: Label, values: Mapping[str, Any]) -> Label:
    """A text with its holes filled; a value that is a label is said in the same language."""
    found = {}
    for lang in LANGUAGES:
        shown = {name: say(each, lang) if isinstance(each, Mapping) else each for name, each in values.items()}
        found[lang] = say(text, lang).format_map(shown)
    return found


def told(data: Any, lang: str) -> Any:
    """What a job kept, in one language."""
    if isinstance(data, Mapping):
        if data and set(data) <= {"*", *LANGUAGES} and all(isinstance(each, str) for each in data.values()):
            return say(data, lang)
        return {key: told(each, lang) for key, each in data.items()}
    if isinstance(data, (list, tuple)):
        return [told(each, lang) for each in data]
    return data
