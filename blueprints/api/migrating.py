"""Moving the open runs of a workflow to today's release over REST: tried first, then done."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.api import arguments
from blueprints.api.writing import Written, write
from blueprints.limits import json_object, require_keys
from metadata.problems import Invalid, kind
from runtime.processes import migrating
from runtime.processes.migrating import Planned
from runtime.workspace import Workspace

NOT_A_FLAG = kind(
    "move_flag",
    en="{key} is true or false.",
    zh="{key} 应为 true 或 false。",
)


def move(name: str) -> Response:
    """`{steps: {old: new}, dry_run?, skip?}`: where each run stands and lands. Without `dry_run` they are moved."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "steps", "dry_run", "skip")
    for key in ("dry_run", "skip"):
        if not isinstance(body.get(key, False), bool):
            raise Invalid(NOT_A_FLAG(key, key=key))
    steps, dry = body.get("steps", {}), body.get("dry_run", False)

    def command(ws: Workspace) -> Written:
        planned = migrating.plan(ws, name, steps)
        moving = 0 if dry else migrating.ask(ws, planned, steps, skip=body.get("skip", False))
        lang = context.language()
        return Written({"data": [_told(each, lang) for each in planned], "moving": moving}, 200 if dry else 202)

    return write(command, raw)


def _told(planned: Planned, lang: str) -> dict[str, Any]:
    return {
        "run": planned.run.id,
        "release": planned.run.release,
        "places": [{"step": each.step, "to": each.to, "kept": each.kept} for each in planned.landings],
        "begins": list(planned.begins),
        "problems": [{"code": each.code, "message": each.message(lang)} for each in planned.problems],
    }
