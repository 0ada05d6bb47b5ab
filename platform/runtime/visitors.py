"""What strangers send with a public form: counted, proven to be filled in by hand, and made a record once."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from metadata.access import platform_actor
from metadata.model import PublicForm
from metadata.problems import NotFound, kind
from runtime import idempotency, queries, records, throttle
from runtime.directory import Tenant
from runtime.host import Host
from runtime.queries import Query
from runtime.records.checking.rules import ALL
from runtime.workspace import NO_FORM, AsVisitor, Workspace, open_workspace

PER_ADDRESS, ADDRESS_WINDOW = 10, dt.timedelta(minutes=10)
PER_FORM, FORM_WINDOW = 300, dt.timedelta(hours=1)
QUICKEST = dt.timedelta(seconds=2)
"""Nobody reads and fills in a form in less."""
LONGEST = dt.timedelta(hours=24)
_NONCE = 12
_STAMP = 8

TOO_QUICK = kind(
    "public_form.too_quick",
    en="That was very quick. Look over your entries and send them once more.",
    zh="提交得太快了，请核对内容后再次提交。",
)
TOO_OLD = kind(
    "public_form.too_old",
    en="The form was open for a long time. Send it once more.",
    zh="表单打开时间过长，请再次提交。",
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Proof of when a form was handed out, and what makes two sendings of it one. Kept by the browser alone."""

    at: dt.datetime
    nonce: bytes


def form_of(ws: Workspace, name: str) -> PublicForm:
    """The form of a visitor's workspace. Raises NotFound."""
    found: PublicForm | None = ws.model.get("public_forms", name)
    if found is None:
        raise NotFound(NO_FORM())
    return found


# -- tickets


def issue(host: Host, tenant: Tenant, form: str, now: dt.datetime) -> str:
    """A ticket for a form that is handed out now, as text for a hidden field."""
    return _signed(host, tenant, form, now, secrets.token_bytes(_NONCE))


def opened(host: Host, tenant: Tenant, form: str, text: str) -> Ticket | None:
    """What a ticket says; None when it is not one of ours for this form."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii"))
    except (ValueError, binascii.Error):
        return None
    if len(raw) <= _STAMP + _NONCE:
        return None
    milliseconds, nonce = int.from_bytes(raw[:_STAMP], "big"), raw[_STAMP : _STAMP + _NONCE]
    try:
        at = dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return Ticket(at, nonce) if hmac.compare_digest(_signed(host, tenant, form, at, nonce), text) else None


def _signed(host: Host, tenant: Tenant, form: str, at: dt.datetime, nonce: bytes) -> str:
    body = round(at.timestamp() * 1000).to_bytes(_STAMP, "big") + nonce
    # A tenant's id is random and told to nobody; with a secret of the installation it takes that to forge a ticket.
    # What it guards is the patience of a program, no data.
    key = hashlib.sha256(f"{host.settings.secret_key}\0{tenant.id}\0{tenant.place}".encode()).digest()
    mark = hmac.digest(key, b"public form\0" + form.encode() + b"\0" + body, "sha256")[:16]
    return base64.urlsafe_b64encode(body + mark).decode("ascii")


# -- what is sent


def count(host: Host, tenant: Tenant, form: str, address: str) -> None:
    """Count a sending, whatever becomes of it. Raises TooMany, NotFound."""
    with open_workspace(host, tenant, AsVisitor(form), write=True, channel="public") as ws:
        id = form_of(ws, form).id
        throttle.count_visit(ws, f"{id}\0{throttle.network_of(address)}", PER_ADDRESS, ADDRESS_WINDOW)
        throttle.count_visit(ws, id, PER_FORM, FORM_WINDOW)


def receive(ws: Workspace, form: PublicForm, values: Mapping[str, Any], ticket: Ticket) -> bool:
    """Make a record of what was sent (JSON by today's keys); False when the same was sent with this ticket before.

    Raises Invalid with everything that is wrong.
    """
    body = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    sent = hashlib.sha256(form.id.encode() + b"\0" + ticket.nonce + body).hexdigest()
    key = f"form-{sent}"
    if idempotency.begin(ws, key, sent) is not None:
        return False
    entity = ws.model.entity(form.entity)
    assert entity is not None
    by_key = {entity.fields[id].key: value for id, value in form.constants.items() if id in entity.fields}
    owner = _owner(ws, form)
    given = {**values, **by_key, **({"owner": owner} if owner is not None else {})}
    # Warnings are for colleagues: a visitor is asked nothing, and the event tells what was passed over.
    record = records.create(ws, entity, given, confirm=(ALL,))
    idempotency.finish(ws, key, 201, record.id)
    return True


def _owner(ws: Workspace, form: PublicForm) -> str | None:
    """The user who is to own the records; None when nobody has the address any more: then nobody owns them."""
    user = ws.model.entity("user")
    if form.owner is None or user is None or user.find("email") is None:
        return None
    asking = replace(ws, actor=platform_actor("public"))
    address = form.owner.replace("\\", "\\\\").replace("'", "\\'")
    found = queries.find(asking, Query("user", where=f"email == '{address}'", fields=("id",), limit=1)).raw
    return str(found[0][0]) if found else None
