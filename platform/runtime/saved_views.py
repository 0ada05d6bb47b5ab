"""The `_saved_view` table: lists that people keep for themselves or share. The only module that reads and writes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from metadata.expressions.printing import text_of
from metadata.ids import is_uuid, uuid7
from metadata.model import EMPTY, Entity
from metadata.problems import BadRequest, Conflict, Forbidden, Invalid, NotFound, Problem, kind
from runtime import preferences
from runtime.portable import Flag, Id, Json, Moment
from runtime.queries.build import Build
from runtime.queries.names import readable, target_of
from runtime.queries.prepare import expression_of
from runtime.queries.query import MAX_FIELDS, MAX_SORTS, too_many
from runtime.workspace import Workspace

MOST = 100
"""Views of one person on one entity."""
LONGEST_NAME = 80
NARROWEST, WIDEST = 48, 1_200
"""Pixels of a column."""

UNKNOWN = kind(
    "saved_view_unknown",
    en="There is no such view, or it is no longer shared with you. Choose another one.",
    zh="没有此视图，或它已不再与您共享。请选择其他视图。",
)
NOT_YOURS = kind(
    "saved_view_not_yours",
    en="Only its owner or an administrator may change this view. Save your own copy instead.",
    zh="只有所有者或管理员可以修改此视图。请另存为您自己的视图。",
)
STALE = kind(
    "saved_view_stale",
    en="Somebody has changed this view in the meantime. Open it again and repeat your change.",
    zh="该视图已被他人修改。请重新打开后再操作。",
)
NO_NAME = kind(
    "saved_view_name",
    en="A view needs a name of at most {longest} characters.",
    zh="视图名称不能为空，且最多 {longest} 个字符。",
)
TOO_MANY = kind(
    "saved_view_too_many",
    en="You have {most} views here already. Delete some that you do not use.",
    zh="您在此已有 {most} 个视图，请先删除不用的视图。",
)
NOBODY = kind(
    "saved_view_owner",
    en="A view belongs to a person. Sign in as one.",
    zh="视图必须属于某个人，请先登录。",
)

_VIEW = sa.table(
    "_saved_view",
    sa.column("id", Id()),
    sa.column("entity", sa.Text()),
    sa.column("owner", Id()),
    sa.column("name", sa.Text()),
    sa.column("shared", Flag()),
    sa.column("body", Json()),
    sa.column("version", sa.Integer()),
    sa.column("created_at", Moment()),
    sa.column("updated_at", Moment()),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a list shows and how. All names are ids (dotted over links), so that a rename never breaks it."""

    where: str | None = None
    """An expression text with ids of fields and options."""
    sort: tuple[str, ...] = ()
    """`-` in front for descending."""
    group: str | None = None
    """A field, or a date with its period: `closes:month`."""
    columns: tuple[str, ...] = ()
    """None of its own when empty: those of the view below it, or of the entity."""
    widths: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    """Column -> pixels."""
    pinned: int = 0
    totals: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Field -> sum, avg, min, max."""
    view: str | None = None
    """Id of the view of the description that it was made from."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A list that somebody keeps. `entity` and `owner` are ids."""

    id: str
    entity: str
    owner: str
    name: str
    shared: bool
    shape: Shape
    version: int
    updated_at: dt.datetime


def listing(ws: Workspace, entity: Entity) -> tuple[SavedView, ...]:
    """The actor's own views of an entity and those that are shared, by name."""
    mine = sa.or_(_VIEW.c.owner == ws.actor.user, _VIEW.c.shared == sa.literal(True, Flag()))
    found = ws.db.execute(sa.select(_VIEW).where(_VIEW.c.entity == entity.id, mine).order_by(_VIEW.c.name, _VIEW.c.id))
    return tuple(_made(row) for row in found)


def arranged(ws: Workspace, entity: Entity) -> tuple[Mapping[str, Any], tuple[SavedView, ...]]:
    """How the actor has arranged the lists of an entity (a preference), and its listing, in one statement."""
    given = {"user": ws.actor.user, "entity": entity.id, "name": arrangement(entity)}
    rows = [row._mapping for row in ws.db.execute(_ARRANGED, given)]
    views = tuple(_made(row) for row in rows if row["id"] is not None)
    return rows[0]["kept"] or EMPTY, views


