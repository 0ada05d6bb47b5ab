"""The tables of accounts as both databases hold them: who may come in, by which secret, in which role."""

from __future__ import annotations

import sqlalchemy as sa

from runtime.portable import Id, Json, Moment

ACCOUNT = sa.table(
    "_account",
    sa.column("id", Id()),
    sa.column("login", sa.Text()),
    sa.column("password", sa.Text()),
    sa.column("disabled_at", Moment()),
    sa.column("created_at", Moment()),
    sa.column("password_changed_at", Moment()),
)
SESSION = sa.table(
    "_session",
    sa.column("hash", sa.Text()),
    sa.column("account", Id()),
    sa.column("created_at", Moment()),
    sa.column("expires_at", Moment()),
    sa.column("seen_at", Moment()),
    sa.column("csrf", sa.Text()),
    sa.column("agent", sa.Text()),
)
TOKEN = sa.table(
    "_token",
    sa.column("id", Id()),
    sa.column("hash", sa.Text()),
    sa.column("account", Id()),
    sa.column("name", sa.Text()),
    sa.column("role", sa.Text()),
    sa.column("scopes", Json()),
    sa.column("created_at", Moment()),
    sa.column("expires_at", Moment()),
    sa.column("revoked_at", Moment()),
    sa.column("seen_at", Moment()),
)
ROLE_ASSIGNMENT = sa.table("_role_assignment", sa.column("user_id", Id()), sa.column("role_id", sa.Text()))
THROTTLE = sa.table(
    "_throttle", sa.column("key", sa.Text()), sa.column("count", sa.Integer()), sa.column("until", Moment())
)
