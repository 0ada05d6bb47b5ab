"""Runs as their readers see them: whoever sees the record, and whoever looks after the jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from blueprints import visibility
from blueprints.addresses import address_at
from blueprints.app.cells import Piece
from blueprints.app.processes.looks import State, moment, span, state_of
from blueprints.app.reading import Reader
from metadata.ids import is_uuid
from metadata.problems import NotFound, say
from runtime.processes import reading
from runtime.processes.reading import NO_RUN, Shown
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Row:
    """One run in a list."""

    id: str
    url: str
    label: str
    state: State
    since: str
    iso: str
    lasted: str
    step: str
    """Where it stands, or where it failed."""
    error: str
    record: Piece | None = None
    what: str = ""


def looks_after(ws: Workspace) -> bool:
    return visibility.has_capability(ws, "jobs")


def seen(ws: Workspace, id: str) -> Shown:
    """A run that the actor may see. Raises NotFound, the same for one that there is not."""
    shown = reading.any_run(ws, id) if is_uuid(id) else None
    if shown is None:
        raise NotFound(NO_RUN())
    if looks_after(ws):
        return shown
    entity = ws.model.entity(shown.run.entity)
    if entity is None or shown.run.record is None or not visibility.may(ws, entity, "read"):
        raise NotFound(NO_RUN())
    try:
        return reading.run_of(ws, entity, shown.run.record, id)
    except NotFound:
        raise NotFound(NO_RUN()) from None


def may_see(ws: Workspace, id: str) -> bool:
    try:
        seen(ws, id)
    except NotFound:
        return False
    return True


def row(reader: Reader, shown: Shown, record: Piece | None = None, what: str = "") -> Row:
    run, words = shown.run, reader.words
    until = run.finished_at or reader.ws.now
    error = reading.error_of(reader.ws, shown)
    return Row(
        run.id,
        address_at("app.process_run", id=run.id),
        words.label(shown.label),
        state_of(words, run.state),
        moment(reader, run.started_at.isoformat()),
        run.started_at.isoformat(),
        span(words, (until - run.started_at).total_seconds()),
        standing_at(reader, shown),
        "" if error is None else say(error.get("texts") or {"*": str(error.get("code", ""))}, words.lang),
        record,
        what,
    )


def rows(reader: Reader, shown: Iterable[Shown]) -> list[Row]:
    """Runs about any records, with the titles of those that the actor sees."""
    found = list(shown)
    ws = reader.ws
    entities = {id: ws.model.entity(id) for id in {each.run.entity for each in found}}
    readable = {id: each for id, each in entities.items() if each is not None and visibility.may(ws, each, "read")}
    reader.titles.learn(
        (readable[each.run.entity].key, each.run.record)
        for each in found
        if each.run.record is not None and each.run.entity in readable
    )
    made = []
    for each in found:
        entity, record = readable.get(each.run.entity), each.run.record
        piece = reader.titles.piece(entity.key, record) if entity is not None and record is not None else None
        piece = piece if piece is not None and piece.url else None
        made.append(row(reader, each, piece, reader.words.label(entity.label) if entity is not None else ""))
    return made


def standing_at(reader: Reader, shown: Shown) -> str:
    """The labels of the steps at which a run stands; of one that failed the step that did."""
    run = shown.run
    if shown.workflow is None:
        return ""
    labels = {each.id: reader.words.label(each.label) for each in shown.workflow.every()}
    if run.state == "failed":
        return labels.get(str((run.error or {}).get("step", "")), "")
    if run.is_over or run.body is None:
        return ""
    tokens: Any = run.body["walk"]["tokens"]
    parents = {parent for _, _, parent, _, _ in tokens}
    innermost = [step for visit, step, *_ in tokens if visit not in parents]
    return ", ".join(labels.get(step, step) for step in innermost[:3])
