"""The recycle bin: what was deleted, by whom, what went with it; one or many brought back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import entity_of, menu, page
from blueprints.policies import PAGE, Route
from metadata.fieldtypes.dates import local
from metadata.ids import is_uuid
from metadata.model import Entity
from runtime import queries, records
from runtime.queries import Binned
from runtime.records import Operation
from runtime.workspace import Workspace

_ROWS = 50


def bin() -> Response:
    """`?kind=account&q=...`: everything that the person may bring back, newest first."""
    return context.perform(_bin)


def _bin(ws: Workspace, refused: Sequence[str] = (), restored: int = 0) -> Response:
    reader = reader_of(ws)
    words = reader.words
    kind = request.args.get("kind", "")
    entity = entity_of(ws, kind) if kind else None
    q = request.args.get("q", "").strip()[:200]
    after = request.args.get("after", "")
    found, next_ = queries.binned(ws, entity, q, after if is_uuid(after) else None, _ROWS)
    return page(
        ws,
        "bin.html",
        409 if refused else 200,
        rows=[_row(reader, each) for each in found],
        kinds=_kinds(ws, words.lang, entity),
        kind=entity.key if entity is not None else "",
        q=q,
        filtered=bool(q or entity is not None or after),
        refused=refused,
        restored=restored,
        urls={
            "next": _address(after=next_) if next_ is not None else None,
            "first": _address(after=None) if after else None,
            "all": url_for("app.bin"),
        },
    )


def _address(**changes: str | None) -> str:
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in ("kind", "q") and value}
    return url_for("app.bin", **kept | {name: value for name, value in changes.items() if value})


def _row(reader: Reader, binned: Binned) -> dict[str, Any]:
    words, ws = reader.words, reader.ws
    into = None
    if binned.merged_into is not None:
        reader.titles.learn([(binned.entity.key, binned.merged_into)])
        into = reader.titles.piece(binned.entity.key, binned.merged_into)
    return {
        "item": f"{binned.entity.key}:{binned.id}",
        "title": binned.title,
        "icon": binned.entity.icon,
        "kind": words.label(binned.entity.label),
        "who": binned.by,
        "iso": binned.at.isoformat(),
        "at": local(binned.at, reader.context.timezone).isoformat(" ", "minutes")[:16],
        "along": [
            words("recycling_along", count=count, what=words.label(each.label if count == 1 else each.plural))
            for each, count in _along(ws, binned)
        ],
        "into": into,
    }


def _along(ws: Workspace, binned: Binned) -> Iterator[tuple[Entity, int]]:
    for entity_id, count in binned.along.items():
        entity = ws.model.entity(entity_id)
        if entity is not None:
            yield entity, count


def _kinds(ws: Workspace, lang: str, chosen: Entity | None) -> list[tuple[str, str, bool]]:
    """What the person's menus name and he may delete, to choose from: key, label, whether it is chosen."""

    def make() -> dict[str, Any]:
        named = (ws.model.entity(line.entity) for group in menu(ws, lang) for line in group.items if line.entity)
        return {each.key: each.plural for each in named if each is not None and visibility.may(ws, each, "delete")}

    found = dict(visibility.kept_for(ws, ("bin kinds", lang), make))
    if chosen is not None:
        found.setdefault(chosen.key, chosen.plural)
    words = reader_of(ws).words
    return [(key, words.label(label), chosen is not None and key == chosen.key) for key, label in found.items()]


def bin_post() -> Response:
    """Bring back what was chosen: every `item`, or `only` one, like `account:<id>`. What cannot be is told."""
    named = request.form.getlist("only") or request.form.getlist("item")
    items = [each.partition(":")[::2] for each in named][:_ROWS]

    def command(ws: Workspace) -> tuple[int, list[str]]:
        lang, restored, refused = context.language(), 0, list[str]()
        for name in dict.fromkeys(name for name, _ in items):
            entity = entity_of(ws, name)
            operations = [Operation("restore", id=id) for of, id in items if of == name and is_uuid(id)]
            for verdict in records.bulk(ws, entity, operations):
                restored += verdict.action == "restored"
                refused += [problem.message(lang) for problem in verdict.problems]
        return restored, refused

    restored, refused = context.perform(command, write=True)
    if not refused:
        return make_response(redirect(_address() + ("&" if "?" in _address() else "?") + "done=restored", 303))
    return context.perform(lambda ws: _bin(ws, refused, restored))


ROUTES = (
    Route("/app/-/bin", "GET", bin, PAGE),
    Route("/app/-/bin", "POST", bin_post, PAGE),
)
