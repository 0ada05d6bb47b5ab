"""One run of a workflow: where it stands, what it waits for, what it has made. It is JSON between two happenings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from metadata.model import EMPTY
from metadata.workflows import Workflow
from workflow import walking
from workflow.engine.reasons import Reason
from workflow.walking import Walk

State = Literal["running", "waiting", "done", "failed", "cancelled", "stopped"]
"""`running`: an effect is to be performed and answered. `waiting`: only for somebody or something outside."""
FINAL: frozenset[State] = frozenset({"done", "failed", "cancelled", "stopped"})

On = Literal["effect", "timer", "event", "message", "task", "approval", "answer", "workflow", "block"]
TimerKind = Literal["over", "late"]
"""`over`: the wait itself is over. `late`: its timeout."""

SHAPE = 1
"""Number of the shape that `dumped` gives. Whoever changes the shape counts on, and teaches `loaded` the old one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one token waits for.

    `effect`: `Performed` or `Failed`; `timer`: `Due`; `event`: `Happened`; `message`: `Came`; `task`: `TaskOver`;
    `approval`: `Settled`; `answer`: `Answered`; `workflow`: `Ended`; `block`: the steps within it.
    """

    on: On
    opened: str | None = None
    """Id of the task, approval request, job or instance that its effect opened."""
    timers: tuple[TimerKind, ...] = ()
    """The timers that are set for it."""
    event: Literal["updated", "deleted"] | None = None
    entity: str | None = None
    record: str | None = None
    """`event`: whose event it is."""
    key: str | None = None
    """`message`: the value that must stand in it."""
    rest: tuple[str, ...] = ()
    """`for_each`: ids of the records that are still to come."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One run. Every token of `walk` has its entry in `waits` whenever `advance` returns."""

    id: str
    workflow: str
    """Id of the workflow."""
    release: int
    """Number of the release whose definition it runs to its end."""
    entity: str
    record: str | None
    """Id of the record that the run is about."""
    depth: int = 0
    """How many runs led to this one, each started by what the one before did; 0: somebody or something outside."""
    state: State = "running"
    walk: Walk = dataclasses.field(default_factory=Walk)
    waits: Mapping[int, Waiting] = dataclasses.field(default_factory=dict)
    """Visit -> what its token waits for."""
    made: Mapping[str, str] = dataclasses.field(default_factory=lambda: EMPTY)
    """Id of a `create` step -> id of the record that it made, lately."""
    steps_done: int = 0
    """How many steps have been entered."""
    error: Reason | None = None
    """Why it failed, was stopped or was cancelled."""

    @property
    def is_over(self) -> bool:
        return self.state in FINAL

    @property
    def listens(self) -> frozenset[tuple[str, str, str]]:
        """The events that it waits for: (`updated` or `deleted`, entity, record)."""
        waits = self.waits.values()
        return frozenset((w.event, w.entity, w.record) for w in waits if w.event and w.entity and w.record)


def new_instance(id: str, workflow: Workflow, *, release: int, record: str | None, depth: int = 0) -> Instance:
    """A run that has not begun: the happening `Begin` lets it begin."""
    return Instance(id, workflow.id, release, workflow.entity, record, depth)


class UnknownShape(ValueError):
    """Stored data are not a run as this version knows it. Nothing of it is guessed."""


_PLAIN = ("id", "workflow", "release", "entity", "record", "depth", "state", "steps_done")
_KEYS = frozenset({"shape", *_PLAIN, "walk", "waits", "made", "error"})
_WAITING = {each.name: each.default for each in dataclasses.fields(Waiting)}
_REASON = frozenset(each.name for each in dataclasses.fields(Reason))
_KINDS: Mapping[str, tuple[type, ...]] = {
    "id": (str,),
    "workflow": (str,),
    "release": (int,),
    "entity": (str,),
    "record": (str, type(None)),
    "depth": (int,),
    "state": (str,),
    "steps_done": (int,),
    "walk": (dict,),
    "waits": (dict,),
    "made": (dict,),
    "error": (dict, type(None)),
}


def dumped(instance: Instance) -> dict[str, Any]:
    """As JSON data."""
    return {
        "shape": SHAPE,
        **{name: getattr(instance, name) for name in _PLAIN},
        "walk": walking.dumped(instance.walk),
        "waits": {str(visit): _dumped_waiting(each) for visit, each in instance.waits.items()},
        "made": dict(instance.made),
        "error": None if instance.error is None else _dumped_reason(instance.error),
    }


def loaded(data: Mapping[str, Any]) -> Instance:
    """What `dumped` gave. Raises UnknownShape for another shape, and for anything missing or not known in it."""
    if data.get("shape") != SHAPE:
        raise UnknownShape(f"a run of shape {data.get('shape')!r}; this version knows shape {SHAPE}")
    _require_keys("run", data, _KEYS)
    for name, types in _KINDS.items():
        if not isinstance(data[name], types):
            raise UnknownShape(f"{name} of a run is {data[name]!r}")
    if data["state"] not in get_args(State):
        raise UnknownShape(f"a run in the state {data['state']!r}")
    try:
        walk = walking.loaded(data["walk"])
        waits = {int(visit): _loaded_waiting(each) for visit, each in data["waits"].items()}
    except UnknownShape:
        raise
    except (AssertionError, KeyError, TypeError, ValueError) as wrong:
        raise UnknownShape(f"a run whose place cannot be read: {wrong!r}") from wrong
    if {each.visit for each in walk.tokens} != waits.keys():
        raise UnknownShape("a run whose tokens and waits are not of one another")
    return Instance(
        **{name: data[name] for name in _PLAIN},
        walk=walk,
        waits=waits,
        made=dict(data["made"]),
        error=None if data["error"] is None else _loaded_reason(data["error"]),
    )


def _require_keys(what: str, data: Mapping[str, Any], keys: frozenset[str]) -> None:
    if data.keys() != keys:
        raise UnknownShape(f"a {what} with other entries than known: {sorted(data.keys() ^ keys)}")


def _dumped_waiting(waiting: Waiting) -> dict[str, Any]:
    """Only what differs from the default: most waits are one word."""
    found = {name: getattr(waiting, name) for name, default in _WAITING.items()}
    kept = {name: value for name, value in found.items() if value != _WAITING[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def _loaded_waiting(data: Mapping[str, Any]) -> Waiting:
    if unknown := data.keys() - _WAITING.keys():
        raise UnknownShape(f"a wait with other entries than known: {sorted(unknown)}")
    if data.get("on") not in get_args(On):
        raise UnknownShape(f"a wait on {data.get('on')!r}")
    found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return Waiting(**found)


def _dumped_reason(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "texts": dict(reason.texts), "step": reason.step, "visit": reason.visit}


def _loaded_reason(data: Mapping[str, Any]) -> Reason:
    _require_keys("reason", data, _REASON)
    return Reason(**data)
