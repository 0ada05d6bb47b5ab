"""How each kind of step goes. `behaviour_of` finds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata import workflows
from metadata.workflows import Step
from workflow.engine.steps.behaviour import Behaviour
from workflow.engine.steps.blocks import ChoiceStep, EachStep, FindStep, ParallelStep, StopStep, TryStep, WithStep
from workflow.engine.steps.outside import ApprovalStep, CallStep, RunStep, TaskStep, WaitStep
from workflow.engine.steps.records import AssignStep, CreateStep, DeleteStep, SendStep, UpdateStep

BEHAVIOURS: Mapping[type[Step], Behaviour[Any]] = {
    workflows.Choice: ChoiceStep(),
    workflows.Parallel: ParallelStep(),
    workflows.Each: EachStep(),
    workflows.Find: FindStep(),
    workflows.With: WithStep(),
    workflows.Try: TryStep(),
    workflows.Stop: StopStep(),
    workflows.Wait: WaitStep(),
    workflows.HumanTask: TaskStep(),
    workflows.Ask: ApprovalStep(),
    workflows.CallHttp: CallStep(),
    workflows.Run: RunStep(),
    workflows.Create: CreateStep(),
    workflows.Update: UpdateStep(),
    workflows.Delete: DeleteStep(),
    workflows.Assign: AssignStep(),
    workflows.Send: SendStep(),
}


def behaviour_of(step: Step) -> Behaviour[Any]:
    """How steps of this kind go."""
    return BEHAVIOURS[type(step)]
