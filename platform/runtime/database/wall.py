"""The wall on PostgreSQL, in SQL: the shared schema, the roles, and the function that binds a transaction to a tenant.

`metaloom_owner` (no login) owns every schema and table. Each tenant has a role with rights on its rows and nothing
else; all of them are members of `metaloom_tenants`, which may use what is shared. The login of the application
inherits nothing and may become the owner or any tenant, one transaction at a time: forgetting `bind` leaves it
without a table in sight.
"""

from __future__ import annotations

import re

from metadata.folding import lower

OWNER = "metaloom_owner"
TENANTS = "metaloom_tenants"

VERSION = 3
"""Raise it when anything below changes: the next `tenant create` or `upgrade` brings every database up to date."""

_PLACE = re.compile(r"t_[a-z0-9]{1,40}\Z")
_SECRET = re.compile(r"[A-Za-z0-9_\-]{0,200}\Z")


def checked_place(place: str) -> str:
    """A schema name that is safe inside a statement. Anything else is a mistake of ours."""
    if not _PLACE.match(place):
        raise ValueError(f"not a tenant's schema: {place!r}")
    return place


def bind_text(place: str, *, writing: bool, login: str, secret: str) -> bytes:
    """BEGIN and the binding as one text for one round trip, which a statement with parameters could not be."""
    if not _SECRET.match(secret) or login not in ("", "session", "token"):
        raise ValueError("not a hash of a session or token")
    mode, flag = ("", "true") if writing else (" READ ONLY", "false")
    return (
        f"BEGIN{mode}; SELECT head, access_epoch, system_version, restore_epoch, login, "
        f"(extract(epoch FROM now()) * 1000000)::bigint "
        f"FROM platform.bind('{checked_place(place)}', {flag}, '{login}', '{secret}')"
    ).encode()


def own_text(place: str, *, lock: bool) -> bytes:
    """BEGIN as the owner, alone with the tenant: a writing workspace holds the same lock shared."""
    schema = checked_place(place)
    text = (
        f"BEGIN; SET LOCAL ROLE {OWNER}; SET LOCAL search_path = {schema}, platform; "
        "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = 0"
    )
    if lock:
        text += f"; SELECT pg_advisory_xact_lock(hashtextextended('{schema}', 0))"
    return text.encode()


def aside_text(place: str) -> bytes:
    """The owner's session without a transaction."""
    schema = checked_place(place)
    return (
        f"SET ROLE {OWNER}; SET search_path = {schema}, platform; SET lock_timeout = '10s'; SET statement_timeout = 0"
    ).encode()


ROLES = f"""
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['{OWNER}', '{TENANTS}'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END $$
"""

SHARED = f"""
CREATE SCHEMA IF NOT EXISTS platform AUTHORIZATION {OWNER};
SET LOCAL ROLE {OWNER};

CREATE TABLE IF NOT EXISTS platform.tenant (
  id text COLLATE "C" PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  schema text COLLATE "C" NOT NULL UNIQUE,
  server text COLLATE "C",
  created_at timestamptz NOT NULL DEFAULT now(),
  state text COLLATE "C" NOT NULL,
  label text COLLATE "C" NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS platform.wake (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  due_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_wake_due ON platform.wake (due_at, id);
CREATE TABLE IF NOT EXISTS platform.shared (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS platform.operator (
  id uuid PRIMARY KEY,
  login text COLLATE "C" NOT NULL UNIQUE,
  password text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS platform.operator_session (
  hash text COLLATE "C" PRIMARY KEY,
  operator uuid NOT NULL REFERENCES platform.operator (id),
  csrf text NOT NULL,
  agent text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS platform.operator_attempt (
  key text COLLATE "C" PRIMARY KEY,
  count integer NOT NULL,
  until timestamptz NOT NULL
);

CREATE OR REPLACE FUNCTION platform.bind(
  place text, writing boolean, login_kind text, secret text,
  OUT head integer, OUT access_epoch integer, OUT system_version integer, OUT restore_epoch integer, OUT login json
) LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  PERFORM set_config('role', place, true), set_config('search_path', place || ', platform', true);
  IF writing THEN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(place, 0));
  END IF;
  IF login_kind = 'session' THEN
    SELECT json_build_object(
        'kind', 'session', 'hash', s.hash, 'account', s.account, 'created_at', s.created_at,
        'expires_at', s.expires_at, 'seen_at', s.seen_at, 'csrf', s.csrf, 'agent', s.agent, 'login', a.login,
        'disabled_at', a.disabled_at, 'password_changed_at', a.password_changed_at)
      INTO login FROM _session s JOIN _account a ON a.id = s.account WHERE s.hash = secret;
  ELSIF login_kind = 'token' THEN
    SELECT json_build_object(
        'kind', 'token', 'id', t.id, 'account', t.account, 'created_at', t.created_at, 'expires_at', t.expires_at,
        'seen_at', t.seen_at, 'name', t.name, 'role', t.role, 'scopes', t.scopes, 'revoked_at', t.revoked_at,
        'login', a.login, 'disabled_at', a.disabled_at)
      INTO login FROM _token t JOIN _account a ON a.id = t.account WHERE t.hash = secret;
  END IF;
  SELECT s.head, s.access_epoch, s.system_version, s.restore_epoch
    INTO head, access_epoch, system_version, restore_epoch FROM _state s WHERE s.id = 1;
END $$;

GRANT USAGE ON SCHEMA platform TO {TENANTS};
GRANT INSERT ON platform.wake TO {TENANTS};
RESET ROLE;
"""


def fold_function(lowered: dict[int, str]) -> str:
    """The SQL of `platform.fold`: ICU's lower case, corrected where its Unicode version differs from Python's."""
    before, after = "ς", "σ"
    for point in (*range(1, 0xD800), *range(0xE000, 0x20000)):
        here, there = lower(chr(point)), lowered.get(point, chr(point))
        if here == there or len(here) != 1 or len(there) != 1:
            continue
        before += there
        after += here
    return f"""
SET LOCAL ROLE {OWNER};
CREATE OR REPLACE FUNCTION platform.fold(text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN translate(lower($1 COLLATE "und-x-icu"), '{before}', '{after}');
RESET ROLE;
"""
