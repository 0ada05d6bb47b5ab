"""Moves a run to another definition of its workflow by an explicit map of steps. What the map leaves open is refused.

A step keeps what it waits for where the new definition has a step of the same kind in the same block; elsewhere it is
left and the new one begins. Into a loop, a branch or any other block nothing is moved that does not stand in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from metadata.problems import Problem, kind
from metadata.workflows import Create, Each, Find, Parallel, Step, Wait, With, Workflow
from workflow.engine.advance import go_on
from workflow.engine.course import Course
from workflow.engine.effects import Effect
from workflow.engine.instance import Instance, Waiting
from workflow.engine.reasons import reason
from workflow.engine.steps import behaviour_of
from workflow.engine.world import World
from workflow.walking import Token, Tree

END = "end"
"""In a map: the run is over there."""

OTHER_RECORDS = kind(
    "workflow_move_entity",
    en="The workflow is about records of another kind by now, so no run of it can be moved. Let them finish.",
    zh="该工作流已改为针对其他类型的记录，其运行无法迁移，请让它们按原定义结束。",
)
NOT_COVERED = kind(
    "workflow_move_uncovered",
    en="A run stands at “{step}”, which the new definition does not have in the same form. Say in the map to which "
    "step it goes, or `end`.",
    zh="有运行停在“{step}”，而新定义中没有相同形式的该步骤。请在映射中说明它对应的步骤，或填写 `end`。",
)
NO_SUCH_STEP = kind(
    "workflow_move_unknown",
    en="The map leads “{step}” to “{to}”, and the new definition has no such step. Correct it.",
    zh="映射将“{step}”指向“{to}”，但新定义中没有该步骤，请更正。",
)
OTHER_BLOCK = kind(
    "workflow_move_block",
    en="“{step}” cannot go to “{to}”: that stands in another block, whose beginning the run would lack. Choose a step "
    "of the same block, one outside all blocks if the run stands at one place only, or `end`.",
    zh="“{step}”无法移到“{to}”：后者位于另一个块中，运行缺少该块的开头。请选择同一块内的步骤；"
    "若运行只停在一处，也可选择所有块之外的步骤，或填写 `end`。",
)
HOLDS_OTHERS = kind(
    "workflow_move_inside",
    en="“{step}” holds steps that the run is in the middle of, and “{to}” is not of the same kind. Choose another, or "
    "let this run finish.",
    zh="运行正处于“{step}”内部的步骤中，而“{to}”类型不同。请另选步骤，或让该运行按原定义结束。",
)
ALL_OR_NONE = kind(
    "workflow_move_end",
    en="“{step}” cannot be the end: the run stands at other places too. Let all of them end, or none.",
    zh="“{step}”不能设为结束：运行还停在其他位置。请让它们全部结束，或都不结束。",
)
MOVED_TO_END = kind(
    "workflow_moved_to_end",
    en="This run was moved to release {release}, in which it is over.",
    zh="该运行已迁移到版本 {release}，并在其中结束。",
)


@dataclass(frozen=True, slots=True)
class Landing:
    """Where one place of a run goes. `kept`: it goes on waiting for what it waits for; else the step begins anew."""

    visit: int
    step: str
    to: str
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a move would come to: where each place lands, or every reason against it."""

    landings: tuple[Landing, ...]
    problems: tuple[Problem, ...] = ()


def foreseen(old: Workflow, new: Workflow, instance: Instance, steps: Mapping[str, str]) -> Foreseen:
    """Where the places of a run land. `steps`: id of a step of the old definition -> one of the new, or `end`."""
    if new.entity != old.entity:
        return Foreseen((), (OTHER_RECORDS(),))
    return _Map(old, new, instance, steps).course()


def move(
    old: Workflow, new: Workflow, release: int, instance: Instance, steps: Mapping[str, str], world: World
) -> tuple[Instance, tuple[Effect, ...]]:
    """The run under the new definition, and what is to be done for that. Only for a course without problems."""
    landings = foreseen(old, new, instance, steps).landings
    leaving = Course(old, instance, world)
    if any(each.to == END for each in landings):
        leaving.instance = replace(instance, release=release)
        leaving.end("stopped", reason(MOVED_TO_END(release=release)))
        return leaving.result()
    anew = [(token, each.to) for each in landings if not each.kept and (token := instance.walk.at(each.visit))]
    for token, _ in anew:
        leaving.drop(token, "cancelled")
    left, effects = _left(leaving, anew, {each.visit for each in landings})
    entering = Course(new, _renamed(old, new, left, landings, release, steps), world)
    entering.effects.extend(effects)
    for each in landings:
        if (token := entering.walk.at(each.visit)) is not None:
            entering.note(token, "moved", **{"from": each.step, "release": release})
            entering.effects.extend(_wanted(entering, token))
    for token, to in anew:
        entering.begin_at(token, to)
    go_on(entering)
    return entering.result()


def _wanted(course: Course, token: Token) -> Iterator[Effect]:
    """What was not done yet is wanted again, as the new definition says it."""
    if course.waits[token.visit].on == "effect":
        step = course.step(token)
        effect = behaviour_of(step).intend(course, token, step)
        if effect is not None:
            yield effect


