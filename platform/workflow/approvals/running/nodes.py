"""Entering nodes until everybody who can be asked is asked."""

from __future__ import annotations

from dataclasses import replace

from metadata.approvals import Branch, Copy, Delay, Human, Node, Route, SetFields, Together

from .. import effects
from ..request import Timer, Visit
from . import people, timers
from .moving import move
from .passing import end, leave, refuse, set_fields
from .turn import MOVES, Turn
from .votes import evaluate


def drive(turn: Turn) -> None:
    """Enter what has been reached, and what is reached by that. A loop that asks nobody ends the request."""
    while turn.arrivals and turn.request.running:
        token = turn.request.walk.at(turn.arrivals.popleft())
        if token is None:
            continue
        turn.moves += 1
        if turn.moves > MOVES:
            end(turn, "terminated", f"{token.step}: more than {MOVES} nodes without asking anybody")
            turn.tell("terminated", *turn.world.admins(turn.approval))
            return
        visit = Visit(token.visit, token.step, token.parent, token.block, entered_at=turn.world.now)
        enter(turn, turn.put_visit(visit), turn.node(token.step))


def enter(turn: Turn, visit: Visit, node: Node) -> None:
    match node:
        case Human():
            _ask(turn, visit, node)
        case Copy():
            _copy(turn, visit, node)
        case Branch():
            _into(turn, visit, _ways(turn, node))
        case Together():
            _into(turn, visit, tuple(node.branches))
        case Route():
            _route(turn, visit, node)
        case Delay(span=span, calendar=calendar):
            timers.put(turn, Timer("delay", visit.number, None, 1, turn.world.after(span, calendar, turn.world.now)))
        case SetFields(values=values):
            set_fields(turn, effects.SetFields(values, "node", visit.number))
            leave(turn, visit.number)
        case _:
            raise TypeError(f"{node.id} is of no known kind")


def _ask(turn: Turn, visit: Visit, node: Human) -> None:
    choice = people.decide_who(turn, node, visit, people.resolve(turn, node, node.who))
    notes = [[each.reason, each.user] for each in choice.notes]
    match choice.outcome:
        case "approve" if not choice.people:
            visit = turn.put_visit(replace(visit, outcome="empty_approve"))
        case "approve":
            visit = turn.put_visit(replace(visit, outcome="duplicate"))
        case "reject":
            visit = turn.put_visit(replace(visit, outcome="empty_reject"))
        case "admin":
            visit = turn.put_visit(replace(visit, outcome="admin"))
        case _:
            pass
    people_chosen = tuple(each.user for each in choice.people)
    turn.record("arrive", visit=visit, people=people_chosen, outcome=choice.outcome, notes=notes)
    if choice.people:
        people.ask_people(turn, visit, choice.people)
        evaluate(turn, visit)
    elif choice.outcome == "admin":
        turn.tell("no_approver", *turn.world.admins(turn.approval), turn.request.initiator)
    elif choice.outcome == "reject":
        refuse(turn, visit.number)
    else:
        leave(turn, visit.number)


def _copy(turn: Turn, visit: Visit, node: Copy) -> None:
    found = people.resolve(turn, node, node.who) or ()
    told = tuple(each for each in dict.fromkeys(found) if turn.world.active(each))
    turn.put_visit(replace(visit, copied=told))
    if told:
        turn.effects.append(effects.Copied(told, visit.number))
        turn.record("copy", visit=visit, people=told)
    leave(turn, visit.number)


def _ways(turn: Turn, node: Branch) -> tuple[str, ...]:
    holding = (way.id for way in node.ways if turn.world.holds(way.when))
    taken = tuple(holding) if node.inclusive else tuple(way for way in [next(holding, None)] if way is not None)
    return taken or ("else",)


def _into(turn: Turn, visit: Visit, blocks: tuple[str, ...]) -> None:
    """Into all of these at once; past the node when there is nothing in them."""
    turn.put_visit(replace(visit, ways=blocks))
    turn.record("branch", visit=visit, ways=list(blocks))
    walk = turn.request.walk
    token = walk.at(visit.number)
    entered = []
    for block in blocks:
        walk, arrived = turn.tree.enter(walk, token, block)
        if arrived is not None:
            entered.append(arrived.visit)
    turn.change(walk=walk)
    turn.arrivals.extend(entered)
    if not entered:
        leave(turn, visit.number)


def _route(turn: Turn, visit: Visit, node: Route) -> None:
    if node.when is not None and not turn.world.holds(node.when):
        leave(turn, visit.number)
        return
    turn.put_visit(replace(visit, state="passed", left_at=turn.world.now))
    turn.record("route", visit=visit, to=node.to)
    if not move(turn, turn.request.walk.at(visit.number), node.to, "jumped"):
        leave(turn, visit.number)
