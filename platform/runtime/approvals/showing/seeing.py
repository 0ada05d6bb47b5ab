"""Who may see a request, and what of its record: taking part in it gives that, and nothing beyond this request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from metadata.approvals import Approval, Human
from runtime.approvals.keeping.definitions import administers
from runtime.approvals.keeping.listing import REQUEST, copies_of, id_of
from runtime.queries.rules import sees, token_allows
from runtime.workspace import Workspace
from workflow.approvals.request import Request, Task


@dataclass(frozen=True, slots=True)
class Seen:
    """How the actor has to do with a request."""

    initiator: bool = False
    tasks: tuple[Task, ...] = ()
    """Those in which he is named."""
    copied: bool = False
    admin: bool = False
    reader: bool = False
    """His roles let him read the list of all requests."""

    @property
    def takes_part(self) -> bool:
        return self.initiator or bool(self.tasks) or self.copied or self.admin


def sight(ws: Workspace, approval: Approval, request: Request) -> Seen | None:
    """None: for the actor there is no such request."""
    entity, user = ws.model.entity(REQUEST), ws.actor.user
    if entity is None or user is None or not token_allows(ws.model, ws.actor, entity, "read"):
        return None
    tasks = tuple(each for each in request.tasks if user in _named(each))
    found = Seen(
        initiator=request.initiator == user,
        tasks=tasks,
        copied=_has_copy(ws, request, user),
        admin=administers(ws, approval),
        reader=sees(ws, entity, "read", request.id),
    )
    return found if found.takes_part or found.reader else None


def may_see(ws: Workspace, approval: Approval, request: Request) -> bool:
    """Whether `sight` gives something; without a question to the database for whoever is named in the request."""
    entity, user = ws.model.entity(REQUEST), ws.actor.user
    named = user is not None and (request.initiator == user or any(user in _named(each) for each in request.tasks))
    if named and entity is not None and token_allows(ws.model, ws.actor, entity, "read"):
        return True
    return sight(ws, approval, request) is not None


def _named(task: Task) -> Iterable[str | None]:
    return task.assignee, task.deputy, task.behalf, task.added_by, task.decided_by, task.original_assignee


def _has_copy(ws: Workspace, request: Request, user: str) -> bool:
    return any(id_of(each["assignee"]) == user for each in copies_of(ws, request.id))


def shown_by_nodes(approval: Approval, seen: Seen, user: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """Ids of the fields that the actor's nodes show him, and of those that they hide from him.

    While he is asked only the nodes count that ask him. The summary is shown to whoever decides or has a copy.
    """
    asked = [each for each in seen.tasks if each.state == "pending" and user in (each.assignee, each.deputy)]
    names = {each.node for each in asked or seen.tasks}
    nodes = [each for each in approval.every() if isinstance(each, Human) and each.id in names]
    granted = {id for node in nodes for id, right in node.fields.items() if right != "hidden"}
    hidden = {id for node in nodes for id, right in node.fields.items() if right == "hidden"} - granted
    if nodes or seen.copied:
        granted |= set(approval.summary)
    return frozenset(granted - hidden), frozenset(hidden)
