"""The page of one record: what stands on top, its stage, its tabs, the key fields beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from blueprints import context, visibility
from blueprints.addresses import address_at, address_of
from blueprints.app import histories, layouts, pooling, previews, reading, relating, sharing, sla, stages, timeline
from blueprints.app.approvals import banner as approvals
from blueprints.app.approvals.banner import Closed
from blueprints.app.layouts import Arrangement, Sheet
from blueprints.app.processes import recording as processes
from blueprints.app.reading import Reader, Value, record_of, title_of
from blueprints.app.shell import entity_of, page, shell_of
from blueprints.policies import PAGE, Route
from metadata.model import Entity
from metadata.problems import NotFound, kind
from runtime import queries
from runtime.workspace import Workspace

__all__ = ["record_of", "title_of"]

_EVENTS = 30

NO_TAB = kind(
    "record_no_tab",
    en="This page has no such tab. Open the record again.",
    zh="此页面没有该标签页，请重新打开记录。",
)


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of values. `folded`: closed until somebody opens it."""

    label: str
    values: tuple[Value, ...]
    columns: int
    folded: bool


@dataclass(frozen=True, slots=True)
class Tab:
    id: str
    label: str
    url: str
    part_url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One record's page as it was asked for."""

    reader: Reader
    entity: Entity
    id: str
    plan: Arrangement
    sheet: Sheet

    @property
    def ws(self) -> Workspace:
        return self.reader.ws


def show(entity: str, id: str) -> Response:
    """The page with one tab open: `?tab=<id>`, else the first."""
    return context.perform(lambda ws: _show(_asked(ws, entity_of(ws, entity), id, request.args.get("tab"))))


def record_part(entity: str, id: str) -> Response:
    """The page without what surrounds it, for scripts: after a change, and to open another tab."""

    def part(ws: Workspace) -> Response:
        asked = _asked(ws, entity_of(ws, entity), id, request.args.get("tab"))
        return make_response(render_template("record_whole.html", shell=shell_of(ws), **_contents(asked)))

    return context.perform(part)


def _asked(ws: Workspace, entity: Entity, id: str, tab: str | None) -> Asked:
    plan = layouts.arrangement(ws, entity)
    if tab and all(each.id != tab for each in plan.sheets):
        raise NotFound(NO_TAB())
    return Asked(reading.reader_of(ws), entity, id.lower(), plan, plan.sheet(tab))


def _show(asked: Asked) -> Response:
    return page(asked.ws, "record.html", **_contents(asked))


def _contents(asked: Asked) -> dict[str, Any]:
    reader, entity, id, sheet = asked.reader, asked.entity, asked.id, asked.sheet
    inside = dict.fromkeys(id for part in sheet.parts for id in part.fields)
    side = [each for each in layouts.side_fields(asked.ws, entity) if each not in inside]
    about = [each for each in ("created_at", "created_by", "updated_at", "updated_by") if each in entity.fields]
    stage = [asked.plan.stage] if asked.plan.stage else []
    pool = ["owner", "pool"] if entity.pooled else []
    ids = dict.fromkeys([*asked.plan.highlights, *stage, *inside, *side, *about, *pool])
    record, values = reading.values_of(reader, entity, id, ids)
    bar = stages.stages(reader, entity, asked.plan.stage, record)
    closed = approvals.closed(reader, entity, id)
    if closed is not None:
        values = {
            each: replace(found, editable=found.editable and each in closed.fields) for each, found in values.items()
        }
        if bar is not None and asked.plan.stage not in closed.fields:
            bar = replace(bar, movable=False)
    return {
        "record": record,
        "entity": entity,
        "what": reader.words.label(entity.label),
        "plural": reader.words.label(entity.plural),
        "title": title_of(asked.ws, entity, record, reader.context),
        "highlights": [
            values[each]
            for each in asked.plan.highlights
            if each in values and not (bar is not None and each == asked.plan.stage)
        ],
        "stages": bar,
        "lying": pooling.lying(reader, entity, record) if entity.pooled else None,
        "approval": approvals.banner(reader, entity, id),
        "automation": processes.automation(reader, entity, id),
        "clocks": sla.clocks(reader, entity, id),
        "closed": closed,
        "tabs": [_tab(asked, each) for each in asked.plan.sheets],
        "tab_label": reader.words.label(sheet.label),
        "sections": _sections(reader, sheet, values),
        "related": [found for key in sheet.related if (found := relating.related(reader, entity, id, key)) is not None],
        "side": [values[each] for each in side if each in values],
        "about": {each: values[each].cell for each in about if each in values},
        "starters": relating.starters(reader, entity, id, asked.plan.timeline),
        "files": _files(asked, record, inside),
        "attaching": relating.attaching(reader.ws, entity, id, asked.plan.timeline),
        "additions": relating.additions(reader, entity, id, asked.plan.related),
        "urls": _urls(asked, record, closed),
        **_stream_of(asked),
    }


