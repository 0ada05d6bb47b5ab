"""Secrets of records: encrypted when they are written, shown to who may change them, and then written down.

A stored secret is `v1:<key id>:<nonce and ciphertext>`, AES-256-GCM. The key is derived from METALOOM_SECRET_KEY; what
is authenticated beside the text is tenant, entity, field and record, so a ciphertext that somebody moves elsewhere in
the database opens nowhere. To change the key put the new one in front (`new,old`): it encrypts from then on, and the
old one opens what it had encrypted until each record has been saved anew.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata.access import rights
from metadata.fieldtypes import registry
from metadata.fieldtypes.secrets import KEPT, SET, Plain
from metadata.model import Entity, Field
from metadata.problems import Invalid, NotFound, kind
from runtime import events
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan

NO_KEY = kind(
    "secrets.no_key",
    en="{label} cannot be kept: this installation has no key for secrets. Ask its operator to set METALOOM_SECRET_KEY "
    "to at least 32 random characters.",
    zh="无法保存{label}：系统未配置密钥。请联系运维人员将 METALOOM_SECRET_KEY 设为至少 32 个随机字符。",
)
NOTHING_KEPT = kind(
    "secrets.nothing_kept",
    en="{label} has no value yet that could stay. Send its text.",
    zh="{label} 尚无可保留的值，请发送文本。",
)
NOT_A_SECRET = kind(
    "secrets.not_a_secret",
    en="{entity} has no secret {name}, or you may not change it. Name a field of type secret.",
    zh="{entity}没有名为 {name} 的密文字段，或您无权修改它。请指定密文类型的字段。",
)
UNOPENED = kind(
    "secrets.unopened",
    en="{label} was encrypted with a key that this installation does not have. Ask its operator to add the former key "
    "to METALOOM_SECRET_KEY, behind a comma.",
    zh="{label} 由当前系统没有的密钥加密。请联系运维人员将原密钥加到 METALOOM_SECRET_KEY 之后，以逗号分隔。",
)

SHORTEST_KEY = 32
REVEALED = "revealed"
_FORM = "v1"


@lru_cache(maxsize=8)
def _keys(secret_key: str) -> Mapping[str, bytes]:
    """Key id -> key, the one that encrypts first. Empty when nothing is configured that deserves the name."""
    found = {}
    for each in (part.strip() for part in secret_key.split(",")):
        if len(each) >= SHORTEST_KEY:
            key = hashlib.scrypt(each.encode(), salt=b"metaloom.vault.v1", n=2**14, r=8, p=1, dklen=32)
            found[hashlib.sha256(b"id" + key).hexdigest()[:8]] = key
    return found


def has_key(secret_key: str) -> bool:
    """Whether secrets can be kept with this setting."""
    return any(len(part.strip()) >= SHORTEST_KEY for part in secret_key.split(","))


def key_beside(folder: Path) -> str:
    """A key of its own for a site that nobody has configured (the demo), made once and kept beside its files."""
    path = folder / "secret_key"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(36))
    return path.read_text().strip()


def seal(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Encrypt what was sent for secrets; a text that is the same as before stays as it is."""
    for draft in drafts:
        for field in plan.secrets:
            value = draft.values.get(field.id)
            if value is None or isinstance(value, str):
                continue
            before = (draft.before or {}).get(field.id)
            if value is KEPT:
                draft.values[field.id] = before
                if before is None:
                    draft.wrong(NOTHING_KEPT(field.key, label=field.label))
            elif not _keys(ws.host.settings.secret_key):
                draft.values[field.id] = before
                draft.wrong(NO_KEY(field.key, label=field.label))
            elif before is not None and _open(ws, plan.entity, field, draft.id, before) == value.text:
                draft.values[field.id] = before
            else:
                draft.values[field.id] = _sealed(ws, plan.entity, field, draft.id, value.text)


def handed_over(ws: Workspace, entity: Entity, field: Field, record: str, value: Any) -> Any:
    """The stored secret of a record, to be encrypted anew for another one. Raises Invalid when it does not open."""
    return Plain(_opened(ws, entity, field, record, value)) if isinstance(value, str) else value


def reveal(ws: Workspace, entity: Entity, id: str, name: str) -> str | None:
    """The text of a secret, for who may change it; that it was shown is an event.

    Raises NotFound, Forbidden, Invalid.
    """
    from runtime.records.save import held_or_refuse, writing

    plan = writing(ws, entity, "update")
    field = entity.find(name)
    if field is None or not registry.of(field).concealed or not rights(ws.model, ws.actor, entity).may_write(field.id):
        raise NotFound(NOT_A_SECRET("field", entity=entity.label, name=name[:60]))
    value = held_or_refuse(ws, plan, id, "update").values.get(field.id)
    if value is None:
        return None
    text = _opened(ws, entity, field, id.lower(), value)
    events.append(ws, REVEALED, entity.id, id.lower(), {field.id: [SET, SET]})
    return text


def _aad(ws: Workspace, entity: Entity, field: Field, record: str) -> bytes:
    return f"{ws.tenant.id}|{entity.id}|{field.id}|{record}".encode()


def _sealed(ws: Workspace, entity: Entity, field: Field, record: str, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    name, key = next(iter(_keys(ws.host.settings.secret_key).items()))
    nonce = os.urandom(12)
    made = nonce + AESGCM(key).encrypt(nonce, text.encode(), _aad(ws, entity, field, record))
    return f"{_FORM}:{name}:{base64.urlsafe_b64encode(made).decode()}"


def _open(ws: Workspace, entity: Entity, field: Field, record: str, stored: str) -> str | None:
    """The text, None when no key opens it or the ciphertext is of another place."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    form, _, rest = stored.partition(":")
    name, _, coded = rest.partition(":")
    key = _keys(ws.host.settings.secret_key).get(name)
    if form != _FORM or key is None:
        return None
    try:
        made = base64.urlsafe_b64decode(coded)
        return AESGCM(key).decrypt(made[:12], made[12:], _aad(ws, entity, field, record)).decode()
    except (InvalidTag, ValueError):
        return None


def _opened(ws: Workspace, entity: Entity, field: Field, record: str, stored: str) -> str:
    text = _open(ws, entity, field, record, stored)
    if text is None:
        raise Invalid(UNOPENED(field.key, label=field.label))
    return text
