"""Secrets of records: encrypted when they are written, shown to who may change them, and then written down.

How they are encrypted, and with which keys, is said in `runtime.sealing`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata.access import rights
from metadata.fieldtypes import registry
from metadata.fieldtypes.secrets import KEPT, SET, Plain
from metadata.model import Entity, Field
from metadata.problems import Invalid, NotFound, kind
from runtime import events, sealing
from runtime.sealing import NO_KEY
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan

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

REVEALED = "revealed"


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
            elif sealing.current_key(ws.host.settings) is None:
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


def _place(ws: Workspace, entity: Entity, field: Field, record: str) -> bytes:
    return sealing.place_of(ws.tenant.id, entity.id, field.id, record)


def _sealed(ws: Workspace, entity: Entity, field: Field, record: str, text: str) -> str:
    return sealing.seal(ws.host.settings, _place(ws, entity, field, record), text)


def _open(ws: Workspace, entity: Entity, field: Field, record: str, stored: str) -> str | None:
    return sealing.unseal(ws.host.settings, _place(ws, entity, field, record), stored)


def _opened(ws: Workspace, entity: Entity, field: Field, record: str, stored: str) -> str:
    text = _open(ws, entity, field, record, stored)
    if text is None:
        raise Invalid(UNOPENED(field.key, label=field.label))
    return text
