"""What is refused when an approval is published: routes, returns, nobody to ask, duties that must stay separate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from metadata.approvals import Approval, Human, Route, Who
from metadata.sections.approvals import refusals as r
from metadata.sections.approvals.flow import Flow, flow_of
from metadata.sections.approvals.nodes import RETURNS, NodeReader

_SURE = frozenset({"user", "initiator", "initiator_picks", "approver_picks"})
"""Sources that give somebody unless people leave."""


def check_publication(approval: Approval, nodes: NodeReader) -> None:
    """Note everything that keeps an approval whose parts are right from being published."""
    checks = _Checks(approval, nodes, flow_of(approval.nodes))
    for human in checks.humans():
        checks.human(human)
    checks.routes()
    checks.reached()


@dataclass(frozen=True, slots=True)
class _Checks:
    approval: Approval
    nodes: NodeReader
    flow: Flow

    def humans(self) -> Iterator[Human]:
        return (each for each in self.flow.nodes.values() if isinstance(each, Human))

    def human(self, node: Human) -> None:
        at, refuse = self.nodes.places[node.id], self.nodes.reader.refuse
        name, data = at[-1], self.nodes.reader.at(at)
        unsure = node.self_ == "skip" or not any(map(_is_sure, node.who))
        if node.who and unsure and "empty" not in data:
            refuse(r.EMPTY_UNSAID, *at, at_key=True, name=name)
        if node.id in self.approval.separated:
            if node.self_ == "allow":
                refuse(r.SEPARATED_SELF, *at, at_key=True, name=name)
            if node.empty == "approve":
                refuse(r.SEPARATED_EMPTY, *at, "empty", name=name)
        if node.handle and node.empty == "reject":
            refuse(r.HANDLE_REJECTS, *at, "empty", name=name)
        if node.handle and node.timeout is not None and node.timeout.then == "reject":
            refuse(r.HANDLE_REJECTS, *at, "timeout", "then", name=name)
        if node.bulk and (node.sign or "approve" in node.comment_on):
            refuse(r.BULK_ASKS, *at, "bulk", name=name)
        if any(each.by == "approver_picks" for each in node.who) and not self._somebody_before(node):
            refuse(r.NOBODY_BEFORE, *at, "who", name=name)
        self._returns(node)

    def _somebody_before(self, node: Human) -> bool:
        return any(each is not node and node.id in self.flow.reached(each.id) for each in self.humans())

    def _returns(self, node: Human) -> None:
        for target in node.return_to:
            if target in RETURNS or target not in self.flow.nodes:
                continue
            path, refuse = (*self.nodes.places[node.id], "return_to"), self.nodes.reader.refuse
            name = self.nodes.places[target][-1]
            if not isinstance(self.flow.nodes[target], Human):
                refuse(r.NOT_HUMAN, *path, at_key=True, name=name)
            elif self.flow.parallel_to(node.id, target):
                refuse(r.RETURN_INTO, *path, at_key=True, name=name)
            elif target == node.id or node.id not in self.flow.reached(target):
                refuse(r.RETURN_AHEAD, *path, at_key=True, name=name)

    def routes(self) -> None:
        refuse = self.nodes.reader.refuse
        for node in self.flow.nodes.values():
            if isinstance(node, Route) and node.to in self.flow.nodes and not self.flow.may_enter(node.id, node.to):
                name = self.nodes.places[node.to][-1]
                refuse(r.ROUTE_INTO, *self.nodes.places[node.id], "to", name=name)
        for route in self.flow.endless():
            refuse(r.ENDLESS, *self.nodes.places[route.id], "to")

    def reached(self) -> None:
        refuse = self.nodes.reader.refuse
        for node in self.flow.unreachable(self.approval.nodes):
            at = self.nodes.places[node.id]
            refuse(r.UNREACHABLE, *at, at_key=True, name=at[-1])
        types = {self.nodes.reader.at(path)["type"] for path in self.nodes.places.values()}
        if types and not types & {"approve", "handle"}:
            refuse(r.ASKS_NOBODY, "nodes", at_key=True)
        for id in self.approval.separated:
            if id in self.flow.nodes and not isinstance(self.flow.nodes[id], Human):
                refuse(r.NOT_HUMAN, "separated", at_key=True, name=self.nodes.places[id][-1])


def _is_sure(source: Who) -> bool:
    return source.by in _SURE and source.least > 0
