"""The way that a request would take if everybody approved, before it is asked for: nothing is written, nobody told."""

from __future__ import annotations

from typing import Any

from metadata.model import Entity
from metadata.problems import say
from runtime.approvals.asking.submitting import prepare, titles
from runtime.approvals.keeping.listing import node_name
from runtime.approvals.showing.allowing import picks_of
from runtime.approvals.showing.boxes import definition
from runtime.approvals.world.people import People
from runtime.workspace import Workspace
from workflow.approvals.previewing import Person, Step
from workflow.approvals.previewing import preview as path_of


def preview(ws: Workspace, entity: Entity | str, id: str) -> dict[str, Any]:
    """What would come of submitting a record: `{"approval", "title", "route", "complete", "pick"}`.

    `route`: the nodes on the way, each with the people who would be asked (`tasks`: `assignee`, `behalf`, `deputy`) or
    told. `pick`: the nodes for which whoever submits chooses people, `complete` whether nobody is still to be chosen.
    Raises as `submit`.
    """
    prepared = prepare(ws, entity, id, take=False)
    approval, people, lang = prepared.approval, prepared.people, ws.actor.language
    steps = path_of(approval, prepared.world, prepared.request)
    people.known(each.user for step in steps for each in step.people)
    return {
        "approval": definition(ws, approval.id, say(approval.label, lang)),
        "title": say(titles(prepared), lang),
        "route": [
            {
                "visit": step.visit,
                "node": step.node,
                "label": node_name(approval, step.node, lang),
                **_step(people, step),
            }
            for step in steps
        ],
        "complete": all(step.picks is None for step in steps),
        "pick": picks_of(ws, approval, prepared.request, "initiator_picks"),
    }


def _step(people: People, step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "outcome": step.outcome,
        "ways": list(step.ways),
        "tasks": [_person(people, each) for each in step.people],
        "picks": step.picks,
    }


def _person(people: People, person: Person) -> dict[str, Any]:
    held = {"assignee": person.user, "behalf": person.behalf, "deputy": person.deputy}
    return {name: None if id is None else {"id": id, "name": people.name(id)} for name, id in held.items()}
