"""Asking for an approval of a record: which one it needs, the way that it would take, and the request itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metadata.access import rights
from metadata.approvals import Approval
from metadata.ids import is_uuid, uuid7
from metadata.model import EMPTY, Entity
from metadata.problems import LANGUAGES, Conflict, Forbidden, Invalid, Label, NotFound, kind, say
from runtime.approvals import subject
from runtime.approvals.driving.drive import Drive, carry_out
from runtime.approvals.keeping import definitions
from runtime.approvals.keeping import requests as store
from runtime.approvals.world.people import People
from runtime.approvals.world.world import RecordWorld
from runtime.queries.rules import sees, token_allows
from runtime.records.checking.messages import Messages
from runtime.records.drafts import draft_of
from runtime.records.plans import WritePlan, plan_of
from runtime.records.policies import entity_of, may_not, not_found
from runtime.records.save import STALE
from runtime.workspace import Workspace
from workflow.approvals.deciding import texts
from workflow.approvals.request import Request
from workflow.approvals.verbs import Resubmit, Submit

NONE_FITS = kind(
    "approval_none_fits",
    en="This {entity} needs no approval as it is.",
    zh="按目前的内容，该{entity}无需审批。",
)
NO_APPROVALS = kind(
    "approval_no_approvals",
    en="{entity} have no approvals.",
    zh="{entity}没有审批流程。",
)
MAY_NOT_SUBMIT = kind(
    "approval_may_not_submit",
    en="You may not ask for an approval of this {entity}. Ask its owner.",
    zh="您无权为该{entity}提交审批，请联系其负责人。",
)
NOBODY = kind(
    "approval_by_nobody",
    en="Only a person can ask for an approval. Sign in as somebody.",
    zh="只有用户本人可以提交审批，请以用户身份登录。",
)

Need = Literal["none", "needs_approval", "running", "approved"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a record stands. `none`: it needs no approval. `request`: the last one that there was."""

    need: Need
    approval: Approval | None = None
    request: Request | None = None
    may_submit: bool = False


def standing(ws: Workspace, entity: Entity | str, id: str) -> Standing:
    """Whether a record needs an approval, has one or waits for it. Raises NotFound.

    A record that was approved needs a new approval when a field that mattered has changed since.
    """
    plan, world = _looked_at(ws, entity, id)
    known = definitions.of_entity(ws.model, plan.entity)
    newest = store.newest_of(ws, plan.entity.id, world.draft.id) if ws.model.index.get("approvals") else None
    if newest is not None and newest.running:
        return Standing("running", definitions.of_request(ws, newest), newest)
    if newest is not None and newest.state == "approved":
        approval = definitions.of_request(ws, newest)
        if not _outdated(ws, plan, approval, newest, world):
            return Standing("approved", approval, newest)
    fits = _fitting(known, world)
    need: Need = "none" if fits is None else "needs_approval"
    may = fits is not None and _may_submit(ws, plan, fits, world.draft.id)
    return Standing(need, fits, newest, may)


def _outdated(ws: Workspace, plan: WritePlan, approval: Approval, request: Request, world: RecordWorld) -> bool:
    """Whether something that mattered has changed since it was approved."""
    if not approval.material:
        return False
    now = subject.snapshot(ws, plan, world.draft.values)
    return any(id in request.snapshot and request.snapshot[id] != now.get(id) for id in approval.material)


def _looked_at(ws: Workspace, entity: Entity | str, id: str) -> tuple[WritePlan, RecordWorld]:
    found = entity_of(ws, entity)
    plan = plan_of(ws.model, found, ws.db.dialect)
    if not is_uuid(id) or not sees(ws, found, "read", id.lower(), deleted=False):
        raise not_found(found)
    values = subject.look(ws, plan, id.lower())
    if values is None:
        raise not_found(found)
    return plan, RecordWorld(ws, plan, draft_of(values["id"], values), People(ws))


def _fitting(known: Sequence[Approval], world: RecordWorld) -> Approval | None:
    return next((each for each in known if each.entry is None or world.holds(each.entry)), None)


def _may_submit(ws: Workspace, plan: WritePlan, approval: Approval, id: str) -> bool:
    if ws.actor.user is None or ws.actor.platform:
        return ws.actor.user is not None
    if approval.submitters:
        held = bool(set(approval.submitters) & set(ws.actor.roles))
        return held and token_allows(ws.model, ws.actor, plan.entity, "update")
    return sees(ws, plan.entity, "update", id, deleted=False)


