"""What an address asks of a list: which view, which rows, in which order, how they look. One reading for the page, its
fragments, exports and bulk edits, so that all of them mean the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import request

from blueprints import visibility
from blueprints.addresses import address_of
from blueprints.app import cells, sieve
from metadata.expressions.printing import quoted, text_of
from metadata.ids import is_uuid
from metadata.model import EMPTY, Entity, Field, View
from metadata.problems import BadRequest, Problem, kind
from runtime import queries, saved_views
from runtime.queries import Query
from runtime.saved_views import SavedView, Shape
from runtime.workspace import Workspace

ROWS = 50
NO_VIEW = "-"
"""In the place of a view's name: every record, whatever the first view leaves out."""

BROKEN = kind(
    "list_view_broken",
    en="This view filters by something that is gone or that you may not see. Choose another view, or save a new one.",
    zh="此视图的筛选条件涉及已删除或您无权查看的内容。请选择其他视图或另存新视图。",
)
_STATE = ("view", "where", "q", "sort", "group", "deleted")
"""The arguments that say which rows are shown; quick filters (`f.<field>`) do, too."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A list that is asked for. Names are today's keys in what came from the address, ids in what was kept."""

    entity: Entity
    view: View | None
    """Of the description: the one that is shown, or the one below a saved view."""
    saved: SavedView | None
    mine: tuple[SavedView, ...]
    """Every saved view that the person may open."""
    where: str
    """The person's condition: from the address, else the saved view's."""
    q: str
    sort: tuple[str, ...]
    group: str
    after: str | None
    deleted: bool
    chosen: Mapping[str, str]
    """Quick filters: field key -> value."""
    look: Shape
    """Columns, widths, pinned and totals: the person's own, else the saved view's, else the view's."""
    own_look: bool
    """Whether the person has arranged it otherwise than the view says."""
    default: str
    """Id of the view that this person sees first here."""
    problems: tuple[Problem, ...] = ()

    @property
    def id(self) -> str:
        """Of the view that is shown, as preferences know it."""
        return self.saved.id if self.saved is not None else self.view.id if self.view is not None else ""

    @property
    def name(self) -> str:
        """Of the view that is shown, as addresses know it."""
        return self.saved.id if self.saved is not None else self.view.key if self.view is not None else ""

    @property
    def fixed(self) -> str:
        """The condition of the description's view, which the person adds to. A saved view has taken it in."""
        if self.view is None or self.saved is not None or self.deleted or self.problems:
            return ""
        return self.view.where or ""

    @property
    def filtered(self) -> bool:
        return bool(self.where or self.q or any(self.chosen.values()))

    @property
    def condition(self) -> str | None:
        """The view's condition, the person's and the quick filters, all of them.

        Raises BadRequest when the view's is not there: nothing is done to all records instead of some.
        """
        if self.problems:
            raise BadRequest(self.problems)
        parts = [each for each in (self.fixed, self.where) if each]
        parts += [each for name, value in self.chosen.items() if value and (each := _quick(self.entity, name, value))]
        return joined(parts)

    def query(self, fields: Sequence[str], limit: int = ROWS, **more: Any) -> Query:
        """The question for its rows."""
        return Query(
            self.entity.key,
            where=self.condition,
            sort=self.sort,
            fields=tuple(dict.fromkeys(fields)),
            limit=limit,
            q=self.q or None,
            deleted=self.deleted,
            **more,
        )


def joined(parts: Sequence[str]) -> str | None:
    """Conditions of which all must be met, as one."""
    return " and ".join(f"({each})" for each in parts) if len(parts) > 1 else parts[0] if parts else None


def asked(ws: Workspace, entity: Entity) -> Asked:
    """The list that the request's address asks for, with what this person has set for it."""
    arguments = request.args
    held, mine = saved_views.arranged(ws, entity)
    default = str(held.get("default", ""))
    name = arguments.get("view", "")
    if not name and not any(arguments.get(each) for each in _STATE) and not _quick_arguments():
        name = default
    saved = next((each for each in mine if each.id == name.lower()), None) if is_uuid(name) else None
    view = _view(ws, entity, name if saved is None else saved.shape.view or "")
    shape, problems = _shape(ws, entity, view, saved)
    if saved is None and _is_gone(arguments.get("view", ""), view):
        problems = (saved_views.UNKNOWN("view"),)
    own = dict(held.get("views", EMPTY)).get(saved.id if saved is not None else view.id if view is not None else "")
    deleted = arguments.get("deleted") == "true"
    return Asked(
        entity,
        view,
        saved,
        mine,
        arguments.get("where", shape.where or "").strip(),
        arguments.get("q", "").strip(),
        _sort(ws, entity, shape),
        "" if deleted else arguments.get("group", _group(ws, entity, shape)),
        arguments.get("after") or None,
        deleted,
        _quick_arguments(),
        _look(shape, own),
        bool(own),
        default,
        problems,
    )


