"""What a run wants of other systems and of people's mailboxes: written into the outbox with what the run did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from metadata.fieldtypes.links import AnyLink
from metadata.money import Money
from runtime import deliveries, queries
from runtime.deliveries.links import page_of
from runtime.processes.performing.moving import Moving
from runtime.processes.performing.texts import language_of, said
from runtime.queries import Query
from workflow.engine import CancelRequest, SendRequest, Tell

_SUBJECT = 200


def request(moving: Moving, effect: SendRequest) -> str:
    """Have a request sent; the delivery's id. Done again after it failed, it is sent again under its key."""
    body = _record(moving, effect) if effect.body is None else {key: _plain(each) for key, each in effect.body.items()}
    then = {"instance": moving.run.id, "visit": effect.visit}
    key = f"run:{moving.run.id}:{effect.visit}"
    sent = None if effect.method == "GET" else body
    id = deliveries.request(moving.ws, key, effect.url, effect.method, sent, effect.secret, then)
    deliveries.revive(moving.ws, id, then)
    moving.told["body"] = sent
    return id


def cancel(moving: Moving, effect: CancelRequest) -> None:
    deliveries.cancel(moving.ws, effect.job)


def _record(moving: Moving, effect: SendRequest) -> Mapping[str, Any] | None:
    """The record as the run may read it, in the shape in which webhooks tell of it."""
    entity = moving.ws.model.entity(effect.entity)
    if entity is None or effect.record is None:
        return None
    found = queries.as_json(queries.find(moving.acts, Query(entity.id, ids=(effect.record,), limit=1)))
    return {"entity": entity.key, "id": effect.record, "record": found[0] if found else None}


def _plain(value: Any) -> Any:
    """The value of an expression as JSON data, in the form that the REST interface has."""
    match value:
        case Decimal():
            return format(value, "f")
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        case dt.date() | dt.time():
            return value.isoformat()
        case AnyLink():
            return {"entity": value.entity, "id": value.id}
        case Money():
            return {"amount": format(value.amount, "f"), "currency": value.currency}
        case tuple() | list() | set() | frozenset():
            return [_plain(each) for each in value]
    return value


def by_mail(moving: Moving, effect: Tell, people: Sequence[str]) -> None:
    """A mail to each person who has an address, in his language and with what he may read, and to `address`."""
    for person, address in _addresses(moving, people):
        _mail(moving, effect, person, address, language_of(moving, person))
    if effect.address:
        _mail(moving, effect, None, effect.address, "en")


def _addresses(moving: Moving, people: Sequence[str]) -> list[tuple[str, str]]:
    user = moving.ws.model.entity("user")
    if user is None or "email" not in user.fields or not people:
        return []
    page = queries.find(moving.ws, Query("user", fields=("id", "email"), ids=tuple(people), limit=len(people)))
    key = user.fields["email"].key
    return [(each["id"], each[key]) for each in queries.as_json(page) if each.get(key)]


def _mail(moving: Moving, effect: Tell, person: str | None, address: str, lang: str) -> None:
    subject = said(moving, effect.subject, effect.entity, effect.record, person)
    body = said(moving, effect.body, effect.entity, effect.record, person)
    # What is in a hole may have several lines; a subject has one.
    one = {each: " ".join(text.split())[:_SUBJECT] or "-" for each, text in subject.items()} or {"en": "-"}
    link = page_of(moving.ws, f"/app/{effect.entity}/{effect.record}") if person and effect.record else ""
    text = {each: f"{text}\n\n{link}".strip() for each, text in body.items()} or {"en": link}
    key = f"run:{moving.run.id}:{effect.visit}:{person or address}"
    deliveries.mail(moving.ws, key, address, one, text, lang=lang)
