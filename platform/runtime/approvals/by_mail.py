"""Deciding by the link in a mail: what it opens, for whom, and the one decision that it may be used for.

Looking changes nothing, so programs that follow every link in a mail do no harm. The link stands for one person and one
task as it was asked then; what the person could not decide in the app, or must be signed in for, it does not decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from metadata.approvals import Approval, Human
from metadata.problems import Conflict, Forbidden, NotFound, Problem, kind
from runtime.account_tables import ACCOUNT
from runtime.approvals.acting import act
from runtime.approvals.keeping import definitions, links
from runtime.approvals.keeping import requests as store
from runtime.approvals.keeping.links import Link
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import AsUser, PlatformActor, Workspace, open_workspace
from workflow.approvals.request import Request, Task

CHANNEL = "mail"

UNKNOWN = kind(
    "approval_link_unknown",
    en="This link opens nothing. Copy the whole address from the mail, or sign in to see what waits for you.",
    zh="此链接无效。请从邮件中复制完整地址，或登录查看待您审批的申请。",
)
EXPIRED = kind(
    "approval_link_expired",
    en="This link was good for a week and is over. Sign in to decide.",
    zh="此链接有效期为一周，现已过期。请登录后审批。",
)
USED = kind(
    "approval_link_used",
    en="You have decided by this link already. It serves once.",
    zh="您已通过此链接完成审批，链接仅可使用一次。",
)
MOVED_ON = kind(
    "approval_link_moved_on",
    en="This no longer waits for you: it was decided, given to somebody else, or asked anew. Sign in to see where it "
    "stands.",
    zh="此任务已不再等待您处理：已处理、已转给他人或已重新发起。请登录查看进展。",
)
SIGN_IN = kind(
    "approval_link_sign_in",
    en="This step needs more than a link can give: duties are kept apart here, or a signature or people are asked for. "
    "Sign in to decide.",
    zh="此节点不能仅凭链接审批：需要职责分离、签名或指定人员。请登录后审批。",
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to: `problem` says why it decides nothing now."""

    ws: Workspace
    link: Link
    request: Request
    approval: Approval
    node: Human | None
    problem: Problem | None = None

    @property
    def comment_on(self) -> frozenset[str]:
        """With which decisions something has to be said."""
        return frozenset(self.node.comment_on) if self.node is not None else frozenset()


def person_of(host: Host, tenant: Tenant, secret: str) -> AsUser:
    """Who decides by a link. Raises NotFound for one that there is not, or of somebody who may not come in any more."""
    with open_workspace(host, tenant, PlatformActor(), channel=CHANNEL) as ws:
        link = links.find(ws, secret)
        if link is None or not _comes_in(ws, link.person):
            raise NotFound(UNKNOWN())
        return AsUser(link.person)


def _comes_in(ws: Workspace, person: str) -> bool:
    row = ws.db.execute(sa.select(ACCOUNT.c.disabled_at).where(ACCOUNT.c.id == person)).first()
    return row is not None and row.disabled_at is None


def opened(ws: Workspace, secret: str) -> Opened:
    """What a link leads to, seen by its person, whose workspace this is. Raises NotFound."""
    link = links.find(ws, secret)
    mine = link is not None and link.person == ws.actor.user
    # Not taken here: whoever decides takes the record first, then its request.
    request = store.find(replace(ws, write=False), link.request) if link is not None and mine else None
    if link is None or request is None:
        raise NotFound(UNKNOWN())
    approval, task = definitions.of_request(ws, request), request.task(link.task)
    node = None if task is None else next((each for each in approval.every() if each.id == task.node), None)
    human = node if isinstance(node, Human) else None
    return Opened(ws, link, request, approval, human, _against(ws, link, request, approval, task, human))


def _against(
    ws: Workspace, link: Link, request: Request, approval: Approval, task: Task | None, node: Human | None
) -> Problem | None:
    if link.used_at is not None:
        return USED()
    mine = task is not None and link.person in (task.assignee, task.deputy) and task.rounds == link.round
    if task is None or node is None or not mine or task.state != "pending" or not request.running:
        return MOVED_ON()
    if link.expires_at <= ws.now:
        return EXPIRED()
    if approval.mail and not needs_sign_in(approval, request, node, task):
        return None
    return SIGN_IN()


def needs_sign_in(approval: Approval, request: Request, node: Human, task: Task) -> bool:
    """Whether a link is not enough to decide a task."""
    if task.kind != "delegate" and node.sign:
        return True
    picks = any(
        who.by == "approver_picks" and each.id not in request.picks
        for each in approval.every()
        for who in getattr(each, "who", ())
    )
    return node.id in approval.separated or (picks and task.kind != "delegate")


def decide(ws: Workspace, secret: str, verb: str, said: Mapping[str, Any], address: str | None = None) -> Request:
    """Approve or reject by a link, once. `said`: `comment`, and `version` of the request as it was shown.

    Raises NotFound, Conflict when it decides nothing (any more), Forbidden, Invalid.
    """
    found = opened(ws, secret)
    if found.problem is not None:
        wrong = found.problem
        raise Forbidden(wrong) if wrong.code == SIGN_IN.code else Conflict(wrong)
    body = {key: value for key, value in said.items() if value not in (None, "")}
    # What was looked at is what is decided: with another version in between `act` refuses.
    body = {"version": found.request.version, **body, "task": found.link.task}
    request = act(ws, found.request.id, verb, body, address)
    if not links.use(ws, found.link):
        raise Conflict(USED())
    return request