def _tab(asked: Asked, sheet: Sheet) -> Tab:
    place: dict[str, Any] = {"entity": asked.entity.key, "id": asked.id, "tab": sheet.id}
    label = asked.reader.words.label(sheet.label)
    return Tab(
        sheet.id, label, address_at("app.show", **place), address_at("app.record_part", **place), sheet is asked.sheet
    )


def _sections(reader: Reader, sheet: Sheet, values: Mapping[str, Value]) -> list[Section]:
    found = [
        Section(
            reader.words.label(part.label),
            tuple(values[each] for each in part.fields if each in values),
            part.columns,
            part.folded,
        )
        for part in sheet.parts
    ]
    return [each for each in found if each.values]


def _files(asked: Asked, record: Mapping[str, Any], shown: Iterable[str]) -> list[previews.Preview]:
    """The files that the shown fields hold."""
    fields = [asked.entity.fields[each] for each in shown if each in asked.entity.fields]
    ids = [file for each in fields for file in reading.files_in(each, record.get(each.key))]
    return list(previews.previews(asked.ws, ids).values())


def _stream_of(asked: Asked) -> dict[str, Any]:
    """The first items of the tab's timeline or history."""
    if asked.sheet.timeline:
        given = request.args
        values = stream_values(
            asked.reader, asked.entity, asked.id, asked.sheet, given.get("show", ""), given.get("after")
        )
        return {"stream": {**values, "first": True}, "events": None}
    if asked.sheet.history:
        values = events_values(asked.reader, asked.entity, asked.id, request.args.get("after"))
        tab = url_for("app.show", entity=asked.entity.key, id=asked.id, tab=asked.sheet.id, after=values["next"])
        return {"stream": None, "events": {**values, "older_page": tab}}
    return {"stream": None, "events": None}


def stream_values(
    reader: Reader, entity: Entity, id: str, sheet: Sheet, shown: str, after: str | None, day: str = ""
) -> dict[str, Any]:
    """What the template of a timeline needs. `day`: the last one that stands above."""
    found = timeline.stream(reader, entity, id, sheet.timeline, shown, after)
    place: dict[str, Any] = {"entity": entity.key, "id": id, "tab": sheet.id}
    today = reader.moment(reader.ws.now.isoformat()).date()
    last = found.items[-1].day if found.items else day
    older = {**place, "show": shown or None, "after": found.next, "day": last} if found.next else None
    files = [file for each in found.items for file in (*each.files, *_brought(each))]
    return {
        "days": list(timeline.by_day(found.items)),
        "day": day,
        "today": today.isoformat(),
        "yesterday": (today - dt.timedelta(days=1)).isoformat(),
        "files": previews.previews(reader.ws, files),
        "shown": shown,
        "first": after is None,
        "chips": _chips(reader, entity, sheet, place),
        "url": url_for("app.timeline_part", **place, show=shown or None),
        "older": url_for("app.timeline_part", **older) if older else None,
        "older_page": url_for("app.show", **older) if older else None,
    }


def _brought(item: timeline.Item) -> Iterable[str]:
    return (file for change in item.told.changes for file in change.files) if item.told is not None else ()


