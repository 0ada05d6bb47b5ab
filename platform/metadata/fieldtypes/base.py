"""What a field type is: how a value is read, written out, stored, compared, shown, searched, imported and described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from metadata.expressions.tree import Kind
from metadata.model import Field
from metadata.problems import Kind as ProblemKind
from metadata.problems import Problem

StorageKind = Literal["text", "integer", "decimal", "boolean", "date", "datetime", "uuid", "json", "list"]
"""How a column holds values.

=========  ======================  =======================================  ==================
kind       PostgreSQL              SQLite                                   Python value
=========  ======================  =======================================  ==================
text       TEXT COLLATE "C"        TEXT                                     str
integer    BIGINT                  INTEGER                                  int
decimal    NUMERIC(28, scale)      INTEGER scaled by 10^scale               Decimal (quantized)
boolean    BOOLEAN                 INTEGER 0/1                              bool
date       DATE                    TEXT ISO 8601                            datetime.date
datetime   TIMESTAMPTZ             TEXT ISO 8601 UTC, microseconds, `Z`     datetime.datetime, UTC
uuid       UUID                    TEXT                                     str (lower case, dashed)
json       JSONB                   TEXT                                     JSON data
list       TEXT[]                  TEXT (JSON array)                        tuple[str, ...]
=========  ======================  =======================================  ==================
"""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a field. `suffix` is added to the physical name (`f_amount` + `__base`)."""

    kind: StorageKind
    suffix: str = ""
    scale: int = 0


class ValueProblem(Exception):
    """A raw value that the type refuses. The problem's path is empty or relative to the value."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message())
        self.problem = problem


def refuse(
    kind: ProblemKind, field: Field, path: str = "", suggestion: str | None = None, **params: object
) -> ValueProblem:
    """The refusal of a value of a field; its message may name the field as `{label}`."""
    return ValueProblem(Problem(kind.code, path, MappingProxyType({"label": field.label, **params}), None, suggestion))


@dataclass(frozen=True, slots=True)
class TextContext:
    """How people write and read values: language, time zone (IANA) and the record's currency (ISO 4217)."""

    language: str = "en"
    timezone: str = "UTC"
    currency: str = ""


class FieldType:
    """One field type. Subclasses override what differs; an instance has no state and serves every field of its type."""

    name: str = ""
    kind: Kind = "text"
    """What the values are to expressions."""
    stored: bool = True
    """False: no column of its own (links, children)."""
    sortable: bool = True
    groupable: bool = False
    summable: bool = False
    operators: tuple[str, ...] = ("==", "!=", "in")
    """Operators that `where` understands on this type: ==, !=, <, <=, >, >=, in, contains, starts_with."""
    properties: Mapping[str, Any] = {}
    """JSON Schema of each property beyond those of every field (type, label, required, ...)."""
    control: str = "text"
    """Name of the form control (a template macro)."""

    def check(self, field: Field) -> tuple[Problem, ...]:
        """What is wrong with the description of a field of this type beyond its grammar; paths are properties."""
        return ()

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        """The columns of a field, none when it is not stored."""
        raise NotImplementedError(self.name)

    def parse(self, field: Field, raw: Any) -> Any:
        """The Python value of a JSON value; None for None. Raises ValueProblem. Total: any JSON value may come."""
        raise NotImplementedError(self.name)

    def dump(self, field: Field, value: Any) -> Any:
        """The JSON value of a Python value; `parse(dump(v)) == v`."""
        return value

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """The Python value of a cell or a form input; None for blank text. Raises ValueProblem."""
        text = text.strip()
        return None if text == "" else self.parse(field, text)

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        """A value as a person reads it in a list cell; an empty string for None."""
        return "" if value is None else str(value)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        """A value as an exported cell: `read_text(write_text(v)) == v`."""
        return self.show(field, value, context)

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        """Plain texts that quick search should find the record by; made into tokens by `runtime.search`."""
        return () if value is None else (str(value),)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        """JSON Schema (2020-12) of the JSON value, without null."""
        raise NotImplementedError(self.name)

    def samples(self, field: Field) -> tuple[Any, ...]:
        """At least two valid, different JSON values, for tests, demo and OpenAPI examples."""
        raise NotImplementedError(self.name)

    def refused(self, field: Field) -> tuple[Any, ...]:
        """JSON values that `parse` must refuse, for tests."""
        return ()
