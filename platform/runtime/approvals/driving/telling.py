"""What people are told of an approval: in the app, in the transaction that is the reason for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metadata.ids import uuid7
from metadata.problems import Label, say
from runtime.approvals.keeping.listing import write_rows
from runtime.approvals.world.people import People
from runtime.workspace import Workspace

_LONGEST = 200

_SAID: Mapping[str, Label] = {
    "asked": {"en": "To approve: {title}", "zh": "待您审批：{title}"},
    "mend": {"en": "Returned to you: {title}", "zh": "已退回给您：{title}"},
    "copied": {"en": "Copied to you: {title}", "zh": "抄送给您：{title}"},
    "remind": {"en": "Still to approve: {title}", "zh": "请尽快审批：{title}"},
    "overdue": {"en": "Overdue: {title}", "zh": "审批已超时：{title}"},
    "urged": {"en": "You are asked to hurry: {title}", "zh": "催办：{title}"},
    "escalated": {"en": "Escalated: {title}", "zh": "审批已升级处理：{title}"},
    "no_approver": {"en": "Nobody can approve: {title}", "zh": "找不到审批人：{title}"},
    "returned": {"en": "Returned: {title}", "zh": "已退回：{title}"},
    "approved": {"en": "Approved: {title}", "zh": "审批已通过：{title}"},
    "rejected": {"en": "Rejected: {title}", "zh": "审批被拒绝：{title}"},
    "withdrawn": {"en": "Withdrawn: {title}", "zh": "已撤回：{title}"},
    "terminated": {"en": "Terminated: {title}", "zh": "审批已终止：{title}"},
    "voided": {"en": "Voided: {title}", "zh": "审批已作废：{title}"},
    "taken_back": {"en": "A decision was taken back: {title}", "zh": "审批人撤回了审批：{title}"},
    "mentioned": {"en": "You are mentioned: {title}", "zh": "审批中提到了您：{title}"},
}


def tell(ws: Workspace, request: str, occasion: str, people: Sequence[str], title: Label, known: People) -> None:
    """Tell people of a request, all in one write. Nobody is told what he has done himself."""
    others = [each for each in dict.fromkeys(people) if each != ws.actor.user]
    known.known(others)
    rows = {
        uuid7(): {
            "owner": person,
            "kind": f"approval.{occasion}",
            "subject": _subject(occasion, title, known.language(person)),
            "page": f"/app/-/approvals/{request}",
        }
        for person in others
        if known.active(person)
    }
    write_rows(ws, "notification", rows, new=rows.keys())


def _subject(occasion: str, title: Label, lang: str) -> str:
    return say(_SAID[occasion], lang).format(title=say(title, lang))[:_LONGEST]
