"""What controls are made of: their contents, what a browser sends for them, families of field types that share one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict

from blueprints.app import cells
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import EMPTY, Entity, Field
from metadata.problems import Problem
from runtime.workspace import Workspace

Reading = tuple[bool, Any, list[Problem]]
"""Whether the field was in the form, the JSON value that was entered, what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose. `given` names the values of the other field for which it is offered; empty: always."""

    value: str
    label: str
    chosen: bool = False
    color: str = ""
    detail: str = ""
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Differing:
    """Both sides of a conflict: what the person entered, what stands saved, and who saved it when."""

    mine: str
    theirs: str
    by: str = ""
    at: str = ""
    chosen: str = "mine"


@dataclass(frozen=True, slots=True)
class Control:
    """One field in a form. `kind` names the macro that draws it; `problems` are said beside it."""

    name: str
    """How the form sends it: the field's key, after the place of its row."""
    label: str
    kind: str
    key: str = ""
    required: bool = False
    help: str = ""
    text: str = ""
    input: str = "text"
    inputmode: str = ""
    hint: str = ""
    """An example in the empty control."""
    before: str = ""
    after: str = ""
    """What stands inside the control beside the value: a unit."""
    limit: int = 0
    """The longest text in characters; 0: not told."""
    check_url: str = ""
    """Where a script asks how a typed text is understood."""
    options: tuple[Option, ...] = ()
    chosen: str = ""
    """The id that a finder or a file holds."""
    was: str = ""
    """The title that this id stands for: another text in the field asks anew."""
    find_url: str = ""
    new_url: str = ""
    """A short form that makes a record to choose."""
    chooser: str = ""
    depends: str = ""
    """The name of the control on whose value the options depend."""
    wide: bool = False
    group: bool = False
    """Several inputs make up the control: the label is said of all of them together."""
    compact: bool = False
    """In a cell: the label is said, not shown."""
    focus: bool = False
    problems: tuple[str, ...] = ()
    differing: Differing | None = None
    more: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """What only its family knows."""

    @property
    def id(self) -> str:
        """In the page: nothing else there begins like this."""
        return f"f-{self.name}"

    @property
    def said(self) -> str:
        """What it holds, as a person reads it."""
        chosen = [each.label for each in self.options if each.chosen]
        return ", ".join(chosen) if chosen else self.text


@dataclass(frozen=True, slots=True)
class Form:
    """What is needed to make and read the controls of one entity's form, or of one row in it."""

    ws: Workspace
    entity: Entity
    words: Words
    context: TextContext
    prefix: str = ""
    """Before the name of every control: `lines.0.`."""
    compact: bool = False
    """The controls stand in cells."""
    row: int = 0
    """In a grid the number of the row, which the labels say."""
    alone: bool = False
    """The one control of its form: what it depends on is as the record has it."""
    record: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """What is known of the record: amounts take its currency."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with what was sent; paths begin with the field."""
    base: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """The marks of what the form held when it was opened, as the browser sent them back."""

    def problems_of(self, field: Field) -> tuple[Problem, ...]:
        """Those at a field, at a part of its value or at one of its rows."""
        return tuple(each for each in self.problems if each.path.split(".")[0] in (field.key, field.id))


@dataclass(frozen=True, slots=True)
class Sent:
    """What a browser sent, seen from the record or from one of its rows."""

    values: MultiDict[str, str]
    files: MultiDict[str, FileStorage] = field(default_factory=MultiDict)
    prefix: str = ""

    def __contains__(self, name: str) -> bool:
        return self.prefix + name in self.values

    def all(self, name: str) -> list[str]:
        return self.values.getlist(self.prefix + name)

    def last(self, name: str) -> str:
        """The last value of a name, which is what a box sends after its hidden twin; empty when there is none."""
        found = self.all(name)
        return found[-1] if found else ""

    def upload(self, name: str) -> FileStorage | None:
        found = self.files.get(self.prefix + name)
        return found if found is not None and found.filename else None

    def under(self, place: str) -> Sent:
        """What was sent for a row, `lines.0.`."""
        return Sent(self.values, self.files, f"{self.prefix}{place}")

    def names(self) -> Iterator[str]:
        """Every name that was sent, in the order of the form."""
        for each in (*self.values, *self.files):
            if each.startswith(self.prefix):
                yield each[len(self.prefix) :]


class Family:
    """How fields of some types are shown in a form and read from it. An instance has no state."""

    wide: bool = False
    """The control takes the whole width of a section."""

    def asked(self, form: Form, field: Field) -> list[str]:
        """What to ask of the record so that the control can be shown."""
        found = cells.shown(form.ws, form.entity, field.id)
        return [found.asked] if found is not None else []

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        """`kind` and contents of the control, as arguments of `Control`, for a JSON value of the record."""
        raise NotImplementedError

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Contents that differ from `parts` because the person had entered something."""
        return {"text": sent.last(field.key)}

    def names(self, field: Field) -> tuple[str, ...]:
        """The names under which the control is sent."""
        return (field.key,)

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        """What a browser sends, by the names of `names`, when nobody touches the control."""
        return {field.key: [control.text]}

    def sent(self, form: Form, field: Field, sent: Sent) -> Mapping[str, Sequence[str]]:
        """What it did send, in the same shape."""
        return {name: sent.all(name) for name in self.names(field)}

    def marks(self, form: Form, field: Field, control: Control) -> Mapping[str, str]:
        """The marks of what the control holds, by the field's key and, for parts that are compared alone, more."""
        return {field.key: digest(self.sends(field, control))}

    def is_sent(self, field: Field, sent: Sent) -> bool:
        return field.key in sent

    def told(self, form: Form, field: Field) -> tuple[str, ...]:
        """What is said beside the control as a whole."""
        return tuple(each.message(form.words.lang) for each in form.problems_of(field))

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        """The JSON value that was entered, or why it cannot be read. What the write path refuses is told with that."""
        raise NotImplementedError


def digest(values: Mapping[str, Sequence[str]]) -> str:
    """A short mark of what a control holds: another mark is another content."""
    found = hashlib.blake2b(digest_size=6)
    for name, texts in values.items():
        for each in (name, *texts):
            data = each.replace("\r\n", "\n").encode("utf-8", "surrogatepass")
            found.update(len(data).to_bytes(4, "big") + data)
        found.update(b"\xff\xff\xff\xff")
    return found.hexdigest()
