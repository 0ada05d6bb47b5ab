"""Mentions of people in the texts of records: made stable when they are saved, and told once to who may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from metadata import mentions
from metadata.access import Actor, rights
from metadata.model import Entity
from metadata.problems import Label, Unauthenticated, say
from runtime import accounts, queries
from runtime.notifications.telling import is_telling, tell_message, tell_of_records
from runtime.queries import Query
from runtime.queries.fields import right_in
from runtime.titles import titles_of
from runtime.workspace import AsUser, Workspace, as_user

if TYPE_CHECKING:
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan

_TYPES = frozenset({"long_text", "rich_text"})
_SUGGESTED, _TRIED = 6, 12

_UNSEEN: Label = {
    "en": "{who} cannot see this {what}, and was not told that you mention them",
    "zh": "{who}无权查看此{what}，因此未收到您的提及通知",
}


@lru_cache(maxsize=4_000)
def _fields(plan: WritePlan) -> tuple[tuple[str, bool], ...]:
    """(id, whether it is HTML) of the fields in which people can be mentioned."""
    entity = plan.entity
    if entity.generated or entity.written_by == "platform":
        return ()
    found = (each for each in entity.fields.values() if each.type in _TYPES and each.computed is None)
    return tuple((each.id, each.type == "rich_text") for each in found if each.id in plan.table.fields)


def _changed(draft: Draft, field: str) -> str:
    """The new text of a field that may mention somebody; empty for none."""
    text, before = draft.values.get(field), draft.before or {}
    return text if isinstance(text, str) and "@" in text and text != before.get(field) else ""


# -- before the save


def settle(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Make stable references of the mentions in what is saved. Costs nothing where no text has an @."""
    fields = _fields(plan)
    due = (
        [(draft, id, markup, text) for draft in drafts for id, markup in fields if (text := _changed(draft, id))]
        if fields
        else []
    )
    if not due:
        return
    typed = list(dict.fromkeys(each for *_, text in due for each in mentions.typed_in(text)))
    logins = accounts.ids_of(ws, typed)
    ids = {*logins.values(), *(id for *_, text in due for id in mentions.ids_in(text))}
    names = _names(ws, ids)
    for draft, id, markup, text in due:
        draft.values[id] = mentions.settle(text, logins, names, markup=markup)


def _names(ws: Workspace, ids: set[str]) -> dict[str, str]:
    """The names of users whom the actor may see."""
    user = ws.model.entity("user")
    return {id: name for id, name in titles_of(ws, user, sorted(ids)).items() if name} if user is not None else {}


# -- after it


def follow(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell who is newly mentioned and may see it; tell the author of those who may not."""
    fields = _fields(plan)
    if not fields or not is_telling(ws):
        return
    told: dict[str, list[Draft]] = {}
    for draft in drafts:
        for person in _new(ws, plan.entity, draft, fields):
            told.setdefault(person, []).append(draft)
    for person, found in told.items():
        tell_of_records(ws, plan.entity, person, "mention", found)


def _new(ws: Workspace, entity: Entity, draft: Draft, fields: Sequence[tuple[str, bool]]) -> Iterator[str]:
    """The people whom a draft mentions and did not mention before, as far as they may read where."""
    changed = [id for id, _ in fields if _changed(draft, id)]
    if not changed:
        return
    before: Mapping[str, Any] = draft.before or {}
    known = frozenset[str]().union(*(mentions.ids_in(before.get(id)) for id, _ in fields))
    places: dict[str, list[str]] = {}
    for id in changed:
        for person in sorted(mentions.ids_in(draft.values[id]) - known - {ws.actor.user or ""}):
            places.setdefault(person, []).append(id)
    # Whom the author may not see he does not reach by a number either.
    named = _names(ws, set(places)) if places else {}
    places = {person: where for person, where in places.items() if person in named}
    for person, where in places.items():
        if _reads(ws, entity, draft, person, where):
            yield person
        else:
            _tell_author(ws, entity, draft, person)


def _reads(ws: Workspace, entity: Entity, draft: Draft, person: str, fields: Sequence[str]) -> bool:
    actor = actor_of(ws, person)
    if actor is None:
        return False
    seen = replace(ws, actor=actor)
    if not queries.check_record(seen, entity, "read", draft.values):
        return False
    may, reads = rights(ws.model, actor, entity), right_in(seen, entity, "read")
    return any(may.may_read(each) and reads(each, draft.values) for each in fields)


def _tell_author(ws: Workspace, entity: Entity, draft: Draft, person: str) -> None:
    author = ws.actor.user
    if author is None:
        return
    who = _names(ws, {person}).get(person, "")
    said = {lang: text.format(who=who, what=say(entity.label, lang)) for lang, text in _UNSEEN.items()}
    tell_message(ws, author, said, {}, entity.id, draft.id, kind="mention_unseen")


def actor_of(ws: Workspace, person: str) -> Actor | None:
    """A person with his rights of today; None for one who is no longer here."""
    try:
        return as_user(ws, AsUser(person)).actor
    except Unauthenticated:
        return None


# -- while somebody types


def suggest(
    ws: Workspace, entity: Entity, text: str, record: str | None = None, about: tuple[str, str] | None = None
) -> list[dict[str, str]]:
    """Who may be meant by what is typed and may see it: `{"id", "name", "typed"}`, a few of them.

    `record`: id of the record that is edited; else it is a new one, `about` (entity, id) if that is known.
    """
    user = ws.model.entity("user")
    if user is None:
        return []
    found = {each["id"]: each["title"] for each in queries.autocomplete(ws, user.id, text, _TRIED)}
    found |= titles_of(ws, user, accounts.signing_in_like(ws, text, _TRIED))
    found.pop(ws.actor.user or "", None)
    working = _working(ws, list(found))
    logins = accounts.logins_of(ws, list(found))
    seen: list[dict[str, str]] = []
    for id, name in found.items():
        if id in working and len(seen) < _SUGGESTED and _may_see(ws, entity, id, record, about):
            seen.append({"id": id, "name": name, "typed": f"@{logins[id]}" if id in logins else f"@[{name}]({id})"})
    return seen


def _working(ws: Workspace, ids: Sequence[str]) -> frozenset[str]:
    user = ws.model.entity("user")
    if not ids or user is None:
        return frozenset()
    where = "active != false" if "active" in user.fields else None
    query = Query("user", where, fields=("id",), ids=tuple(ids), limit=len(ids))
    return frozenset(str(row[0]) for row in queries.find(ws, query).raw)


def _may_see(ws: Workspace, entity: Entity, person: str, record: str | None, about: tuple[str, str] | None) -> bool:
    actor = actor_of(ws, person)
    if actor is None:
        return False
    seen = replace(ws, actor=actor)
    if record is not None:
        return queries.sees(seen, entity, "read", record, deleted=False)
    of = ws.model.entity(about[0]) if about is not None else None
    if about is not None and (of is None or not queries.sees(seen, of, "read", about[1], deleted=False)):
        return False
    return queries.check_record(seen, entity, "read", _begun(ws, entity, about))


def _begun(ws: Workspace, entity: Entity, about: tuple[str, str] | None) -> dict[str, Any]:
    """What a new record of the actor's would hold, as far as rights depend on it."""
    from metadata.fieldtypes.links import AnyLink

    values: dict[str, Any] = {"owner": ws.actor.user, "unit": ws.actor.main_unit, "created_by": ws.actor.user}
    if about is not None:
        for field in entity.fields.values():
            if about[0] in field.to:
                any_link = field.type == "any_link"
                values[field.id] = AnyLink(*about) if any_link else about[1] if field.type == "link" else None
    return values
