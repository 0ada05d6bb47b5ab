"""Random approvals and random verbs, found by Hypothesis: what was needed was decided, and storing changes nothing.

The oracle is that of `test_workflow_approvals_properties`: it works out from what was done what an approval needs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from metadata.approvals import Approval
from tests.approving import Village
from tests.test_workflow_approvals_properties import (
    ORDINARY,
    Draw,
    Ledger,
    any_verb,
    attempt,
    sound,
    unchanged,
    village,
)
from workflow.approvals import verbs
from workflow.approvals.migrating import migrate, misfits
from workflow.approvals.refusals import Refused
from workflow.approvals.request import Request
from workflow.approvals.storing import dumped, loaded

_SEEDS = st.integers(0, 2**32)


class Approving(RuleBasedStateMachine):
    """One request from its draft to its end. Between any two verbs it may be put away and taken up again."""

    definition: Approval
    world: Village
    ledger: Ledger
    request: Request

    @initialize(seed=_SEEDS)
    def begin(self, seed: int) -> None:
        r = Random(seed)
        self.definition, self.world = Draw(r).approval(), village(r)
        self.ledger = Ledger(self.definition, self.world)
        self.request = Request("r1", "any", 1, "quote", "q1", "ida")
        self._do(verbs.Submit("ida", deciding={"a": 1}))

    @precondition(lambda self: self.request.running)
    @rule(seed=_SEEDS, kind=st.sampled_from(sorted(set(ORDINARY))))
    def somebody_acts(self, seed: int, kind: str) -> None:
        self._do(any_verb(Random(seed), self.definition, self.request, self.world, (kind,)))

    @precondition(lambda self: self.request.pending())
    @rule(at=st.integers(0, 20))
    def who_is_asked_approves(self, at: int) -> None:
        pending = [each for each in self.request.pending() if each.kind != "initiator"]
        if pending:
            task = pending[at % len(pending)]
            self._do(verbs.Approve(task.assignee, task.id, "ok"))

    @precondition(lambda self: self.request.timers)
    @rule(hours=st.sampled_from((1, 9, 30)))
    def time_passes(self, hours: int) -> None:
        self.world = self.world.later(hours=hours)
        due = sorted((each for each in self.request.timers if each.at <= self.world.now), key=lambda each: each.at)
        if due:
            self._do(verbs.TimerDue(due[0].key))

    @rule()
    def it_is_put_away_and_taken_up(self) -> None:
        self.request = self._stored()

    @precondition(lambda self: self.request.running)
    @rule()
    def it_is_moved_to_a_release_that_says_the_same(self) -> None:
        assert misfits(self.definition, self.definition, self.request, {}) == ()
        release = self.request.release + 1
        moved, entry = migrate(self.definition, self.request, {}, release, "root", "a new release")
        expected = replace(self.request, release=release, version=self.request.version + 1)
        assert (moved, entry.verb) == (expected, "migrate")
        self.request = moved

    def _stored(self) -> Request:
        found = loaded(json.loads(json.dumps(dumped(self.request))))
        assert found == self.request
        return found

    def _do(self, verb: verbs.Verb) -> None:
        ids = replace(self.world.ids)
        result: Any = attempt(self.definition, self.request, verb, self.world)
        again: Any = attempt(self.definition, self._stored(), verb, replace(self.world, ids=ids))
        if isinstance(result, Refused):
            assert isinstance(again, Refused) and again.problems == result.problems
            return
        assert again == result
        unchanged(self.request, result[0])
        self.ledger.take(self.request, verb, result[0])
        self.request = result[0]

    @invariant()
    def it_is_sound(self) -> None:
        if hasattr(self, "request"):
            sound(self.request)

    @invariant()
    def it_was_approved_by_those_who_had_to(self) -> None:
        if hasattr(self, "request") and self.request.state == "approved":
            self.ledger.complete(self.request, self.definition.nodes, None, "")


Approving.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=timedelta(seconds=20),
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestApproving = Approving.TestCase
