"""The nodes of an approval: what was written made into the model's nodes, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.approvals import (
    Branch,
    Copy,
    Delay,
    Human,
    Mode,
    Node,
    Nodes,
    Route,
    SetFields,
    Timeout,
    Together,
    Way,
)
from metadata.documents.marked import Map
from metadata.model import EMPTY
from metadata.problems import Label
from metadata.section import label_of, said_id
from metadata.sections.approvals import refusals as r
from metadata.sections.approvals.people import People
from metadata.sections.approvals.reading import Path, Reader

_ASKS = (
    *("who", "mode", "empty", "empty_users", "self", "return_to", "comment_on", "sign", "bulk", "fields", "timeout"),
    "cap",
)
KEYS: Mapping[str, tuple[str, ...]] = {
    "approve": (*_ASKS, "reject"),
    "handle": _ASKS,
    "cc": ("who",),
    "branch": ("ways", "else"),
    "inclusive": ("ways", "else"),
    "parallel": ("branches",),
    "route": ("to", "when"),
    "delay": ("span", "calendar"),
    "set": ("values",),
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "approve": ("who",),
    "handle": ("who",),
    "cc": ("who",),
    "branch": ("ways",),
    "inclusive": ("ways",),
    "parallel": ("branches",),
    "route": ("to",),
    "delay": ("span",),
    "set": ("values",),
}
MODES: Mapping[str, tuple[str, ...]] = {
    "sequential": ("veto",),
    "all": ("wait_all", "veto"),
    "any": ("any_reject", "veto"),
    "ratio": ("at_least", "veto"),
    "weighted": ("at_least", "weights", "veto"),
    "random": (),
}
RETURNS = ("initiator", "previous", "any_passed")
RESERVED = frozenset({*RETURNS, "assignee", "else"})
NODES: Label = {"en": "the nodes of this approval", "zh": "此审批的节点"}
_ASKED_ELSEWHERE = ("escalate", "transfer")


def names_of(data: Any) -> Mapping[str, str]:
    """Key or id -> id of every node that is written in a block and within it. An id counts before a key."""
    found = dict(_named(data))
    return {**found, **{id: id for id in found.values()}}


def _named(block: Any) -> Iterator[tuple[str, str]]:
    for name, said in block.items() if isinstance(block, Map) else ():
        if not isinstance(said, Map):
            continue
        yield name, said_id(name, said)
        yield from _named(said.get("else"))
        for way in _values(said, "ways"):
            yield from _named(way.get("nodes") if isinstance(way, Map) else None)
        for branch in _values(said, "branches"):
            yield from _named(branch)


def _values(data: Map, key: str) -> tuple[Any, ...]:
    held = data.get(key)
    return tuple(held.values()) if isinstance(held, Map) else ()


@dataclass(frozen=True, slots=True)
class NodeReader:
    """Reads blocks of nodes. `places`: id of each node that was read -> where it was written."""

    reader: Reader
    people: People
    names: Mapping[str, str]
    places: dict[str, Path] = field(default_factory=dict)

    def named(self, name: str, path: Path, *, at_key: bool = False) -> str | None:
        """The id of the node that a place names; a problem when there is none."""
        if name not in self.names:
            known = sorted(self.names)
            self.reader.compilation.unknown(self.reader.element, name, known, NODES, *path, at_key=at_key)
        return self.names.get(name)

    def block(self, data: Map, key: str, at: Path) -> Nodes:
        """The nodes of the block that a key holds."""
        found: list[Node] = []
        for name, said in self.reader.entries(data, key):
            if not isinstance(said, Map) or said.get("type") not in KEYS:
                continue
            here, id = (*at, key, name), said_id(name, said)
            if id in RESERVED:
                self.reader.refuse(r.NAME_RESERVED, *here, at_key=True, name=id)
            if id in self.places:
                self.reader.refuse(r.NAME_TAKEN, *here, at_key=True, name=id)
                continue
            self.places[id] = here
            found.append(self._node(id, name, said, here))
        return tuple(found)

    def _node(self, id: str, name: str, data: Map, at: Path) -> Node:
        type = data["type"]
        self.reader.allow(data, at, type, KEYS[type], NEEDED[type])
        make: Callable[[str, Label, Map, Path], Node] = {
            "approve": self._human,
            "handle": self._human,
            "cc": self._copy,
            "branch": self._branch,
            "inclusive": self._branch,
            "parallel": self._parallel,
            "route": self._route,
            "delay": self._delay,
            "set": self._set,
        }[type]
        return make(id, label_of(data, name), data, at)

    def _human(self, id: str, label: Label, data: Map, at: Path) -> Human:
        given: dict[str, Any] = {key: data[key] for key in ("empty", "reject", "sign", "bulk", "cap") if key in data}
        self._together(data.get("empty") == "users", "empty: users", "empty_users" in data, "empty_users", at)
        timeout = data.get("timeout")
        return Human(
            id,
            label,
            **given,
            handle=data["type"] == "handle",
            who=self.people.read(data, "who", at, "node"),
            mode=self._mode(data, at),
            empty_users=self.people.read(data, "empty_users", at, "other"),
            self_=data.get("self", "allow"),
            **self._return_to(data, at),
            comment_on=tuple(each for each in ("approve", "reject", "return") if self._has(data, "comment_on", each)),
            fields=self._fields(data, at),
            timeout=self._timeout(timeout, (*at, "timeout")) if isinstance(timeout, Map) else None,
        )

    def _together(self, one: bool, name: str, other: bool, other_name: str, at: Path) -> None:
        """Refuse one of two things that are said together or not at all."""
        if one != other:
            key, type = (other_name, name) if one else (name, other_name)
            self.reader.refuse(r.MISSING, *at, at_key=True, key=key, type=type)

    def _return_to(self, data: Map, at: Path) -> dict[str, Any]:
        found: dict[str, None] = {}
        for name, _ in self.reader.entries(data, "return_to"):
            id = name if name in RETURNS else self.named(name, (*at, "return_to", name), at_key=True)
            if id is not None:
                found[id] = None
        return {"return_to": tuple(found)} if "return_to" in data else {}

    def _fields(self, data: Map, at: Path) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for name, right in self.reader.entries(data, "fields"):
            path = (*at, "fields", name)
            field = self.reader.field(name, path)
            if field is not None and (right != "write" or self.reader.is_written(field, path)):
                found[field.id] = right
        return found or EMPTY

    def _mode(self, data: Map, at: Path) -> Mode:
        said, here = data.get("mode"), (*at, "mode")
        if not isinstance(said, Map) or said.get("kind") not in MODES:
            return Mode()
        kind = said["kind"]
        self.reader.allow(said, here, kind, MODES[kind], ("at_least",) if kind in ("ratio", "weighted") else ())
        if kind == "ratio" and said.get("at_least", 0) > 100:
            self.reader.refuse(r.OVER_ALL, *here, "at_least", percent=said["at_least"])
        given: dict[str, Any] = {
            key: said[key] for key in ("kind", "at_least", "any_reject", "wait_all") if key in said
        }
        weights: dict[str, int] = {}
        for name, weight in self.reader.entries(said, "weights"):
            role = self.reader.role(name, (*here, "weights", name), at_key=True)
            if role is not None:
                weights[role] = weight
        return Mode(**given, weights=weights or EMPTY, veto=self.reader.roles(said, "veto", here))

    def _timeout(self, data: Map, at: Path) -> Timeout | None:
        after = self.reader.span(data, "after", at)
        if after is None:
            return None
        self._together(data.get("then") in _ASKED_ELSEWHERE, "then: escalate", "to" in data, "to", at)
        if "reminders" in data and "remind" not in data:
            self.reader.refuse(r.MISSING, *at, at_key=True, key="remind", type="reminders")
        return Timeout(
            after,
            calendar=self.reader.calendar(data, at),
            remind=self.reader.span(data, "remind", at),
            reminders=data.get("reminders", 3),
            then=data.get("then", "remind"),
            to=self.people.read(data, "to", at, "escalation"),
        )

    def _has(self, data: Map, key: str, name: str) -> bool:
        held = data.get(key)
        return isinstance(held, Map) and name in held

    # -- nodes that ask nobody

    def _copy(self, id: str, label: Label, data: Map, at: Path) -> Copy:
        return Copy(id, label, self.people.read(data, "who", at, "other"))

    def _branch(self, id: str, label: Label, data: Map, at: Path) -> Branch:
        if "else" not in data:
            self.reader.refuse(r.NO_ELSE, *at, at_key=True, name=at[-1])
        ways: list[Way] = []
        for name, said in self.reader.entries(data, "ways"):
            if not isinstance(said, Map):
                continue
            here, way = (*at, "ways", name), said_id(name, said)
            if way in RESERVED:
                self.reader.refuse(r.NAME_RESERVED, *here, at_key=True, name=way)
            when = self.reader.condition(said, "when", here)
            if when is not None:
                ways.append(Way(way, when, self.block(said, "nodes", here), label_of(said, name)))
        return Branch(id, label, tuple(ways), self.block(data, "else", at), data["type"] == "inclusive")

    def _parallel(self, id: str, label: Label, data: Map, at: Path) -> Together:
        branches = data.get("branches")
        if not isinstance(branches, Map):
            return Together(id, label)
        return Together(id, label, {name: self.block(branches, name, (*at, "branches")) for name in branches})

    def _route(self, id: str, label: Label, data: Map, at: Path) -> Route:
        name = data.get("to")
        to = self.named(name, (*at, "to")) if isinstance(name, str) else None
        return Route(id, label, to or "", self.reader.condition(data, "when", at))

    def _delay(self, id: str, label: Label, data: Map, at: Path) -> Delay:
        return Delay(id, label, self.reader.span(data, "span", at) or "", self.reader.calendar(data, at))

    def _set(self, id: str, label: Label, data: Map, at: Path) -> SetFields:
        return SetFields(id, label, self.reader.values(data, "values", at))
