"""Running requests moved to another description of their approval, by a map of its nodes: explicit, never silent.

Who is asked stays who is asked. What stands at a node goes on at the node that the map says, by the rules of the new
description; what has been keeps its history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from metadata.approvals import Approval, Human, Node
from metadata.problems import Problem, kind
from workflow.walking import Tree, Walk

from .effects import Entry
from .request import INITIATOR, Request, Visit

NO_NODE = kind(
    "approval_migrate_no_node",
    en="The request stands at {node}, and the new description has no {target}. Map {node} to one of: {known}.",
    zh="申请停留在节点 {node}，新版本中没有 {target}。请将 {node} 映射到以下节点之一：{known}。",
)
OTHER_KIND = kind(
    "approval_migrate_other_kind",
    en="{node} is of another kind than {target}: one asks people, the other does not, or may not be rejected. "
    "Map it to a node of its own kind.",
    zh="{node} 与 {target} 的类型不同，请映射到相同类型的节点。",
)
OTHER_PLACE = kind(
    "approval_migrate_other_place",
    en="{target} does not stand in the same branch as {node} did. Map the nodes around it as well, or end the request.",
    zh="{target} 与 {node} 所在的分支不同。请同时映射其外层节点，或终止该申请。",
)
OVER = kind(
    "approval_migrate_over",
    en="Only running requests are moved; this one is {state}.",
    zh="只能迁移进行中的申请，此申请状态为 {state}。",
)


def misfits(old: Approval, new: Approval, request: Request, nodes: Mapping[str, str]) -> tuple[Problem, ...]:
    """What keeps a request from being moved. `nodes`: old id -> new id, of those that are called otherwise."""
    if not request.running:
        return (OVER(state=request.state),)
    known = {each.id: each for each in new.every()}
    before = {each.id: each for each in old.every()}
    found: list[Problem] = []
    for id in dict.fromkeys(_standing(request)):
        target = nodes.get(id, id)
        if target not in known:
            found.append(NO_NODE(node=id, target=target, known=sorted(known)))
        elif not _alike(before[id], known[target]):
            found.append(OTHER_KIND(node=id, target=target))
    return tuple(found) or tuple(_misplaced(new, request, nodes))


def _standing(request: Request) -> Iterator[str]:
    """Ids of the nodes at which it stands, those around them, and the one to which it goes back."""
    yield from (each.step for each in request.walk.tokens)
    if request.returned_from is not None:
        yield request.returned_from


def _alike(old: Node, new: Node) -> bool:
    if isinstance(old, Human) and isinstance(new, Human):
        return old.handle == new.handle
    return type(old) is type(new) and getattr(old, "inclusive", None) == getattr(new, "inclusive", None)


def _misplaced(new: Approval, request: Request, nodes: Mapping[str, str]) -> Iterator[Problem]:
    tree = Tree(new.nodes)
    for token in request.walk.tokens:
        above = None if token.parent is None else request.walk.at(token.parent)
        place = (None if above is None else nodes.get(above.step, above.step), token.block)
        target = nodes.get(token.step, token.step)
        if tree.block_of(target) != place:
            yield OTHER_PLACE(node=token.step, target=target)


def migrate(
    new: Approval, request: Request, nodes: Mapping[str, str], release: int, actor: str | None, reason: str
) -> tuple[Request, Entry]:
    """The request under the new description, which nothing keeps from it (`misfits`), and the row of its trail."""
    known = {each.id for each in new.every()}

    def named(id: str) -> str:
        target = nodes.get(id, id)
        return target if id != INITIATOR and target in known else id

    walk = Walk(tuple(replace(each, step=named(each.step)) for each in request.walk.tokens), request.walk.visits)
    timed = {each.id for each in new.every() if isinstance(each, Human) and each.timeout is not None}
    moved = replace(
        request,
        release=release,
        walk=walk,
        tasks=tuple(replace(each, node=named(each.node)) for each in request.tasks),
        visits=tuple(_visit(each, named(each.node), known) for each in request.visits),
        picks={named(id): people for id, people in request.picks.items()},
        returned_from=None if request.returned_from is None else named(request.returned_from),
        version=request.version + 1,
    )
    kept = tuple(each for each in moved.timers if each.kind == "delay" or _node(moved, each.visit) in timed)
    detail = {"from": request.release, "to": release, "nodes": dict(nodes)}
    entry = Entry("migrate", actor=actor, before="running", after="running", comment=reason, detail=detail)
    return replace(moved, timers=kept), entry


def _visit(visit: Visit, node: str, known: Collection[str]) -> Visit:
    """A node that is gone keeps its history, and nobody returns to it."""
    return replace(visit, node=node, undone=visit.undone or (node not in known and node != INITIATOR))


def _node(request: Request, visit: int) -> str:
    return request.visit(visit).node