def _left(course: Course, anew: Sequence[tuple[Token, str]], landed: set[int]) -> tuple[Instance, tuple[Effect, ...]]:
    """Without the places that begin anew, and without those around them that nothing stands in any more."""
    for token in reversed(course.walk.tokens):
        if token.visit not in landed and course.walk.at(token.visit) is not None:
            course.drop(token, "cancelled")
    return course.result()


def _renamed(
    old: Workflow, new: Workflow, left: Instance, landings: Sequence[Landing], release: int, steps: Mapping[str, str]
) -> Instance:
    """The same places by the names of the new definition."""
    names = {each.visit: each.to for each in landings}
    tokens = tuple(replace(each, step=names[each.visit]) for each in left.walk.tokens)
    known = {each.id: each.entity for each in new.every() if isinstance(each, Create)}
    before = {each.id: each.entity for each in old.every() if isinstance(each, Create)}
    made = {}
    for id, record in left.made.items():
        name = steps.get(id, id)
        if name in known and known[name] == before.get(id):
            made[name] = record
    walk = replace(left.walk, tokens=tokens)
    return replace(left, release=release, state="running", walk=walk, made=MappingProxyType(made))


class _Map:
    """Looks for the place of each token, the outermost first."""

    def __init__(self, old: Workflow, new: Workflow, instance: Instance, steps: Mapping[str, str]) -> None:
        self.instance, self.walk, self.steps = instance, instance.walk, steps
        self.before, self.after = Tree(old.steps), Tree(new.steps)
        self.about = {step.id: entity for step, entity in old.placed()}
        self.about_new = {step.id: entity for step, entity in new.placed()}
        self.leaves = [each for each in self.walk.tokens if not self.walk.children(each.visit)]
        self.landed: dict[int, Landing] = {}

    def course(self) -> Foreseen:
        alone = self._alone()
        if alone is not None:
            return Foreseen((alone,))
        problems = list({found.message(): found for each in self.walk.tokens for found in self._place(each)}.values())
        ends = [each for each in self.landed.values() if each.to == END]
        if ends and not problems and len(ends) < len(self.leaves):
            problems.append(ALL_OR_NONE(step=ends[0].step))
        return Foreseen(tuple(self.landed.values()), tuple(problems))

    def _alone(self) -> Landing | None:
        """A run that stands at one place only may go to any step outside all blocks, whatever is around it."""
        if len(self.leaves) != 1:
            return None
        token = self.leaves[0]
        to = self.steps.get(token.step)
        if to is None or (token.parent is None and to != END and self._keeps(token, to)):
            return None
        if to == END:
            return Landing(token.visit, token.step, END, kept=False)
        outside = self.after.knows(to) and self.after.block_of(to) == (None, "")
        inside = token.parent is not None or not self._keeps(token, to)
        return Landing(token.visit, token.step, to, kept=False) if outside and inside else None

    def _place(self, token: Token) -> Iterator[Problem]:
        to = self._target(token)
        if to is None:
            yield NOT_COVERED(step=token.step)
            return
        leaf = not self.walk.children(token.visit)
        if to == END:
            if not leaf:
                yield ALL_OR_NONE(step=token.step)
            self.landed[token.visit] = Landing(token.visit, token.step, END, kept=False)
        elif not self.after.knows(to):
            yield NO_SUCH_STEP(step=token.step, to=to)
        elif not self._stands(token, to):
            yield OTHER_BLOCK(step=token.step, to=to)
        elif not self._keeps(token, to) and not leaf:
            yield HOLDS_OTHERS(step=token.step, to=to)
        else:
            self.landed[token.visit] = Landing(token.visit, token.step, to, self._keeps(token, to))

    def _target(self, token: Token) -> str | None:
        """Where the map says; without a word the same step, where the new definition has it in the same form."""
        said = self.steps.get(token.step)
        if said is not None:
            return said
        same = self.after.knows(token.step) and self._stands(token, token.step) and self._keeps(token, token.step)
        return token.step if same else None

    def _stands(self, token: Token, to: str) -> bool:
        """Whether a step of the new definition stands in the block that the token is in, about the same records."""
        around = None if token.parent is None else self.landed.get(token.parent)
        parent = None if around is None else around.to
        if (token.parent is None) != (parent is None) or self.after.block_of(to) != (parent, token.block):
            return False
        return self.about.get(token.step) == self.about_new.get(to)

    def _keeps(self, token: Token, to: str) -> bool:
        if not self.before.knows(token.step) or not self.after.knows(to):
            return False
        return _alike(self.before.step(token.step), self.after.step(to), self.instance.waits[token.visit])


def _alike(old: Any, new: Any, waiting: Waiting) -> bool:
    """Whether a step may go on waiting for what another one waits for."""
    match old, new:
        case Wait(), Wait():
            if waiting.on == "block":
                return True
            message = old.message is not None and new.message is not None
            return (old.event, message) == (new.event, new.message is not None) and _way(old) == _way(new)
        case (Each(), Each()) | (Find(), Find()) | (With(), With()):
            return bool(old.entity == new.entity)
        case Parallel(), Parallel():
            return set(old.branches) == set(new.branches)  # what was not begun would be missing, or never join
        case Step(), Step():
            return bool(old.kind == new.kind)
    return False


def _way(step: Wait) -> tuple[bool, bool, bool]:
    return step.span is not None, step.until is not None, step.timeout is not None
