"""What a field type is: how a value is read, written out, stored, compared, shown, searched, imported and described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from metadata.expressions.tree import Kind
from metadata.model import Field
from metadata.problems import Kind as ProblemKind
from metadata.problems import Label, Problem

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


MASK = "••••"
"""Stands for what is not shown of a value."""


class Masked(str):
    """What is shown of a value that may not be read: a text of no field type."""

    __slots__ = ()


ENCRYPTED: Mapping[str, Any] = {
    "encrypted": {
        "type": "boolean",
        "description": "Values lie encrypted in the database: nothing finds, sorts or computes by them.",
    }
}
"""The property of types whose values may lie encrypted; see `fieldtypes.encrypting`."""


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


class Typed(str):
    """A text in its one form, by which it is compared and sent as JSON, and how somebody has typed it."""

    __slots__ = ("typed",)
    typed: str | None

    def __new__(cls, value: str, typed: str | None) -> Typed:
        made = super().__new__(cls, value)
        made.typed = typed
        return made


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
    compared: int = 0
    """Which of its columns conditions and orders look at: 1 where the value is kept in a form that does not compare
    (parts, HTML) and a second column holds `comparable` of it."""
    as_typed: bool = False
    """Whether a second column keeps what was typed where that is not the value itself; see `Typed`."""
    indexable: bool = True
    """Whether whole values can be unique, indexed and listed in order."""
    in_cells: bool = True
    """Whether files carry its values: False for what one cell cannot say or must not."""
    parts: Mapping[str, Label] = {}
    """Parts of a value that files may have in columns of their own (`address.city`), and what people call them."""
    spread: bool = False
    """Whether an export has a column for each part rather than one for the whole."""
    concealed: bool = False
    """True: nobody is told the value; lists, events and exports know only that there is one."""
    encrypted: bool = False
    """True: values lie encrypted in the database; see `fieldtypes.encrypting`."""
    maskable: bool = False
    """Whether a little of a value may be shown to people who may not read it; see `mask`."""

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

    def comparable(self, value: Any) -> Any:
        """What a value that is not None is to conditions and orders, and what the column `compared` holds."""
        return value

    def literal(self, field: Field, raw: str) -> str:
        """A text of a condition in the form in which values are compared; as it is when it has no such form."""
        return raw

    def files(self, value: Any) -> tuple[str, ...]:
        """Ids of the uploaded files that a value names."""
        return ()

    def keep(self, field: Field, value: Any) -> Any:
        """The JSON value that events keep: as `dump`, but by the ids of options and entities, which never change."""
        return self.dump(field, value)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """The Python value of a cell or a form input; None for blank text. Raises ValueProblem."""
        text = text.strip()
        return None if text == "" else self.parse(field, text)

    def read_part(self, field: Field, part: str, text: str, context: TextContext) -> Any:
        """What a cell says of one part, as a part of the JSON value. Raises ValueProblem."""
        return text.strip() or None

    def write_part(self, field: Field, part: str, value: Any, context: TextContext) -> str:
        """One part of a value that is not None, as an exported cell."""
        return str(value.get(part) or "")

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        """A value as a person reads it in a list cell; an empty string for None."""
        return "" if value is None else str(value)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        """A value as an exported cell: `read_text(write_text(v)) == v`."""
        return self.show(field, value, context)

    def mask(self, value: Any) -> str:
        """What is shown of a value that is not None to people who may not read it; as long for every value."""
        return MASK

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
