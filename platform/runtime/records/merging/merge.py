"""Merging: one record survives with the chosen values, everything that pointed at the others points at it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from metadata.ids import is_uuid, uuid7
from metadata.model import EMPTY, Entity
from metadata.problems import BadRequest, Conflict, Forbidden, NotFound, Problem, kind
from runtime import sharing
from runtime.records.checking.checks import check
from runtime.records.checking.locks import refuse_locked
from runtime.records.checking.uniques import check_uniques
from runtime.records.locked import Held, lock
from runtime.records.merging.choosing import choose
from runtime.records.merging.moving import follow, move
from runtime.records.plans import WritePlan
from runtime.records.policies import NOT_FOUND, may_not
from runtime.records.record import Record
from runtime.records.save import STALE, record_of, refuse, writing
from runtime.records.writing.deletion import mark
from runtime.records.writing.rows import write
from runtime.workspace import Workspace

MOST = 50

TOO_FEW = kind(
    "records.merge_too_few",
    en="A merge needs the record that stays and at least one other. Choose two or more.",
    zh="合并需要一条保留的记录和至少一条其他记录，请选择两条或更多。",
)
TOO_MANY = kind(
    "records.merge_too_many",
    en="At most {most} records are merged at once. Merge some of them first.",
    zh="一次最多合并 {most} 条记录，请分批合并。",
)
TWICE = kind(
    "records.merge_twice",
    en="This record is named twice. Name each record once, and not the one that stays.",
    zh="该记录被重复指定。每条记录只能出现一次，且不能是要保留的那一条。",
)
NOT_MERGED = kind(
    "records.merge_generated",
    en="{entity} cannot be merged: its records are written by the platform.",
    zh="{entity}由系统维护，不能合并。",
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a merge: the record that stays, those that are in it now, and the links that moved."""

    record: Record
    others: tuple[str, ...]
    moved: Mapping[str, int]
    """Entity id -> how many of its records point at the survivor now instead of at one of the others."""


def merge(
    ws: Workspace,
    entity: Entity | str,
    survivor: str,
    others: Sequence[str],
    choices: Mapping[str, str] = EMPTY,
    versions: Mapping[str, int] = EMPTY,
    confirm: Collection[str] = (),
) -> Merged:
    """Merge records into one of them.

    `choices` says per field, by today's key, whose value stays; without a word it is the survivor's, else the first
    of the others that has one. `versions` are what the caller saw, by id. What points at the others is moved as the
    model's relations say (`on_merge`); the others go into the recycle bin, and their addresses lead to the survivor.
    `confirm`: names of the rules whose warnings do not stop it.
    Raises NotFound, Forbidden, BadRequest, Invalid, and Conflict for another version or where two records that must
    differ would become the same.
    """
    plan = writing(ws, entity, "update")
    writing(ws, plan.entity, "delete")
    if plan.entity.generated:
        raise BadRequest(NOT_MERGED(entity=plan.entity.plural))
    ids = _ids(survivor, others)
    held = _held(ws, plan, ids)
    _require_versions(plan, held, versions)
    refuse_locked(ws, plan.entity, ids)
    draft = choose(ws, plan, [held[id].values for id in ids], choices)
    draft.confirmed = frozenset(confirm)
    check(ws, plan, [draft])
    refuse(draft)
    # The survivor's event is the cause of all others. It is written last: a value that must be unique is free only
    # when the record that had it is gone.
    draft.event, draft.kind = uuid7(), "merged"
    draft.told |= {"id": [list(ids[1:]), ids[0]]}
    moved = move(ws, plan.entity, ids[0], ids[1:], draft.event)
    draft.lists.update(moved.lists)
    mark(ws, plan.entity, ids[1:], merged_into=ids[0], cause=draft.event)
    check_uniques(ws, plan, [draft])
    refuse(draft)
    write(ws, plan, [draft])
    follow(ws, moved, draft)
    sharing.follow_merge(ws, plan.entity, ids[0], ids[1:], draft.event)
    return Merged(record_of(plan, draft), tuple(ids[1:]), moved.counts())


def _ids(survivor: str, others: Sequence[str]) -> list[str]:
    if not others:
        raise BadRequest(TOO_FEW("others"))
    if len(others) >= MOST:
        raise BadRequest(TOO_MANY("others", most=MOST))
    ids = [survivor.lower(), *(each.lower() for each in others)]
    twice = [TWICE(f"others.{at - 1}") for at, each in enumerate(ids) if at and each in ids[:at]]
    if twice:
        raise BadRequest(twice)
    return ids


def _held(ws: Workspace, plan: WritePlan, ids: Sequence[str]) -> Mapping[str, Held]:
    """The locked rows of all of them, of which the actor may change each and delete all but the first."""
    wanted = [each for each in ids if is_uuid(each)]
    held = lock(ws, plan, wanted, "update", deleting=True) if wanted else {}
    missing = [NOT_FOUND(_path(at), entity=plan.entity.label) for at, id in enumerate(ids) if id not in held]
    if missing:
        raise NotFound(missing)
    refused: list[Problem] = [
        may_not(plan.entity, "update").under(_path(at)) for at, id in enumerate(ids) if not held[id].allowed
    ]
    going = lock(ws, plan, ids[1:], "delete", deleting=True)
    refused += [
        may_not(plan.entity, "delete").under(_path(at))
        for at, id in enumerate(ids)
        if at and not (id in going and going[id].allowed)
    ]
    if refused:
        raise Forbidden(refused)
    return held


def _path(at: int) -> str:
    return f"others.{at - 1}" if at else "survivor"


def _require_versions(plan: WritePlan, held: Mapping[str, Held], versions: Mapping[str, int]) -> None:
    wrong = []
    for id, given in versions.items():
        found = held.get(id.lower())
        if found is not None and found.values["version"] != given:
            current = found.values["version"]
            wrong.append(STALE(f"versions.{id}", entity=plan.entity.label, current=current, given=given, difference={}))
    if wrong:
        raise Conflict(wrong)
