"""The times of approvals: reminders, timeouts and delays come as jobs, each once; leavers' tasks find others."""

from __future__ import annotations

from runtime import queries
from runtime.approvals.driving.drive import drive
from runtime.approvals.keeping import requests as store
from runtime.approvals.keeping.listing import TASK, as_platform, id_of
from runtime.jobs.work import Done, Outcome, Step
from runtime.queries import Query
from runtime.workspace import Workspace
from workflow.approvals.verbs import Leave, TimerDue

OPEN = "(state == 'waiting' or state == 'pending' or state == 'approving')"
_MOST = 500


def step(step: Step) -> Outcome:
    """A timer has come. One that the request no longer has changes nothing, so it may come twice."""
    request, timer = str(step.job.payload["request"]), str(step.job.payload["timer"])
    if store.find(step.ws, request) is not None:
        drive(step.ws, request, TimerDue(timer))
    return Done()


def leave(step: Step) -> Outcome:
    """Somebody is no longer active: his open tasks go to others, some requests at a time."""
    hand_over(step.ws, str(step.job.payload["user"]))
    return Done()


def hand_over(ws: Workspace, user: str) -> int:
    """Have every open task of a person find another one, as its node says of people who are gone; how many requests."""
    found = open_requests(ws, user)
    for each in found:
        drive(ws, each, Leave(user, ws.actor.user))
    return len(found)


def open_requests(ws: Workspace, user: str, *, behalf: bool = False) -> list[str]:
    """Ids of the requests that ask him (or somebody for him), in their order: two who hand over take them alike."""
    if ws.model.entity(TASK) is None:
        return []
    whose = f"(assignee == '{user}' or behalf == '{user}')" if behalf else f"assignee == '{user}'"
    where, found, after = f"{whose} and {OPEN}", set[str](), None
    while True:
        query = Query(TASK, where=where, fields=("request",), sort=("opened_at",), limit=_MOST, after=after)
        page = queries.find(as_platform(ws), query)
        found |= {id_of(each["request"]) for each in queries.as_json(page)}
        after = page.next
        if after is None:
            return sorted(found)
