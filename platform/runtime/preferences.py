"""The `_preference` table: what people set for themselves, by name. The only module that reads and writes it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.problems import LANGUAGES, BadRequest, Invalid, TooLarge, kind
from runtime import records
from runtime.portable import Id, Json
from runtime.workspace import Workspace

LARGEST = 32 * 1024
"""Bytes of one value as JSON."""
_LONGEST_NAME = 120
_MOST = 1_000

TOO_LARGE = kind(
    "preference_too_large",
    en="This is more than is kept for one person ({most} bytes at once). Make it smaller.",
    zh="超出每人可保存的大小（单项 {most} 字节），请减少内容。",
)
BAD_NAME = kind(
    "preference_name",
    en="The name of a preference has 1 to {longest} printable characters.",
    zh="偏好名称应为 1 到 {longest} 个可打印字符。",
)
NOBODY = kind(
    "preference_nobody",
    en="Preferences belong to a person. Sign in as one.",
    zh="偏好属于个人，请先登录。",
)
BAD_LANGUAGE = kind(
    "preference_language",
    en="The pages do not speak {language}. Choose one of: {known}.",
    zh="页面不支持语言 {language}。可选：{known}。",
)
BAD_TIMEZONE = kind(
    "preference_timezone",
    en="{timezone} is no time zone. Choose one from the list, e.g. Asia/Shanghai.",
    zh="{timezone} 不是有效的时区，请从列表中选择，例如 Asia/Shanghai。",
)

_ROWS = sa.table("_preference", sa.column("account", Id()), sa.column("name", sa.Text()), sa.column("value", Json()))


def get(ws: Workspace, name: str) -> Any:
    """What the actor keeps under a name, as JSON data; None when nothing is kept."""
    return None if ws.actor.user is None else of(ws, ws.actor.user, name)


def of(ws: Workspace, user: str, name: str) -> Any:
    """What somebody keeps under a name, for what the platform does for him."""
    mine = (_ROWS.c.account == user, _ROWS.c.name == name)
    row = ws.db.execute(sa.select(_ROWS.c.value).where(*mine)).first()
    return row.value if row is not None else None


def kept(account: sa.ColumnElement[Any], name: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
    """What an account keeps under a name, as a part of a larger statement."""
    mine = (_ROWS.c.account == account, _ROWS.c.name == name)
    return sa.select(_ROWS.c.value).where(*mine).scalar_subquery()


def put(ws: Workspace, name: str, value: Any) -> None:
    """Keep JSON data under a name for the actor; None forgets it. Raises BadRequest, TooLarge."""
    user = _person(ws)
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise BadRequest(BAD_NAME("name", longest=_LONGEST_NAME))
    if value is None:
        ws.db.execute(sa.delete(_ROWS).where(_ROWS.c.account == user, _ROWS.c.name == name))
        return
    if len(orjson.dumps(value)) > LARGEST or _count(ws, user) >= _MOST:
        raise TooLarge(TOO_LARGE(name, most=LARGEST))
    insert: Callable[..., Any] = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    statement = insert(_ROWS).values(account=user, name=name, value=value)
    again = {"value": statement.excluded.value}
    ws.db.execute(statement.on_conflict_do_update(index_elements=["account", "name"], set_=again))


def _count(ws: Workspace, user: str) -> int:
    return int(ws.db.execute(sa.select(sa.func.count()).where(_ROWS.c.account == user)).scalar_one())


def _person(ws: Workspace) -> str:
    if ws.actor.user is None:
        raise BadRequest(NOBODY())
    return ws.actor.user


def speak(ws: Workspace, language: str) -> None:
    """The language that the actor reads from now on, wherever he signs in and in what is sent. Raises Invalid."""
    if language not in LANGUAGES:
        raise Invalid(BAD_LANGUAGE("language", language=language[:40], known=LANGUAGES))
    put(ws, "language", language)
    _set(ws, {"language": language})


def live_in(ws: Workspace, timezone: str) -> None:
    """The time zone in which the actor reads and writes moments from now on. Raises Invalid."""
    if timezone not in timezones():
        raise Invalid(BAD_TIMEZONE("timezone", timezone=timezone[:60]))
    _set(ws, {"timezone": timezone})


@cache
def timezones() -> tuple[str, ...]:
    """Every time zone that has a place for a name, in order."""
    places = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return (*sorted(each for each in zoneinfo.available_timezones() if each.startswith(places)), "UTC")


def _set(ws: Workspace, values: Mapping[str, str]) -> None:
    """The person's own record holds it, where actors are read from: people may set these fields without a right to
    change users, and it is told as theirs."""
    user = ws.model.entity("user")
    kept = {key: value for key, value in values.items() if user is not None and key in user.fields}
    if user is not None and kept:
        # By today's keys: a package may have renamed the fields.
        named = {user.fields[id].key: value for id, value in kept.items()}
        records.update(replace(ws, actor=replace(ws.actor, platform=True)), user, _person(ws), named)
