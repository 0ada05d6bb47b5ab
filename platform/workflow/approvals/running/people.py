"""Who is asked at a node: its sources made users, the policies applied, tasks made of those chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from metadata.approvals import Approval, Copy, Human, Who

from ..choosing import Choice, Chosen, Situation, choose, unite
from ..refusals import PICK, Wrong
from ..request import Request, Task, Visit
from . import tasks
from .moving import precedes
from .turn import Turn


def resolve(
    turn: Turn, node: Human | Copy, sources: Sequence[Who], assignee: str | None = None
) -> tuple[str, ...] | None:
    """The users of some sources in order; None: one of them makes the node empty."""
    return unite([_source(turn, node, who, assignee) for who in sources])


def _source(turn: Turn, node: Human | Copy, who: Who, assignee: str | None) -> Sequence[str] | None:
    match who.by:
        case "initiator":
            return (turn.request.initiator,)
        case "initiator_picks" | "approver_picks":
            return _picked(turn, node, who)
        case "matrix":
            return _by_matrix(turn, node, who, assignee)
        case _:
            return turn.world.candidates(who, turn.request, assignee)


def _picked(turn: Turn, node: Human | Copy, who: Who) -> Sequence[str]:
    """Whom a person has chosen; asked for while he is there to be asked, else nobody."""
    picked = turn.request.picks.get(node.id, ())
    if len(picked) < who.least and turn.picker == who.by:
        raise Wrong(PICK(f"picks.{node.id}", node=node.label, least=who.least, most=who.most))
    return picked


def _by_matrix(turn: Turn, node: Human | Copy, who: Who, assignee: str | None) -> Sequence[str] | None:
    """Whom the first row names whose condition holds."""
    for row in turn.approval.matrices[who.matrix or ""]:
        if row.when is None or turn.world.holds(row.when):
            return resolve(turn, node, row.who, assignee)
    return ()


@dataclass(frozen=True, slots=True)
class _People:
    """The world's people, with those who step in when a node has nobody."""

    turn: Turn

    def active(self, user: str) -> bool:
        return self.turn.world.active(user)

    def managers(self, user: str) -> Sequence[str]:
        return self.turn.world.managers(user)

    def heads(self, user: str) -> Sequence[str]:
        return self.turn.world.heads(user)

    def admins(self, approval: Approval) -> Sequence[str]:
        return self.turn.world.admins(approval)

    def spare(self, node: Human) -> Sequence[str]:
        return resolve(self.turn, node, node.empty_users) or ()


def decide_who(turn: Turn, node: Human, visit: Visit, candidates: Sequence[str] | None) -> Choice:
    """The policies of the node applied to its candidates."""
    request = turn.request
    situation = Situation(
        initiator=request.initiator,
        now=turn.world.now,
        proxies=turn.world.proxies(),
        earlier=_earlier(request, visit),
        after_return=request.after_return,
    )
    return choose(turn.approval, node, candidates, situation, _People(turn))


def _earlier(request: Request, visit: Visit) -> list[set[str]]:
    """Who approved at each node that lies before, the nearest last. What nobody decided counts for nobody."""
    before = sorted(request.visits, key=lambda each: each.number)
    found = []
    for each in before:
        if each.state == "passed" and not each.undone and precedes(request, each, visit):
            approved = (task for task in request.within(each.number) if task.state == "approved")
            people = {task.decided_by or task.assignee for task in approved if task.reason in ("", "duplicate")}
            if people:
                found.append(people)
    return found


def ask_people(turn: Turn, visit: Visit, chosen: Sequence[Chosen]) -> None:
    """A task for each, in order; who has approved before has approved this one too. Whoever's turn it is, is asked."""
    mode = tasks.mode_of(turn, visit)
    drawn = [_draw(turn.request, visit, chosen)] if mode.kind == "random" else chosen
    made = [turn.put(_task(turn, visit, order, each)) for order, each in enumerate(drawn)]
    for task, each in zip(made, drawn, strict=True):
        if each.approved:
            tasks.close(turn, task, "approved", reason="duplicate")
            turn.record("skip", task=turn.task(task.id), before="waiting", why="duplicate")
        elif mode.kind != "sequential":
            tasks.ask(turn, task)


def _task(turn: Turn, visit: Visit, order: int, chosen: Chosen) -> Task:
    task = tasks.make(turn, visit, chosen.user, order)
    return replace(task, behalf=chosen.behalf_of, deputy=chosen.deputy)


def _draw(request: Request, visit: Visit, chosen: Sequence[Chosen]) -> Chosen:
    """One by lot: the same one whenever this visit of this request is computed, so a preview shows who it will be."""
    lot = hashlib.sha256(f"{request.id}:{visit.number}".encode()).digest()
    return chosen[int.from_bytes(lot[:8], "big") % len(chosen)]
