"""Merging by hand: the records side by side, whose value stays per field, what moves, and the merge itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.app import cells
from blueprints.app.reading import Reader, reader_of, title_of
from blueprints.app.shell import entity_of, page
from blueprints.app.warned import confirmed, to_confirm
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.fieldtypes import registry
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Forbidden, NotFound, PlatformError, Problem
from runtime import queries, records
from runtime.queries import Query
from runtime.queries.query import not_found
from runtime.records import MOST_MERGED
from runtime.records.policies import may_not
from runtime.workspace import Workspace

_SIDE_BY_SIDE = 8
"""More columns than this nobody compares."""
_FOUND = 12


Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the records: a column of the page."""

    id: str
    title: str
    url: str
    version: int
    changed: str
    moving: int
    """How many records point at it, as far as the person sees them."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """The value of one record for one field."""

    id: str
    cell: cells.Cell
    chosen: bool

    @property
    def empty(self) -> bool:
        return not self.cell.pieces and self.cell.kind != "hidden"


@dataclass(frozen=True, slots=True)
class Line:
    """One field: a row of the page. `open`: the person may choose."""

    key: str
    label: str
    offers: tuple[Offer, ...]
    open: bool
    wrong: tuple[str, ...] = ()


def merging(entity: str) -> Response:
    """`?ids=a,b`: the records side by side. With one record: search for the other."""
    return context.perform(lambda ws: _page(ws, _mergeable(ws, entity), _ids(request.args.getlist("ids"))))


def merge_post(entity: str) -> Response:
    ids = _ids(request.form.getlist("ids"))
    survivor = request.form.get("survivor", "")

    def command(ws: Workspace) -> str:
        found = _mergeable(ws, entity)
        others = [each for each in ids if each != survivor]
        records.merge(ws, found, survivor, others, _choices(), _versions(), confirmed())
        return url_for("app.show", entity=found.key, id=survivor, done="recycling_merged")

    try:
        return make_response(redirect(context.perform(command, write=True), 303))
    except PlatformError as error:
        if error.status not in (400, 404, 409, 422):
            raise
        refused = error
    return context.perform(lambda ws: _refused(ws, _mergeable(ws, entity), ids, survivor, refused))


def _refused(ws: Workspace, entity: Entity, ids: Sequence[str], survivor: str, error: PlatformError) -> Response:
    """The page again with what is wrong; a merge that was sent twice is done."""
    others = [each for each in ids if each != survivor]
    if others and all(queries.survivor_of(ws, entity, each) == survivor for each in others):
        return make_response(redirect(url_for("app.show", entity=entity.key, id=survivor), 303))
    return _page(ws, entity, ids, survivor, error)


def _mergeable(ws: Workspace, name: str) -> Entity:
    entity = entity_of(ws, name)
    for action in ("update", "delete"):
        if not visibility.may(ws, entity, action):
            raise Forbidden(may_not(entity, action))
    return entity


def _ids(given: Sequence[str]) -> list[str]:
    parts = (each.strip().lower() for text in given for each in text.split(","))
    return list(dict.fromkeys(each for each in parts if is_uuid(each)))[:MOST_MERGED]


def _choices() -> dict[str, str]:
    return {name[2:]: value for name, value in request.form.items() if name.startswith("f.") and value}


def _versions() -> dict[str, int]:
    sent = ((name[2:], value) for name, value in request.form.items() if name.startswith("v."))
    return {id: int(value) for id, value in sent if value.isascii() and value.isdigit() and len(value) < 19}


def _page(
    ws: Workspace, entity: Entity, ids: Sequence[str], survivor: str = "", error: PlatformError | None = None
) -> Response:
    reader, words = reader_of(ws), Words(context.language())
    shown = _fields(ws, entity)
    found = _records(ws, entity, ids, shown)
    if not found and ids:
        raise NotFound(not_found(entity=entity.label))
    reader.titles.read(shown, found)
    pointing = queries.pointing(ws, entity, [each["id"] for each in found])
    survivor = survivor if survivor in {each["id"] for each in found} else found[0]["id"] if found else ""
    columns = [_candidate(reader, entity, each, pointing, survivor) for each in found]
    problems = error.problems if error is not None else ()
    lines = list(_lines(reader, ws, entity, shown, found, survivor, problems)) if len(found) > 1 else []
    return page(
        ws,
        "merge.html",
        error.status if error is not None else 200,
        entity=entity,
        heading=words("recycling_merge_title", what=words.label(entity.plural)),
        plural=words.label(entity.plural),
        columns=columns,
        differing=[each for each in lines if _differs(each)],
        equal=[each for each in lines if not _differs(each)],
        moves=[
            {
                "label": words.label(each.relation.inverse_label),
                "what": words.label(each.source.plural),
                "counts": [each.counts.get(column.id, 0) for column in columns],
            }
            for each in pointing
        ],
        problems=[
            {"message": each.message(words.lang), "confirm": to_confirm(each)}
            for each in problems
            if not each.path.startswith("choices.")
        ],
        confirmed=dict.fromkeys(confirmed()),
        search=_search(ws, entity, found, reader) if len(found) < _SIDE_BY_SIDE else None,
        urls={"list": url_for("app.find", entity=entity.key), "merge": url_for("app.merge_post", entity=entity.key)},
    )


def _fields(ws: Workspace, entity: Entity) -> list[cells.Shown]:
    """The fields with one value each that the person may read, those kept by the platform left out."""
    found = []
    for field in visibility.readable(ws, entity):
        known = registry.of(field).stored and field.id not in visibility.KEPT_FIELDS
        shown = cells.shown(ws, entity, field.id) if known else None
        if shown is not None:
            found.append(shown)
    return found


def _records(
    ws: Workspace, entity: Entity, ids: Sequence[str], shown: Sequence[cells.Shown]
) -> list[Mapping[str, Any]]:
    """The records in the order in which they were named; those that are not there are left out."""
    if not ids:
        return []
    title = cells.title_of(ws, entity)
    asked = dict.fromkeys([*(each.asked for each in shown), *([title] if title else []), "version", "updated_at"])
    query = Query(entity.key, fields=tuple(asked), ids=tuple(ids), limit=len(ids))
    by_id: dict[str, Record] = {each["id"]: each for each in queries.as_json(queries.find(ws, query))}
    return [by_id[id] for id in ids if id in by_id][:_SIDE_BY_SIDE]


def _candidate(
    reader: Reader, entity: Entity, record: Mapping[str, Any], pointing: Sequence[queries.Pointing], survivor: str
) -> Candidate:
    id = record["id"]
    return Candidate(
        id,
        title_of(reader.ws, entity, record, reader.context),
        url_for("app.show", entity=entity.key, id=id),
        record["version"],
        reader.moment(record["updated_at"]).isoformat(" ", "minutes")[:16],
        sum(each.counts.get(id, 0) for each in pointing),
        id == survivor,
    )


def _lines(
    reader: Reader,
    ws: Workspace,
    entity: Entity,
    shown: Sequence[cells.Shown],
    found: Sequence[Record],
    survivor: str,
    problems: Sequence[Problem],
) -> Iterator[Line]:
    writable = {each.id for each in visibility.writable(ws, entity)}
    ordered = sorted(found, key=lambda each: each["id"] != survivor)
    payer = _payer(shown, ordered)
    for each in shown:
        key = each.field.key
        values = [(record["id"], cells.cell(each, record, reader.context, reader.titles)) for record in found]
        chosen = request.form.get(f"f.{key}") or _usual(each, ordered, payer)
        offers = tuple(Offer(id, cell, id == chosen) for id, cell in values)
        if any(not offer.empty for offer in offers):
            wrong = tuple(p.message(reader.words.lang) for p in problems if p.path in (f"choices.{key}", key))
            yield Line(key, reader.words.label(each.label), offers, each.field.id in writable, wrong)


def _usual(shown: cells.Shown, ordered: Sequence[Record], payer: Record) -> str:
    """Whose value stays when nobody chooses: the survivor's, else the first there is. As the merge itself has it."""
    if shown.field.id == "currency":
        return str(payer["id"])
    if shown.field.type == "money":
        ordered = [each for each in ordered if each.get("currency") == payer.get("currency")] or ordered
    found = (each for each in ordered if cells.value_at(each, shown.path) not in (None, "", []))
    return str(next(found, ordered[0])["id"])


