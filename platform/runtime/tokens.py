"""API tokens: scoped, hashed, expiring, bound to a role, shown once."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.ids import is_uuid, uuid7
from metadata.problems import Forbidden, Invalid, NotFound, Problem, kind
from runtime.account_tables import ROLE_ASSIGNMENT, TOKEN
from runtime.accounts import TOKEN_PREFIX, digest
from runtime.workspace import Workspace

DAYS, MOST_DAYS = 90, 366

SCOPE_UNKNOWN = kind(
    "scope_unknown",
    en="{scope} is no scope. Use read or write for everything, read:<entity> or write:<entity> for one kind of record.",
    zh="{scope} 不是有效的权限范围。全部请用 read 或 write，单一实体请用 read:<实体> 或 write:<实体>。",
)
SCOPES_MISSING = kind(
    "scopes_missing",
    en="A token needs at least one scope. Name read or write, for everything or for an entity.",
    zh="令牌至少需要一个权限范围。请指定 read 或 write，可针对全部或某个实体。",
)
DAYS_BAD = kind(
    "token_days",
    en="A token lives between 1 and {most} days. Choose a number in between.",
    zh="令牌有效期为 1 至 {most} 天，请选择其间的天数。",
)
NAME_BAD = kind(
    "token_name",
    en="A token needs a name of 1 to 100 characters, so that you know later what it is for.",
    zh="令牌需要 1 至 100 个字符的名称，以便日后辨认用途。",
)
ROLE_NOT_HELD = kind(
    "token_role",
    en="The owner of the token does not have the role {role}. Name one of the owner's roles.",
    zh="令牌所有者没有角色 {role}。请指定所有者已有的角色。",
)
TOKEN_UNKNOWN = kind(
    "token_unknown",
    en="There is no such token. List the tokens to see their ids.",
    zh="没有这个令牌。请列出令牌查看编号。",
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that has just been made. `secret` is shown now and never again."""

    id: str
    secret: str
    expires_at: dt.datetime


def create(
    ws: Workspace, owner: str, name: object, scopes: object, *, role: str | None = None, days: object = DAYS
) -> Issued:
    """A new token of a user. Raises Invalid with everything wrong; Forbidden for somebody else's account."""
    _require_own(ws, owner)
    wanted, problems = _scopes(ws, scopes)
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 100 or "\0" in name:
        problems.append(NAME_BAD("name"))
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
        problems.append(DAYS_BAD("days", most=MOST_DAYS))
    bound, missing = _role(ws, owner, role)
    problems.extend(missing)
    if problems:
        raise Invalid(problems)
    assert isinstance(name, str) and isinstance(days, int)
    issued = Issued(uuid7(), TOKEN_PREFIX + secrets.token_urlsafe(32), ws.now + dt.timedelta(days=days))
    ws.db.execute(
        sa.insert(TOKEN).values(
            id=issued.id,
            hash=digest(issued.secret),
            account=owner,
            name=name.strip(),
            role=bound,
            scopes=wanted,
            created_at=ws.now,
            expires_at=issued.expires_at,
        )
    )
    return issued


def _scopes(ws: Workspace, scopes: object) -> tuple[list[str], list[Problem]]:
    """Scopes by entity id, as they are stored, so that a rename breaks no token."""
    if not isinstance(scopes, (list, tuple)) or not scopes:
        return [], [SCOPES_MISSING("scopes")]
    found: list[str] = []
    problems: list[Problem] = []
    for at, scope in enumerate(scopes):
        action, _, name = scope.partition(":") if isinstance(scope, str) else ("", "", "")
        entity = ws.model.entity(name) if name else None
        if action not in ("read", "write") or (isinstance(scope, str) and ":" in scope and entity is None):
            problems.append(SCOPE_UNKNOWN(f"scopes.{at}", scope=scope))
        else:
            found.append(f"{action}:{entity.id}" if entity else action)
    return found, problems


def _role(ws: Workspace, owner: str, role: str | None) -> tuple[str | None, list[Problem]]:
    if role is None:
        return None, []
    found = ws.model.role(role) if isinstance(role, str) else None
    held = sa.select(ROLE_ASSIGNMENT.c.role_id).where(ROLE_ASSIGNMENT.c.user_id == owner)
    if found is None or found.id not in {row[0] for row in ws.db.execute(held)}:
        return None, [ROLE_NOT_HELD("role", role=role)]
    return found.id, []


def living(ws: Workspace, owner: str) -> list[dict[str, Any]]:
    """The tokens of a user that still open doors, newest first, without their secrets."""
    _require_own(ws, owner)
    columns = (TOKEN.c.id, TOKEN.c.name, TOKEN.c.role, TOKEN.c.scopes, TOKEN.c.created_at, TOKEN.c.expires_at)
    chosen = sa.select(*columns).where(
        TOKEN.c.account == owner, TOKEN.c.revoked_at.is_(None), TOKEN.c.expires_at > ws.now
    )
    return [
        {
            "id": row.id,
            "name": row.name,
            "role": row.role,
            "scopes": _by_key(ws, row.scopes),
            "created_at": row.created_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
        }
        for row in ws.db.execute(chosen.order_by(TOKEN.c.id.desc()))
    ]


def _by_key(ws: Workspace, scopes: Iterable[str]) -> list[str]:
    found = []
    for scope in scopes:
        action, _, id = scope.partition(":")
        entity = ws.model.entity(id) if id else None
        found.append(f"{action}:{entity.key}" if entity else scope)
    return found


def revoke(ws: Workspace, owner: str, id: str) -> None:
    """End a token of a user. Raises NotFound."""
    _require_own(ws, owner)
    if not is_uuid(id):
        raise NotFound(TOKEN_UNKNOWN("id"))
    chosen = (TOKEN.c.id == id) & (TOKEN.c.account == owner) & TOKEN.c.revoked_at.is_(None)
    revoked = sa.update(TOKEN).where(chosen).values(revoked_at=ws.now).returning(TOKEN.c.id)
    if ws.db.execute(revoked).first() is None:
        raise NotFound(TOKEN_UNKNOWN("id"))


def _require_own(ws: Workspace, owner: str) -> None:
    if not ws.actor.platform and ws.actor.user != owner:
        raise Forbidden(TOKEN_UNKNOWN("id"))
