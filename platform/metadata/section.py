"""What a section of the description has to provide, and the parts that all sections share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from metadata.documents.marked import Map, Mark
from metadata.model import Model, Part
from metadata.problems import LANGUAGES, Label, Problem

if TYPE_CHECKING:
    from metadata.compilation import Compilation
    from metadata.grammar import Grammar


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """One element of a section after merging: what all layers together say of it, and where."""

    section: str
    id: str
    key: str
    data: Map
    mark: Mark
    born: Mark
    digest: str
    """Of its content alone."""
    source: str
    """Of its content and the places where it was written: equal sources give equal problems."""

    @property
    def path(self) -> str:
        return f"{self.section}.{self.key}"


@dataclass(frozen=True, slots=True)
class Reference:
    """An element mentions another: where, and which entity and field (or element of another section)."""

    path: tuple[str, ...]
    section: str
    element: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One plain fact about what differs between two compiled elements. `path` leads by ids from the element."""

    kind: Literal["added", "removed", "changed"]
    section: str
    path: tuple[str, ...]
    before: Any
    after: Any
    label: Label
    """Of the innermost thing on the path that has one."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the description. Everything that treats all sections alike goes through these."""

    name: str
    grammar: Grammar
    check_grammar: Callable[[Element], Iterable[Problem]]
    """What the grammar refuses in a merged element."""
    identity: Callable[[str, Any], str]
    """The id of an element from its key and what was written."""
    compile: Callable[[Compilation], None]
    """Fill `compilation.made` with the elements as the model has them; those that are too wrong are left out."""
    checks: Callable[[Compilation], None]
    """What can be checked only when every section is compiled."""
    references: Callable[[str, Part, Model], Iterable[Reference]]
    """Everything that a compiled element mentions, for where-used and renaming."""
    difference: Callable[[str, str, Part | None, Part | None], tuple[Difference, ...]]
    """(section, id, before, after) -> what differs."""
    documentation: Callable[[Part, str, Model], str]
    """The element in Markdown, in a language."""


def grammar_only(name: str, grammar: Grammar) -> Callable[[Element], Iterable[Problem]]:
    """The check of a section whose whole grammar is in its file."""
    return lambda element: grammar.problems(element.data, element.path, element.mark.key_position)


def each_element(name: str, make: Callable[[Element, Compilation], Any | None]) -> Callable[[Compilation], None]:
    """The compile step of a section whose elements are made one by one."""

    def compile(compilation: Compilation) -> None:
        for element in compilation.elements[name].values():
            made = make(element, compilation)
            if made is not None:
                compilation.made[name][element.id] = made

    return compile


def said_id(key: str, data: Any) -> str:
    """The id that an entry says, else its key."""
    said = data.get("id") if isinstance(data, Mapping) else None
    return said if isinstance(said, str) else key


def key_is_id(key: str, data: Any) -> str:
    return key


def nothing_further(compilation: Compilation) -> None:
    """For sections whose elements are complete once they are compiled."""


DERIVED = frozenset({"names", "inverses", "relations", "entity"})
"""Properties of parts that follow from others, or are told with them: what a relation does, with its link."""


def differences(section: str, id: str, before: Part | None, after: Part | None) -> tuple[Difference, ...]:
    """What differs between two compiled elements, property by property, matched by ids."""
    found: list[Difference] = []
    _compare(section, (id,), before, after, {"*": id}, found)
    return tuple(found)


def _compare(
    section: str, path: tuple[str, ...], before: Any, after: Any, label: Label, found: list[Difference]
) -> None:
    if before == after:
        return
    old, new = _by_id(before), _by_id(after)
    label = _label(new) or _label(old) or label
    if before is None or after is None or old is None or new is None:
        change: Literal["added", "removed", "changed"] = (
            "added" if before is None else "removed" if after is None else "changed"
        )
        found.append(Difference(change, section, path, before, after, label))
        return
    for each in dict.fromkeys([*old, *new]):
        if each not in DERIVED:
            _compare(section, (*path, each), old.get(each), new.get(each), label, found)
    if isinstance(before, list) and [each for each in old if each in new] != [each for each in new if each in old]:
        found.append(Difference("changed", section, (*path, "order"), list(old), list(new), label))


def _by_id(value: Any) -> Mapping[str, Any] | None:
    """A mapping, or a list of things with ids as a mapping; None for what is compared whole."""
    if isinstance(value, Mapping):
        return None if _label_like(value) else value
    if isinstance(value, list) and value and all(isinstance(each, Mapping) and "id" in each for each in value):
        return {str(each["id"]): each for each in value}
    return None


def _label_like(value: Mapping[str, Any]) -> bool:
    return bool({"*", *LANGUAGES} & set(value)) and all(isinstance(each, str) for each in value.values())


def _label(value: Mapping[str, Any] | None) -> Label | None:
    label = value.get("label") if value else None
    return label if isinstance(label, Mapping) else None


def label_from(key: str) -> Label:
    """A label made from a key: `close_date` is called Close date."""
    text = key.replace("__", " ").replace("_", " ").strip()
    return {"*": text[:1].upper() + text[1:]}


def label_of(data: Mapping[str, Any], key: str, name: str = "label") -> Label:
    label = data.get(name)
    return dict(label) if isinstance(label, Mapping) and label else label_from(key)
