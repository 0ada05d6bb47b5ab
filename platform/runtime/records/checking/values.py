"""Raw values by today's names -> parsed values by field id, with everything that is wrong with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property, lru_cache, partial
from typing import Any

from metadata.access import Rights, rights
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Entity, Field
from metadata.problems import Problem, kind
from runtime.codecs import Codec
from runtime.queries.fields import masked
from runtime.records.drafts import Draft
from runtime.records.plans import KEPT, WritePlan
from runtime.workspace import Workspace

UNKNOWN = kind(
    "records.unknown_field",
    en="{entity} has no field {name}. Leave it out, or correct its name.",
    zh="{entity}没有字段 {name}。请去掉它或改正名称。",
)
KEPT_BY_PLATFORM = kind(
    "records.kept_by_platform",
    en="{label} is kept by the platform. Leave it out.",
    zh="{label}由系统维护，请不要提交。",
)
COMPUTED = kind(
    "records.computed",
    en="{label} is computed. Leave it out, and change what it is computed from.",
    zh="{label}由系统计算得出，请不要提交；如需变更，请修改其来源数据。",
)
MAY_NOT_WRITE = kind(
    "records.may_not_write",
    en="You may see {label} but not change it. Leave it out, or ask an administrator for the right.",
    zh="您可以查看但不能修改{label}。请不要提交该字段，或联系管理员授权。",
)
NOT_AN_OBJECT = kind(
    "records.not_an_object",
    en="A record is an object of field names and values.",
    zh="记录应为由字段名和值组成的对象。",
)


class Readers(dict[str, tuple[Field, Codec | None]]):
    """Name -> the field and how its raw value is read; None where the actor may not write it."""

    masked: frozenset[str] = frozenset()
    """Ids of the fields that are shown as a mask, in some records at least."""

    @cached_property
    def writable(self) -> frozenset[str]:
        return frozenset(name for name, (_, parse) in self.items() if parse is not None)


NUMBERED_BY_HAND = frozenset({"import", "command"})
"""Channels by which records come with numbers that another system gave them."""


class Parsed(dict[str, Any]):
    """Values by field id that the field types have made already, of cells: rights are asked, nothing is read again."""


def read(plan: WritePlan, readers: Readers, raw: Any, draft: Draft) -> None:
    """Read what was sent into `draft.sent`; problems are told at today's key of their field."""
    if not isinstance(raw, Mapping):
        draft.wrong(NOT_AN_OBJECT())
        return
    sent = draft.sent
    if type(raw) is Parsed and raw.keys() <= readers.writable:
        sent.update(raw)
        return
    for name, given in raw.items():
        found = readers.get(name)
        if found is None:
            draft.wrong(_unknown(plan.entity, readers, name))
            continue
        field, parse = found
        if field.id in readers.masked and draft.before and given == masked(field, draft.before.get(field.id)):
            continue  # a form sends back what it was shown
        if parse is None:
            refusal = COMPUTED if field.computed is not None else KEPT_BY_PLATFORM if _kept(field) else MAY_NOT_WRITE
            draft.wrong(refusal(field.key, label=field.label))
            continue
        try:
            sent[field.id] = None if given is None else parse(given)
        except ValueProblem as refused:
            draft.wrong(refused.problem.under(field.key))


def _unknown(entity: Entity, readers: Readers, name: object) -> Problem:
    text = str(name)[:80]
    close = get_close_matches(text, readers, n=1)
    return UNKNOWN(text, suggestion=close[0] if close else None, entity=entity.label, name=text)


def _kept(field: Field) -> bool:
    return _always_kept(field) or field.type == "sequence"


def _always_kept(field: Field) -> bool:
    """Whether no channel writes a field: in which pool a record lies, only claims and returns say."""
    return field.id in KEPT or (field.system and field.id == "pool")


def readers_of(ws: Workspace, plan: WritePlan) -> Readers:
    """How the actor's values for an entity are read. A field that he may not see is as good as none."""
    model, actor = ws.model, ws.actor
    numbers = actor.platform or actor.channel in NUMBERED_BY_HAND
    return _readers(
        model.fingerprint, plan, actor.roles, actor.platform, numbers, _Carrier(rights(model, actor, plan.entity))
    )


def parser(plan: WritePlan, field: Field) -> Codec:
    """How a value becomes what is kept: JSON values are parsed, what `read_text` has made of a cell is that already."""
    parse = partial(plan.types[field.id].parse, field)
    made = {"date": dt.date, "datetime": dt.datetime}.get(field.type)
    return parse if made is None else partial(_unless, made, parse)


def _unless(made: type, parse: Codec, raw: Any) -> Any:
    return raw if type(raw) is made else parse(raw)


class _Carrier:
    """Carries the rights into the cached function: they follow from the model and the roles, which are its key.

    The scopes of an API token narrow rows and actions, never single fields.
    """

    def __init__(self, rights: Rights) -> None:
        self.rights = rights

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Carrier)


@lru_cache(maxsize=4_000)
def _readers(
    fingerprint: str, plan: WritePlan, roles: tuple[str, ...], platform: bool, numbers: bool, carrier: _Carrier
) -> Readers:
    entity = plan.entity
    found = Readers()
    for field in entity.fields.values():
        if carrier.rights.may_read(field.id):
            writable = carrier.rights.may_write(field.id) and not _always_kept(field)
            writable = writable and (numbers or field.type != "sequence")
            found[field.id] = (field, parser(plan, field) if writable else None)
    found.masked = frozenset(id for id in found if carrier.rights.ever_masked(id))
    by_id = dict(found)
    for name, id in entity.names.items():
        if id in by_id and name not in by_id:
            found[name] = by_id[id]
    return found
