"""Claims, returns, gifts and moves of records in pools, a verdict for each; and what goes back to a pool soon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.bulk import verdict_json
from blueprints.api.records import entity_of
from blueprints.api.writing import Written, write
from blueprints.limits import json_object, require_keys
from metadata.model import Entity
from metadata.problems import BadRequest, Problem, TooLarge, kind, say
from runtime import pools
from runtime.records import Verdict
from runtime.recycling.showing import foresee
from runtime.workspace import Workspace

MOST = 500
NOT_A_POOL_ACTION = kind(
    "pool_action",
    en="This is {{action, ids}}: action is claim, return (with reason, and pool if you choose one), give (with user) "
    "or move (with pool); ids is a list of record ids.",
    zh="格式为 {{action, ids}}：action 为 claim、return（需 reason，可选 pool）、give（需 user）或 move（需 pool）；"
    "ids 为记录 ID 列表。",
)
TOO_MANY = kind(
    "pool_too_many",
    en="At most {most} records at once.",
    zh="一次最多 {most} 条记录。",
)

NOT_DAYS = kind(
    "pool_recycle_days",
    en="`days` is a number from 1 to {most}.",
    zh="days 应为 1 到 {most} 的数字。",
)
_MOST_DAYS = 365

Act = Callable[[Workspace, Entity, Sequence[str]], list[Verdict]]


def pool(entity: str) -> Response:
    """`{"data": [{verdict, id, version, problems}]}`, in the order of `ids`."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "action", "ids", "reason", "pool", "user")
    ids, act = body.get("ids"), _act(body)
    if act is None or not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        raise BadRequest(_refusal())
    if len(ids) > MOST:
        raise TooLarge(TOO_MANY("ids", most=MOST))

    def command(ws: Workspace) -> Written:
        verdicts = act(ws, entity_of(ws, entity), ids)
        return Written({"data": [verdict_json(each, context.language()) for each in verdicts]})

    return write(command, raw)


def recycle(entity: str) -> Response:
    """What goes back to a pool, and why: `?pool=`, and `?days=` from now, 1 (next midnight) to 365; for its
    administrators. `{"data": [{id, title, owner, rule, on, since}], "hidden": n, "more": bool}`."""
    given = arguments.read(request, "pool", "days")
    days = given.get("days") or "1"
    if not days.isascii() or not days.isdigit() or not 1 <= int(days) <= _MOST_DAYS:
        raise BadRequest(NOT_DAYS("days", most=_MOST_DAYS))

    def found(ws: Workspace) -> Response:
        told, lang = foresee(ws, entity_of(ws, entity), given.get("pool") or "", int(days)), context.language()
        data = [
            {
                "id": due.record,
                "title": title,
                "owner": owner,
                "rule": {"key": due.rule.id, "label": say(due.rule.label, lang)},
                "on": due.on if telling else None,
                "since": due.since if telling else None,
            }
            for due, title, owner, telling in told.due
        ]
        return json_answer({"data": data, "hidden": told.hidden, "more": told.more})

    return context.perform(found)


def _refusal() -> Problem:
    return NOT_A_POOL_ACTION("action")


def _act(body: dict[str, Any]) -> Act | None:
    """What is asked for; None when that cannot be told."""
    reason, named, user = (body.get(name, "") for name in ("reason", "pool", "user"))
    if not all(isinstance(each, str) for each in (reason, named, user)):
        return None
    match body.get("action"):
        case "claim" if not (reason or named or user):
            return pools.claim
        case "return" if not user:
            return lambda ws, entity, ids: pools.give_back(ws, entity, ids, reason, named)
        case "give" if user and not (reason or named):
            return lambda ws, entity, ids: pools.give(ws, entity, ids, user)
        case "move" if named and not (reason or user):
            return lambda ws, entity, ids: pools.move(ws, entity, ids, named)
    return None
