"""The `_share` table: records given to people and units beyond what their roles let them see. Alone writes it.

A share with a `role` is a member of the record's team. It lasts until it is ended or its time is over, which every
statement compares with the clock. Whoever has a record only by a share cannot share it further.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from metadata.access import policy_field
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ValueProblem
from metadata.ids import is_uuid, uuid7
from metadata.model import Entity, Field
from metadata.problems import Forbidden, Invalid, NotFound, Problem, kind
from runtime import events
from runtime.actors import SHARES_SINCE
from runtime.codecs import datetime_text
from runtime.portable import Flag, Id, Moment
from runtime.queries.history import SHARE
from runtime.queries.rules import sees
from runtime.workspace import Workspace, bump_access

NO_SHARE = kind(
    "share_unknown",
    en="There is no such share of this {entity}. It may have been ended already.",
    zh="该{entity}没有此共享，可能已被取消。",
)
MAY_NOT_SHARE = kind(
    "share_beyond_own",
    en="You may not share this {entity}: only people who may change it by their own roles do, and nobody gives more "
    "than he has. Ask its owner.",
    zh="您无权共享该{entity}：只有凭自身角色可修改它的人才能共享，且不能授予超出自身的权限。请联系其负责人。",
)
OF_A_PART = kind(
    "share_of_part",
    en="A {entity} is seen as the record that it belongs to. Share that one.",
    zh="{entity}随其所属记录可见，请共享所属记录。",
)
NO_PRINCIPAL = kind(
    "share_with_nobody",
    en="Say with whom: {{user: id}} or {{unit: id}} of somebody who exists and whom you may see.",
    zh="请指定共享对象：{{user: ID}} 或 {{unit: ID}}，且该对象存在并对您可见。",
)
IN_THE_PAST = kind(
    "share_over",
    en="A share cannot end before it begins. Give a time to come, or none.",
    zh="共享的截止时间必须晚于现在，也可留空。",
)
BAD_SHARE = kind(
    "share_bad",
    en="A share is {{with, write?, role?, until?}}: whom, whether to change, what he does in the team (at most 80 "
    "characters), and until when.",
    zh="共享请求应为 {{with, write?, role?, until?}}：对象、是否可修改、团队角色（最多 80 个字符）、截止时间。",
)
_UNTIL = Field("until", "until", "datetime", {"en": "Until", "zh": "截止时间"})
_SHARES = sa.table(
    "_share",
    sa.column("id", Id()),
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("principal", Id()),
    sa.column("kind", sa.Text()),
    sa.column("write", Flag()),
    sa.column("role", sa.Text()),
    sa.column("until", Moment()),
    sa.column("created_by", Id()),
    sa.column("created_at", Moment()),
)


@dataclass(frozen=True, slots=True)
class Share:
    """One person or unit that a record is shared with."""

    id: str
    kind: Literal["user", "unit"]
    principal: str
    write: bool
    role: str | None
    until: dt.datetime | None
    created_by: str | None
    created_at: dt.datetime


def as_json(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "with": {share.kind: share.principal},
        "write": share.write,
        "role": share.role,
        "until": None if share.until is None else datetime_text(share.until),
    }


def shares_of(ws: Workspace, entity: Entity, id: str) -> list[Share]:
    """With whom a record that the actor sees is shared now. Raises NotFound."""
    _require_seen(ws, entity, id)
    rows = ws.db.execute(_chosen().where(*_of(entity, id), _lasting(ws)).order_by(_SHARES.c.created_at, _SHARES.c.id))
    return [_share(row) for row in rows]


def may_share(ws: Workspace, entity: Entity, id: str) -> bool:
    """Whether the actor may give the record to others: who may change it, and not by a share alone."""
    if policy_field(entity) is not None or entity.written_by == "platform":
        return False
    return sees(_alone(ws), entity, "update", id, deleted=False)


def share(ws: Workspace, entity: Entity, id: str, asked: Mapping[str, Any]) -> Share:
    """Give a record to a person or a unit, or change what was given. Raises NotFound, Forbidden, Invalid."""
    if policy_field(entity) is not None:
        raise Invalid(OF_A_PART(entity=entity.label))
    _require_seen(ws, entity, id)
    if not may_share(ws, entity, id):
        raise Forbidden(MAY_NOT_SHARE(entity=entity.label))
    given = _read(ws, asked)
    held = [each for each in _every(ws, entity, id) if each.principal == given.principal]
    before = held[0] if held else None
    if before is not None:
        given = replace(given, id=before.id, created_at=before.created_at, created_by=before.created_by)
        changed = {"write": given.write, "role": given.role, "until": given.until}
        ws.db.execute(sa.update(_SHARES).where(_SHARES.c.id == given.id).values(changed))
    else:
        _meet(ws, entity, given)
        _insert(ws, entity.id, id, given)
    told = [before and as_json(before), as_json(given)]
    events.append(ws, "shared", entity.id, id, {SHARE: told})
    return given


def end(ws: Workspace, entity: Entity, id: str, share: str) -> None:
    """Take back what was given, or give it up oneself. Raises NotFound, Forbidden."""
    _require_seen(ws, entity, id)
    held = [each for each in _every(ws, entity, id) if each.id == share]
    if not held:
        raise NotFound(NO_SHARE(entity=entity.label))
    if held[0].principal != ws.actor.user and not may_share(ws, entity, id):
        raise Forbidden(MAY_NOT_SHARE(entity=entity.label))
    ws.db.execute(sa.delete(_SHARES).where(_SHARES.c.id == share))
    events.append(ws, "unshared", entity.id, id, {SHARE: [as_json(held[0]), None]})


def follow_merge(ws: Workspace, entity: Entity, survivor: str, losers: Sequence[str], cause: str) -> None:
    """Hand on what was shared of merged records, and with merged people and units; of two shares the wider stays.

    Wider is who may write, then who has it longer. `cause` is the event of the merge.
    """
    if ws.db.fetch("SELECT system_version FROM _state")[0][0] < SHARES_SINCE:
        return
    c, gone = _SHARES.c, list(losers)
    given = sa.and_(c.entity == entity.id, c.record.in_(gone))
    if entity.id in ("user", "unit"):
        given = sa.or_(given, c.principal.in_(gone))
    rows: list[Any] = list(ws.db.execute(sa.select(c.entity, c.record, *_chosen().selected_columns).where(given)))
    if not rows:
        return
    ws.db.execute(sa.delete(_SHARES).where(c.id.in_([row.id for row in rows])))
    if any(row.principal in gone for row in rows):
        bump_access(ws)
    found: dict[tuple[str, str, str], list[Share]] = {}
    for row in rows:
        of, record, share = row[0], row[1], _share(row[2:])
        if share.until is not None and share.until <= ws.now:
            continue
        moved = survivor if of == entity.id and record in gone else record
        with_ = survivor if share.principal in gone else share.principal
        found.setdefault((of, moved, with_), []).append(replace(share, principal=with_))
    for (of, moved, _), shares in found.items():
        _join(ws, of, moved, shares, cause)


def _join(ws: Workspace, entity: str, record: str, shares: Sequence[Share], cause: str) -> None:
    """The widest of some shares with the same principal, and of what he has, is what he has."""
    c = _SHARES.c
    this = (c.entity == entity, c.record == record, c.principal == shares[0].principal)
    row = ws.db.execute(_chosen().where(*this)).first()
    held = _share(row) if row is not None else None
    lasting = held if held is not None and (held.until is None or held.until > ws.now) else None
    widest = max([*([lasting] if lasting is not None else []), *shares], key=_width)
    if widest is lasting:
        return
    if held is not None:
        ws.db.execute(sa.delete(_SHARES).where(c.id == held.id))
    widest = replace(widest, role=widest.role or (lasting.role if lasting is not None else None))
    _insert(ws, entity, record, widest)
    events.append(ws, "shared", entity, record, {SHARE: [lasting and as_json(lasting), as_json(widest)]}, cause, 1)


def _width(share: Share) -> tuple[bool, bool, float]:
    return share.write, share.until is None, share.until.timestamp() if share.until is not None else 0.0


def _insert(ws: Workspace, entity: str, record: str, share: Share) -> None:
    row = {name: getattr(share, name) for name in Share.__dataclass_fields__}
    ws.db.execute(sa.insert(_SHARES).values(entity=entity, record=record, **row))


def _alone(ws: Workspace) -> Workspace:
    """The same actor without what others have shared with him."""
    return replace(ws, actor=replace(ws.actor, shared=frozenset()))


def _require_seen(ws: Workspace, entity: Entity, id: str) -> None:
    from runtime.records.policies import not_found

    if not is_uuid(id) or not sees(ws, entity, "read", id, deleted=False):
        raise not_found(entity)


def _meet(ws: Workspace, entity: Entity, given: Share) -> None:
    """The first record of a kind that somebody gets: from now on his statements must look for shares."""
    known = sa.select(_SHARES.c.id).where(_SHARES.c.entity == entity.id, _SHARES.c.principal == given.principal)
    if ws.db.execute(known.limit(1)).first() is None:
        bump_access(ws)


def _read(ws: Workspace, asked: Mapping[str, Any]) -> Share:
    problems: list[Problem] = []
    whom, write, role = asked.get("with"), asked.get("write", False), asked.get("role")
    named = role is None or (isinstance(role, str) and 0 < len(role.strip()) <= 80 and "\x00" not in role)
    plain = isinstance(write, bool) and named
    if not plain or set(asked) - {"with", "write", "role", "until"}:
        problems.append(BAD_SHARE())
    principal = _principal(ws, whom)
    if principal is None:
        problems.append(NO_PRINCIPAL("with"))
    until: dt.datetime | None = None
    try:
        until = registry.of(_UNTIL).parse(_UNTIL, asked.get("until"))
    except ValueProblem as refused:
        problems.append(refused.problem.under("until"))
    if until is not None and until <= ws.now:
        problems.append(IN_THE_PAST("until"))
    if problems or principal is None:
        raise Invalid(problems)
    name, id = principal
    return Share(uuid7(), name, id, write, role and role.strip(), until, ws.actor.user, ws.now)


def _principal(ws: Workspace, whom: Any) -> tuple[Literal["user", "unit"], str] | None:
    if not isinstance(whom, dict) or len(whom) != 1:
        return None
    [(name, id)] = whom.items()
    entity = ws.model.entity(name) if name in ("user", "unit") else None
    if entity is None or not isinstance(id, str) or not is_uuid(id):
        return None
    return (name, id.lower()) if sees(ws, entity, "read", id.lower(), deleted=False) else None


def _chosen() -> sa.Select[Any]:
    return sa.select(*(_SHARES.c[name] for name in Share.__dataclass_fields__))


def _of(entity: Entity, id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _SHARES.c.entity == entity.id, _SHARES.c.record == id.lower()


def _lasting(ws: Workspace) -> sa.ColumnElement[bool]:
    return sa.or_(_SHARES.c.until.is_(None), _SHARES.c.until > ws.now)


def _every(ws: Workspace, entity: Entity, id: str) -> list[Share]:
    return [_share(row) for row in ws.db.execute(_chosen().where(*_of(entity, id)))]


def _share(row: Any) -> Share:
    return Share(*row)
