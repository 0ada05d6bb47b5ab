"""What a save has to do with telling people: which way its notifications go, and whom its records concern."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.notifications import mailing
from runtime.notifications.kinds import group_of
from runtime.notifications.telling import tell_assigned
from runtime.notifications.writing import ENTITY, reader_of
from runtime.reminders.moments import WATCHED
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan


def settle(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Before drafts are written: mentions become references; a notification is for the app if its reader wants that."""
    if plan.entity.id != ENTITY:
        from runtime import mentions  # which tell by saves

        mentions.settle(ws, plan, drafts)
        return
    if "in_app" not in plan.entity.fields:
        return
    for draft in drafts:
        if draft.before is None:
            draft.values["in_app"] = "app" in _ways(ws, draft)


def follow(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """After drafts were written: mails of notifications, and the telling of whom other records concern."""
    if plan.entity.id == ENTITY:
        _post(ws, drafts)
        return
    from runtime import mentions

    tell_assigned(ws, plan, drafts)
    mentions.follow(ws, plan, drafts)
    if plan.entity.id in WATCHED:
        from runtime import reminders  # whose notifications are saves

        reminders.saved(ws, plan.entity, drafts)


def _post(ws: Workspace, drafts: Sequence[Draft]) -> None:
    if not ws.host.settings.smtp_url:
        return
    by_reader: dict[str, list[tuple[str, str]]] = {}
    for draft in drafts:
        if draft.before is None and "mail" in _ways(ws, draft):
            by_reader.setdefault(str(draft.values["owner"]), []).append((draft.id, str(draft.values.get("kind"))))
    for person, notices in by_reader.items():
        reader = reader_of(ws, person)
        if reader is not None:
            mailing.post(ws, reader, notices)


def _ways(ws: Workspace, draft: Draft) -> frozenset[str]:
    """By which ways a notification goes, as its reader chose."""
    owner = draft.values.get("owner")
    if owner is None:
        return frozenset({"app"})
    place = str(draft.values.get("page") or "").split("/")[2:3]
    group = group_of(str(draft.values.get("kind") or ""), place[0] if place else None)
    return frozenset(mailing.choices_for(ws, str(owner)).of(group))
