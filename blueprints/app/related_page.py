"""One related list of a record as a page of its own: all of its records, sorted and page by page."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request

from blueprints import context
from blueprints.addresses import address_of
from blueprints.app import cells, relating
from blueprints.app.lists.columns import sort_of
from blueprints.app.reading import Reader, reader_of, record_of, title_of
from blueprints.app.shell import entity_of, page
from blueprints.policies import PAGE, Route
from metadata.model import Entity
from metadata.problems import NotFound
from runtime import queries
from runtime.queries.query import unknown_list
from runtime.workspace import Workspace

_ROWS = 50


def related(entity: str, id: str, key: str) -> Response:
    """`?sort=-at&after=...`: the records of the list, fifty at a time."""
    return context.perform(lambda ws: _page(ws, entity_of(ws, entity), id, key))


def _page(ws: Workspace, entity: Entity, id: str, key: str) -> Response:
    reader = reader_of(ws)
    record = record_of(ws, entity, id)
    listed = relating.listed_of(ws, entity, key)
    if listed is None:
        raise NotFound(unknown_list(key, entity=entity.label, name=key[:60]))
    columns = relating.columns_of(ws, listed)
    sort = tuple(each for each in request.args.get("sort", "").split(",") if each)
    asked = tuple(dict.fromkeys(each.asked for each in columns))
    after = request.args.get("after") or None
    found = queries.related(ws, entity.key, id, key, fields=asked, sort=sort, limit=_ROWS, after=after, count="capped")
    words, here = reader.words, {"entity": entity.key, "id": id, "key": key}
    sorted_by = ",".join(sort) or None
    return page(
        ws,
        "related.html",
        heading=words.label(relating.label_of(ws, entity, key)),
        title=title_of(ws, entity, record, reader.context),
        heads=_heads(reader, columns, sort, here),
        rows=relating.rows_of(reader, listed.entity, columns, queries.as_json(found)),
        icon_name=listed.entity.icon,
        what=words.label(listed.entity.label),
        count=found.count,
        capped=found.capped,
        urls={
            "list": address_of("app.find", entity=entity.key),
            "record": address_of("app.show", entity=entity.key, id=id),
            "new": relating.new_url(ws, entity, id, key),
            "next": address_of("app.related", **here, sort=sorted_by, after=found.next) if found.next else None,
            "first": address_of("app.related", **here, sort=sorted_by) if after else None,
        },
        plural=words.label(entity.plural),
    )


def _heads(
    reader: Reader, columns: Sequence[cells.Shown], sort: Sequence[str], here: dict[str, str]
) -> list[dict[str, object]]:
    first = sort[0] if sort else ""
    found = []
    for each in columns:
        name = sort_of(each)
        falling, rising = bool(name) and first == f"-{name}", bool(name) and first == name
        found.append(
            {
                "label": reader.words.label(each.label),
                "number": each.number,
                "sorted": "descending" if falling else "ascending" if rising else None,
                "url": address_of("app.related", **here, sort=f"-{name}" if rising else name) if name else None,
            }
        )
    return found


ROUTES = (Route("/app/<entity>/<id>/related/<key>", "GET", related, PAGE),)