def _quick_arguments() -> dict[str, str]:
    return {key[2:]: value for key, value in request.args.items() if key.startswith("f.")}


def views_of(ws: Workspace, entity: Entity) -> list[View]:
    """The views of an entity, of every kind, in the order of the description."""
    return visibility.kept_for(
        ws, ("views", entity.id), lambda: [each for each in ws.model.all("views") if each.entity == entity.id]
    )


def _view(ws: Workspace, entity: Entity, name: str) -> View | None:
    views = views_of(ws, entity)
    named = next((each for each in views if name in (each.key, each.id)), None)
    if name == NO_VIEW:
        return None
    return named or next((each for each in views if each.kind == "list"), None)


def _is_gone(name: str, shown: View | None) -> bool:
    """Whether the address names a view that is not there for the actor, so that another one would be shown for it."""
    return name not in ("", NO_VIEW) and (shown is None or name not in (shown.key, shown.id))


def _shape(
    ws: Workspace, entity: Entity, view: View | None, saved: SavedView | None
) -> tuple[Shape, tuple[Problem, ...]]:
    """What the view shows. What the actor may not read is left out, but a condition cannot lose a part of it."""
    if saved is None:
        hidden = view is not None and not sieve.may_use(ws, entity, view)
        return _described(view), (BROKEN(),) if hidden else ()
    shape = saved.shape
    if shape.where is None or "where" in request.args:  # what the person asks for stands in its place
        return shape, ()
    try:
        expression = queries.expression_of(ws, entity, shape.where)
        return replace(shape, where=text_of(expression, ws.model.entity)), ()
    except BadRequest:
        return replace(shape, where=None), (BROKEN(),)


def _described(view: View | None) -> Shape:
    if view is None or view.kind != "list":
        return Shape()
    props = view.props
    return Shape(
        sort=view.sort,
        columns=view.columns,
        group=props.get("group"),
        totals=dict(props.get("totals", EMPTY)),
    )


def _sort(ws: Workspace, entity: Entity, shape: Shape) -> tuple[str, ...]:
    """A view may sort by what this person may not read; then it is shown without that."""
    given = tuple(each for each in request.args.get("sort", "").split(",") if each)
    return given or tuple(each for each in shape.sort if cells.shown(ws, entity, each.lstrip("-")) is not None)


def _group(ws: Workspace, entity: Entity, shape: Shape) -> str:
    """What a view groups by; nothing when this person may not read it."""
    group = shape.group or ""
    return group if group and cells.shown(ws, entity, group.partition(":")[0]) is not None else ""


def _look(shape: Shape, own: Mapping[str, Any] | None) -> Shape:
    if not own:
        return shape
    mine = saved_views.shape_of(own)
    return replace(
        shape,
        columns=mine.columns or shape.columns,
        widths=mine.widths or shape.widths,
        pinned=mine.pinned if "pinned" in own else shape.pinned,
        totals=mine.totals if "totals" in own else shape.totals,
    )


def _quick(entity: Entity, name: str, value: str) -> str | None:
    """The condition of a quick filter; None for one that says nothing of this entity."""
    field = entity.find(name)
    if field is None:
        return None
    if field.type == "boolean":
        return f"{field.key} == {'true' if value == 'true' else 'false'}"
    option = field.option(value)
    if option is None:
        return None
    asks = f"contains({field.key}, {quoted(option.key)})"
    return asks if field.type == "multi_choice" else f"{field.key} == {quoted(option.key)}"


def quick_fields(ws: Workspace, entity: Entity, view: View | None, most: int) -> list[Field]:
    """Quick filters: those of the view, else the entity's first choices."""
    ids = view.filters if view is not None and view.filters else tuple(entity.fields)
    fields = [entity.fields[id] for id in ids if id in entity.fields]
    readable = {each.id for each in visibility.readable(ws, entity)}
    useful = ("choice", "multi_choice", "boolean")
    return [each for each in fields if each.type in useful and each.id in readable][:most]


def address(endpoint: str = "app.find", **changes: str | None) -> str:
    """The address of this list, or of something about it, with some arguments changed."""
    kept: dict[str, Any] = {key: value for key, value in request.args.items() if key in _STATE or key[:2] == "f."}
    if "where" in request.args and not request.args["where"]:
        kept["where"] = ""  # the person took the saved view's condition away
    if "after" in request.args:
        kept["after"] = request.args["after"]
    kept.update(changes)
    arguments = {key: value for key, value in kept.items() if value or (key in ("where", "group") and value == "")}
    start = address_of(endpoint, entity=(request.view_args or {}).get("entity", ""))
    return f"{start}?{urlencode(arguments)}" if arguments else start
