"""Records over REST: list, read, create, change, delete, restore, history, related lists, sums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from blueprints import context, visibility
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.writing import Written, write
from blueprints.limits import json_object, require_keys
from metadata.model import Entity
from metadata.problems import BadRequest, Invalid, NotFound, Problem, kind
from runtime import queries, records
from runtime.queries import Page, Query
from runtime.queries.query import unknown_entity
from runtime.workspace import Workspace

NOT_A_VERSION = kind(
    "version_bad",
    en="version is the number that the record had when you read it.",
    zh="version 应为读取记录时的版本号（整数）。",
)

NOT_CONFIRMED = kind(
    "confirm_bad",
    en='confirm is a list of names of rules whose warnings were read: ["late"], or ["*"] for all.',
    zh='confirm 是已确认提醒的规则名列表，例如 ["late"]，或用 ["*"] 表示全部。',
)
NOT_A_MERGE = kind(
    "merge_bad",
    en="A merge is {{survivor, others, choices?, versions?, confirm?}}: an id, a list of ids, ids by field, versions "
    "by id, a list of rules.",
    zh="合并请求应为 {{survivor, others, choices?, versions?, confirm?}}：ID、ID 列表、字段对应的 ID、"
    "ID 对应的版本号、规则名列表。",
)


def entity_of(ws: Workspace, name: str) -> Entity:
    """The entity of an address. Raises NotFound."""
    found = ws.model.entity(name)
    if found is None:
        raise NotFound(unknown_entity(name=name))
    return found


def find(entity: str) -> Response:
    """A page of records: `{"data", "next", "count", "capped"}`."""
    shape = arguments.listing(request)
    return json_answer(context.perform(lambda ws: listed(queries.find(ws, Query(entity_of(ws, entity).id, **shape)))))


def listed(page: Page) -> dict[str, Any]:
    return {
        "data": queries.as_json(page, dates_as_text=False),
        "next": page.next,
        "count": page.count,
        "capped": page.capped,
    }


def get(entity: str, id: str) -> Response:
    given = arguments.read(request, "fields")
    problems: list[Problem] = []
    fields = arguments.names(given, "fields", problems)
    if problems:
        raise BadRequest(problems)
    return json_answer(context.perform(lambda ws: queries.get(ws, entity_of(ws, entity).id, id, fields)))


def create(entity: str) -> Response:
    """201 with the record as it was saved. `?confirm=<rule>`: its warning does not stop it."""
    confirm = confirmed(arguments.read(request, "confirm"))
    body, raw = json_object(request)

    def command(ws: Workspace) -> Written:
        kind_of = entity_of(ws, entity)
        record = records.create(ws, kind_of, body, confirm)
        location = f"{request.script_root}{request.path}/{record.id}"
        return Written(records.as_json(ws, record), 201, location)

    return write(command, raw)


def update(entity: str, id: str) -> Response:
    """Change the fields that are sent. With a `version` that is no longer the record's: 409 with what differs."""
    confirm = confirmed(arguments.read(request, "confirm"))
    body, raw = json_object(request)
    version = version_of(body.pop("version", None))

    def command(ws: Workspace) -> Written:
        return Written(records.as_json(ws, records.update(ws, entity_of(ws, entity), id, body, version, confirm)))

    return write(command, raw)


def confirmed(given: Mapping[str, str]) -> tuple[str, ...]:
    """The rules whose warnings the caller has confirmed: `confirm=late,large`. Raises BadRequest."""
    problems: list[Problem] = []
    found = arguments.names(given, "confirm", problems) or ()
    if problems:
        raise BadRequest(problems)
    return found


def confirmed_in(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The same as a member of a body: `"confirm": ["late"]`. Raises BadRequest."""
    given = body.get("confirm", [])
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise BadRequest(NOT_CONFIRMED("confirm"))
    return tuple(given)


def delete(entity: str, id: str) -> Response:
    """Into the recycle bin, together with what lives with the record."""
    version = arguments.number(arguments.read(request, "version"), "version", None, 1)

    def command(ws: Workspace) -> Written:
        return Written({"deletion": records.delete(ws, entity_of(ws, entity), id, version)})

    return write(command)


def restore(entity: str, id: str) -> Response:
    """Out of the recycle bin, with exactly what was deleted together with it."""
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        kind_of = entity_of(ws, entity)
        records.restore(ws, kind_of, id)
        return Written(queries.get(ws, kind_of.key, id))

    return write(command)


def merge(entity: str) -> Response:
    """Several records into one of them: `{"record", "merged", "moved"}`, `moved` telling how many links by entity."""
    arguments.read(request)
    body, raw = json_object(request)
    asked = _merging(body)

    def command(ws: Workspace) -> Written:
        kind_of = entity_of(ws, entity)
        found = records.merge(ws, kind_of, **asked)
        known = [each for each in map(ws.model.entity, found.moved) if each is not None]
        moved = {each.key: found.moved[each.id] for each in known if visibility.may(ws, each, "read")}
        return Written({"record": records.as_json(ws, found.record), "merged": list(found.others), "moved": moved})

    return write(command, raw)


def _merging(body: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a merge as they were sent. Raises BadRequest, Invalid."""
    require_keys(body, "survivor", "others", "choices", "versions", "confirm")
    others, choices, versions = body.get("others"), body.get("choices", {}), body.get("versions", {})
    texts = isinstance(choices, dict) and all(isinstance(each, str) for each in choices.values())
    listed = isinstance(others, list) and all(isinstance(each, str) for each in others)
    if not isinstance(body.get("survivor"), str) or not listed or not texts or not isinstance(versions, dict):
        raise Invalid(NOT_A_MERGE())
    read = {id: version_of(given) for id, given in versions.items()}
    return {
        "survivor": body["survivor"],
        "others": others,
        "choices": choices,
        "versions": {id: version for id, version in read.items() if version is not None},
        "confirm": confirmed_in(body),
    }


def version_of(given: Any) -> int | None:
    if given is None or (isinstance(given, int) and not isinstance(given, bool) and 0 < given < 2**62):
        return given
    raise Invalid(NOT_A_VERSION("version"))


def aggregate(entity: str) -> Response:
    """Groups with their measures: `?group=stage&measures=count,sum(amount)`."""
    given = arguments.read(request, "group", "measures", "where", "q")
    problems: list[Problem] = []
    group = arguments.names(given, "group", problems) or ()
    measures = arguments.names(given, "measures", problems) or ("count",)
    if problems:
        raise BadRequest(problems)
    where, q = given.get("where") or None, given.get("q") or None
    found = context.perform(lambda ws: queries.aggregate(ws, entity_of(ws, entity).id, group, measures, where, q))
    return json_answer({"data": found})


def related(entity: str, id: str, key: str) -> Response:
    """The records that point at this one through one of its related lists."""
    shape = arguments.listing(request, "deleted")
    return json_answer(
        context.perform(lambda ws: listed(queries.related(ws, entity_of(ws, entity).id, id, key, **shape)))
    )


def history(entity: str, id: str) -> Response:
    given = arguments.read(request, "after", "limit")
    problems: list[Problem] = []
    limit = arguments.limit(given, problems)
    if problems:
        raise BadRequest(problems)
    after = given.get("after") or None
    return json_answer(
        context.perform(lambda ws: queries.history(ws, entity_of(ws, entity).id, id, after=after, limit=limit))
    )
