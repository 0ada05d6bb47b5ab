"""Which values survive a merge: per field those of the record that was chosen, else the first there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metadata.access import policy_field
from metadata.fieldtypes.base import Typed
from metadata.model import Field
from metadata.money import Money
from metadata.problems import kind
from runtime import vault
from runtime.records.checking.values import COMPUTED, KEPT_BY_PLATFORM, MAY_NOT_WRITE, UNKNOWN, Readers, readers_of
from runtime.records.drafts import Draft, draft_of
from runtime.records.plans import BASE, KEPT, WritePlan
from runtime.records.record import hidden_links
from runtime.records.targets import targets_of
from runtime.workspace import Workspace

Values = Mapping[str, Any]

NOT_AMONG = kind(
    "records.merge_not_among",
    en="{label}: {given} is none of the records that are merged. Name one of them.",
    zh="{label}：{given} 不在要合并的记录中，请从中指定一条。",
)
NOT_CHOSEN = kind(
    "records.merge_not_chosen",
    en="{label} is a list: a merge keeps what all of the records have in it. Leave it out.",
    zh="{label}是列表字段，合并会保留所有记录中的内容，请不要指定。",
)


def _beside(field: Field, records: Sequence[Values], value: Any) -> Any:
    """What lies beside a value in the record that it comes from."""
    return next((each.get(field.id + BASE) for each in records if each.get(field.id) is value), None)


def choose(ws: Workspace, plan: WritePlan, records: Sequence[Values], choices: Mapping[str, str]) -> Draft:
    """The draft of the survivor, the first of the records, with the values that it takes over from the others.

    A field that the actor may not write keeps what the survivor has.
    """
    draft, readers = draft_of(records[0]["id"], records[0]), readers_of(ws, plan)
    said = dict(_read(plan, readers, records, choices, draft))
    ids = frozenset(each["id"] for each in records)
    _choose_money(plan, readers, records, said, draft)
    for field in _plain_fields(plan, readers):
        if field.id == "unit" and "unit" not in said and _is_owned(records[0], draft):
            continue  # a unit goes with its owner
        value = _value(plan, field, records, said.get(field.id), ids)
        if value != records[0].get(field.id):
            typed = plan.types[field.id].as_typed and value is not None
            draft.sent[field.id] = Typed(value, _beside(field, records, value)) if typed else value
            if plan.secrets and field in plan.secrets:
                source = next((each for each in records if each.get(field.id) is value), records[0])
                draft.sent[field.id] = vault.handed_over(ws, plan.entity, field, source["id"], value)
            if plan.files and field in plan.files:
                draft.handed |= {value} if isinstance(value, str) else set(value or ())
    _take_over_unseen(ws, plan, draft)
    return draft


def _read(
    plan: WritePlan, readers: Readers, records: Sequence[Values], choices: Mapping[str, str], draft: Draft
) -> Iterator[tuple[str, Values]]:
    """Field id -> the record whose value was chosen; problems are told at `choices.<key>`."""
    by_id = {each["id"]: each for each in records}
    for name, given in choices.items():
        path = f"choices.{name}"
        found = readers.get(name)
        if found is None:
            draft.wrong(UNKNOWN(path, entity=plan.entity.label, name=str(name)[:80]))
            continue
        field, parse = found
        chosen = by_id.get(given.lower()) if isinstance(given, str) else None
        if field.id not in plan.table.fields:
            draft.wrong(NOT_CHOSEN(path, label=field.label))
        elif chosen is None:
            draft.wrong(NOT_AMONG(path, label=field.label, given=str(given)[:80]))
        elif field.computed is not None and chosen is not records[0]:
            draft.wrong(COMPUTED(path, label=field.label))
        elif parse is None and chosen is not records[0]:
            kept = field.id in KEPT or field.type == "sequence"
            draft.wrong((KEPT_BY_PLATFORM if kept else MAY_NOT_WRITE)(path, label=field.label))
        else:
            yield field.id, chosen


def _plain_fields(plan: WritePlan, readers: Readers) -> Iterator[Field]:
    """The fields whose values a merge chooses one by one. Money goes with its currency, numbers with their record."""
    money = {each.id for each in plan.money} | ({"currency"} if plan.entity.has_currency else set())
    for field in plan.entity.fields.values():
        found = readers.get(field.id)
        writable = found is not None and found[1] is not None
        if writable and field.id in plan.table.fields and field.id not in money and field.type != "sequence":
            yield field


def _value(plan: WritePlan, field: Field, records: Sequence[Values], chosen: Values | None, ids: frozenset[str]) -> Any:
    for each in records if chosen is None else (chosen,):
        value = each.get(field.id)
        if not _is_empty(value) and not _points_inside(plan, field, value, ids):
            return value
    return None


def _is_owned(survivor: Values, draft: Draft) -> bool:
    return draft.sent.get("owner", survivor.get("owner")) is not None


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == () or value == []


def _points_inside(plan: WritePlan, field: Field, value: Any, ids: frozenset[str]) -> bool:
    """A link from one of the merged records to another would be one of the survivor to itself."""
    if field not in plan.links and field not in plan.any_links:
        return False
    entity, id = targets_of(field, value)
    return entity == plan.entity.id and id in ids


def _choose_money(
    plan: WritePlan, readers: Readers, records: Sequence[Values], said: Mapping[str, Values], draft: Draft
) -> None:
    """Amounts have one currency in a record, so they are taken over only from records that have the same."""
    if not plan.entity.has_currency:
        return
    first = records[0]
    may = {id for id, (_, parse) in readers.items() if parse is not None}
    money = [each for each in plan.money if each.id in may]
    sources = {each.id: said[each.id] for each in money if each.id in said}
    for each in plan.money:
        if each.computed is None and each.id not in sources and first.get(each.id) is not None:
            sources[each.id] = first
    held = {source.get("currency") for id, source in sources.items() if source.get(id) is not None}
    currency = first.get("currency")
    if "currency" in said:
        currency = said["currency"].get("currency")
    elif "currency" in may and not held:
        currency = next((each["currency"] for each in records for m in money if each.get(m.id) is not None), currency)
    elif "currency" in may and len(held) == 1:
        (currency,) = held
    if currency != first.get("currency"):
        draft.sent["currency"] = currency
    for field in money:
        source = sources.get(field.id)
        if source is None:
            same = (each for each in records[1:] if each.get("currency") == currency)
            source = next((each for each in same if each.get(field.id) is not None), first)
        if source is not first:
            amount = source.get(field.id)
            draft.sent[field.id] = None if amount is None else Money(amount, source.get("currency"))


def _take_over_unseen(ws: Workspace, plan: WritePlan, draft: Draft) -> None:
    """A link to what the actor does not see goes over as it is: he points at nothing that was not pointed at.

    The link that decides about rights, and the owner, are judged like any others.
    """
    judged = {policy_field(plan.entity), "owner", "unit"}
    links = [each for each in (*plan.links, *plan.any_links) if draft.sent.get(each.id) is not None]
    shown = [each for each in links if each.id not in judged]
    for id in hidden_links(ws, plan, {**draft.values, **draft.sent}, shown) if shown else ():
        draft.values[id] = draft.sent.pop(id)
