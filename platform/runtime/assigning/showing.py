"""Why a record was given to somebody, for whoever may read it: blank where he may not read what a rule looks at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from metadata.access import rights
from metadata.assignments import Assignment, Rule
from metadata.expressions.parser import parse_in
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Label, PlatformError
from metadata.workflow_texts import any_value, scope_of_workflows
from runtime import queries
from runtime.assigning import log
from runtime.assigning.log import Given, Tried
from runtime.queries import Query
from runtime.queries.fields import narrowed
from runtime.queries.knowing import may_know
from runtime.queries.query import MAX_IDS, MAX_LIMIT
from runtime.records.policies import entity_of, not_found
from runtime.workspace import Workspace

HIDDEN: Mapping[str, Any] = {"hidden": True}
SKIPPED: Mapping[str, Label] = {
    "inactive": {"en": "No longer active", "zh": "已停用"},
    "away": {"en": "On leave, somebody stands in", "zh": "休假中，由他人代理"},
    "full": {"en": "Owns as many as the rule allows", "zh": "负责的记录已达规则上限"},
    "quota": {"en": "Has taken what he takes in a day", "zh": "今日容量已用完"},
    "refused": {"en": "Cannot be its owner", "zh": "不能成为该记录的负责人"},
}
"""Why somebody was passed over -> in words."""


def explained(ws: Workspace, entity: Entity | str, record: str) -> list[dict[str, Any]]:
    """The decisions about a record, the newest first, as data with labels for their reader's page. Raises NotFound."""
    found = entity_of(ws, entity)
    if not is_uuid(record) or not queries.sees(ws, found, "read", record.lower(), deleted=False):
        raise not_found(found)
    if not rights(ws.model, ws.actor, found).may_read("owner") or "owner" in narrowed(ws, found, "read"):
        return []
    told = log.of_record(ws, found.id, record.lower())
    names = names_of(ws, {user for each in told for user in _users(each)})
    return [_Telling(ws, found, names).given(each) for each in told]


def _users(given: Given) -> Iterable[str]:
    if given.chosen is not None:
        yield given.chosen
    for each in given.tried:
        yield from (user for user, _ in each.people)


def names_of(ws: Workspace, users: Collection[str]) -> Mapping[str, str]:
    """User -> his name, of those whom the reader may see."""
    entity = ws.model.entity("user")
    if entity is None or not users:
        return {}
    ids = tuple(sorted(users))[:MAX_IDS]
    found: dict[str, str] = {}
    try:
        for at in range(0, len(ids), MAX_LIMIT):
            some = ids[at : at + MAX_LIMIT]
            page = queries.find(ws, Query("user", fields=("id", entity.title), ids=some, limit=MAX_LIMIT))
            found.update((str(row[0]), str(row[1] or "")) for row in page.rows)
    except PlatformError:
        return {}  # he may read nothing of people
    return found


@dataclass(frozen=True, slots=True)
class _Telling:
    ws: Workspace
    entity: Entity
    names: Mapping[str, str]

    def given(self, given: Given) -> dict[str, Any]:
        of: Assignment | None = self.ws.model.get("assignments", given.assignment)
        named = {"key": given.assignment, "label": {"*": given.assignment}}
        return {
            "id": given.id,
            "at": given.at,
            "assignment": named if of is None else {"key": of.key, "label": of.label},
            "rule": None if given.rule is None else self._rule(of, given.rule),
            "fallback": given.rule is None,
            "owner": None if given.chosen is None else self._person(given.chosen),
            "tried": [self._tried(of, each) for each in given.tried],
        }

    def _tried(self, of: Assignment | None, tried: Tried) -> dict[str, Any]:
        rule = None if tried.rule is None else self._rule(of, tried.rule)
        if rule is HIDDEN:
            return {"rule": rule}
        people = [{"user": self._person(user), "skipped": why} for user, why in tried.people]
        return {"rule": rule, "matched": tried.matched, "territory": tried.territory, "people": people}

    def _person(self, user: str) -> Mapping[str, Any]:
        return {"id": user, "name": self.names[user]} if user in self.names else HIDDEN

    def _rule(self, of: Assignment | None, id: str) -> Mapping[str, Any]:
        """A rule that is no longer there is told by its id to whoever may read everything alone, as nobody knows what
        it looked at."""
        rule = next((each for each in (of.rules if of is not None else ()) if each.id == id), None)
        if rule is None or not self._may_know(rule):
            return {"key": id, "label": {"*": id}} if self.ws.actor.platform else HIDDEN
        return {"key": rule.id, "label": rule.label}

    def _may_know(self, rule: Rule) -> bool:
        """Whether the reader may read all that a rule looks at, in every record: that it held tells what is there."""
        texts = [text for text in (rule.when, *(each.when for each in rule.territories)) if text is not None]
        reads: set[tuple[str, str]] = set()
        try:
            for text in texts:
                reads |= parse_in(text, self.entity, scope_of_workflows(self.ws.model)).reads()
            if rule.path is not None:
                reads |= any_value(rule.path, self.entity, scope_of_workflows(self.ws.model)).reads()
        except PlatformError:
            return False
        return may_know(self.ws, self.entity, reads)
