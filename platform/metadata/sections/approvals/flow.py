"""Where a request can go from each node of an approval: what is never reached, what goes round, what lies before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from metadata.approvals import Branch, Human, Node, Nodes, Route, Together

END = ""


@dataclass(slots=True)
class Flow:
    """The nodes of an approval as a graph."""

    nodes: dict[str, Node] = field(default_factory=dict)
    after: dict[str, set[str]] = field(default_factory=dict)
    """Id -> ids of the nodes that may come next, or END."""
    around: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Id -> (id, name of the block) of the nodes that it stands in, the outermost first."""

    def reached(self, start: str, *, without_people: bool = False) -> set[str]:
        """What may follow a node, itself included; `without_people`: before anybody has decided."""
        found: set[str] = set()
        left = [start]
        while left:
            here = left.pop()
            if here in found or here not in self.nodes:
                continue
            if without_people and isinstance(self.nodes[here], Human):
                continue
            found.add(here)
            left += self.after[here]
        return found

    def unreachable(self, nodes: Nodes) -> Iterator[Node]:
        """Nodes to which nothing leads, without those inside them."""
        reached = self.reached(nodes[0].id) if nodes else set()
        for id, node in self.nodes.items():
            holders = [holder for holder, _ in self.around[id]]
            if id not in reached and all(holder in reached for holder in holders):
                yield node

    def endless(self) -> Iterator[Route]:
        """Routes that may come back to themselves without anybody deciding."""
        for node in self.nodes.values():
            if isinstance(node, Route) and node.id in self.reached(node.to, without_people=True):
                yield node

    def may_enter(self, node: str, target: str) -> bool:
        """Whether the target stands in the same block as a node, or in one around it."""
        place = self.around[target]
        return self.around[node][: len(place)] == place

    def parallel_to(self, node: str, target: str) -> bool:
        """Whether the target stands in a branch that runs beside a node or whose end the node waits for."""
        here = self.around[node]
        for at, (holder, block) in enumerate(self.around[target]):
            apart = at >= len(here) or here[at] != (holder, block)
            if apart and _is_parallel(self.nodes[holder]):
                return True
        return False


def _is_parallel(node: Node) -> bool:
    return isinstance(node, Together) or (isinstance(node, Branch) and node.inclusive)


def flow_of(nodes: Nodes) -> Flow:
    """The graph of an approval's nodes. A route to a node that does not exist leads nowhere."""
    flow = Flow()
    _connect(flow, nodes, END, ())
    return flow


def _connect(flow: Flow, nodes: Nodes, end: str, around: tuple[tuple[str, str], ...]) -> None:
    followers = [*(each.id for each in nodes[1:]), end]
    for node, follower in zip(nodes, followers, strict=True) if nodes else ():
        flow.nodes[node.id], flow.around[node.id] = node, around
        flow.after[node.id] = _next(node, follower)
        for name, block in node.blocks.items():
            _connect(flow, block, follower, (*around, (node.id, name)))


def _next(node: Node, follower: str) -> set[str]:
    if isinstance(node, Route):
        return {node.to} if node.when is None else {node.to, follower}
    if node.blocks:
        return {block[0].id if block else follower for block in node.blocks.values()}
    return {follower}