def arrangement(entity: Entity) -> str:
    """The name of the preference that holds how somebody has arranged the lists of an entity."""
    return f"list:{entity.id}"


def _arranged() -> sa.Select[Any]:
    user = sa.bindparam("user", type_=Id())
    kept = sa.select(preferences.kept(user, sa.bindparam("name", type_=sa.Text())).label("kept")).subquery("one")
    mine = sa.or_(_VIEW.c.owner == user, _VIEW.c.shared == sa.literal(True, Flag()))
    on = sa.and_(_VIEW.c.entity == sa.bindparam("entity", type_=sa.Text()), mine)
    beside = kept.outerjoin(_VIEW, on)
    return sa.select(kept.c.kept, _VIEW).select_from(beside).order_by(_VIEW.c.name, _VIEW.c.id)


_ARRANGED = _arranged()


def get(ws: Workspace, entity: Entity, id: str) -> SavedView:
    """One that the actor may open. Raises NotFound."""
    found = ws.db.execute(sa.select(_VIEW).where(_VIEW.c.id == id)).first() if is_uuid(id) else None
    if found is None or found.entity != entity.id or not (found.shared or found.owner == ws.actor.user):
        raise NotFound(UNKNOWN())
    return _made(found)


def may_change(ws: Workspace, view: SavedView) -> bool:
    """Whoever made it, and whoever may configure the tenant when it is shared."""
    if view.owner == ws.actor.user:
        return True
    roles = (ws.model.role(id) for id in ws.actor.roles)
    return view.shared and any(role is not None and "configure" in role.capabilities for role in roles)


def create(ws: Workspace, entity: Entity, name: str, shape: Shape, shared: bool = False) -> SavedView:
    """Keep a list under a name. The names in its shape may be keys. Raises BadRequest, Invalid, Forbidden."""
    if ws.actor.user is None:
        raise Forbidden(NOBODY())
    count = sa.select(sa.func.count()).where(_VIEW.c.entity == entity.id, _VIEW.c.owner == ws.actor.user)
    if ws.db.execute(count).scalar_one() >= MOST:
        raise Invalid(TOO_MANY(most=MOST))
    values = {
        "id": uuid7(),
        "entity": entity.id,
        "owner": ws.actor.user,
        "name": _name(name),
        "shared": shared,
        "body": _body(by_ids(ws, entity, shape)),
        "version": 1,
        "created_at": ws.now,
        "updated_at": ws.now,
    }
    ws.db.execute(sa.insert(_VIEW).values(values))
    return get(ws, entity, str(values["id"]))


def update(
    ws: Workspace,
    entity: Entity,
    id: str,
    *,
    name: str | None = None,
    shape: Shape | None = None,
    shared: bool | None = None,
    version: int | None = None,
) -> SavedView:
    """Rename it, share it or keep another shape; None leaves as it is.

    Raises NotFound, Forbidden, BadRequest, Invalid, and Conflict when `version` is no longer the view's.
    """
    view = _own(ws, entity, id)
    if version is not None and version != view.version:
        raise Conflict(STALE())
    values: dict[str, Any] = {"version": view.version + 1, "updated_at": ws.now}
    if name is not None:
        values["name"] = _name(name)
    if shape is not None:
        values["body"] = _body(by_ids(ws, entity, shape))
    if shared is not None:
        values["shared"] = shared
    changed = sa.update(_VIEW).where(_VIEW.c.id == id, _VIEW.c.version == view.version).values(values)
    if ws.db.execute(changed).rowcount != 1:
        raise Conflict(STALE())
    # Somebody else's view that is no longer shared is out of sight for whoever took the sharing back.
    row = ws.db.execute(sa.select(_VIEW).where(_VIEW.c.id == id)).one()
    return _made(row)


