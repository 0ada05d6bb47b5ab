"""What was done to a request, line by line, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.app.approvals.values import cell_of
from blueprints.app.approvals.way import moment
from blueprints.app.cells import Cell
from blueprints.app.reading import Reader
from blueprints.texts import TEXTS
from metadata.model import Entity

_ICONS = {
    "submit": ("send", "indigo"),
    "resubmit": ("send", "indigo"),
    "approve": ("check", "green"),
    "auto_approve": ("check", "green"),
    "reject": ("x", "red"),
    "auto_reject": ("x", "red"),
    "return": ("arrow-back-up", "orange"),
    "add_signer": ("user-plus", "indigo"),
    "remove_signer": ("user-minus", "gray"),
    "transfer": ("transfer", "indigo"),
    "reassign": ("transfer", "indigo"),
    "delegate": ("message-circle-question", "indigo"),
    "comment": ("message", "gray"),
    "urge": ("bell-ringing", "amber"),
    "remind": ("bell", "gray"),
    "expire": ("alarm", "orange"),
    "copy": ("mail", "gray"),
    "write": ("pencil", "gray"),
    "edit": ("pencil", "gray"),
}
_SILENT = frozenset({"arrive", "branch", "route", "skip", "end"})
"""What the line of the way says already."""


@dataclass(frozen=True, slots=True)
class Change:
    label: str
    before: Cell
    after: Cell


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done."""

    who: str
    said: str
    icon: str
    tint: str
    at: str
    iso: str
    comment: str
    changes: tuple[Change, ...]


def told(reader: Reader, entity: Entity, lines: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The newest first."""
    return [
        _line(reader, entity, each)
        for each in reversed(lines)
        if each["verb"] not in _SILENT and f"approval_did_{each['verb']}" in TEXTS
    ]


def _line(reader: Reader, entity: Entity, line: Mapping[str, Any]) -> Line:
    words = reader.words
    who = (line["actor"] or {}).get("name") or words("approval_by_platform")
    if line["on_behalf_of"]:
        who = f"{who} {words('approval_for', who=line['on_behalf_of']['name'])}"
    if line["channel"] == "mail" and line["verb"] in ("approve", "reject"):
        who = f"{who} ({words('approval_by_mail')})"
    people = ", ".join(each["name"] for each in line["people"] if each and each["name"])
    icon, tint = _ICONS.get(line["verb"], ("point", "gray"))
    return Line(
        who,
        words(f"approval_did_{line['verb']}", people=people),
        icon,
        tint,
        moment(reader, line["at"]),
        line["at"],
        line["comment"],
        tuple(_changes(reader, entity, line["changes"])),
    )


def _changes(reader: Reader, entity: Entity, changes: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    for key, both in changes.items():
        field = entity.find(key)
        if field is not None and field.type != "children":
            label = reader.words.label(field.label)
            yield Change(label, cell_of(reader, field, both["before"]), cell_of(reader, field, both["after"]))
