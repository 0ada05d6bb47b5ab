"""`/events`: the change feed, for programs that follow what happens."""

from __future__ import annotations

from flask import Response, request

from blueprints import context, visibility
from blueprints.answers import json_answer
from blueprints.api import arguments
from metadata.problems import BadRequest, Forbidden, Problem, kind
from runtime import queries
from runtime.workspace import Workspace

MAY_NOT_FOLLOW = kind(
    "feed_not_allowed",
    en="None of your roles lets you follow the change feed. Ask an administrator for the capability `feed`.",
    zh="您的角色无权读取变更流。请联系管理员授予 `feed` 能力。",
)


def events() -> Response:
    """Events in the order of their positions, from the one after `after`."""
    given = arguments.read(request, "after", "limit")
    problems: list[Problem] = []
    limit = arguments.limit(given, problems)
    if problems:
        raise BadRequest(problems)
    after = arguments.number(given, "after", 0) or 0

    def ask(ws: Workspace) -> dict[str, object]:
        if not visibility.has_capability(ws, "feed"):
            raise Forbidden(MAY_NOT_FOLLOW())
        return queries.feed(ws, after=after, limit=limit)

    return json_answer(context.perform(ask))
