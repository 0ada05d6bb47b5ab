"""One try of one delivery: through the door for requests, or to the mail server. No transaction is open here."""

from __future__ import annotations

import hashlib
import logging
import time
from functools import lru_cache

from channels import mail as mails
from channels import signing
from channels.addresses import allowances
from channels.egress import Answer, Egress, Failed, Request
from metadata.problems import PlatformError
from runtime.deliveries.delivery import Held, Sent
from runtime.sealing import LOST
from runtime.settings import Settings

log = logging.getLogger(__name__)

_LATER = frozenset({408, 425, 429})
"""Answers that say: not now."""
_GONE = 410
NO_SERVER = "no_mail_server"
NO_SECRET = "no_secret"


@lru_cache(maxsize=8)
def door(allowed: str) -> Egress:
    """The door of a process with what its operator allows."""
    return Egress(allowances(allowed))


def message_key(tenant: str, key: str) -> str:
    """What others know a delivery by: the same for every sending of the same thing, and for no other tenant's."""
    return f"msg_{hashlib.sha256(f'{tenant}:{key}'.encode()).hexdigest()[:32]}"


def send(settings: Settings, tenant: str, organisation: str, held: Held) -> Sent:
    """Try once. Never raises: whatever goes wrong is how the try ended."""
    if not held.payload:
        return Sent(False, final=True, error=LOST.code)
    try:
        if held.delivery.channel == "mail":
            return _mail(settings, tenant, organisation, held)
        return _request(settings, tenant, held)
    except Failed as failed:
        return Sent(False, away=True, error=failed.code)
    except PlatformError as error:
        return Sent(False, final=True, error=error.problems[0].code)
    except Exception:
        log.exception("delivery %s of tenant %s failed", held.delivery.id, tenant)
        return Sent(False, error="internal")


def _mail(settings: Settings, tenant: str, organisation: str, held: Held) -> Sent:
    if not (settings.smtp_url and settings.mail_from):
        return Sent(False, final=True, error=NO_SERVER)
    payload, key = held.payload, message_key(tenant, held.delivery.key)
    letter = mails.Mail(
        key, settings.mail_from, payload["to"], payload["subject"], payload["text"], payload["lang"], organisation
    )
    mails.send(mails.server_of(settings.smtp_url), letter)
    return Sent(True)


def _request(settings: Settings, tenant: str, held: Held) -> Sent:
    payload, key = held.payload, message_key(tenant, held.delivery.key)
    body = (payload["body"] or "").encode()
    headers = {"Content-Type": "application/json"} if body else {}
    if held.secret is not None:
        headers |= signing.headers(held.secret, key, int(time.time()), body)
    elif payload["secret"] is not None or held.delivery.origin is not None:
        return Sent(False, final=True, error=NO_SECRET)
    answer = door(settings.egress_allow).send(Request(payload["url"], payload["method"], body, headers, key))
    return _judged(answer, insist=payload["insist"])


def _judged(answer: Answer, insist: bool) -> Sent:
    """What an answer means. Whoever waits for it is told a refusal at once; a webhook is tried again for a day."""
    if answer.ok:
        return Sent(True, status=answer.status)
    broken = answer.status >= 500 or answer.status in _LATER
    final = answer.status == _GONE or not (broken or insist)
    after = answer.headers.get("retry-after", "")
    pause = float(after) if broken and after.isascii() and after.isdigit() and len(after) < 6 else 0.0
    return Sent(False, final, answer.status >= 500, answer.status, f"status_{answer.status}", pause)
