"""One verb being carried out: the request as it has become so far, and what the platform is to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from metadata.approvals import Approval, Human, Node
from metadata.model import EMPTY
from workflow.walking import Tree

from ..effects import Effect, Entry, Notify, Occasion
from ..request import Request, Task, Visit, with_task, with_visit
from ..world import World

MOVES = 500
"""How many nodes one verb may pass: what goes on longer is a loop that asks nobody."""


BY_ITSELF = frozenset(
    {"arrive", "branch", "route", "copy", "skip", "auto_approve", "auto_reject", "remind", "expire", "reroute", "end"}
)
"""Entries of the trail that are nobody's doing."""

Picker = Literal["initiator_picks", "approver_picks"]


@dataclass(slots=True)
class Turn:
    """Changed while the verb is carried out, and dropped when it is refused."""

    approval: Approval
    tree: Tree
    request: Request
    world: World
    actor: str | None
    new_id: Callable[[], str]
    picker: Picker | None = None
    """What the actor can be asked to choose in this verb."""
    effects: list[Effect] = field(default_factory=list)
    arrivals: deque[int] = field(default_factory=deque)
    """Visits whose nodes were reached and are to be entered."""
    moves: int = 0

    def put(self, task: Task) -> Task:
        self.request = with_task(self.request, task)
        return task

    def put_visit(self, visit: Visit) -> Visit:
        self.request = with_visit(self.request, visit)
        return visit

    def task(self, id: str) -> Task:
        """A task as it is now. It must be there."""
        found = self.request.task(id)
        assert found is not None
        return found

    def node(self, id: str) -> Node:
        node = self.tree.step(id)
        assert isinstance(node, Node)
        return node

    def human(self, id: str) -> Human:
        node = self.tree.step(id)
        assert isinstance(node, Human)
        return node

    def tell(self, occasion: Occasion, *people: str, task: str | None = None) -> None:
        others = tuple(dict.fromkeys(each for each in people if each != self.actor))
        if others:
            self.effects.append(Notify(occasion, others, task))

    def record(
        self,
        verb: str,
        *,
        task: Task | None = None,
        visit: Visit | None = None,
        before: str = "",
        comment: str = "",
        people: tuple[str, ...] = (),
        fields: Mapping[str, tuple[Any, Any]] = EMPTY,
        **detail: Any,
    ) -> None:
        """A row of the trail about a task, a visit, or the whole request, as it is now."""
        at = task.visit if task is not None else None if visit is None else visit.number
        node = task.node if task is not None else None if visit is None else visit.node
        after = task.state if task is not None else visit.state if visit is not None else self.request.state
        self.effects.append(
            Entry(
                verb=verb,
                actor=None if verb in BY_ITSELF else self.actor,
                behalf=None if task is None or verb in BY_ITSELF else self._behalf(task),
                visit=at,
                node=node,
                task=None if task is None else task.id,
                before=before,
                after=after,
                comment=comment,
                people=people,
                fields=fields,
                detail=detail,
            )
        )

    def _behalf(self, task: Task) -> str | None:
        if self.actor is None:
            return None
        if self.actor == task.assignee:
            return task.behalf
        return task.assignee if self.actor == task.deputy else None

    def change(self, **values: Any) -> None:
        self.request = replace(self.request, **values)


def begin(
    approval: Approval, request: Request, world: World, *, actor: str | None = None, picker: Picker | None = None
) -> Turn:
    return Turn(approval, Tree(approval.nodes), request, world, actor, world.new_id, picker)
