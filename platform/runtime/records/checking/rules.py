"""The rules of an entity in a save: what they reject, require, close and narrow, told at its place in every path."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from metadata.access import Rights, rights
from metadata.expressions.evaluate import Row
from metadata.model import Entity, Field, Model
from metadata.problems import Problem, kind
from runtime.queries.build import binding_of
from runtime.queries.cache import kept
from runtime.queries.history import CONFIRMED
from runtime.queries.timed import scope_of
from runtime.records.checking.messages import Messages
from runtime.records.computing.loading import rows_of
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace
from workflow.rules import Book, Decision, Ready, bind, decide, fired, make_ready

REJECTED = kind("records.rejected", en="{message}", zh="{message}")
WARNING = kind(
    "records.warning",
    en="{message} Confirm “{name}” to save all the same.",
    zh="{message} 如需仍然保存，请确认“{name}”。",
)
CLOSED = kind(
    "records.closed",
    en="{label} cannot be changed as the record is ({rule}). Leave it as it was, or first change what the rule asks.",
    zh="按记录目前的状态，不能修改{label}（{rule}）。请保持原值，或先修改规则所依据的内容。",
)
NOT_OFFERED = kind(
    "records.option_closed",
    en="{label}: {value} cannot be chosen as the record is. Choose one of these or empty it: {options}.",
    zh="{label}：按记录目前的状态不能选择{value}。请选择以下之一或清空：{options}。",
)
ALL = "*"
"""Among the confirmed warnings: every one."""


def book_of(model: Model, entity: Entity) -> Book:
    """The rules of an entity made ready, once for each model."""
    return kept(model).get(("rules", entity.id), partial(_book, model, entity))


def _book(model: Model, entity: Entity) -> Book:
    return make_ready(entity, scope_of(model, changes=True))


def check_rules(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> Mapping[str, Collection[str]]:
    """Tell the drafts what the rules say of them; draft id -> the fields that must be filled in as they are now."""
    book = book_of(ws.model, plan.entity)
    if not book.rules or not drafts:
        return {}
    constants = bind(book, binding_of(ws.model, ws.actor, ws.now))
    rows = rows_of(ws, plan, drafts, book.needs) if book.reaches_out else {}
    may = rights(ws.model, ws.actor, plan.entity)
    messages = Messages(ws, plan, may)
    demanded: dict[str, Collection[str]] = {}
    for draft in drafts:
        row = rows.get(draft.id) or Row(draft.values, before=draft.before)
        changed = changed_by(plan, draft)
        decision = decide(book, constants, row, changed)
        if ws.host.fired is not None:
            for rule in fired(book, constants, row, changed):
                ws.host.fired(plan.entity.id, rule.id)
        _tell(plan, draft, decision, messages, may, unasked=ws.actor.platform or draft.follows)
        if decision.required:
            demanded[draft.id] = decision.required.keys()
    return demanded


def changed_by(plan: WritePlan, draft: Draft) -> frozenset[str] | None:
    """Ids of the fields that a save changes; None for a new record. A list that was sent counts as changed."""
    if draft.before is None:
        return None
    fields = plan.entity.fields
    listed = [each.id for each in (*plan.lists, *plan.children) if each.id in draft.sent]
    return frozenset((*(id for id in draft.changed() if id in fields), *listed))


def _tell(plan: WritePlan, draft: Draft, decision: Decision, messages: Messages, may: Rights, *, unasked: bool) -> None:
    confirmed = _confirmed(draft)
    passed: list[str] = []
    for ready in decision.refused:
        reject = ready.rule.reject
        if reject is not None and reject.warn and (unasked or confirmed & {ALL, ready.rule.id, ready.rule.key}):
            passed.append(ready.rule.id)
        else:
            draft.wrong(refusal(plan, draft, ready, messages, may))
    if passed:
        draft.told[CONFIRMED] = [None, passed]
    for id, ready in decision.read_only.items():
        if _is_sent(plan, draft, plan.entity.fields[id]):
            field = plan.entity.fields[id]
            draft.wrong(CLOSED(_at(field, may), label=_label(field, may), rule=ready.rule.label))
    for id, allowed in decision.options.items():
        _check_options(draft, plan.entity.fields[id], allowed, may)


def refusal(plan: WritePlan, draft: Draft, ready: Ready, messages: Messages, may: Rights) -> Problem:
    """What a rule that rejects a record says of it."""
    reject = ready.rule.reject
    assert reject is not None
    field = plan.entity.fields[reject.field] if reject.field is not None else None
    path = "" if field is None else _at(field, may)
    message = messages.of(ready, draft)
    if reject.warn:
        return WARNING(path, message=message, name=ready.rule.label, rule=ready.rule.key)
    return REJECTED(path, message=message, rule=ready.rule.key)


def _confirmed(draft: Draft) -> frozenset[str]:
    """The warnings that whoever saves has confirmed, for the record and what is saved with it."""
    found, at = draft.confirmed, draft.parent
    while at is not None:
        found, at = found | at.confirmed, at.parent
    return found


def _is_sent(plan: WritePlan, draft: Draft, field: Field) -> bool:
    """Whether a save gives a field another value than it has. What the platform fills in by itself is none."""
    if field.id not in draft.sent:
        return False
    if field.id not in plan.table.fields:
        return True
    return draft.values.get(field.id) != (draft.before or {}).get(field.id)


def _check_options(draft: Draft, field: Field, allowed: Sequence[str], may: Rights) -> None:
    """Only what is chosen anew is refused, or what was chosen is possible no longer: an empty field never is."""
    value = draft.values.get(field.id)
    chosen = (value,) if isinstance(value, str) else tuple(value or ())
    wrong = [option for each in chosen if each not in allowed and (option := field.option(each)) is not None]
    if wrong:
        options = [option.label for each in allowed if (option := field.option(each)) is not None]
        shown: dict[str, Any] = {"label": _label(field, may), "value": wrong[0].label, "options": options or "–"}
        draft.wrong(NOT_OFFERED(_at(field, may), **shown))


_UNSEEN = {"en": "A field that you may not see", "zh": "您无权查看的字段"}


def _label(field: Field, may: Rights) -> Any:
    return field.label if may.may_read(field.id) else _UNSEEN


def _at(field: Field, may: Rights) -> str:
    return field.key if may.may_read(field.id) else ""
