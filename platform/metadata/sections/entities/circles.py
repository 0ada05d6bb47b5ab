"""Links that lead round in a circle where a circle means that something can never begin, or never ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from metadata.compilation import problem_at
from metadata.problems import Kind, kind
from metadata.sections.entities.outline import FieldOutline, Outline
from metadata.sections.entities.ties import Work

REQUIRED_CIRCLE = kind(
    "relation_required_cycle",
    en="No first record could be made: each of these links is required and needs a record of the next ({names}). "
    "Make one of them optional.",
    zh="无法创建第一条记录：这些关联均为必填，且各自需要下一方的记录（{names}）。请将其中之一改为选填。",
)
CASCADE_CIRCLE = kind(
    "relation_cascade_cycle",
    en="Deleting one record would go round from entity to entity ({names}) and take ever more with it. "
    "Give one of these links `on_delete: restrict` or `clear`.",
    zh="删除一条记录会在这些实体间循环（{names}）并牵连越来越多的记录。"
    "请将其中一个关联设为 `on_delete: restrict` 或 `clear`。",
)
CURRENCY_CIRCLE = kind(
    "entity_currency_cycle",
    en="The currency of {entity} would come from itself ({names}). Remove `currency: {{from: ...}}` from one of them.",
    zh="{entity}的币种最终取自其自身（{names}）。请删除其中之一的 `currency: {{from: ...}}`。",
)


@dataclass(frozen=True, slots=True)
class _Step:
    """One link of an entity that counts, and where it leads. `at` is the place to blame."""

    to: str
    at: tuple[str, ...]
    name: str


def check_circles(work: Work) -> None:
    """A record may point at another of its own kind (a tree), except where the link must be filled."""
    _check(work, _required, REQUIRED_CIRCLE, own=True)
    _check(work, _cascading, CASCADE_CIRCLE, own=False)
    _check(work, _currency, CURRENCY_CIRCLE, own=False)


def _required(work: Work, outline: Outline) -> Iterable[_Step]:
    """Links without which no record is made. What a default fills in needs no other record to be chosen."""
    for each in outline.linking:
        needed = each.data.get("required") is True and "default" not in each.data
        if each.type != "children" and (needed or each.id == work.ties[outline.id].parent):
            yield from _steps(work, outline, each)


def _cascading(work: Work, outline: Outline) -> Iterable[_Step]:
    """Against the direction of the link: from a record to those that are deleted with it."""
    for relation in work.ties[outline.id].inverses:
        source = work.outlines[relation.source]
        each = source.fields.get(relation.field)
        if relation.on_delete == "cascade" and relation.through is None and each is not None:
            yield _Step(source.id, (), f"{source.key}.{each.key}")


def _currency(work: Work, outline: Outline) -> Iterable[_Step]:
    said = outline.data.get("currency")
    name = said.get("from") if isinstance(said, Mapping) else None
    each = outline.find(name) if isinstance(name, str) else None
    if each is not None and each.type == "link":
        yield from (_Step(step.to, ("currency", "from"), step.name) for step in _steps(work, outline, each))


def _steps(work: Work, outline: Outline, each: FieldOutline) -> Iterable[_Step]:
    targets = work.ties[outline.id].targets.get(each.id, ())
    if len(targets) == 1 and targets[0] in work.outlines:  # of several kinds one may lead out of the circle
        yield _Step(targets[0], each.at, f"{outline.key}.{each.key}")


def _check(work: Work, steps: Callable[[Work, Outline], Iterable[_Step]], what: Kind, *, own: bool) -> None:
    """`own`: whether an entity that leads to itself alone is a circle."""
    graph = {
        id: tuple(each for each in steps(work, outline) if own or each.to != id)
        for id, outline in work.outlines.items()
    }
    done: set[str] = set()
    for id in graph:
        for circle in _circles(graph, id, done):
            _refuse(work, circle, what)


def _circles(graph: Mapping[str, Sequence[_Step]], start: str, done: set[str]) -> Iterator[list[tuple[str, _Step]]]:
    """The circles that are met on the way from an entity: each step with the entity that it begins at.

    Without recursion: a chain of links may be as long as there are entities.
    """
    walked: list[tuple[str, _Step]] = []
    places: dict[str, int] = {start: 0}
    due = [iter(graph[start])] if start not in done else []
    here = start
    while due:
        step = next(due[-1], None)
        if step is None:
            due.pop()
            done.add(here)
            del places[here]
            here = walked.pop()[0] if walked else start
        elif step.to in places:
            yield [*walked[places[step.to] :], (here, step)]
        elif step.to not in done:
            walked.append((here, step))
            here = step.to
            places[here] = len(walked)
            due.append(iter(graph[here]))


def _refuse(work: Work, circle: Sequence[tuple[str, _Step]], what: Kind) -> None:
    """A problem, at the first link; a circle of deletions ends somewhere, so it is only doubtful."""
    outline, step = work.outlines[circle[0][0]], circle[0][1]
    names = tuple(each.name for _, each in circle)
    problem = problem_at(what, outline.element, step.at, True, entity=outline.label, names=names)
    held = work.compilation.warnings if what is CASCADE_CIRCLE else work.compilation.problems
    held.append(problem)
