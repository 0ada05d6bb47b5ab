"""Many records in one request: create, update, upsert by key, delete, restore; all of it or a verdict for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response, request, url_for

from blueprints import context, errors
from blueprints.api import arguments
from blueprints.api.records import confirmed_in, entity_of, version_of
from blueprints.api.transfers import NOT_TEXT
from blueprints.api.writing import Written, write
from blueprints.limits import UNKNOWN_KEY, json_object, require_keys
from metadata.ids import is_uuid
from metadata.problems import BadRequest, PlatformError, Problem, TooLarge, kind, say
from runtime import records
from runtime.queries import Query
from runtime.records import Operation, Verdict
from runtime.transfer import bulk_edit
from runtime.workspace import Workspace

MOST_OPERATIONS = 1_000
_KEYS = ("action", "values", "id", "version", "by")
_TOTALS = frozenset({"updated", "unchanged", "failed"})
_ACTIONS = ("create", "update", "upsert", "delete", "restore")

NOT_OPERATIONS = kind(
    "bulk_operations",
    en='operations is a list of at least one object like {{"action": "create", "values": {{...}}}}.',
    zh='operations 是至少含一个对象的列表，例如 {{"action": "create", "values": {{...}}}}。',
)
TOO_MANY_OPERATIONS = kind(
    "bulk_too_many",
    en="At most {most} operations are taken at once. Send several requests, or import a file.",
    zh="一次最多 {most} 个操作。请分多次发送，或导入文件。",
)
NOT_AN_ACTION = kind(
    "bulk_action",
    en="action is one of: {known}.",
    zh="action 只能是：{known}。",
)
NOT_VALUES = kind(
    "bulk_values",
    en="values is an object of fields and their values.",
    zh="values 是由字段和值组成的对象。",
)
NOT_AN_ID = kind(
    "bulk_id",
    en="id is the id of a record, as text.",
    zh="id 是记录的 ID（文本）。",
)
NOT_KEYS = kind(
    "bulk_by",
    en="by is a list of field names that identify the record.",
    zh="by 是用于识别记录的字段名列表。",
)
NOT_A_FLAG = kind(
    "bulk_all_or_nothing",
    en="all_or_nothing is true or false.",
    zh="all_or_nothing 只能是 true 或 false。",
)


def bulk(entity: str) -> Response:
    """`{"operations": [...], "all_or_nothing": true}` -> `{"data": [{"verdict", "id", "version", "problems"}]}`.

    Or one change for many records: `{"where" | "q" | "ids", "values": {...}}`; above 500 records it becomes a job.
    """
    arguments.read(request)
    body, raw = json_object(request)
    if "operations" not in body:
        return _edit(entity, body, raw)
    require_keys(body, "operations", "all_or_nothing", "confirm")
    whole = body.get("all_or_nothing", True)
    if not isinstance(whole, bool):
        raise BadRequest(NOT_A_FLAG("all_or_nothing"))
    confirm = frozenset(confirmed_in(body))
    operations = [each._replace(confirm=confirm) for each in _operations(body.get("operations"))]

    def command(ws: Workspace) -> Written:
        verdicts = records.bulk(ws, entity_of(ws, entity), operations, all_or_nothing=whole)
        lang = context.language()  # the caller's own, which is known by now
        return Written({"data": [verdict_json(each, lang) for each in verdicts]})

    return write(command, raw)


def _edit(entity: str, body: dict[str, Any], raw: bytes) -> Response:
    """The same values for every record that a filter finds or that is named."""
    require_keys(body, "operations", "where", "q", "ids", "values", "confirm")
    values, ids = body.get("values"), body.get("ids")
    problems: list[Problem] = []
    if not isinstance(values, dict) or not values:
        problems.append(NOT_VALUES("values"))
    if ids is not None and not (isinstance(ids, list) and all(is_uuid(each) for each in ids)):
        problems.append(NOT_AN_ID("ids"))
    problems += [NOT_TEXT(key, key=key) for key in ("where", "q") if not isinstance(body.get(key, ""), str)]
    if not problems and not any(body.get(key) for key in ("where", "q", "ids")):
        problems.append(NOT_OPERATIONS("operations"))
    if problems:
        raise BadRequest(problems)
    chosen = None if ids is None else tuple(each.lower() for each in ids)
    confirm = confirmed_in(body)

    def command(ws: Workspace) -> Written:
        found = entity_of(ws, entity).id
        query = Query(found, where=body.get("where") or None, q=body.get("q") or None, ids=chosen)
        return _edited(bulk_edit.edit(ws, query, values or {}, confirm=confirm))

    return write(command, raw)


def _edited(edited: bulk_edit.Edited) -> Written:
    totals = {key: value for key, value in asdict(edited.totals).items() if key in _TOTALS}
    if edited.job is not None:
        return Written({"job": edited.job, "rows": edited.rows}, 202, url_for("api.job", id=edited.job))
    lang = context.language()
    refused = [{"id": row.record, "problems": [_said(each, lang) for each in row.problems]} for row in edited.verdicts]
    return Written({**totals, "rows": edited.rows, "refused": refused})


def _said(problem: Mapping[str, Any], lang: str) -> dict[str, Any]:
    return {**problem, "message": say(problem["message"], lang)}


def _operations(given: Any) -> list[Operation]:
    if not isinstance(given, list) or not given:
        raise BadRequest(NOT_OPERATIONS("operations"))
    if len(given) > MOST_OPERATIONS:
        raise TooLarge(TOO_MANY_OPERATIONS("operations", most=MOST_OPERATIONS))
    found: list[Operation] = []
    problems: list[Problem] = []
    for at, each in enumerate(given):
        wrong = _wrong(each)
        problems.extend(problem.under(f"operations.{at}") for problem in wrong)
        if not wrong:
            found.append(_operation(each))
    if problems:
        raise BadRequest(problems)
    return found


def _wrong(each: Any) -> list[Problem]:
    """What is wrong with the form of one operation; its values are the record's business."""
    if not isinstance(each, Mapping):
        return [NOT_OPERATIONS()]
    problems = [UNKNOWN_KEY(key, key=key, known=_KEYS) for key in each if key not in _KEYS]
    if each.get("action") not in _ACTIONS:
        problems.append(NOT_AN_ACTION("action", known=_ACTIONS))
    if not isinstance(each.get("values", {}), Mapping):
        problems.append(NOT_VALUES("values"))
    if not isinstance(each.get("id", ""), str):
        problems.append(NOT_AN_ID("id"))
    by = each.get("by", [])
    if not isinstance(by, list) or not all(isinstance(name, str) for name in by):
        problems.append(NOT_KEYS("by"))
    try:
        version_of(each.get("version"))
    except PlatformError as error:
        problems.extend(error.problems)
    return problems


def _operation(each: Mapping[str, Any]) -> Operation:
    values = dict(each.get("values", {}))
    # A version among the values is understood as everywhere else.
    version = each.get("version", values.pop("version", None))
    return Operation(each["action"], values, each.get("id"), version_of(version), tuple(each.get("by", ())))


def verdict_json(verdict: Verdict, lang: str) -> dict[str, Any]:
    return {
        "verdict": verdict.action,
        "id": verdict.id,
        "version": verdict.version,
        "problems": [errors.as_json(each, lang) for each in verdict.problems],
    }