def prepare(ws: Workspace, entity: Entity | str, id: str, *, take: bool, named: str | None = None) -> Drive:
    """A request that is not yet there, for the approval that fits, or that is `named` and fits. Raises NotFound,
    Forbidden, Conflict, Invalid."""
    if ws.actor.user is None:
        raise Forbidden(NOBODY())
    plan, world = _looked_at(ws, entity, id)
    if take:
        values = subject.take(ws, plan, world.draft.id)
        if values is None:
            raise not_found(plan.entity)
        world = RecordWorld(ws, plan, draft_of(world.draft.id, values), world.people)
    known = definitions.of_entity(ws.model, plan.entity)
    if not known:
        raise NotFound(NO_APPROVALS(entity=plan.entity.plural))
    if store.running_of(ws, plan.entity.id, world.draft.id) is not None:
        raise Conflict(store.RUNS_ALREADY())
    approval = _fitting([each for each in known if named in (None, each.id, each.key)], world)
    if approval is None:
        raise Invalid(NONE_FITS(entity=plan.entity.label))
    if not _may_submit(ws, plan, approval, world.draft.id):
        raise Forbidden(MAY_NOT_SUBMIT(entity=plan.entity.label) if approval.submitters else _may_not_change(plan))
    request = Request(uuid7(), approval.id, ws.release, plan.entity.id, world.draft.id, str(ws.actor.user))
    return Drive(ws, approval, plan, request, world)


def _may_not_change(plan: WritePlan) -> Any:
    return may_not(plan.entity, "update")


def submission(prepared: Drive, picks: Mapping[str, Sequence[str]], comment: str) -> Submit:
    """The first verb of a request."""
    ws, world = prepared.ws, prepared.world
    return Submit(
        actor=prepared.request.initiator,
        snapshot=subject.snapshot(ws, prepared.plan, world.draft.values),
        deciding=world.asker.reads(texts(prepared.approval)),
        picks={node: tuple(people) for node, people in picks.items()},
        comment=comment,
    )


def submit(
    ws: Workspace,
    entity: Entity | str,
    id: str,
    picks: Mapping[str, Sequence[str]] = EMPTY,
    comment: str = "",
    version: int | None = None,
    *,
    approval: str | None = None,
    address: str | None = None,
    reader: Workspace | None = None,
    run: tuple[str, int] | None = None,
) -> Request:
    """Ask for the approval that the record needs; the request.

    `picks`: node id -> ids of the people whom the initiator chooses; `version`: what he saw of the record; `approval`
    (id or key) when it is to be that one. Where the platform asks in somebody's name `reader` is that person, with
    whose rights the title is said, and `run` what waits for it. Raises NotFound, Forbidden, Conflict (another runs,
    another version) and Invalid.
    """
    prepared = prepare(ws, entity, id, take=True, named=approval)
    current = prepared.world.draft.values.get("version")
    if version is not None and version != current:
        label = prepared.plan.entity.label
        raise Conflict(STALE("version", entity=label, current=current, given=version, difference={}))
    prepared.address, prepared.run = address, run
    prepared.titles = titles(prepared, reader)
    return carry_out(prepared, submission(prepared, picks, comment), None)


def resubmission(driven: Drive, picks: Mapping[str, Sequence[str]], comment: str) -> Resubmit:
    """A returned request goes on, with the record as it is now."""
    first = submission(driven, picks, comment)
    actor = str(driven.ws.actor.user)
    return Resubmit(actor, first.snapshot, first.deciding, first.picks, comment)


def titles(prepared: Drive, reader: Workspace | None = None) -> Label:
    """What a request is called in every language: its text filled in as far as its initiator may read what is in it."""
    ws, plan, approval = reader or prepared.ws, prepared.plan, prepared.approval
    messages = Messages(ws, plan, rights(ws.model, ws.actor, plan.entity))
    said = messages.text(approval.title, prepared.world.draft) if approval.title else {}
    if said and all(each.strip() for each in said.values()):
        return said
    field = plan.entity.fields[plan.entity.title]
    shown: Label = messages.text({"*": f"{{{field.id}}}"}, prepared.world.draft)
    return {lang: f"{say(approval.label, lang)}: {say(shown, lang)}" for lang in LANGUAGES}