def _payer(shown: Sequence[cells.Shown], ordered: Sequence[Record]) -> Record:
    """The first record that has an amount: amounts go with its currency."""
    money = [each for each in shown if each.field.type == "money"]
    return next((each for each in ordered if any(each.get(m.field.key) is not None for m in money)), ordered[0])


def _differs(line: Line) -> bool:
    return len({(each.cell.text, each.cell.kind) for each in line.offers}) > 1


def _search(ws: Workspace, entity: Entity, found: Sequence[Record], reader: Reader) -> dict[str, Any]:
    """Other records to take into the merge, by what was typed."""
    text = request.args.get("q", "").strip()[:200]
    taken = [each["id"] for each in found]
    rows = queries.autocomplete(ws, entity.key, text, _FOUND) if text else []
    return {
        "q": text,
        "ids": ",".join(taken),
        "rows": [
            {
                "title": each["title"],
                "url": url_for("app.merging", entity=entity.key, ids=",".join([*taken, each["id"]])),
            }
            for each in rows
            if each["id"] not in taken
        ],
    }


def _with(entity: Entity, ids: Sequence[str]) -> str:
    return url_for("app.merging", entity=entity.key, ids=",".join(ids))


ROUTES = (
    Route("/app/<entity>/merge", "GET", merging, PAGE),
    Route("/app/<entity>/merge", "POST", merge_post, PAGE),
)
