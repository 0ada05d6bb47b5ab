"""A simulation from its beginning to its report: page by page, each in a closed unit of work of its own."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from metadata import storage
from metadata.access import platform_actor
from metadata.compiler import compile_layers
from metadata.documents.package import Layer
from metadata.model import Entity, Model
from metadata.problems import LANGUAGES, Label, say
from runtime.approvals.world.people import People as Approvers
from runtime.directory import Tenant
from runtime.host import Host
from runtime.records.drafts import Draft
from runtime.schema import changed_entities, current_layers, replaced
from runtime.simulating import past
from runtime.simulating.approvals import Approvals
from runtime.simulating.asking import Asked, require_configurer
from runtime.simulating.changed import Item, items
from runtime.simulating.comparing import Tally, Verdict
from runtime.simulating.doors import closed
from runtime.simulating.past import Moment, Walk
from runtime.simulating.report import Report
from runtime.simulating.rules import Rules
from runtime.simulating.samples import Kept, Teller
from runtime.simulating.sides import Page, People, Sides, sides_of
from runtime.simulating.workflows import Workflows
from runtime.workspace import Identify, PlatformActor, Workspace

Tell = Callable[[int, int], bool]
"""(events done, events in all) -> whether to go on."""


def candidate(ws: Workspace, changed: Sequence[Layer]) -> Model:
    """What the tenant's description would be with these layers. Raises MetadataInvalid with every problem.

    It says where everything would lie; what is new in it lies nowhere yet, so nothing of that is read.
    """
    made = compile_layers(replaced(current_layers(ws), changed)).model
    places = storage.extend(ws.model.storage, made, changed_entities(ws.model, made))
    return Model(made.fingerprint, made.index, made.part, places)


def simulate(
    host: Host,
    tenant: Tenant,
    changed: Sequence[Layer],
    asked: Asked,
    identify: Identify | None = None,
    tell: Tell | None = None,
) -> Report:
    """What would have differed if these layers had been in force. It changes nothing.

    `tell` is asked after each page whether to go on. Raises MetadataInvalid, Forbidden, Invalid.
    """
    begun = time.monotonic()
    opened = partial(closed, host, tenant, identify or PlatformActor())
    with opened() as ws:
        require_configurer(ws.model, ws.actor)
        target = candidate(ws, changed)
        work = _Work(ws, target, asked)
    report = work.report
    for replay in work.replays:
        while work.goes_on:
            with opened() as ws:
                if not replay.page(ws):
                    break
            if tell is not None:
                work.goes_on = tell(sum(each.walk.events for each in work.replays), work.total)
    work.close()
    report.seconds = time.monotonic() - begun
    return report


class _Work:
    """Everything that is to be replayed, entity by entity."""

    def __init__(self, ws: Workspace, target: Model, asked: Asked) -> None:
        self.goes_on = True
        found = items(ws.model, target, asked)
        self.report = Report(found, Kept(asked.samples))
        self.report.tallies = {each.name: Tally() for each in found}
        entities = [each for each in dict.fromkeys(each.entity for each in found)]
        there = [held for each in entities if (held := ws.model.entity(each)) is not None and held.id == each]
        both = (target, ws.model)
        self.report.entity_keys = {
            each: held.key for each in entities for model in reversed(both) if (held := model.entity(each)) is not None
        }
        ids = [each.id for each in there]
        since = asked.since
        if asked.events is not None and ids:
            newest = past.newest(ws, ids, asked.events)
            since = max((each for each in (since, newest) if each is not None), default=None)
        self.report.since = None if since is None else since.isoformat()
        self.total = past.counted(ws, ids, since) if ids else 0
        self.report.entities = [each.plural for each in there]
        self.replays = [
            Replay(each, target, [item for item in found if item.entity == each.id], since, self.report)
            for each in there
        ]
        fresh = [each for each in entities if each not in ids]
        if fresh:
            named = [target.entity(each) or ws.model.entity(each) for each in fresh]
            self.report.limit("new_entity", names=_names([each.plural for each in named if each is not None]))
        self.asks_person = not ws.actor.platform

    def close(self) -> None:
        report = self.report
        report.events = sum(each.walk.events for each in self.replays)
        if not report.items:
            return
        for name in ("now", "people", "alone"):
            report.limit(name)
        if any(each.kind == "workflow" for each in report.items):
            report.limit("others_start")
        for name in ("cut", "early", "unknown"):
            count = sum(getattr(each, name) for each in report.tallies.values())
            if count:
                report.limit(name, count=f"{count:,}")
        purged = sum(each.walk.purged for each in self.replays)
        if purged:
            report.limit("purged", count=f"{purged:,}")
        for replay in self.replays:
            for name, fields in replay.told().items():
                if fields:
                    report.limit(name, names=_names(fields))
        if self.asks_person:
            report.limit("hidden")
        if not self.goes_on:
            report.limit("cancelled")


def _names(labels: Sequence[Label]) -> Label:
    return {lang: ("、" if lang == "zh" else ", ").join(say(each, lang) for each in labels) for lang in LANGUAGES}


class Replay:
    """The past of one entity, asked of both descriptions."""

    def __init__(
        self, entity: Entity, target: Model, found: Sequence[Item], since: dt.datetime | None, report: Report
    ) -> None:
        self.entity, self.target, self.report = entity, target, report
        self.items = {each.name: each for each in found}
        self.of = {kind: [each for each in found if each.kind == kind] for kind in ("rule", "workflow", "approval")}
        self.walk = Walk(entity, since, submissions=bool(self.of["approval"]))
        self.people = People()
        self._asked: tuple[Sides, Rules, Workflows, Approvals | None] | None = None
        self._reads: dict[str, frozenset[str]] = {}
        self._closed: frozenset[str] = frozenset()

    def page(self, ws: Workspace) -> bool:
        """Replay the next events; False when there are none left."""
        platform = replace(ws, actor=platform_actor("job"))
        moments = self.walk.page(platform)
        if moments is None:
            return False
        sides, rules, workflows, approvals = self._ready(platform)
        page = Page(sides, self.people, moments)
        approvers = Approvers(platform)
        teller = Teller(ws, page)
        for at, moment in enumerate(moments):
            self._one(page, at, moment, rules, workflows, approvals, approvers, teller)
        return True

    def _ready(self, ws: Workspace) -> tuple[Sides, Rules, Workflows, Approvals | None]:
        """What is asked, bound to this unit of work; what is compiled is kept by the models."""
        sides = sides_of(ws, self.entity, self.target)
        rules = Rules(sides, self.of["rule"])
        workflows = Workflows(sides, self.of["workflow"])
        approvals = Approvals(sides, self.of["approval"]) if self.of["approval"] else None
        if self._asked is None:
            self._reads = {f"rule:{self.entity.id}.{each.id}": rules.reads(each.id) for each in self.of["rule"]}
            self._reads |= {f"workflow:{each.id}": workflows.reads(each.id) for each in self.of["workflow"]}
            if approvals is not None:
                self._reads |= {f"approval:{each.id}": approvals.fields for each in self.of["approval"]}
            closed = {f"rule:{self.entity.id}.{each.id}" for each in self.of["rule"] if rules.unknowable(each.id)}
            closed |= {f"workflow:{each.id}" for each in self.of["workflow"] if workflows.unknowable(each.id)}
            self._closed = frozenset(closed)
        self._asked = sides, rules, workflows, approvals
        return self._asked

    def _one(
        self,
        page: Page,
        at: int,
        moment: Moment,
        rules: Rules,
        workflows: Workflows,
        approvals: Approvals | None,
        approvers: Approvers,
        teller: Teller,
    ) -> None:
        saved = moment.kind in ("created", "updated")
        new: Draft | None = None
        if saved:
            written = rules.written(page, at)
            old, new = written[0].draft, None if written[1] is None else written[1].draft
            for id, (before, after) in rules.verdicts(page, at, written).items():
                self._take(page, at, f"rule:{self.entity.id}.{id}", before, after, old, new, teller)
        else:
            old = page.draft(page.sides.old, at)
            new = None if rules.new is None else rules.new.as_it_was(page, at)
        for id, (was, now) in workflows.verdicts(page, at, old, new).items():
            name = f"workflow:{id}"
            self.report.tallies[name].cut += id in workflows.cut
            self._take(page, at, name, was, now, old, new, teller)
        if approvals is not None and approvals.asks(page, at):
            for id, (was, now) in approvals.verdicts(page, at, old, new, approvers).items():
                if was.does or now.does:
                    self._take(page, at, f"approval:{id}", was, now, old, new, teller)

    def _take(
        self,
        page: Page,
        at: int,
        name: str,
        before: Verdict | None,
        after: Verdict | None,
        old: Draft,
        new: Draft | None,
        teller: Teller,
    ) -> None:
        tally, moment = self.report.tallies[name], page.moments[at]
        if name in self._closed:
            before = after = None
        lost = moment.lost if page.sides.new is None else page.lost(page.sides.new, at)
        tally.early += bool(lost) and not lost.isdisjoint(self._reads.get(name, frozenset()))
        item = self.items[name]
        for difference in tally.take(item.kind, before, after):
            if self.report.samples.wants(name, difference, moment.at):
                assert before is not None and after is not None
                sides = page.sides
                held = None if sides.new is None or new is None else (sides.new, new, after)
                sample = teller.sample(item, at, ((sides.old, old, before), held))
                if sample is not None:
                    self.report.samples.put(name, difference, moment.at, sample)

    def told(self) -> dict[str, list[Label]]:
        """Fields that one of the descriptions does not have, as far as something asks for them."""
        new = self.target.entity(self.entity.id)
        if new is None:
            return {}
        wanted = frozenset().union(*self._reads.values()) if self._reads else frozenset()
        return {
            "new_fields": [
                each.label
                for id, each in new.fields.items()
                if id not in self.entity.fields and id in wanted and each.computed is None
            ],
            "lost_fields": [each.label for id, each in self.entity.fields.items() if id not in new.fields],
            "rollups": [new.fields[id].label for id in self._rollups() if id in new.fields],
        }

    def _rollups(self) -> frozenset[str]:
        rules = None if self._asked is None else self._asked[1]
        return frozenset() if rules is None or rules.new is None else rules.new.unknown


__all__ = ["Replay", "candidate", "simulate"]
