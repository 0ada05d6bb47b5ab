"""For whom a run acts: whoever caused it with his own rights, or a role whose rights the description names."""

from __future__ import annotations

from dataclasses import replace

from metadata.access import Actor, platform_actor
from metadata.expressions.binding import Binding
from metadata.problems import Unauthenticated, say
from metadata.workflows import Workflow
from runtime.processes.instances import Run
from runtime.queries.build import binding_of
from runtime.workspace import AsUser, Cause, Workspace, as_user

INITIATOR = "initiator"


def acting(ws: Workspace, workflow: Workflow, run: Run) -> Workspace:
    """The unit of work as the run acts in it. Nobody in particular may nothing. Raises Unauthenticated."""
    cause = Cause(run.cause, run.depth + 1, (*run.chain, workflow.id), run.root, run.initiator, run.token)
    if workflow.run_as != INITIATOR:
        return replace(ws, actor=_of_role(ws, workflow, run), cause=cause)
    if run.initiator is None:
        return replace(ws, actor=_nobody(ws, workflow), cause=cause)
    return replace(as_user(ws, who(run.initiator, run)), cause=cause)


def who(user: str, run: Run) -> AsUser:
    """The initiator, with no more than his token left him."""
    token = run.token or {}
    scopes = token.get("scopes")
    return AsUser(user, token.get("role"), None if scopes is None else frozenset(scopes))


def binding(ws: Workspace, workflow: Workflow, run: Run) -> Binding:
    """`$user` is who caused the run."""
    if run.initiator is None:
        return binding_of(ws.model, _nobody(ws, workflow), ws.now)
    try:
        return binding_of(ws.model, as_user(ws, who(run.initiator, run)).actor, ws.now)
    except Unauthenticated:
        return replace(binding_of(ws.model, _nobody(ws, workflow), ws.now), user=run.initiator)


def _of_role(ws: Workspace, workflow: Workflow, run: Run) -> Actor:
    return replace(_nobody(ws, workflow), roles=(workflow.run_as,), on_behalf_of=run.initiator)


def _nobody(ws: Workspace, workflow: Workflow) -> Actor:
    timezone = str(ws.model.settings.get("timezone", "UTC"))
    return Actor(None, say(workflow.label, "en"), timezone=timezone, channel="workflow")


def platform(ws: Workspace) -> Workspace:
    """The platform itself, which opens tasks and tells people; it stays known who caused that."""
    return replace(ws, actor=replace(platform_actor("workflow"), user=ws.actor.user, name=ws.actor.name))
