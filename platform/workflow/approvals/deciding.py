"""What the route of an approval is decided by: a change of that after a return starts it anew."""

from __future__ import annotations

from collections.abc import Iterator

from metadata.approvals import Approval, Branch, Copy, Human, Route, Who


def texts(approval: Approval) -> tuple[str, ...]:
    """All expressions and paths of the record that say which nodes are passed and who decides, each once.

    The runtime gives `Submit` and `Resubmit` what the fields that they read are worth, as `deciding`.
    """
    return tuple(dict.fromkeys(_texts(approval)))


def _texts(approval: Approval) -> Iterator[str]:
    if approval.entry is not None:
        yield approval.entry
    for node in approval.every():
        if isinstance(node, Branch):
            yield from (way.when for way in node.ways)
        elif isinstance(node, Route) and node.when is not None:
            yield node.when
        elif isinstance(node, (Human, Copy)):
            yield from _people(node.who)
            if isinstance(node, Human):
                yield from _people(node.empty_users)
                yield from _people(() if node.timeout is None else node.timeout.to)
    for rows in approval.matrices.values():
        for row in rows:
            if row.when is not None:
                yield row.when
            yield from _people(row.who)


def _people(sources: tuple[Who, ...]) -> Iterator[str]:
    for who in sources:
        if who.path is not None:
            yield who.path
        if who.expression is not None:
            yield who.expression
        if who.of not in ("initiator", "assignee"):
            yield who.of
