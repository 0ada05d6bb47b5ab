"""Moving the open runs of a workflow to the release of today, by a map of steps that is tried on each run before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metadata.problems import Invalid, NotFound, Problem, kind
from metadata.workflows import Workflow
from runtime.jobs import table as jobs
from runtime.processes import instances
from runtime.processes.acting import binding
from runtime.processes.definitions import model_of
from runtime.processes.instances import Run
from runtime.processes.reading import require_manager
from runtime.processes.starting import JOB
from runtime.processes.switches import NO_WORKFLOW
from runtime.processes.world import Records
from runtime.workspace import Workspace
from workflow import engine
from workflow.engine import Instance, Landing

BAD_MAP = kind(
    "run.bad_map",
    en="A map of steps is `old step: new step` for each, or `old step: end`. Correct it.",
    zh="步骤映射的格式为“旧步骤: 新步骤”，或“旧步骤: end”，请更正。",
)
UNUSED = kind(
    "run.map_unused",
    en="The map names “{step}”, which is a step of none of the definitions that runs follow. Correct or remove it.",
    zh="映射中的“{step}”不是任何正在运行的定义中的步骤，请更正或删除。",
)
REFUSED = kind(
    "run.not_moved",
    en="{count} of {all} runs cannot be moved by this map, so none was. Look at the reasons, and complete the map.",
    zh="{all} 次运行中有 {count} 次无法按此映射迁移，因此均未迁移。请查看原因并补全映射。",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a map makes of one run: where it stands and lands, what it does at once there, or why it cannot be moved."""

    run: Run
    landings: tuple[Landing, ...]
    problems: tuple[Problem, ...]
    begins: tuple[str, ...] = ()
    """Ids of the steps that it enters when it is moved."""


def plan(ws: Workspace, name: str, steps: Any, release: int | None = None) -> list[Planned]:
    """Try a map on every open run of a workflow that follows another release than today's; nothing is written.

    `release`: only runs of that one. Each run is moved in memory, stored and read again. Raises Forbidden, NotFound,
    Invalid for what is no map or names steps that there are not.
    """
    require_manager(ws)
    workflow = _workflow(ws, name)
    found = [each for each in instances.open_of(ws, workflow.id, release) if each.release != ws.release]
    _check(ws, workflow, steps, found)
    return [_planned(ws, workflow, each, steps) for each in found]


def ask(ws: Workspace, planned: Sequence[Planned], steps: Mapping[str, str], *, skip: bool = False) -> int:
    """Have runs moved that were planned, each by a job of its own; how many. Raises Invalid when some cannot be and
    are not to be skipped."""
    require_manager(ws)
    good = [each.run for each in planned if not each.problems]
    if len(good) < len(planned) and not skip:
        raise Invalid(REFUSED(count=len(planned) - len(good), all=len(planned)))
    told = {"kind": "move", "release": ws.release, "steps": dict(steps)}
    jobs.enqueue_many(ws, JOB, [{"instance": each.id, "happening": told} for each in good])
    return len(good)


def _workflow(ws: Workspace, name: str) -> Workflow:
    found: Workflow | None = ws.model.get("workflows", name)
    if found is None:
        known = sorted(each.key for each in ws.model.all("workflows"))
        raise NotFound(NO_WORKFLOW(name=name[:80], known=known or "–"))
    return found


def _check(ws: Workspace, workflow: Workflow, steps: Any, found: Sequence[Run]) -> None:
    if not isinstance(steps, Mapping) or not all(isinstance(each, str) for pair in steps.items() for each in pair):
        raise Invalid(BAD_MAP())
    known = {step.id for each in {run.release for run in found} for step in _of(ws, workflow.id, each).every()}
    unused = sorted(set(steps) - known) if found else []
    if unused:
        raise Invalid([UNUSED(each, step=each) for each in unused])


def _of(ws: Workspace, workflow: str, release: int) -> Workflow:
    found: Workflow | None = model_of(ws, release).get("workflows", workflow)
    assert found is not None, "a run began under this release"
    return found


def _planned(ws: Workspace, new: Workflow, run: Run, steps: Mapping[str, str]) -> Planned:
    if run.body is None:
        return Planned(run, (), ())
    old, instance = _of(ws, run.workflow, run.release), engine.loaded(run.body)
    foreseen = engine.foreseen(old, new, instance, steps)
    if foreseen.problems:
        return Planned(run, foreseen.landings, foreseen.problems)
    moved, begins = _tried(ws, old, new, run, instance, steps)
    assert engine.loaded(engine.dumped(moved)) == moved
    return Planned(run, foreseen.landings, (), begins)


def _tried(
    ws: Workspace, old: Workflow, new: Workflow, run: Run, instance: Instance, steps: Mapping[str, str]
) -> tuple[Instance, tuple[str, ...]]:
    world = Records(ws, binding(ws, new, replace(run, release=ws.release)), locking=False)
    moved, effects = engine.move(old, new, ws.release, instance, steps, world)
    entered = (each.step for each in effects if isinstance(each, engine.Note) and each.kind == "entered")
    return moved, tuple(entered)
