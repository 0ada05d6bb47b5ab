"""The text of a mail that tells of notifications: each with what it is about, as its reader may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metadata.ids import is_uuid
from metadata.problems import Label, say
from runtime.deliveries.links import page_of
from runtime.notifications.kinds import MANY
from runtime.titles import titles
from runtime.workspace import Workspace

_LONGEST_SUBJECT = 200
_SEVERAL: Label = {"en": "{count} notifications", "zh": "{count} 条通知"}
_CHOOSE: Label = {
    "en": "Choose what you are told, and when: {link}",
    "zh": "设置通知方式和免打扰时间：{link}",
}
_MORE: Label = {"en": "And {count} more, in the app.", "zh": "另有 {count} 条，请在应用内查看。"}
_BELL = "/app/-/notifications"
SETTINGS = "/app/-/notifications/settings"


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str


def letter(ws: Workspace, notices: Sequence[Mapping[str, Any]], more: int = 0) -> Letter:
    """One mail in the language of the actor, who reads it. `more`: how many it does not name."""
    lang = ws.actor.language
    named = titles(ws, {place for each in notices if (place := _place(each))[0]})
    lines = [_line(each, named) for each in notices]
    blocks = [_block(ws, each, line) for each, line in zip(notices, lines, strict=True)]
    subject = lines[0] if len(lines) == 1 else say(_SEVERAL, lang).format(count=len(lines) + more)
    if more:
        blocks.append("\n".join(filter(None, (say(_MORE, lang).format(count=more), page_of(ws, _BELL)))))
    link = page_of(ws, SETTINGS)
    if link:
        blocks.append(say(_CHOOSE, lang).format(link=link))
    return Letter(" ".join(subject.split())[:_LONGEST_SUBJECT] or "-", "\n\n".join(blocks))


def _line(notice: Mapping[str, Any], named: Mapping[tuple[str, str], str]) -> str:
    said, title = str(notice.get("subject") or ""), named.get(_place(notice), "")
    return f"{said} · {title}" if title else said


def _block(ws: Workspace, notice: Mapping[str, Any], line: str) -> str:
    kind, page = str(notice.get("kind") or ""), str(notice.get("page") or "")
    body = "" if kind in MANY else str(notice.get("body") or "")
    if kind.startswith("approval."):
        from runtime.approvals.showing.mailing import told  # approvals tell by notifications

        body = body or told(ws, kind, page)
    link = page_of(ws, page) if page.startswith("/app/") else ""
    return "\n".join(each for each in (line, body, link) if each)


def _place(notice: Mapping[str, Any]) -> tuple[str, str]:
    """Entity and id of the record that a notification is about."""
    parts = str(notice.get("page") or "").split("/")[2:]
    return (parts[0], parts[1]) if len(parts) == 2 and parts[0] != "-" and is_uuid(parts[1]) else ("", "")
