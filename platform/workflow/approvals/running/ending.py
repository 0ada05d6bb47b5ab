"""A request is ended by somebody: 撤回申请, 作废, or by an administrator."""

from __future__ import annotations

from .. import refusals as say
from ..effects import Ended, Unlock
from ..refusals import NotYours, TooLate
from ..verbs import Terminate, Void, Withdraw
from . import checks
from .passing import end, set_actions
from .turn import Turn


def withdraw(turn: Turn, verb: Withdraw) -> None:
    checks.running(turn)
    if not checks.is_admin(turn):
        checks.initiator(turn)
        _may_withdraw(turn)
    turn.record("withdraw", before="running", comment=verb.comment)
    end(turn, "withdrawn")


def _may_withdraw(turn: Turn) -> None:
    """As the definition says. A request that came back to its initiator is his again."""
    if turn.approval.withdraw == "admin_only":
        raise NotYours(say.WITHDRAW_ADMIN(who=checks.names(turn, turn.world.admins(turn.approval))))
    if turn.approval.withdraw == "while_running" or turn.request.returned:
        return
    acted = [each.decided_by for each in turn.request.tasks if each.decided_by and each.kind != "initiator"]
    acted += [each.added_by for each in turn.request.tasks if each.added_by]
    if acted:
        raise TooLate(say.WITHDRAW_LATE(who=checks.names(turn, acted)))


def void(turn: Turn, verb: Void) -> None:
    """An approval that was given no longer stands; the record can be changed again."""
    if turn.request.state != "approved":
        raise TooLate(say.NOT_APPROVED(state=checks.STATES[turn.request.state]))
    checks.admin(turn)
    checks.reason(verb.reason)
    turn.change(state="voided", reason=verb.reason)
    turn.record("void", before="approved", comment=verb.reason)
    set_actions(turn, "voided")
    turn.effects += (Unlock(), Ended("voided"))
    turn.tell("voided", turn.request.initiator)


def terminate(turn: Turn, verb: Terminate) -> None:
    checks.running(turn)
    checks.admin(turn)
    checks.reason(verb.reason)
    turn.record("terminate", before="running", comment=verb.reason)
    end(turn, "terminated", verb.reason)
