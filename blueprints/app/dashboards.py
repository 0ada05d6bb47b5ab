"""Dashboards: the page at once, each tile by a request of its own."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, request, url_for

from blueprints import context
from blueprints.answers import json_bytes
from blueprints.app import charting, drawing, tiles
from blueprints.app.shell import page, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import Dashboard, Tile
from metadata.problems import BadRequest, NotFound, kind
from runtime.workspace import Workspace

NO_DASHBOARD = kind(
    "dashboard_unknown",
    en="There is no dashboard “{name}”, or it is not for your roles. Open another one from the menu.",
    zh="没有名为“{name}”的仪表盘，或您的角色无权查看。请从菜单打开其他页面。",
)


def dashboard(key: str) -> Response:
    """The frame of every tile that the person may see; `?all=1` fills them at once, for browsers without scripts."""

    def command(ws: Workspace) -> Response:
        found, words = dashboard_of(ws, key), Words(context.language())
        at_once = request.args.get("all") == "1"
        return page(
            ws,
            "dashboard.html",
            heading=words.label(found.label),
            tiles=[
                {
                    "id": each.id,
                    "label": words.label(each.label),
                    "kind": each.kind,
                    "size": each.size,
                    "url": url_for("app.dashboard_tile", key=found.key, tile=each.id),
                    "body": _body(ws, each, words, text_context(ws)) if at_once or each.kind == "text" else None,
                }
                for each in tiles.tiles_of(ws, found)
            ],
            all_url=url_for("app.dashboard", key=found.key, all="1"),
        )

    return context.perform(command)


def dashboard_tile(key: str, tile: str) -> Response:
    """What one tile holds, as a fragment."""

    def command(ws: Workspace) -> Response:
        found = next((each for each in tiles.tiles_of(ws, dashboard_of(ws, key)) if each.id == tile), None)
        if found is None:
            raise NotFound(NO_DASHBOARD(name=tile[:60]))
        return make_response(_body(ws, found, Words(context.language()), text_context(ws)))

    return context.perform(command)


def dashboard_of(ws: Workspace, key: str) -> Dashboard:
    """Raises NotFound, the same when it is not for the actor."""
    found: Dashboard | None = ws.model.get("dashboards", key)
    if found is None or not tiles.may_open(ws, found):
        raise NotFound(NO_DASHBOARD(name=key[:60]))
    return found


def _body(ws: Workspace, tile: Tile, words: Words, reading: TextContext) -> str:
    values: dict[str, Any] = {"tile": tile, "label": words.label(tile.label), "tile_id": tile.id}
    try:
        match tile.kind:
            case "metric":
                return render_template("tile_metric.html", metric=tiles.metric(ws, tile, words, reading), **values)
            case "chart":
                chart = charting.chart(ws, tile, words, reading)
                values |= {"drawing": drawing.drawing(chart, words.lang), "height": drawing.HEIGHT}
                return render_template("tile_chart.html", chart=chart, data=_data(chart), **values)
            case "list":
                return render_template("tile_list.html", rows=tiles.rows(ws, tile, words, reading), **values)
            case "next":
                return render_template("tile_next.html", todos=tiles.todos(ws, tile, words, reading), **values)
    except BadRequest as error:
        # A group too many, or a condition that the database cannot answer: the other tiles stand.
        return render_template("tile_text.html", paragraphs=[each.message(words.lang) for each in error.problems])
    text = words.label(tile.text or {})
    return render_template("tile_text.html", paragraphs=[each for each in text.split("\n\n") if each.strip()])


def _data(chart: charting.Chart) -> str:
    """The chart as JSON for the browser, which draws it."""
    return json_bytes(
        {
            "kind": chart.kind,
            "measure": chart.measure,
            "series": [{"label": each.label, "tint": each.tint} for each in chart.series],
            "points": [
                {
                    "label": each.label,
                    "tint": each.tint,
                    "values": [one.number for one in each.figures],
                    "texts": [one.text for one in each.figures],
                    "short": [one.short for one in each.figures],
                    "urls": list(each.urls),
                }
                for each in chart.points
            ],
        }
    ).decode()


ROUTES = (
    Route("/app/-/dashboards/<key>", "GET", dashboard, PAGE),
    Route("/app/-/dashboards/<key>/tiles/<tile>", "GET", dashboard_tile, PAGE),
)
