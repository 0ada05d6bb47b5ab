"""What runs and stored reasons say, in JSON as they are kept: a happening of a job, a reason with its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata.problems import LANGUAGES, Problem
from workflow.engine import (
    Answered,
    Begin,
    Came,
    Cancel,
    Due,
    Ended,
    Happened,
    Happening,
    Reason,
    Settled,
    TaskOver,
)


def happening_of(data: Mapping[str, Any], chain: tuple[str, ...]) -> Happening | None:
    """The happening that a job tells; None: what was not answered is asked again. Raises ValueError."""
    match data.get("kind"):
        case "begin":
            return Begin(chain)
        case "again":
            return None
        case "due":
            return Due(data["visit"], data["timer"])
        case "updated" | "deleted" as kind:
            return Happened(kind, data["record"], tuple(data["changed"]))
        case "task":
            return TaskOver(data["visit"], data["outcome"])
        case "settled":
            return Settled(data["visit"], data["outcome"])
        case "answered":
            return Answered(data["visit"], data["ok"], data.get("answer", {}))
        case "came":
            return Came(data["visit"], data["answer"])
        case "ended":
            return Ended(data["visit"], data["ok"])
        case "cancel":
            return Cancel(Reason(**data["reason"]))
    raise ValueError(f"a run cannot be told {data!r}")


def dumped(happening: Due | TaskOver | Settled | Answered | Came | Ended | Cancel) -> dict[str, Any]:
    """The same as JSON data, for the payload of a job."""
    match happening:
        case Due(visit, timer):
            return {"kind": "due", "visit": visit, "timer": timer}
        case TaskOver(visit, outcome):
            return {"kind": "task", "visit": visit, "outcome": outcome}
        case Settled(visit, outcome):
            return {"kind": "settled", "visit": visit, "outcome": outcome}
        case Answered(visit, ok, answer):
            return {"kind": "answered", "visit": visit, "ok": ok, "answer": dict(answer)}
        case Came(visit, answer):
            return {"kind": "came", "visit": visit, "answer": dict(answer)}
        case Ended(visit, ok):
            return {"kind": "ended", "visit": visit, "ok": ok}
        case Cancel(why):
            return {"kind": "cancel", "reason": dumped_reason(why)}


def dumped_reason(why: Reason) -> dict[str, Any]:
    return {"code": why.code, "texts": dict(why.texts), "step": why.step, "visit": why.visit}


def reason_of(problems: list[Problem]) -> Reason:
    """Several problems as one reason: the first one's code, and what all of them say."""
    texts = {lang: "; ".join(each.message(lang) for each in problems[:3]) for lang in LANGUAGES}
    return Reason(problems[0].code if problems else "failed", texts)
