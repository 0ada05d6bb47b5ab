"""What a mail says to whoever is asked: the summary as far as he may read it, and a link of his own to decide by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from metadata.access import rights
from metadata.approvals import Approval
from metadata.ids import is_uuid
from metadata.model import Field
from metadata.problems import Label, NotFound, say
from runtime.approvals import subject
from runtime.approvals.keeping import definitions, links
from runtime.approvals.keeping import requests as store
from runtime.approvals.showing.seeing import Seen, shown_by_nodes
from runtime.approvals.world.people import People
from runtime.deliveries.links import page_of
from runtime.records.checking.messages import BLANK, Messages
from runtime.records.drafts import Draft, draft_of
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace
from workflow.approvals.request import INITIATOR, Request, Task

ASKING = frozenset({"asked", "remind", "overdue", "urged", "escalated"})
"""Occasions on which somebody has to decide."""
_PAGE = "/app/-/approvals/"
_MOST = 12
_LONGEST = 200
_ASKS: Label = {"en": "{who} asks for your approval: {approval}", "zh": "{who} 请您审批：{approval}"}
_LINK: Label = {"en": "Look and decide (until {until}):\n{url}", "zh": "查看并审批（有效期至 {until}）：\n{url}"}
_CARE: Label = {
    "en": "Opening the page decides nothing. The link is yours alone and serves once: do not pass this mail on.",
    "zh": "打开页面不会做出任何决定。链接仅供您本人使用一次，请勿转发此邮件。",
}
_APP: Label = {"en": "In the app:", "zh": "在系统中查看："}


def told(ws: Workspace, kind: str, page: str) -> str:
    """What a mail says beside the line of a notification about a request (`kind` and `page` as notifications have
    them) to the actor, who reads it. Empty where there is nothing to decide, or its approval says no `mail`.

    Called while the mail is made, in the same transaction: the link is kept or not as the mail is.
    """
    request = _request(ws, kind, page)
    if request is None or not page_of(ws, "/"):
        return ""
    tasks = [each for each in request.pending() if _asks(ws, each)]
    try:
        approval = definitions.of_request(ws, request)
    except NotFound:
        return ""
    if not approval.mail or not tasks:
        return ""
    people, lang = People(ws), ws.actor.language
    head = say(_ASKS, lang).format(who=people.name(request.initiator), approval=say(approval.label, lang))
    lines = [head, *summary(ws, approval, request, tasks[0])]
    return "\n".join(lines) + "\n\n" + "\n".join(_link(ws, people, request, each) for each in tasks)


def _request(ws: Workspace, kind: str, page: str) -> Request | None:
    id = page.removeprefix(_PAGE)
    if kind.removeprefix("approval.") not in ASKING or not page.startswith(_PAGE) or not is_uuid(id):
        return None
    return store.find(replace(ws, write=False), id)


def _asks(ws: Workspace, task: Task) -> bool:
    return task.node != INITIATOR and ws.actor.user is not None and ws.actor.user in (task.assignee, task.deputy)


def _link(ws: Workspace, people: People, request: Request, task: Task) -> str:
    person, lang = str(ws.actor.user), ws.actor.language
    secret, until = links.make(ws, request.id, task.id, task.rounds, person)
    when = f"{until.astimezone(people.zone(person)):%Y-%m-%d %H:%M}"
    link = say(_LINK, lang).format(until=when, url=page_of(ws, f"/approve/{secret}"))
    return f"{link}\n{say(_CARE, lang)}\n{say(_APP, lang)}"


def summary(ws: Workspace, approval: Approval, request: Request, task: Task) -> Iterator[str]:
    """The lines of the summary that the actor may read: by his roles, or since his node shows them to him."""
    plan, lang = subject.plan_for(ws, request.entity), ws.actor.language
    values = subject.look(ws, plan, request.record)
    if values is None:
        return
    draft = draft_of(request.record, values)
    granted, hidden = shown_by_nodes(approval, Seen(tasks=(task,)), ws.actor.user)
    fields = subject.readable(ws, plan.entity, values, granted, hidden)
    for id in [each for each in approval.summary if each in fields][:_MOST]:
        field = plan.entity.fields[id]
        if text := _text(ws, plan, draft, field, lang):
            yield f"{say(field.label, lang)}: {text}"


def _text(ws: Workspace, plan: WritePlan, draft: Draft, field: Field, lang: str) -> str:
    """A value in one line; empty for none. What lies behind a link is read with the actor's own rights."""
    hole, reader = f"{{{field.key}}}", replace(ws, actor=replace(ws.actor, platform=True))
    if field.type in ("link", "user", "unit"):
        target = ws.model.entity(field.to[0] if field.to else field.type)
        if target is None:
            return ""
        hole, reader = f"{{{field.key}.{target.fields[target.title].key}}}", ws
    found = Messages(reader, plan, rights(ws.model, reader.actor, plan.entity)).text({"*": hole}, draft)
    text = " ".join(say(found, lang).split()) if found else ""
    return "" if text == BLANK else text[:_LONGEST]
