"""Signatures of messages between programs, after Standard Webhooks: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = 300
"""Seconds by which the clocks of two systems may differ, and that a message may be on its way."""
_PREFIX = "whsec_"
_VERSION = "v1"


def key_of(secret: str) -> bytes:
    """The key of a secret: what base64 says behind `whsec_`, else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,...`."""
    signed = f"{id}.{timestamp}.".encode() + body
    return f"{_VERSION},{base64.b64encode(hmac.digest(key_of(secret), signed, 'sha256')).decode()}"


def headers(secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What a message carries."""
    return {ID: id, TIMESTAMP: str(timestamp), SIGNATURE: sign(secret, id, timestamp, body)}


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str | None:
    """The id of a message that was signed with the secret not long ago, else None.

    `headers` by names in small letters; several signatures are separated by blanks, of which one must be right.
    """
    id, sent, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (0 < len(id) <= 200 and id.isascii() and id.isprintable()):
        return None
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12) or abs(now - int(sent)) > TOLERANCE:
        return None
    right = sign(secret, id, int(sent), body).encode()
    found = [hmac.compare_digest(right, each.encode("utf-8", "replace")) for each in given.split(" ")[:10]]
    return id if any(found) else None
