"""The job that moves a run: it is told what has happened, and performs what the engine wants, in one transaction.

Everything that it does inside the database is kept together with where the run stands then, or not at all, so it
happens exactly once. What cannot be done, and is not caught, leaves the run where it is: whoever retries the job has
that step tried again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metadata.problems import LANGUAGES, PlatformError, TooMany, Unavailable
from metadata.workflows import Try, Wait, Workflow
from runtime.jobs import table as jobs
from runtime.jobs.work import Done, Job, More, Outcome, Step, Stuck
from runtime.processes import instances, queued, switches, trace, waits
from runtime.processes.acting import acting, binding
from runtime.processes.definitions import definition
from runtime.processes.instances import Run
from runtime.processes.messages import dumped, dumped_reason, happening_of, reason_of
from runtime.processes.performing import perform
from runtime.processes.performing.moving import Moving
from runtime.processes.starting import JOB
from runtime.processes.world import Records
from runtime.workspace import Workspace
from workflow import engine
from workflow.engine import Effect, Ended, Failed, Instance, Line, Note, Performed, Reason
from workflow.walking import Tree

AT_ONCE = 100
"""Effects that one transaction performs; a run that wants more goes on in the next."""


def step(step: Step) -> Outcome:
    """Tell a run one thing and go on as far as it can."""
    ws, job = step.ws, step.job
    if "instance" not in job.payload:
        return Done({"begun": queued.spread(ws, job.payload)})
    run = queued.lock(ws, job.payload)
    if run is None or run.is_over:
        return Done({"state": "gone" if run is None else run.state})
    workflow = definition(ws, run.workflow, run.release)
    switches.require_on(ws, workflow)
    told = {"kind": "again"} if job.progress else job.payload["happening"]
    notes = dict(ws.db.notes)
    try:
        with ws.db.savepoint():
            return _moved(ws, job, run, workflow, told, careful=False)
    except PlatformError as refused:
        if isinstance(refused, TooMany | Unavailable):
            raise
    # Something could not be done, and what was done before it must stay: once more, each part for itself.
    ws.db.notes.clear()
    ws.db.notes.update(notes)
    return _moved(ws, job, run, workflow, told, careful=True)


def _moved(ws: Workspace, job: Job, run: Run, workflow: Workflow, told: Mapping[str, Any], *, careful: bool) -> Outcome:
    course = _Course(ws, run, workflow, told, careful, retried=job.attempt > 1)
    course.go(told)
    course.keep()
    if course.stuck is not None:
        said = course.stuck
        problem = {"code": said.code, "path": said.step, "message": dict(said.texts)}
        return Stuck({"error": said.texts.get("en", said.code), "problems": [problem], "instance": run.id})
    if course.more:
        return More({"effects": int(job.progress.get("effects", 0)) + course.performed})
    return Done({"state": course.instance.state})


class _Course:
    """One run on its way through one transaction."""

    def __init__(
        self, ws: Workspace, run: Run, workflow: Workflow, told: Mapping[str, Any], careful: bool, retried: bool
    ) -> None:
        # What is told twice changes nothing; what could not be done the first time is wanted again.
        self.retried = retried
        self.ws, self.run, self.workflow, self.careful = ws, run, workflow, careful
        self.world = Records(ws, binding(ws, workflow, run), told.get("held", ()))
        self.instance = _instance(run, workflow)
        self.before = frozenset(waits_of(workflow, self.instance))
        self.lines: list[Line] = []
        self.queue: deque[Effect] = deque()
        self.stuck: Reason | None = None
        self.more = False
        self.performed = 0
        self.done: dict[int, dict[str, Any]] = {}

    def go(self, told: Mapping[str, Any]) -> None:
        ws, world = self.ws, self.world
        if told.get("kind") == "move":
            self._move(told)
            return self._work()
        chain = tuple(_name(ws, each) for each in self.run.chain)
        happening = happening_of(told, chain)
        if happening is None or self.retried:
            self.queue.extend(engine.again(self.workflow, self.instance, world))
        if happening is not None:
            self._advance(happening)
            world.held = frozenset()
        self._work()

    def _move(self, told: Mapping[str, Any]) -> None:
        """To the definition of another release; where that can no longer be, since the run went on, it stays."""
        release, steps = int(told["release"]), told["steps"]
        new = definition(self.ws, self.run.workflow, release)
        if release == self.run.release or engine.foreseen(self.workflow, new, self.instance, steps).problems:
            return
        self.instance, effects = engine.move(self.workflow, new, release, self.instance, steps, self.world)
        self.run, self.workflow = replace(self.run, release=release), new
        self.queue.extend(effects)

    def _work(self) -> None:
        """Perform what is wanted, and what that leads to."""
        moving: Moving | None = None
        while self.queue:
            effect = self.queue.popleft()
            if isinstance(effect, Note):
                self._write(effect.line)
            elif engine.is_due(self.instance, effect):
                if effect.answers and self.performed >= AT_ONCE:
                    self.more = True
                    continue
                moving = moving or self._moving()
                if moving is not None:
                    self._perform(moving, effect)

    def _write(self, line: Line) -> None:
        """What was done for a step stands with what came of it."""
        done = self.done.pop(line.visit, None) if line.kind in ("performed", "waiting") else None
        self.lines.append(line if done is None else replace(line, detail={**line.detail, **done}))

    def _moving(self) -> Moving | None:
        """For whom it acts; None when he may act no more, so that nothing can be done."""
        try:
            acts = acting(self.ws, self.workflow, self.run)
        except PlatformError as refused:
            self.queue = deque(each for each in self.queue if isinstance(each, Note))
            wanting = next((visit for visit, each in self.instance.waits.items() if each.on == "effect"), 0)
            self._fail(wanting, reason_of(list(refused.problems)))
            return None
        return Moving(self.ws, acts, self.workflow, self.run, self.world)

    def _perform(self, moving: Moving, effect: Effect) -> None:
        moving = replace(moving, instance=self.instance, told={})
        began = time.perf_counter()
        try:
            if self.careful and effect.answers:
                with self.ws.db.savepoint():
                    result = perform(moving, effect)
            else:
                result = perform(moving, effect)
        except PlatformError as refused:
            if not self.careful or isinstance(refused, TooMany | Unavailable):
                raise
            self.world.forget()
            self._fail(effect.visit, reason_of(list(refused.problems)))
            return
        if effect.answers:
            self.performed += 1
            took = round((time.perf_counter() - began) * 1000, 1)
            self.done[effect.visit] = {**moving.told, "ms": took}
            self.world.forget()
            self._advance(Performed(effect.visit, result))

    def _fail(self, visit: int, why: Reason) -> None:
        """Caught by a `try`, the run goes on there; else the step waits until somebody has it tried again."""
        token = self.instance.walk.at(visit)
        if token is None:
            return
        why = replace(why, step=token.step, visit=visit)
        caught = guarded(self.workflow, token.step)
        if not caught:
            self.stuck = why
        self._advance(Failed(visit, why, final=caught))

    def _advance(self, happening: engine.Happening) -> None:
        self.instance, effects = engine.advance(self.workflow, self.instance, happening, self.world)
        self.queue.extend(effects)

    def keep(self) -> None:
        """Write down where the run stands, in the transaction of what it did."""
        ws, run, instance = self.ws, self.run, self.instance
        trace.put(ws, run.id, run.lines, self.lines)
        waits.change(ws, self.before, frozenset(waits_of(self.workflow, instance)))
        over = instance.is_over
        waiting_for_help = self.stuck is not None or (
            run.state == "failed" and any(each.on == "effect" for each in instance.waits.values())
        )
        why = self.stuck or instance.error
        error = dumped_reason(why) if why is not None else run.error if waiting_for_help else None
        state = "failed" if waiting_for_help and not over else instance.state
        body, lines = engine.dumped(instance), run.lines + len(self.lines)
        finished = ws.now if over else None
        instances.keep(ws, replace(run, state=state, body=body, lines=lines, error=error, finished_at=finished))
        if over and run.parent is not None and run.parent_visit is not None:
            ended = Ended(run.parent_visit, instance.state in ("done", "stopped"))
            jobs.enqueue_many(ws, JOB, [{"instance": run.parent, "happening": dumped(ended)}])


def _instance(run: Run, workflow: Workflow) -> Instance:
    if run.body is not None:
        return engine.loaded(run.body)
    return engine.new_instance(run.id, workflow, release=run.release, record=run.record, depth=run.depth)


def _name(ws: Workspace, workflow: str) -> str:
    found = ws.model.get("workflows", workflow)
    return workflow if found is None else str(found.key)


def guarded(workflow: Workflow, step: str) -> bool:
    """Whether a `try` catches what goes wrong in a step, or the step has a block for that."""
    tree = Tree(workflow.steps)
    own: Any = tree.step(step)
    if getattr(own, "failed", None) and "failed" in own.blocks:
        return True
    return any(block == "do" and isinstance(tree.step(above), Try) for above, block in tree.above(step))


def waits_of(workflow: Workflow, instance: Instance) -> list[waits.Wait]:
    """The records that a run waits for."""
    if instance.is_over:
        return []
    tree = Tree(workflow.steps)
    found = []
    for visit, each in instance.waits.items():
        if each.on == "event" and each.record is not None and each.event is not None:
            token = instance.walk.at(visit)
            held = None if token is None or not tree.knows(token.step) else tree.step(token.step)
            when = held.when if isinstance(held, Wait) else None
            found.append(waits.Wait(instance.id, visit, each.event, each.entity or "", each.record, when))
        elif each.on == "message" and each.key is not None:
            token = instance.walk.at(visit)
            held = None if token is None or not tree.knows(token.step) else tree.step(token.step)
            if isinstance(held, Wait) and held.message is not None:
                key = waits.message_key(workflow.id, held.message.name, held.message.at, each.key)
                found.append(waits.Wait(instance.id, visit, "message", each.entity or "", each.record, key=key))
        elif each.on == "task" and each.opened is not None:
            found.append(waits.Wait(instance.id, visit, "task", "task", each.opened))
    return found


def given_up(ws: Workspace, job: Job, error: Mapping[str, Any]) -> None:
    """The job has failed for good for a reason that no step knows: the run says so until somebody retries the job."""
    if any(each.get("code") == switches.OFF.code for each in error.get("problems", ())):
        return
    run = queued.lock(ws, job.payload) if "instance" in job.payload else None
    if run is None or run.is_over:
        return
    text = str(error.get("error", ""))
    said = {"code": "run.job_dead", "texts": dict.fromkeys(LANGUAGES, text), "step": "", "visit": 0}
    line = Line(0, "", "failed", {"code": said["code"], "texts": said["texts"], "final": False})
    trace.put(ws, run.id, run.lines, [line])
    instances.keep(ws, replace(run, state="failed", error=said, lines=run.lines + 1))
