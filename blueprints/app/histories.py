"""Events of a record as people read them: who, when, how, and for each field what it was and what it became."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.app import differing, reading
from blueprints.app.reading import Reader
from metadata.model import Entity, Field

_KINDS = frozenset({"created", "updated", "deleted", "restored", "merged", "revealed", "shared", "unshared"})
_KINDS |= {"claimed", "returned", "assigned", "moved"}
_CHANNELS = frozenset({"form", "api", "import", "job", "workflow", "command"})
_PROSE = frozenset({"long_text", "rich_text", "json"})
_LONG = 60
"""Characters from which a text is compared word by word."""
_FEW = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One field: the values before and after as text, or for long texts what differs."""

    label: str
    before: str
    after: str
    color: str = ""
    stretches: tuple[differing.Stretch, ...] = ()
    files: tuple[str, ...] = ()
    """Ids of files that came with it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    id: str
    iso: str
    day: str
    time: str
    who: str
    kind: str
    icon: str
    channel: str
    changes: tuple[Change, ...]

    @property
    def first(self) -> tuple[Change, ...]:
        return self.changes[:_FEW]

    @property
    def rest(self) -> tuple[Change, ...]:
        return self.changes[_FEW:]


_ICONS = {
    "created": "plus",
    "updated": "pencil",
    "deleted": "trash",
    "restored": "restore",
    "merged": "arrows-join",
    "revealed": "eye",
    "shared": "share",
    "unshared": "share-off",
    "claimed": "hand-grab",
    "returned": "inbox",
    "assigned": "user-check",
    "moved": "arrows-right-left",
}


def told(reader: Reader, entity: Entity, events: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Some events of one record. The names of all records that they mention are read together."""
    reader.titles.learn(_mentioned(reader, entity, events))
    return [_told(reader, entity, each) for each in events]


def _told(reader: Reader, entity: Entity, event: Mapping[str, Any]) -> Told:
    kind = event["kind"].rsplit(".", 1)[-1]
    at = reader.moment(event["at"])
    channel = event.get("channel") or ""
    return Told(
        event["id"],
        event["at"],
        at.date().isoformat(),
        at.strftime("%H:%M"),
        reader.words("record_by_platform") if event.get("actor_name") == "platform" else event.get("actor_name") or "",
        reader.words(f"kind_{kind}") if kind in _KINDS else kind,
        _ICONS.get(kind, "activity"),
        reader.words(f"record_by_{channel}") if channel in _CHANNELS and channel not in ("form", "api") else "",
        tuple(_changes(reader, entity, event.get("changes") or {})),
    )


def _changes(reader: Reader, entity: Entity, changes: Mapping[str, Any]) -> Iterator[Change]:
    for name, values in changes.items():
        field = entity.find(name)
        if field is not None:
            yield _change(reader, field, values["before"], values["after"])


def _change(reader: Reader, field: Field, before: Any, after: Any) -> Change:
    label = reader.words.label(field.label)
    files = tuple(set(reading.files_in(field, after)) - set(reading.files_in(field, before)))
    old, new = reading.said(reader, field, before), reading.said(reader, field, after)
    if field.type in _PROSE and old and new and max(len(old), len(new)) > _LONG:
        return Change(label, "", "", stretches=differing.compare(old, new))
    option = field.option(after) if field.type == "choice" and isinstance(after, str) else None
    return Change(label, old, new, (option.color or "") if option is not None else "", files=files)


def _mentioned(reader: Reader, entity: Entity, events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(entity key, id) of every record that some events link to."""
    for event in events:
        for name, values in (event.get("changes") or {}).items():
            field = entity.find(name)
            if field is not None:
                for value in (values["before"], values["after"]):
                    yield from reading.linked_by(reader.ws, field, value)
