"""What a change of each section may do to stored values and to people's access."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from metadata.changes import RISKS as GRAVITY
from metadata.changes import Kind, Risk
from metadata.storage import TEXTS

Classify = Callable[[Kind, tuple[str, ...], Any, Any], Risk]
"""(kind, path below the element, before, after) -> risk."""


def always(risk: Risk) -> Classify:
    """Every change of an element has the same risk."""
    return lambda kind, path, before, after: risk


def of_entity(kind: Kind, path: tuple[str, ...], before: Any, after: Any) -> Risk:
    """The risk of one change inside an entity."""
    match path:
        case ():
            return "destroys" if kind == "removed" else "safe"
        case ("owned" | "parent" | "via",):
            return "access"
        case ("indexes", _):
            return "tightens" if kind == "added" and after.get("unique") else "safe"
        case ("indexes", *_):
            return "tightens"
        case ("fields", _):
            return _of_field(kind, after)
        case ("fields", _, "computed", "disclose"):
            return "access"
        case ("fields", _, "computed", *_):
            return "rewrites"
        case ("fields", _, *rest):
            return _of_property(kind, tuple(rest), before, after)
    return "safe"


def _of_field(kind: Kind, after: Any) -> Risk:
    if kind == "removed":
        return "destroys"
    if after.get("computed"):
        return "rewrites"
    return "tightens" if after.get("required") else "safe"


def _of_property(kind: Kind, path: tuple[str, ...], before: Any, after: Any) -> Risk:
    match path:
        case ("required" | "unique",):
            return "tightens" if after else "safe"
        case ("type",):
            return "tightens" if before in TEXTS and after in TEXTS else "rewrites"
        case ("to",):
            widened = set(before or ()) <= set(after or ()) and len(before or ()) > 1
            return "safe" if widened else "rewrites"
        case ("sensitivity",):
            return "access"
        case ("options", _, "given") | ("props", "depends_on"):
            return "tightens" if after else "safe"
        case ("options", _):
            return "destroys" if kind == "removed" else "safe"
        case ("props",):
            old, new = before or {}, after or {}
            below = (_of_property("changed", ("props", each), old.get(each), new.get(each)) for each in {**old, **new})
            return max(below, key=GRAVITY.index, default="safe")
        case ("props", "encrypted"):
            return "rewrites" if bool(before) != bool(after) else "safe"
        case ("props", "scale"):
            return "rewrites" if before != after else "safe"
        case ("props", "max"):
            return "tightens" if after is not None and (before is None or _less(after, before)) else "safe"
        case ("props", "min"):
            return "tightens" if after is not None and (before is None or _less(before, after)) else "safe"
    return "safe"


def of_workflow(kind: Kind, path: tuple[str, ...], before: Any, after: Any) -> Risk:
    """The risk of one change inside a workflow: with a role it does what those who cause it could not."""
    match path:
        case ():
            return "access" if any(each and "run_as" in each for each in (before, after)) else "safe"
        case ("run_as",) | ("triggers", _, "roles"):
            return "access"
    return "safe"


def _less(one: Any, two: Any) -> bool:
    try:
        return bool(float(one) < float(two))
    except (TypeError, ValueError):
        return bool(str(one) < str(two))


RISKS: Mapping[str, Classify] = MappingProxyType(
    {"entities": of_entity, "roles": always("access"), "workflows": of_workflow}
)
"""By section; what is not here is always safe."""
