"""Texts that lie encrypted in the database: how they are sealed, and opened again where they belong.

A sealed text is `v1:<key id>:<nonce and ciphertext>`, AES-256-GCM. The key is derived from METALOOM_SECRET_KEY; what
is authenticated beside the text is its place (tenant, entity, field, record), so a ciphertext that somebody moves
elsewhere in the database opens nowhere. METALOOM_OLD_SECRET_KEY, and what stands behind a comma, only opens.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from metadata.fieldtypes.base import Masked
from metadata.model import Entity
from metadata.problems import Invalid, kind
from runtime.settings import Settings
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
LOST = kind(
    "secrets.lost",
    en="What was kept encrypted for this cannot be opened. Ask the operator of this installation to add the former key "
    "as METALOOM_OLD_SECRET_KEY.",
    zh="无法解密为此保存的内容。请联系运维人员将原密钥设为 METALOOM_OLD_SECRET_KEY。",
)

SHORTEST_KEY = 32
FORM = "v1"
UNREADABLE = "⚠ cannot be decrypted / 无法解密"
_SEALED = re.compile(rf"{FORM}:([0-9a-f]{{8}}):[A-Za-z0-9_-]{{38,}}={{0,2}}", re.ASCII)


class Unreadable(Masked):
    """Stands for a value that no key opens, or whose ciphertext is of another place. It is kept as it is stored."""

    __slots__ = ("stored",)
    stored: str

    def __new__(cls, stored: str) -> Unreadable:
        made = super().__new__(cls, UNREADABLE)
        made.stored = stored
        return made


# -- keys


@lru_cache(maxsize=32)
def _keys(secret_key: str) -> Mapping[str, bytes]:
    """Key id -> key, in their order."""
    found = {}
    for each in (part.strip() for part in secret_key.split(",")):
        if len(each) >= SHORTEST_KEY:
            key = hashlib.scrypt(each.encode(), salt=b"metaloom.vault.v1", n=2**14, r=8, p=1, dklen=32)
            found[hashlib.sha256(b"id" + key).hexdigest()[:8]] = key
    return found


def has_key(secret_key: str) -> bool:
    """Whether anything can be encrypted with this setting."""
    return any(len(part.strip()) >= SHORTEST_KEY for part in secret_key.split(","))


def current_key(settings: Settings) -> str | None:
    """The id of the key that encrypts."""
    return next(iter(_keys(settings.secret_key)), None)


def _key(settings: Settings, name: str) -> bytes | None:
    return _keys(settings.secret_key).get(name) or _keys(settings.old_secret_key).get(name)


# -- one text


def is_sealed(stored: str) -> bool:
    return _SEALED.fullmatch(stored) is not None


def key_of(stored: str) -> str | None:
    """The id of the key that a text was sealed with; None when it lies open."""
    found = _SEALED.fullmatch(stored)
    return found[1] if found is not None else None


def place_of(tenant: str, entity: str, field: str, record: str) -> bytes:
    return f"{tenant}|{entity}|{field}|{record}".encode()


def seal(settings: Settings, place: bytes, text: str) -> str:
    """A text that opens in this place alone. Raises Invalid when there is no key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    name = current_key(settings)
    if name is None:
        raise Invalid(NO_KEY(label={"en": "This value", "zh": "此值"}))
    nonce = os.urandom(12)
    made = nonce + AESGCM(_keys(settings.secret_key)[name]).encrypt(nonce, text.encode(), place)
    return f"{FORM}:{name}:{base64.urlsafe_b64encode(made).decode()}"