def _chips(reader: Reader, entity: Entity, sheet: Sheet, place: Mapping[str, Any]) -> list[dict[str, str]]:
    """The filters above a timeline: all, each list, the changes; `page` is the address for browsers without scripts."""
    part, whole = address_at("app.timeline_part", **place), address_at("app.show", **place)
    found = [{"key": "", "label": reader.words.record_all, "url": part, "page": whole}]
    named = [
        (each.key, reader.words.label(relating.label_of(reader.ws, entity, each.key)))
        for each in timeline.sources(reader.ws, entity, sheet.timeline)
    ]
    changes = [(timeline.CHANGES, reader.words.record_changes)] if entity.history else []
    for key, label in (*named, *changes):
        found.append({"key": key, "label": label, "url": f"{part}?show={key}", "page": f"{whole}&show={key}"})
    return found


def timeline_part(entity: str, id: str, tab: str) -> Response:
    """More of a timeline, or another choice of it: `show`, `after`, `day` (the last one that stands above)."""
    given = request.args

    def part(ws: Workspace) -> Response:
        found = entity_of(ws, entity)
        asked = _asked(ws, found, id, tab)
        record_of(ws, found, id)
        values = stream_values(
            asked.reader, found, id, asked.sheet, given.get("show", ""), given.get("after"), given.get("day", "")
        )
        return make_response(render_template("record_timeline.html", stream=values))

    return context.perform(part)


def events_values(reader: Reader, entity: Entity, id: str, after: str | None) -> dict[str, Any]:
    """What the template of a history needs."""
    found = queries.history(reader.ws, entity.key, id, after=after, limit=_EVENTS)
    shown = histories.told(reader, entity, [each for each in found["data"] if timeline.says_something(each)])
    files = [file for each in shown for change in each.changes for file in change.files]
    older = url_for("app.history_part", entity=entity.key, id=id, after=found["next"]) if found["next"] else None
    return {
        "told": shown,
        "files": previews.previews(reader.ws, files),
        "older": older,
        "older_page": older,
        "next": found["next"],
    }


def history_part(entity: str, id: str) -> Response:
    """More of a history."""

    def part(ws: Workspace) -> Response:
        values = events_values(reading.reader_of(ws), entity_of(ws, entity), id, request.args.get("after"))
        return make_response(render_template("record_events.html", events=values))

    return context.perform(part)


def _urls(asked: Asked, record: Mapping[str, Any], closed: Closed | None) -> dict[str, str | None]:
    entity, id = asked.entity, asked.id
    # What to offer; the write path decides again.
    granted = [each for each in ("update", "delete") if visibility.may_with(asked.ws, entity, each, id)]
    may = granted if closed is None else [each for each in granted if each == "update" and closed.fields]
    merging = {"update", "delete"} <= set(may)
    return {
        "list": address_of("app.find", entity=entity.key),
        "self": address_at("app.show", entity=entity.key, id=id),
        "part": address_at("app.record_part", entity=entity.key, id=id, tab=asked.sheet.id),
        "api": address_at("api.get", entity=entity.key, id=id),
        "here": address_at("app.arrive", entity=entity.key, id=id),
        "edit": address_at("app.edit", entity=entity.key, id=id) if "update" in may else None,
        "stage": address_at("app.move_stage", entity=entity.key, id=id),
        "delete": address_at("app.delete", entity=entity.key, id=id) if "delete" in may else None,
        "merge": url_for("app.merging", entity=entity.key, ids=id) if merging else None,
        "share": sharing.share_url(asked.ws, entity, id, "update" in granted),
        "return": pooling.return_url(asked.ws, entity, record, "update" in may and closed is None),
    }


ROUTES = (
    Route("/app/<entity>/<id>", "GET", show, PAGE),
    Route("/app/-/record/<entity>/<id>", "GET", record_part, PAGE),
    Route("/app/-/record/<entity>/<id>/timeline/<tab>", "GET", timeline_part, PAGE),
    Route("/app/-/record/<entity>/<id>/history", "GET", history_part, PAGE),
)
