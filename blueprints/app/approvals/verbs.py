"""What somebody may do to a request, as forms: the decision itself, and the other verbs with what each asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.app import controls
from blueprints.app.approvals import fields
from blueprints.app.approvals.fields import Pick
from blueprints.app.reading import Reader
from metadata.model import Entity

_ICONS = {
    "return": "arrow-back-up",
    "add_signer": "user-plus",
    "remove_signer": "user-minus",
    "transfer": "transfer",
    "delegate": "message-circle-question",
    "withdraw": "arrow-forward-up",
    "take_back": "arrow-back-up",
    "reassign": "transfer",
    "jump": "player-skip-forward",
    "terminate": "ban",
    "void": "ban",
}
_MENU = tuple(_ICONS)
_ADMIN = frozenset({"reassign", "jump", "terminate", "void"})
_HARSH = frozenset({"terminate", "void", "withdraw"})
_HELPED = frozenset({"transfer", "delegate", "withdraw", "take_back", "terminate", "void"})
_SAYS = frozenset(_MENU)
"""Verbs with a place for a comment."""
_REASON = frozenset({"transfer"})
"""The engine asks for a comment although `allowed` does not say so."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What was refused, and why."""

    verb: str
    task: str
    messages: tuple[str, ...]
    calm: bool
    """Somebody else was faster: nothing that he did wrong."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one task asks of the actor."""

    task: str
    node: str
    title: str
    approve: str
    """What its button says."""
    rejects: bool
    comment: bool
    """Needed to approve. To reject it may be needed besides."""
    reason: bool
    signature: controls.Control | None
    write: tuple[controls.Control, ...]
    picks: tuple[Pick, ...]
    others: tuple[tuple[str, str], ...] = ()
    """Node and address of further tasks that wait for him."""


@dataclass(frozen=True, slots=True)
class Act:
    """One of the other verbs, with what its form asks for."""

    verb: str
    label: str
    button: str
    icon: str
    help: str
    task: str
    targets: tuple[tuple[str, str], ...] = ()
    tasks: tuple[tuple[str, str], ...] = ()
    """To choose one of: id and whose it is."""
    person: controls.Control | None = None
    people: controls.Control | None = None
    how: bool = False
    says: bool = False
    needs: bool = False
    harsh: bool = False
    admin: bool = False
    open: bool = False


def tasks_of(told: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every task with its visit, by id."""
    return {task["id"]: (visit, task) for visit in told["route"] for task in visit["tasks"]}


def current(told: Mapping[str, Any]) -> dict[str, Any]:
    """The record's values as they are now, as far as the actor is shown them."""
    record = told["record"]
    return {**record["fields"], **{key: both["now"] for key, both in record["moved"].items()}}


def decision(
    reader: Reader, entity: Entity, told: Mapping[str, Any], wanted: str, wrong: Wrong | None
) -> Decision | None:
    """What the actor is asked: by the task that he came for, else the first."""
    mine = [each for each in told["verbs"] if each["verb"] == "approve"]
    if not mine:
        return None
    verb = next((each for each in mine if each["task"] == wanted), mine[0])
    known, words, task = tasks_of(told), reader.words, verb["task"]
    visit, about = known[task]
    others = {each["verb"]: each for each in told["verbs"] if each.get("task") == task}
    handles, opinion = visit["kind"] == "handle", about["kind"] == "delegate"
    title = "approval_your_opinion" if opinion else "approval_your_task" if handles else "approval_your_decision"
    shown = wrong is not None and wrong.verb in ("approve", "reject") and wrong.task in ("", task)
    return Decision(
        task,
        visit["label"],
        words(title),
        words("approval_handle" if handles and not opinion else "approval_approve"),
        "reject" in others,
        verb["comment"],
        bool(others.get("reject", {}).get("comment")),
        fields.signature(reader, entity, shown) if verb["signature"] else None,
        fields.writable(reader, entity, verb["write"], current(told), shown),
        fields.picks(reader, entity, verb["pick"], False, shown),
        tuple((each["task"], known[each["task"]][0]["label"]) for each in mine if each["task"] != task),
    )


def acts(reader: Reader, entity: Entity, told: Mapping[str, Any], task: str, wrong: Wrong | None) -> tuple[Act, ...]:
    """The other verbs: of the task that is being decided, of the request, of those who look after it."""
    return tuple(_acts(reader, entity, told, task, wrong))


def _acts(reader: Reader, entity: Entity, told: Mapping[str, Any], task: str, wrong: Wrong | None) -> Iterator[Act]:
    known, reassigned = tasks_of(told), []
    for verb in told["verbs"]:
        name, of = verb["verb"], verb.get("task", "")
        if name == "reassign":
            reassigned.append((of, _whose(known, of)))
        elif name in _MENU and (name not in _OF_DECISION or of == task):
            yield _act(reader, entity, verb, known, wrong)
    if reassigned:
        yield _act(reader, entity, {"verb": "reassign", "comment": True}, known, wrong, tuple(reassigned))


_OF_DECISION = frozenset({"return", "add_signer", "transfer", "delegate"})


def _whose(known: Mapping[str, Any], task: str) -> str:
    visit, about = known[task]
    return f"{(about['assignee'] or {}).get('name', '')} · {visit['label']}"


def _act(
    reader: Reader,
    entity: Entity,
    verb: Mapping[str, Any],
    known: Mapping[str, Any],
    wrong: Wrong | None,
    tasks: Sequence[tuple[str, str]] = (),
) -> Act:
    words, name, task = reader.words, verb["verb"], verb.get("task", "")
    shown = wrong is not None and wrong.verb == name and wrong.task == task
    who = (known[task][1]["assignee"] or {}).get("name", "") if name == "remove_signer" else ""
    return Act(
        name,
        words(f"approval_{name}", who=who),
        words(f"approval_{name}_button"),
        _ICONS[name],
        words(f"approval_{name}_help") if name in _HELPED else "",
        task,
        tuple((each["to"], each["label"]) for each in verb.get("targets", ())),
        tuple(tasks),
        fields.person_control(reader, entity, name, shown) if name in ("transfer", "delegate", "reassign") else None,
        fields.people_control(reader, entity, name, shown) if name == "add_signer" else None,
        name == "add_signer",
        name in _SAYS,
        bool(verb.get("comment")) or name in _REASON,
        name in _HARSH,
        name in _ADMIN,
        shown,
    )


def may(told: Mapping[str, Any], verb: str) -> bool:
    return any(each["verb"] == verb for each in told["verbs"])
