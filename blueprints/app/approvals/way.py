"""The way of a request as a line from top to bottom: each node with its people, what they did, and what is ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.app.reading import Reader

_MARKS = {
    "pending": ("hourglass", "blue"),
    "waiting": ("circle-dashed", "gray"),
    "approving": ("hourglass", "cyan"),
    "approved": ("check", "green"),
    "rejected": ("x", "red"),
    "returned": ("arrow-back-up", "orange"),
    "transferred": ("transfer", "gray"),
    "expired": ("alarm", "orange"),
    "passed": ("check", "green"),
    "open": ("hourglass", "blue"),
    "ahead": ("circle-dashed", "gray"),
}
_SILENT = frozenset({"branch", "route", "action", "end"})
"""Kinds of nodes that only the engine cares about."""
_ALONE = frozenset({"human", "handle", "mend", "cc", "delay", "parallel"})


@dataclass(frozen=True, slots=True)
class Part:
    """One person at a node. `notes`: on whose behalf, added by whom, in whose place."""

    name: str
    state: str
    said: str
    icon: str
    tint: str
    notes: tuple[str, ...] = ()
    comment: str = ""
    at: str = ""
    iso: str = ""
    due: str = ""
    overdue: bool = False
    below: bool = False
    """Somebody whom another one has added."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One node on the line."""

    label: str
    icon: str
    tint: str
    note: str = ""
    parts: tuple[Part, ...] = ()
    undone: bool = False
    now: bool = False
    within: bool = False
    """It stands beside others."""
    ahead: bool = False


def moment(reader: Reader, iso: str | None) -> str:
    """A time in the reader's zone; empty for none."""
    return f"{reader.moment(iso):%Y-%m-%d %H:%M}" if iso else ""


def line(reader: Reader, route: Sequence[Mapping[str, Any]]) -> list[Stop]:
    """What has been, and where it is."""
    together = {each["visit"] for each in route if each["kind"] == "parallel"}
    return [_stop(reader, each, each["within"] in together) for each in route if each["kind"] in _ALONE]


def to_come(reader: Reader, steps: Iterable[Mapping[str, Any]]) -> list[Stop]:
    """What is left if everybody approves: `label`, `kind`, `people` (names), `picks` and `outcome` of each node."""
    icon, tint = _MARKS["ahead"]
    found = []
    for each in steps:
        copied = each["kind"] == "cc"
        said = reader.words("approval_task_copied" if copied else "approval_task_ahead")
        parts = tuple(Part(name, "ahead", said, icon, tint) for name in each["people"])
        note = _note(reader, each["outcome"])
        if each["picks"] and not parts:
            note = reader.words(f"approval_{each['picks']}")
        found.append(Stop(each["label"], "mail" if copied else icon, tint, note, parts, ahead=True))
    return found


def foreseen(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The nodes of `runtime.approvals.preview` that ask or tell somebody, as `to_come` takes them."""
    return [
        {**each, "people": [(task["assignee"] or {}).get("name") or "–" for task in each["tasks"]]}
        for each in told["route"]
        if each["tasks"] or each["picks"] or each["kind"] == "human"
    ]


def _note(reader: Reader, outcome: str) -> str:
    return reader.words(f"approval_outcome_{outcome}") if outcome in _OUTCOMES else ""


def _stop(reader: Reader, visit: Mapping[str, Any], within: bool) -> Stop:
    words, kind = reader.words, visit["kind"]
    if kind == "parallel":
        return Stop(words("approval_together"), "arrows-split-2", "gray", undone=visit["undone"])
    # A task that was opened again stands for itself: the one that it replaces is told by the history.
    parts = tuple(_part(reader, kind, each) for each in visit["tasks"])
    icon, tint = _MARKS.get(visit["state"], ("circle-minus", "gray"))
    if kind == "cc":
        icon, tint = "mail", "gray"
    elif kind == "delay":
        icon = "clock-pause"
    label = words("approval_delay") if kind == "delay" and visit["label"] == visit["node"] else visit["label"]
    return Stop(
        label, icon, tint, _note(reader, visit["outcome"]), parts, visit["undone"], visit["state"] == "open", within
    )


_OUTCOMES = frozenset({"empty_approve", "empty_reject", "admin", "duplicate"})


def _part(reader: Reader, kind: str, task: Mapping[str, Any]) -> Part:
    words, state = reader.words, task["state"]
    icon, tint = _MARKS.get(state, ("circle-minus", "gray"))
    due = task["due"]
    return Part(
        _name(task["assignee"]),
        state,
        words(f"approval_task_{_state(kind, state)}"),
        icon,
        tint,
        tuple(_notes(reader, task)),
        task["comment"],
        moment(reader, task["decided_at"]),
        task["decided_at"] or "",
        moment(reader, due),
        due is not None and dt.datetime.fromisoformat(due) < reader.ws.now,
        task["parent"] is not None,
    )


def _state(kind: str, state: str) -> str:
    own = {("handle", "approved"): "handled", ("mend", "pending"): "mend", ("mend", "approved"): "resubmitted"}
    return own.get((kind, state), state)


def _notes(reader: Reader, task: Mapping[str, Any]) -> Iterable[str]:
    words = reader.words
    if task["behalf"]:
        yield words("approval_for", who=_name(task["behalf"]))
    if task["deputy"] and task["state"] in ("pending", "waiting"):
        yield words("approval_or", who=_name(task["deputy"]))
    decided, assignee = task["decided_by"], task["assignee"]
    if decided and assignee and decided["id"] != assignee["id"]:
        yield words("approval_by", who=_name(decided))
    if task["original_assignee"]:
        yield words("approval_instead_of", who=_name(task["original_assignee"]))
    if task["kind"] in ("before", "after", "alongside", "delegate"):
        yield words(f"approval_signer_{task['kind']}")
        if task["added_by"]:
            yield words("approval_added_by", who=_name(task["added_by"]))
    if task["reason"] == "duplicate":
        yield words("approval_by_itself")


def _name(person: Mapping[str, str] | None) -> str:
    return (person or {}).get("name") or "–"


def waiting_for(reader: Reader, names: Sequence[str], node: str = "") -> str:
    """`Waiting for Ada and 2 more (Finance)`; empty when nobody is asked."""
    unique = list(dict.fromkeys(each for each in names if each))
    if not unique:
        return ""
    who = unique[0]
    if len(unique) > 1:
        who = reader.words("approval_and_more", who=who, count=len(unique) - 1)
    if node:
        return reader.words("approval_waits_for_at", who=who, node=node)
    return reader.words("approval_waits_for", who=who)