def unseal(settings: Settings, place: bytes, stored: str) -> str | None:
    """The text; None when no key opens it or the ciphertext is of another place."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    form, _, rest = stored.partition(":")
    name, _, coded = rest.partition(":")
    key = _key(settings, name) if form == FORM else None
    if key is None:
        return None
    try:
        made = base64.urlsafe_b64decode(coded)
        return AESGCM(key).decrypt(made[:12], made[12:], place).decode()
    except (InvalidTag, ValueError):
        return None


# -- values of fields


def names_of(entity: Entity) -> tuple[str, ...]:
    """Ids of the encrypted fields of an entity."""
    return tuple(each.id for each in entity.fields.values() if each.encrypted)


class Sealer:
    """Seals and opens the values of one tenant."""

    def __init__(self, ws: Workspace) -> None:
        self._ws, self._model = ws, ws.model
        self._names: dict[str, tuple[str, ...]] = {}

    def names(self, entity_id: str) -> tuple[str, ...]:
        """Ids of the encrypted fields of what may be an entity."""
        if entity_id not in self._names:
            entity = self._model.entity(entity_id)
            self._names[entity_id] = names_of(entity) if entity is not None and entity.id == entity_id else ()
        return self._names[entity_id]

    def sealed(self, entity: str, field: str, record: str, value: Any) -> Any:
        """What is stored of a value."""
        if isinstance(value, Unreadable):
            return value.stored
        if value is None:
            return None
        return seal(self._ws.host.settings, place_of(self._ws.tenant.id, entity, field, record), str(value))

    def opened(self, entity: str, field: str, record: str, stored: Any) -> Any:
        """The value of what is stored. What lies open yet, since the field has only now become encrypted, is it."""
        if not isinstance(stored, str) or not is_sealed(stored):
            return stored
        text = unseal(self._ws.host.settings, place_of(self._ws.tenant.id, entity, field, record), stored)
        return Unreadable(stored) if text is None else text

    def changes(self, entity: str, record: str | None, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """The changes of an event as they are kept."""
        return self._each(entity, record, changes, self.sealed)

    def told(self, entity: str, record: str | None, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """The changes of an event as they were."""
        return self._each(entity, record, changes, self.opened)

    def _each(
        self, entity: str, record: str | None, changes: Mapping[str, Any], of: Callable[[str, str, str, Any], Any]
    ) -> Mapping[str, Any]:
        names = [each for each in self.names(entity) if each in changes] if record is not None else []
        if not names:
            return changes
        return {**changes, **{id: [of(entity, id, str(record), value) for value in changes[id]] for id in names}}


def row(ws: Workspace, plan: WritePlan, draft: Draft) -> Mapping[str, Any]:
    """The values of a draft as its row keeps them."""
    if not plan.encrypted:
        return draft.values
    seal_ = Sealer(ws).sealed
    found = dict(draft.values)
    for id, key in plan.encrypted:
        value = found.get(key)
        if value is not None:
            found[key] = seal_(plan.entity.id, id, draft.id, value)
    return found


def values(ws: Workspace, plan: WritePlan, row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of `plan.selected` as a record's values."""
    found = plan.values(row)
    if plan.encrypted:
        open_ = Sealer(ws).opened
        for id, key in plan.encrypted:
            if found.get(key) is not None:
                found[key] = open_(plan.entity.id, id, str(found["id"]), found[key])
    return found


def check(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell the drafts that nothing can be encrypted, where there is something to encrypt and no key."""
    if current_key(ws.host.settings) is not None:
        return
    for draft in drafts:
        for id in {id for id, _ in plan.encrypted}:
            value = draft.values.get(id)
            if value is not None and value != (draft.before or {}).get(id):
                field = plan.entity.fields[id]
                draft.wrong(NO_KEY(field.key, label=field.label))


Sealed = tuple[int, int, str, str]
"""Of a selected column: its place in the row, that of the record's id, and the ids of entity and field."""


def rows(ws: Workspace, sealed: Sequence[Sealed], raw: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Selected rows with their encrypted columns opened."""
    open_ = Sealer(ws).opened
    found = []
    for each in raw:
        made = list(each)
        for at, id, entity, field in sealed:
            if made[at] is not None:
                made[at] = open_(entity, field, str(made[id]), made[at])
        found.append(tuple(made))
    return found


# -- what is kept beside records: values on their way, answers that may be asked for again


def hidden(ws: Workspace, what: str, which: str, data: Any) -> Any:
    """JSON data as it is kept where it may hold anything; as it is where there is no key."""
    if data is None or current_key(ws.host.settings) is None:
        return data
    place = place_of(ws.tenant.id, what, "", which)
    return {"sealed": seal(ws.host.settings, place, orjson.dumps(data).decode())}


def shown(ws: Workspace, what: str, which: str, data: Any) -> Any:
    """What `hidden` was given. Raises Invalid when it does not open."""
    if not isinstance(data, Mapping) or set(data) != {"sealed"}:
        return data
    text = unseal(ws.host.settings, place_of(ws.tenant.id, what, "", which), data["sealed"])
    if text is None:
        raise Invalid(LOST())
    return orjson.loads(text)
