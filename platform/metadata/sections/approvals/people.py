"""Who is asked: the sources of approvers, and the matrices that choose among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from metadata.approvals import MatrixRow, Who
from metadata.documents.marked import Map
from metadata.model import EMPTY, Entity, Field
from metadata.problems import Label
from metadata.section import said_id
from metadata.sections.approvals import refusals as r
from metadata.sections.approvals.reading import Path, Reader

Place = Literal["node", "escalation", "row", "other"]
"""Where people are named: `who` of a node that asks, `to` of its timeout, a row of a matrix, or elsewhere."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "user": ("user",),
    "role": ("role", "within"),
    "unit_head": ("of", "level", "climb"),
    "manager_of": ("of", "level", "climb"),
    "managers_up_to": ("of", "level", "role", "climb"),
    "initiator": (),
    "initiator_picks": ("most", "least", "among"),
    "approver_picks": ("most", "least", "among"),
    "field": ("path",),
    "matrix": ("matrix",),
    "expression": ("expression",),
}
NEEDED: Mapping[str, tuple[str, ...]] = {each: (each,) for each in ("user", "role", "matrix", "expression")} | {
    "field": ("path",)
}
PICKED = ("initiator_picks", "approver_picks")
MATRICES: Label = {"en": "the matrices", "zh": "矩阵"}
ONE: Label = {"en": "a user", "zh": "用户"}
ONE_OR_UNIT: Label = {"en": "a user or a unit", "zh": "用户或部门"}
ANY: Label = {"en": "a user, a list of users or a unit", "zh": "用户、用户列表或部门"}
_PLAIN = ("by", "climb", "within", "user", "most", "least")
"""What is taken over as it is written."""


@dataclass(frozen=True, slots=True)
class People:
    """Reads sources of people."""

    reader: Reader
    matrices: frozenset[str]

    def read(self, data: Map, key: str, at: Path, place: Place) -> tuple[Who, ...]:
        """The sources at a place, in order."""
        found: list[Who] = []
        for name, said in self.reader.entries(data, key):
            if isinstance(said, Map) and said.get("by") in KEYS:
                found.append(self._source(said, (*at, key, name), place))
        return tuple(found)

    def _source(self, data: Map, at: Path, place: Place) -> Who:
        by = data["by"]
        self.reader.allow(data, at, by, KEYS[by], NEEDED.get(by, ()))
        if by in PICKED and place != "node":
            self.reader.refuse(r.NO_PICKING, *at, "by")
        if by == "matrix" and place == "row":
            self.reader.refuse(r.MATRIX_WITHIN, *at, "by")
        if data.get("within") == "record_unit" and "unit" not in self.reader.entity.fields:
            self.reader.refuse(r.NO_UNIT, *at, "within", entity=self.reader.entity.label)
        if data.get("least", 1) > data.get("most", 1):
            self.reader.refuse(r.TOO_FEW, *at, least=data.get("least", 1), most=data.get("most", 1))
        given: dict[str, Any] = {key: data[key] for key in _PLAIN if key in data}
        return Who(
            **given,
            of=self._of(data, at, place),
            level=data.get("level", 0 if by == "managers_up_to" and "role" not in data else 1),
            role=self.reader.role(data["role"], (*at, "role")) if isinstance(data.get("role"), str) else None,
            path=self._path(data["path"], (*at, "path"), ANY) if isinstance(data.get("path"), str) else None,
            expression=self._expression(data, at),
            matrix=self._matrix(data, at),
            among=self.reader.roles(data, "among", at),
        )

    def _of(self, data: Map, at: Path, place: Place) -> str:
        said = data.get("of")
        if not isinstance(said, str):
            return "initiator"
        if said == "assignee":
            if place != "escalation":
                self.reader.refuse(r.NO_ASSIGNEE, *at, "of")
            return said
        if said == "initiator":
            return said
        return self._path(said, (*at, "of"), ONE_OR_UNIT if data["by"] == "unit_head" else ONE) or said

    def _expression(self, data: Map, at: Path) -> str | None:
        text = data.get("expression")
        return self.reader.person(text, (*at, "expression")) if isinstance(text, str) else None

    def _matrix(self, data: Map, at: Path) -> str | None:
        name = data.get("matrix")
        if isinstance(name, str) and name not in self.matrices:
            self.reader.compilation.unknown(self.reader.element, name, self.matrices, MATRICES, *at, "matrix")
        return name if isinstance(name, str) else None

    def _path(self, dotted: str, at: Path, wanted: Label) -> str | None:
        """A path of the record to people, by ids."""
        entity: Entity | None = self.reader.entity
        ids: list[str] = []
        field: Field | None = None
        for step in dotted.split("."):
            if entity is None:
                self.reader.refuse(r.NO_PERSON, *at, name=dotted, wanted=wanted)
                return None
            field = self.reader.compilation.named_field(self.reader.element, entity, step, *at, at_key=False)
            if field is None:
                return None
            ids.append(field.id)
            one = field.type in ("link", "user", "unit") and len(field.to) == 1
            entity = self.reader.compilation.entity(field.to[0]) if one else None
        if field is None or not _leads_to(field, wanted):
            self.reader.refuse(r.NO_PERSON, *at, name=dotted, wanted=wanted)
            return None
        return ".".join(ids)


def _leads_to(field: Field, wanted: Label) -> bool:
    if field.type in ("user", "link") and field.to == ("user",):
        return True
    if wanted is not ONE and field.type in ("unit", "link") and field.to == ("unit",):
        return True
    return wanted is ANY and field.type == "links" and field.to == ("user",)


def read_matrices(reader: Reader, people: People) -> Mapping[str, tuple[MatrixRow, ...]]:
    """Key -> rows, the first of which counts whose condition holds."""
    found: dict[str, tuple[MatrixRow, ...]] = {}
    for key, said in reader.entries(reader.element.data, "matrices"):
        rows = [(name, row) for name, row in said.items() if isinstance(row, Map)] if isinstance(said, Map) else []
        made: list[MatrixRow] = []
        for place, (name, row) in enumerate(rows):
            at = ("matrices", key, name)
            last = place == len(rows) - 1
            if "when" not in row and not last:
                reader.refuse(r.ROW_BEHIND, *at, at_key=True, name=name)
            when = reader.condition(row, "when", at, last=last)
            made.append(MatrixRow(said_id(name, row), when, people.read(row, "who", at, "row")))
        found[key] = tuple(made)
    return found or EMPTY
