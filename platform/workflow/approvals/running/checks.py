"""Who may do what now. Each raises `Refused` with who has decided already, or what to do instead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from metadata.approvals import Copy, Human
from metadata.problems import Label, Problem

from .. import refusals as say
from ..refusals import NotYours, TooLate, Wrong
from ..request import Reason, Task
from . import tasks
from .turn import Turn

STATES: Mapping[str, Label] = {
    "draft": {"en": "a draft", "zh": "草稿"},
    "running": {"en": "running", "zh": "进行中"},
    "approved": {"en": "approved", "zh": "已通过"},
    "rejected": {"en": "rejected", "zh": "已拒绝"},
    "withdrawn": {"en": "withdrawn", "zh": "已撤回"},
    "terminated": {"en": "terminated", "zh": "已终止"},
    "voided": {"en": "voided", "zh": "已作废"},
}

WHY: Mapping[Reason, Label] = {
    "decided": {"en": "others have decided", "zh": "其他人已处理"},
    "signer": {"en": "an added signer rejected it", "zh": "加签人已拒绝"},
    "returned": {"en": "the approval was returned", "zh": "审批已退回"},
    "rejected": {"en": "the approval was rejected", "zh": "审批已拒绝"},
    "withdrawn": {"en": "the approval was withdrawn", "zh": "审批已撤回"},
    "terminated": {"en": "the approval was terminated", "zh": "审批已终止"},
    "jumped": {"en": "the approval went on at another node", "zh": "审批已跳转到其他节点"},
    "taken_back": {"en": "a decision before it was taken back", "zh": "之前的审批已撤回"},
    "removed": {"en": "the signer was removed", "zh": "加签人已被移除"},
    "transferred": {"en": "it was transferred", "zh": "任务已转交"},
    "timeout": {"en": "its time was over", "zh": "任务已超时"},
    "reassigned": {"en": "it was given to somebody else", "zh": "任务已改派"},
    "duplicate": {"en": "the same person had approved before", "zh": "同一人此前已同意"},
    "left": {"en": "its assignee is no longer active", "zh": "处理人已停用"},
    "proxy": {"en": "it went with a standing proxy", "zh": "任务已随代理设置转移"},
}


def running(turn: Turn) -> None:
    if not turn.request.running:
        raise TooLate(say.NOT_RUNNING(state=STATES[turn.request.state]))


def names(turn: Turn, users: Iterable[str]) -> str:
    return ", ".join(turn.world.name(each) for each in dict.fromkeys(users))


def known(turn: Turn, id: str) -> Task:
    task = turn.request.task(id)
    if task is None:
        raise Wrong(say.NO_TASK("task"))
    return task


def mine(turn: Turn, id: str) -> Task:
    """A task that the actor is asked to decide now."""
    task = known(turn, id)
    if turn.actor is None or turn.actor not in (task.assignee, task.deputy):
        raise NotYours(say.NOT_ASSIGNEE("task", who=turn.world.name(task.assignee)))
    return pending(turn, task)


def pending(turn: Turn, task: Task) -> Task:
    """A task that somebody is asked to decide now."""
    if not task.open:
        raise TooLate(_over(turn, task))
    running(turn)
    if task.state == "approving":
        raise TooLate(say.WAITS_AFTER("task", who=names(turn, _children(turn, task))))
    if task.state == "waiting":
        raise TooLate(say.NOT_YET("task", who=names(turn, _children(turn, task) or _others(turn, task))))
    return task


def _over(turn: Turn, task: Task) -> Problem:
    if task.reason == "":
        return say.DECIDED("task", who=turn.world.name(task.decided_by or task.assignee))
    if task.reason == "decided":
        decided = [each for each in turn.request.within(task.visit) if each.decided_by is not None]
        if decided:
            last = max(decided, key=lambda each: each.decided_at or turn.world.now)
            return say.DECIDED("task", who=turn.world.name(last.decided_by or last.assignee))
    return say.OVER("task", why=WHY[task.reason])


def _children(turn: Turn, task: Task) -> list[str]:
    return [each.assignee for each in tasks.below(turn, task) if each.state == "pending"]


def _others(turn: Turn, task: Task) -> list[str]:
    return [each.assignee for each in turn.request.within(task.visit) if each.open and each.id != task.id]


def deciding(turn: Turn, task: Task) -> Task:
    """Not a helper's: he gives an opinion and nothing else."""
    if task.kind == "delegate":
        owner = turn.task(task.parent or "")
        raise TooLate(say.OPINION_ONLY("task", who=turn.world.name(owner.assignee)))
    return task


def by_approver(turn: Turn, task: Task) -> Task:
    """Not that of the initiator who mends a returned request."""
    if task.kind == "initiator":
        raise TooLate(say.MEND_FIRST("task", who=turn.world.name(task.assignee)))
    return task


def initiator(turn: Turn) -> None:
    if turn.actor != turn.request.initiator:
        raise NotYours(say.NOT_INITIATOR(who=turn.world.name(turn.request.initiator)))


def is_admin(turn: Turn) -> bool:
    return turn.actor in turn.world.admins(turn.approval)


def admin(turn: Turn) -> None:
    """One who looks after the approval, or the platform itself."""
    if turn.actor is not None and not is_admin(turn):
        raise NotYours(say.NOT_ADMIN(who=names(turn, turn.world.admins(turn.approval))))


def reason(text: str) -> None:
    if not text.strip():
        raise Wrong(say.REASON_NEEDED("reason"))


def comment(text: str) -> None:
    if not text.strip():
        raise Wrong(say.COMMENT_NEEDED("comment"))


def newcomers(turn: Turn, task: Task, people: Collection[str]) -> None:
    """People who may be brought into the node of a task: active, not in it already, and not the initiator where he may
    not decide himself."""
    visit = turn.request.within(task.visit)
    apart = task.node in turn.approval.separated or turn.human(task.node).self_ != "allow"
    there = {each.assignee for each in visit if each.state not in ("transferred", "expired", "cancelled", "skipped")}
    for user in people:
        if not turn.world.active(user):
            raise Wrong(say.INACTIVE("people", who=turn.world.name(user)))
        if user in there:
            raise Wrong(say.ALREADY_ASKED("people", who=turn.world.name(user)))
        if apart and user == turn.request.initiator:
            raise Wrong(say.SEPARATED("people", who=turn.world.name(user)))
        there.add(user)


def picks(turn: Turn, chosen: Mapping[str, tuple[str, ...]]) -> None:
    """People chosen for nodes by whoever is asked to: as many as the node says, active, with one of its roles."""
    for id, people in chosen.items():
        node = turn.tree.step(id) if turn.tree.knows(id) else None
        sources = node.who if isinstance(node, (Human, Copy)) else ()
        source = next((each for each in sources if each.by == turn.picker), None)
        if node is None or source is None:
            raise Wrong(say.NOT_TO_PICK(f"picks.{id}", node=id))
        label = getattr(node, "label", id)
        if len(set(people)) != len(people) or not source.least <= len(people) <= source.most:
            raise Wrong(say.PICK(f"picks.{id}", node=label, least=source.least, most=source.most))
        for user in people:
            fits = not source.among or not set(source.among).isdisjoint(turn.world.roles(user))
            if not fits or not turn.world.active(user):
                raise Wrong(say.PICK_AMONG(f"picks.{id}", who=turn.world.name(user), node=label))