def delete(ws: Workspace, entity: Entity, id: str) -> None:
    """Raises NotFound, Forbidden."""
    ws.db.execute(sa.delete(_VIEW).where(_VIEW.c.id == _own(ws, entity, id).id))


def _own(ws: Workspace, entity: Entity, id: str) -> SavedView:
    view = get(ws, entity, id)
    if not may_change(ws, view):
        raise Forbidden(NOT_YOURS())
    return view


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(NO_NAME("name", longest=LONGEST_NAME))
    return name


# -- shapes


def by_ids(ws: Workspace, entity: Entity, shape: Shape) -> Shape:
    """A shape whose names are keys or ids as one of ids alone. Raises BadRequest with everything that is wrong."""
    return _Names(ws, entity).shape(shape)


class _Names:
    def __init__(self, ws: Workspace, entity: Entity) -> None:
        self.ws, self.entity = ws, entity
        self.build = Build(ws.model, ws.actor, ws.db.dialect)
        self.problems: list[Problem] = []

    def shape(self, shape: Shape) -> Shape:
        made = Shape(
            where=self.where(shape.where),
            sort=self.several("sort", shape.sort, MAX_SORTS),
            group=next(iter(self.several("group", [shape.group] if shape.group else [], 1)), None),
            columns=self.several("columns", shape.columns, MAX_FIELDS),
            widths=self.keyed("widths", {k: min(max(int(v), NARROWEST), WIDEST) for k, v in shape.widths.items()}),
            pinned=min(max(int(shape.pinned), 0), 5),
            totals=self.keyed("totals", {k: v for k, v in shape.totals.items() if v in ("sum", "avg", "min", "max")}),
            view=shape.view,
        )
        if self.problems:
            raise BadRequest(self.problems)
        return made

    def where(self, text: str | None) -> str | None:
        if text is None or not text.strip():
            return None
        try:
            return text_of(expression_of(self.ws, self.entity, text), self.ws.model.entity, ids=True)
        except BadRequest as refused:
            self.problems += [each.under("where") for each in refused.problems]
            return None

    def several(self, place: str, names: Sequence[str], most: int) -> tuple[str, ...]:
        if len(names) > most:
            self.problems.append(too_many(place, what=place, limit=most))
            return ()
        return tuple(dict.fromkeys(found for each in names if (found := self.path(each, place)) is not None))

    def keyed(self, place: str, names: Mapping[str, Any]) -> dict[str, Any]:
        # What is sized or summed but can no longer be read is left out: it is not shown either.
        before = len(self.problems)
        found = {path: value for name, value in names.items() if (path := self.path(name, place)) is not None}
        del self.problems[before:]
        return found

    def path(self, name: str, place: str) -> str | None:
        bare, colon, period = name.lstrip("-").partition(":")
        sign = "-" if name.startswith("-") else ""
        try:
            return sign + ".".join(self._walked(bare, place)) + colon + period
        except BadRequest as refused:
            self.problems += refused.problems
            return None

    def _walked(self, name: str, place: str) -> Iterable[str]:
        entity, found = self.entity, []
        *links, last = name.split(".")
        for step in links:
            link = readable(self.build, entity, step, place)
            entity = target_of(self.build, entity, link, name, place)
            found.append(link.id)
        return [*found, readable(self.build, entity, last, place).id]


def _body(shape: Shape) -> dict[str, Any]:
    return {name: value for name, value in asdict(shape).items() if value}


def shape_of(body: Mapping[str, Any]) -> Shape:
    """The shape that was kept as JSON data; what is not understood is left out."""
    return Shape(
        where=body.get("where"),
        sort=tuple(body.get("sort", ())),
        group=body.get("group"),
        columns=tuple(body.get("columns", ())),
        widths=dict(body.get("widths", {})),
        pinned=int(body.get("pinned", 0)),
        totals=dict(body.get("totals", {})),
        view=body.get("view"),
    )


def _made(row: Any) -> SavedView:
    return SavedView(
        row.id, row.entity, row.owner, row.name, row.shared, shape_of(row.body or {}), row.version, row.updated_at
    )
