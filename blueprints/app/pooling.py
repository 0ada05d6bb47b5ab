"""Pools on the pages: what lies in one says so and can be claimed; who owns a record can give it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.addresses import address_at
from blueprints.app import controls
from blueprints.app.lists.bulk import chosen_ids, verdicts
from blueprints.app.reading import Reader, record_of, title_of
from blueprints.app.shell import entity_of, page, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.model import Entity, Field
from metadata.pools import opened_to, pools_of
from metadata.problems import Forbidden, PlatformError, Problem
from runtime import pools
from runtime.jobs.rows import JobRow, told
from runtime.records import Verdict
from runtime.records.writing import stays
from runtime.workspace import Workspace

Act = Callable[[Workspace, Entity, str], list[Verdict]]
_FORMS = ("return", "give", "move")


@dataclass(frozen=True, slots=True)
class Lying:
    """The pool that a record lies in, as its page says it. Addresses are None for what the actor may not do."""

    pool: str
    before: str
    """Who had it before, and why it was returned."""
    claim: str | None
    give: str | None
    move: str | None


def lying(reader: Reader, entity: Entity, record: Mapping[str, Any]) -> Lying | None:
    """None for a record that lies in no pool."""
    ws, id = reader.ws, str(record["id"])
    all_ = {each.key: each for each in pools_of(ws.model, entity)}
    pool = all_.get(str(record.get("pool")))
    if pool is None:
        return None
    place: dict[str, Any] = {"entity": entity.key, "id": id}
    roles = set(ws.actor.roles)
    rules = bool(roles & set(pool.admins))
    stay = stays.latest(ws, id)
    before = ""
    if stay is not None and stay.reason:
        if stay.previous_owner:
            reader.titles.learn([("user", stay.previous_owner)])
        who = reader.titles.piece("user", stay.previous_owner).text if stay.previous_owner else ""
        before = reader.words("pool_before_by" if who else "pool_before", who=who, reason=stay.reason)
    return Lying(
        reader.words.label(pool.label),
        before,
        address_at("app.pool_claim", **place) if pool in opened_to(ws.model, entity, roles) else None,
        address_at("app.pool_form", **place, what="give") if rules else None,
        address_at("app.pool_form", **place, what="move") if rules and len(all_) > 1 else None,
    )


def return_url(ws: Workspace, entity: Entity, record: Mapping[str, Any], may_update: bool) -> str | None:
    """Where a record is given back to its pool; None for one that has none, no owner, or that the actor may not."""
    if not (entity.pooled and may_update and record.get("owner") and pools_of(ws.model, entity)):
        return None
    return address_at("app.pool_form", entity=entity.key, id=str(record["id"]), what="return")


def pool_claim(entity: str, id: str) -> Response:
    """Make the actor the owner. A refusal is a page that says why."""

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        _done(pools.claim(ws, found, [id]))
        return found.key

    return _to(context.perform(command, write=True), id, "pool_claimed")


def pool_form(entity: str, id: str, what: str) -> Response:
    """What has to be said: why, to whom, where to."""
    return context.perform(lambda ws: _form(ws, entity_of(ws, entity), id, what, ()))


def pool_post(entity: str, id: str, what: str) -> Response:
    """Do it. A refusal is told on the form."""
    given = request.form

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        if what == "return":
            _done(pools.give_back(ws, found, [id], given.get("reason", ""), given.get("pool", "")))
        elif what == "give":
            _done(pools.give(ws, found, [id], given.get("owner", "")))
        else:
            _done(pools.move(ws, found, [id], given.get("pool", "")))
        return found.key

    if what not in _FORMS:
        return context.perform(lambda ws: _form(ws, entity_of(ws, entity), id, what, ()))
    try:
        key = context.perform(command, write=True)
    except PlatformError as error:
        if error.status not in (400, 403, 409, 422):
            raise
        refused = error.problems
        return context.perform(lambda ws: _form(ws, entity_of(ws, entity), id, what, refused))
    done = {"return": "pool_returned", "give": "pool_given", "move": "pool_moved"}[what]
    # Who has given a record back may not see it any more.
    return _to(key, None if what == "return" else id, done)


def pool_claim_many(entity: str) -> Response:
    """Claim the selected records of a list: a verdict for each that was refused."""

    def command(ws: Workspace) -> Response:
        found = entity_of(ws, entity)
        made = pools.claim(ws, found, chosen_ids())
        counts = {"claimed": sum(not each.problems for each in made), "refused": sum(bool(e.problems) for e in made)}
        refused = [_row(each) for each in made if each.problems]
        return verdicts(ws, found, counts, refused)

    return context.perform(command, write=True)


def _row(verdict: Verdict) -> JobRow:
    return JobRow(0, "failed", verdict.id, told(verdict.problems))


def _done(made: Sequence[Verdict]) -> None:
    wrong = [problem for each in made for problem in each.problems]
    if wrong:
        raise Forbidden(wrong)


def _to(key: str, id: str | None, done: str) -> Response:
    to = url_for("app.find", entity=key, done=done) if id is None else url_for("app.show", entity=key, id=id, done=done)
    return make_response(redirect(to, 303))


def _form(ws: Workspace, entity: Entity, id: str, what: str, problems: Sequence[Problem]) -> Response:
    record, words = record_of(ws, entity, id), Words(context.language())
    options = [{"key": each.key, "label": words.label(each.label)} for each in pools_of(ws.model, entity)]
    return page(
        ws,
        "pool.html",
        422 if problems else 200,
        what=what if what in _FORMS else "return",
        heading=words(f"pool_{what}_title" if what in _FORMS else "pool_return_title"),
        title=title_of(ws, entity, record, text_context(ws)),
        problems=[each.message(words.lang) for each in problems],
        pools=[each for each in options if what == "return" or each["key"] != record.get("pool")],
        owner=_owner(ws, entity, record, words) if what == "give" else None,
        sent=request.form,
        plural=words.label(entity.plural),
        urls={
            "list": url_for("app.find", entity=entity.key),
            "record": url_for("app.show", entity=entity.key, id=id),
        },
    )


def _owner(ws: Workspace, entity: Entity, record: Mapping[str, Any], words: Words) -> controls.Control:
    field: Field = entity.fields["owner"]
    return controls.control(controls.Form(ws, entity, words, text_context(ws)), field, record)


ROUTES = (
    Route("/app/-/pool/<entity>", "POST", pool_claim_many, PAGE),
    Route("/app/<entity>/<id>/claim", "POST", pool_claim, PAGE),
    Route("/app/<entity>/<id>/pool/<what>", "GET", pool_form, PAGE),
    Route("/app/<entity>/<id>/pool/<what>", "POST", pool_post, PAGE),
)
