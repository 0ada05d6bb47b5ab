"""Which column of a file is which field: by an `imports` document, by what the caller says, or by the headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from metadata.access import Actor, rights
from metadata.fieldtypes import registry
from metadata.model import EMPTY, Entity, Field, ImportMapping, Model
from metadata.problems import LANGUAGES, Invalid, Problem, kind
from runtime.transfer.headings import LINE, REASONS
from runtime.transfer.options import Mode, Options
from runtime.transfer.reading import plain

UNKNOWN_COLUMN = kind(
    "import_unknown_column",
    en="No field of {entity} belongs to the column {header}. Rename it, map it in an import mapping, or ignore it.",
    zh="{entity}没有与列“{header}”对应的字段。请改列名、在导入映射中指定，或忽略该列。",
)
UNKNOWN_FIELD = kind(
    "import_unknown_field",
    en="The mapping of column {header} names {field}, which {entity} does not have.",
    zh="列“{header}”的映射指定了{entity}中不存在的字段 {field}。",
)
COLUMN_MISSING = kind(
    "import_column_missing",
    en="The file has no column {header}, which the mapping names. It has: {headers}.",
    zh="文件中没有映射所指定的列“{header}”。现有列：{headers}。",
)
COLUMN_TWICE = kind(
    "import_column_twice",
    en="The columns {first} and {header} both belong to {label}. Leave one out.",
    zh="列“{first}”和“{header}”都对应{label}，请去掉其中一个。",
)
NOT_IMPORTABLE = kind(
    "import_not_importable",
    en="{label} cannot be filled from a cell. Ignore the column {header}.",
    zh="{label}不能从单元格导入，请忽略列“{header}”。",
)
NOT_WRITABLE = kind(
    "import_not_writable",
    en="You may see {label} but not change it. Ignore the column {header}.",
    zh="您可以查看但不能修改{label}，请忽略列“{header}”。",
)
NO_COLUMNS = kind(
    "import_no_columns",
    en="No column of this file belongs to a field of {entity}. Its fields are: {fields}.",
    zh="该文件没有任何列与{entity}的字段对应。可用字段：{fields}。",
)
NO_KEY = kind(
    "import_no_key",
    en="To change records of {entity}, say by which column they are known. One that fits: {fields}.",
    zh="要更新{entity}，请指明用哪个字段识别记录，例如：{fields}。",
)
KEY_NOT_THERE = kind(
    "import_key_not_there",
    en="Records are to be known by {label}, but no column holds it.",
    zh="指定用{label}识别记录，但没有列包含它。",
)
UNKNOWN_MAPPING = kind(
    "import_unknown_mapping",
    en="There is no import mapping {name} for {entity}. There are: {names}.",
    zh="{entity}没有名为 {name} 的导入映射。现有：{names}。",
)

_OF_REPORTS = frozenset(plain(each) for each in (*LINE.values(), *REASONS.values()))
"""Columns of a report of refused rows: mended, it is loaded as it is."""
LINKS = frozenset({"link", "user", "unit", "links"})
KEPT = frozenset({"version", "created_at", "created_by", "updated_at", "updated_by"})
"""Fields of our own exports that an import passes over, as it does with everything computed."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that is read. `by`: the field of the link's target that its texts are values of."""

    at: int
    header: str
    field: Field
    by: Field | None = None
    part: str | None = None
    """The one part of the field's value that it holds."""
    values: Mapping[str, str] = EMPTY


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import does with each column."""

    entity: Entity
    mode: Mode
    columns: tuple[Column, ...]
    by: tuple[Field, ...]
    constants: Mapping[str, object]
    ignored: tuple[str, ...]
    headers: tuple[str, ...]


def known_names(entity: Entity) -> tuple[str, ...]:
    """Everything a column may be called: helps to find the header row."""
    return tuple(name for each in entity.fields.values() for name in _names_of(each))


def plan(model: Model, actor: Actor, entity: Entity, headers: tuple[str, ...], options: Options) -> Plan:
    """Decide over every column. Raises Invalid with everything that is wrong at once."""
    document = _document(model, entity, options.mapping)
    found = _Finder(model, actor, entity, headers, options, document)
    columns = found.columns()
    problems = list(found.problems)
    if not columns and not problems:
        fields = [each.label for each in entity.fields.values() if not each.system]
        problems.append(NO_COLUMNS(entity=entity.label, fields=fields[:20]))
    mode = options.mode or (document.mode if document else None) or _usual_mode(options, document, columns)
    by = () if mode == "insert" else _by(entity, options, document, columns, problems)
    if problems:
        raise Invalid(problems)
    constants = document.constants if document is not None else EMPTY
    return Plan(entity, mode, columns, by, constants, tuple(found.ignored), headers)


def _document(model: Model, entity: Entity, name: str | None) -> ImportMapping | None:
    if name is None:
        return None
    found: ImportMapping | None = model.get("imports", name)
    if found is None or found.entity != entity.id:
        names = [each.key for each in model.all("imports") if each.entity == entity.id]
        raise Invalid(UNKNOWN_MAPPING(name=name, entity=entity.label, names=names or "-"))
    return found


def _usual_mode(options: Options, document: ImportMapping | None, columns: tuple[Column, ...]) -> Mode:
    """With a key records are found again, without one they are new."""
    by_id = any(column.field.id == "id" for column in columns)
    return "upsert" if options.by or (document is not None and document.by) or by_id else "insert"


def _by(
    entity: Entity,
    options: Options,
    document: ImportMapping | None,
    columns: tuple[Column, ...],
    problems: list[Problem],
) -> tuple[Field, ...]:
    held = {column.field.id for column in columns}
    names = options.by or (document.by if document is not None else ()) or (("id",) if "id" in held else ())
    if not names:
        unique = [each.label for each in entity.fields.values() if each.unique] or [entity.fields[entity.title].label]
        problems.append(NO_KEY(entity=entity.label, fields=unique))
    found = []
    for name in names:
        field = entity.find(name)
        if field is None:
            problems.append(UNKNOWN_FIELD(header="-", field=name, entity=entity.label))
        elif field.id not in held and not (document is not None and field.id in document.constants):
            problems.append(KEY_NOT_THERE(label=field.label))
        else:
            found.append(field)
    return tuple(found)


class _Finder:
    """Looks for the field of each header; keeps what is wrong and what is passed over."""

    def __init__(
        self,
        model: Model,
        actor: Actor,
        entity: Entity,
        headers: tuple[str, ...],
        options: Options,
        document: ImportMapping | None,
    ) -> None:
        self.model, self.entity, self.headers, self.options = model, entity, headers, options
        self.rights = rights(model, actor, entity)
        self.by_header = {plain(name): dict(entry) for name, entry in (document.columns if document else {}).items()}
        self.by_header |= {plain(name): {"field": field} for name, field in options.columns.items()}
        self.named = (*(document.columns if document else ()), *options.columns)
        self.passed_over = {plain(name) for name in options.ignore}
        self.names = _names(entity, self.rights.may_read)
        self.parts = _parts(self.names.values())
        self.problems: list[Problem] = []
        self.ignored: list[str] = []

    def columns(self) -> tuple[Column, ...]:
        there = {plain(header) for header in self.headers}
        for name in self.named:
            if plain(name) not in there:
                self.problems.append(COLUMN_MISSING(header=name, headers=[each for each in self.headers if each][:30]))
        found: dict[str, Column] = {}
        for at, header in enumerate(self.headers):
            column = self._column(at, header) if header else None
            if column is None:
                self.ignored += [header] if header else []
            elif column.part is not None:
                found.setdefault(f"{column.field.id}.{column.part}", column)
            elif (other := found.get(column.field.id)) is not None and other.by is column.by:
                self.problems.append(COLUMN_TWICE(first=other.header, header=header, label=column.field.label))
            elif other is None or (column.by is not None and column.by.id == "id"):
                # `account` and `account.id` side by side, as in our exports: the id cannot be mistaken.
                found[column.field.id] = column
        return tuple(found.values())

    def _column(self, at: int, header: str) -> Column | None:
        name = plain(header)
        entry = self.by_header.get(name)
        if name in self.passed_over or (entry is not None and entry.get("ignore")):
            return None
        if entry is not None:
            return self._named(at, header, entry)
        # A mapping document says all; columns that the caller names leave the others to their headers.
        column = None if self.options.mapping is not None else self._of(at, header, header, None)
        if column is None:
            self._report_unmatched(header)
            return None
        return self._checked(column)

    def _named(self, at: int, header: str, entry: Mapping[str, Any]) -> Column | None:
        """A column that a mapping or the caller gave a field."""
        named = str(entry.get("field") or header)
        column = self._of(at, header, named, entry.get("by"))
        if column is None:
            close = get_close_matches(plain(named), self.names, 1)
            suggestion = self.names[close[0]].key if close else None
            self.problems.append(
                UNKNOWN_FIELD(header, suggestion=suggestion, header=header, field=named, entity=self.entity.label)
            )
            return None
        values = {str(text).strip().casefold(): str(value) for text, value in (entry.get("values") or {}).items()}
        return self._checked(replace(column, values=values))

    def _report_unmatched(self, header: str) -> None:
        if self.options.ignore_unknown or plain(header) in _OF_REPORTS:
            return
        close = get_close_matches(plain(header), self.names, 1, cutoff=0.75)
        suggestion = self.names[close[0]].key if close else None
        self.problems.append(UNKNOWN_COLUMN(header, suggestion=suggestion, entity=self.entity.label, header=header))

    def _of(self, at: int, header: str, name: str, by: str | None) -> Column | None:
        """The field that a name means: itself, or over a link the field that its texts are values of."""
        field = self.names.get(plain(name))
        if field is None and (parted := self.parts.get(plain(name))) is not None:
            return Column(at, header, parted[0], part=parted[1])
        if field is None and "." in name:
            over, _, target = name.rpartition(".")
            field, by = self.names.get(plain(over)), target
        if field is None:
            return None
        if by is None or field.type not in LINKS or not field.to:
            return Column(at, header, field)
        target_entity = self.model.entity(field.to[0])
        known = _names(target_entity, lambda _: True).get(plain(by)) if target_entity is not None else None
        return Column(at, header, field, known) if known is not None else None

    def _checked(self, column: Column) -> Column | None:
        field = column.field
        if field.id in KEPT or field.computed is not None:
            return None
        if field.type == "children" or not registry.of(field).in_cells:
            self.problems.append(NOT_IMPORTABLE(header=column.header, label=field.label))
            return None
        if field.id != "id" and not self.rights.may_write(field.id):
            self.problems.append(NOT_WRITABLE(header=column.header, label=field.label))
            return None
        return column


PART = " · "
"""Between the label of a field and that of its part, in a header."""


def _parts(fields: Iterable[Field]) -> dict[str, tuple[Field, str]]:
    """Compared name -> a field and a part of its value: `address.city`, `Address · City`, `地址 · 城市`."""
    found: dict[str, tuple[Field, str]] = {}
    for field in fields:
        for part, label in registry.of(field).parts.items():
            for name in _names_of(field):
                found.setdefault(plain(f"{name}.{part}"), (field, part))
                for said in label.values():
                    found.setdefault(plain(f"{name}{PART}{said}"), (field, part))
    return found


def _names_of(field: Field) -> Iterable[str]:
    labels = (field.label,) if isinstance(field.label, str) else (field.label.get(each) for each in (*LANGUAGES, "*"))
    return (field.key, field.id, *field.aliases, *(each for each in labels if each))


def _names(entity: Entity, may_read: Callable[[str], bool]) -> dict[str, Field]:
    """Compared name -> field: keys before ids, these before aliases and labels. A label of two fields names neither."""
    fields = [each for each in entity.fields.values() if may_read(each.id)]
    found: dict[str, Field] = {}
    for field in fields:
        found.setdefault(plain(field.key), field)
    for field in fields:
        found.setdefault(plain(field.id), field)
    for field in fields:
        for alias in field.aliases:
            found.setdefault(plain(alias), field)
    labels: dict[str, set[str]] = {}
    for field in fields:
        for name in _names_of(field):
            labels.setdefault(plain(name), set()).add(field.id)
    for name, ids in labels.items():
        if len(ids) == 1:
            found.setdefault(name, entity.fields[next(iter(ids))])
    return found
