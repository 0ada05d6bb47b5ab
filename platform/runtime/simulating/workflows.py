"""Which workflows a save of the past starts, by the same triggers as a save asks, and where their runs would go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metadata.expressions.needs import Needs, needs
from metadata.workflows import TriggerKind, Workflow
from runtime.processes.books import Ready, triggers_of
from runtime.processes.starting import LOADING
from runtime.records.drafts import Draft
from runtime.simulating.changed import Item
from runtime.simulating.comparing import Happens
from runtime.simulating.paths import Path, path
from runtime.simulating.sides import Page, Side, Sides, own_of, unlike

_KINDS: tuple[TriggerKind, ...] = ("created", "updated", "deleted")


class Trial:
    """One workflow of one side."""

    def __init__(self, side: Side, id: str) -> None:
        self.side = side
        self.workflow: Workflow | None = side.model.get("workflows", id)
        self.triggers: Mapping[str, tuple[tuple[Ready, Needs], ...]] = {
            kind: tuple(
                (each, Needs() if each.when is None else needs(each.when.root))
                for each in triggers_of(side.model, side.entity, kind).ready
                if each.workflow.id == id
            )
            for kind in _KINDS
        }

    @property
    def needs(self) -> Needs:
        """What all its triggers look at together."""
        ready = (each for found in self.triggers.values() for each, _ in found)
        return needs(*(each.when.root for each in ready if each.when is not None))

    def started(self, page: Page, at: int, draft: Draft) -> str | None:
        """Id of the trigger that starts it after a save; None when none does."""
        moment = page.moments[at]
        if self.workflow is None or (moment.channel in LOADING and not self.workflow.on_import):
            return None
        for ready, wanted in self.triggers.get(moment.kind, ()):
            if ready.holds is None:
                return ready.trigger.id
            row = page.row(("trigger", id(ready)), draft, wanted)
            if ready.holds(row, ready.bind(page.binding(self.side, at))):
                return ready.trigger.id
        return None

    def path(self, page: Page, at: int, draft: Draft) -> Path:
        assert self.workflow is not None
        return path(self.side, page, at, self.workflow, Draft(draft.id, dict(draft.values), draft.before))


class Workflows:
    """The workflows that are asked of one entity's past, on both sides."""

    def __init__(self, sides: Sides, items: Sequence[Item]) -> None:
        self.sides = sides
        self.trials = {
            each.id: (Trial(sides.old, each.id), None if sides.new is None else Trial(sides.new, each.id))
            for each in items
        }
        self.cut: set[str] = set()
        """Ids of the workflows whose last way was cut short."""

    def asks(self, id: str, kind: str) -> bool:
        """Whether a workflow may start at such a moment, on either side."""
        return any(each is not None and each.triggers.get(kind) for each in self.trials[id])

    def verdicts(self, page: Page, at: int, old: Draft, new: Draft | None) -> Mapping[str, tuple[Happens, Happens]]:
        """`old`, `new`: the save as each side would have written it."""
        found = {}
        kind = page.moments[at].kind
        self.cut.clear()
        for id, (before, after) in self.trials.items():
            if not self.asks(id, kind):
                continue
            was = before.started(page, at, old)
            now = None if after is None or new is None else after.started(page, at, new)
            ways: list[Path | None] = [None, None]
            if was is not None and now is not None and after is not None and new is not None:
                ways = self._ways(page, at, before, after, old, new)
                if any(each is not None and each.cut for each in ways):
                    self.cut.add(id)
            found[id] = (_happens(was, ways[0]), _happens(now, ways[1]))
        return found

    def _ways(self, page: Page, at: int, before: Trial, after: Trial, old: Draft, new: Draft) -> list[Path | None]:
        """Both ways; the same steps about the same record need not be gone through."""
        was, now = before.workflow, after.workflow
        if was is not None and now is not None and was.steps == now.steps and old.values == new.values:
            return [None, None]
        return [before.path(page, at, old), after.path(page, at, new)]

    def reads(self, id: str) -> frozenset[str]:
        """Ids of the record's own fields that its triggers look at, on either side."""
        return frozenset(field for each in self.trials[id] if each is not None for field in own_of(each.needs))

    def unknowable(self, id: str) -> bool:
        """Whether what it looks at in other records is of another type there."""
        new = self.trials[id][1]
        return new is not None and unlike(new.needs, self.sides.old.entity, self.sides.old.model, new.side.model)


def _happens(trigger: str | None, way: Path | None) -> Happens:
    return Happens(trigger is not None, trigger or "", None if way is None else way.lines)
