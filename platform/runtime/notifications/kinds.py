"""What people are told of, in groups that people choose ways for: what is usual, what is urgent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from metadata.problems import Label, say

Way = Literal["app", "mail"]
WAYS: tuple[Way, ...] = ("app", "mail")


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds of notifications that people choose a way for together. `fixed`: ways that cannot be switched off."""

    id: str
    label: Label
    help: Label
    usual: frozenset[Way] = frozenset({"app"})
    fixed: frozenset[Way] = frozenset()


_BOTH: frozenset[Way] = frozenset(WAYS)
_APP: frozenset[Way] = frozenset({"app"})

GROUPS: Mapping[str, Group] = {
    each.id: each
    for each in (
        Group(
            "task",
            {"en": "A task is given to you", "zh": "收到任务"},
            {"en": "By a colleague or a workflow.", "zh": "由同事或工作流分派。"},
            fixed=_APP,
        ),
        Group(
            "assigned",
            {"en": "A record is given to you", "zh": "记录分配给您"},
            {"en": "A customer, an opportunity, whatever has an owner.", "zh": "客户、商机等有负责人的记录。"},
        ),
        Group(
            "reminder",
            {"en": "A reminder is due", "zh": "提醒到期"},
            {"en": "Of a task, a meeting, a next contact. Urgent.", "zh": "任务、会议、下次联系的提醒。紧急。"},
            usual=_BOTH,
        ),
        Group(
            "approval",
            {"en": "You have to decide an approval", "zh": "有审批待您处理"},
            {"en": "Asked, reminded, urged. Urgent when it was escalated.", "zh": "待审批、提醒、催办；升级时为紧急。"},
            usual=_BOTH,
            fixed=_APP,
        ),
        Group(
            "approval_news",
            {"en": "An approval of yours moved on", "zh": "您的审批有进展"},
            {"en": "Approved, rejected, returned, copied to you.", "zh": "通过、拒绝、退回、抄送给您。"},
        ),
        Group(
            "mention",
            {"en": "Somebody mentions you", "zh": "有人提到您"},
            {"en": "With @ in a note, a comment, an activity.", "zh": "在备注、评论、跟进中使用 @。"},
            usual=_BOTH,
        ),
        Group(
            "message",
            {"en": "A workflow has a message for you", "zh": "工作流消息"},
            {"en": "What your administrators let workflows say.", "zh": "管理员配置的工作流消息。"},
        ),
        Group(
            "sla",
            {"en": "A promised time runs out", "zh": "服务时限将至"},
            {"en": "Warned of, or missed. Urgent when it was missed.", "zh": "预警或已超时；超时为紧急。"},
            usual=_BOTH,
        ),
        Group(
            "job",
            {"en": "An import or export is over", "zh": "导入、导出完成"},
            {"en": "And bulk changes that you began.", "zh": "以及您发起的批量操作。"},
        ),
    )
}
"""In the order of the page on which they are chosen. What waits for somebody's work is always in the app."""

URGENT = frozenset({"reminder", "reminder.contact", "sla.breached", "approval.escalated"})
"""Kinds that quiet hours do not hold back: a time that a person set himself, and what is late already."""

_TO_DECIDE = frozenset({"asked", "mend", "remind", "overdue", "urged", "escalated", "no_approver"})

_SUBJECTS: dict[str, Label] = {
    "assigned": {"en": "{what} assigned to you", "zh": "{what}已分配给您"},
    "assigned_many": {"en": "{what} assigned to you: {count}", "zh": "{what}已分配给您：{count} 条"},
    "reminder": {"en": "Reminder: {what}", "zh": "提醒：{what}"},
    "reminder.contact": {"en": "Time to get in touch again: {what}", "zh": "该再次联系了：{what}"},
    "mention": {"en": "You are mentioned: {what}", "zh": "有人提到您：{what}"},
    "mention_many": {"en": "You are mentioned: {what}, {count}", "zh": "有人提到您：{what}，{count} 条"},
    "job.import.done": {"en": "Import finished", "zh": "导入已完成"},
    "job.import.failed": {"en": "Import failed", "zh": "导入失败"},
    "job.export.done": {"en": "Export is ready", "zh": "导出已就绪"},
    "job.export.failed": {"en": "Export failed", "zh": "导出失败"},
    "job.bulk_edit.done": {"en": "Bulk edit finished", "zh": "批量修改已完成"},
    "job.bulk_edit.failed": {"en": "Bulk edit failed", "zh": "批量修改失败"},
    "job.bulk_delete.done": {"en": "Bulk delete finished", "zh": "批量删除已完成"},
    "job.bulk_delete.failed": {"en": "Bulk delete failed", "zh": "批量删除失败"},
}
"""Kind -> what the notification says; the `job.` kinds say of which jobs people are told."""

MANY = frozenset({"assigned_many", "mention_many"})
"""Kinds that tell of a number of records, which is in the body."""


def group_of(kind: str, entity: str | None = None) -> Group:
    """The group that a notification belongs to; `entity`: id of what it is about."""
    first, _, second = kind.partition(".")
    match first:
        case "assigned" | "assigned_many":
            return GROUPS["task" if entity == "task" else "assigned"]
        case "approval" if second != "mentioned":
            return GROUPS["approval" if second in _TO_DECIDE else "approval_news"]
        case "approval" | "mention" | "mention_many" | "mention_unseen":
            return GROUPS["mention"]
        case "reminder" | "sla" | "job":
            return GROUPS[first]
    return GROUPS["message"]


def is_told(kind: str) -> bool:
    """Whether this build has words for a kind."""
    return kind in _SUBJECTS


def subject(kind: str, lang: str, **values: Any) -> str:
    """What a notification of a kind says in a language; empty for a kind that this build does not know."""
    text = say(_SUBJECTS[kind], lang) if kind in _SUBJECTS else ""
    return text.format_map(values) if values else text
