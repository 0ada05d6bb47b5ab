"""Layers -> the compiled `Model`: merge, check the grammar, compile section by section, say every problem at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from metadata import parts
from metadata.compilation import NO_SUCH, SECTION_LABELS, Compilation
from metadata.documents.layers import Findings, Slot, arrange, merge
from metadata.documents.marked import Map, plain
from metadata.documents.package import NO_PACKAGE, Layer, ParsedLayer, parse_layer
from metadata.documents.shape import Shape
from metadata.explaining import LATER, NOT_YET, UNKNOWN, nearest, without
from metadata.grammar import GRAMMAR
from metadata.layering import check_overruled
from metadata.model import EMPTY, Entity, Model, Part
from metadata.packages import check_packages, in_order, merged_settings
from metadata.problems import MetadataInvalid, Problem
from metadata.remembering import Remembered
from metadata.section import Element, Section, label_of
from metadata.sections import SECTIONS
from metadata.sections.entities.indexing import with_defaults
from metadata.sections.naming import check_names


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model with everything that a release keeps of it."""

    model: Model
    parts: Mapping[str, Mapping[str, Part]]
    """Section -> id -> element as JSON data."""
    index: Mapping[str, Mapping[str, Mapping[str, Any]]]
    fingerprint: str
    warnings: tuple[Problem, ...]
    elements: Mapping[str, Mapping[str, Element]]
    """Section -> id -> the merged documents, where every property knows its layer, file and line."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """One merged element and everything that can be said of it alone."""

    element: Element
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    """One compiled element as data."""

    part: Part
    digest: str


_prepared: Remembered[tuple[object, ...], _Prepared] = Remembered(10_000)
_stored: Remembered[tuple[int, str], tuple[Any, _Stored]] = Remembered(10_000)


def compile_layers(layers: Sequence[Layer]) -> Compiled:
    """The model that the layers describe together. Raises MetadataInvalid with every problem."""
    parsed = [parse_layer(layer) for layer in in_order(layers)]
    problems = [problem for each in parsed for problem in each.problems]
    problems += check_packages(parsed)
    problems += _unknown_sections(parsed)
    elements: dict[str, dict[str, Element]] = {}
    warnings: list[Problem] = []
    for section in SECTIONS.values():
        prepared = list(_prepare_section(section, parsed, problems, warnings))
        elements[section.name] = {each.element.id: each.element for each in prepared}
        for each in prepared:
            problems.extend(each.problems)
            warnings.extend(each.warnings)
    compilation = Compilation(elements, merged_settings(parsed))
    for section in SECTIONS.values():
        section.compile(compilation)
    for section in SECTIONS.values():
        section.checks(compilation)
    problems += compilation.problems
    if problems:
        raise MetadataInvalid(_sorted(_without_follow_ups(problems, parsed, elements)))
    return _compiled(compilation, (*warnings, *compilation.warnings))


def _unknown_sections(parsed: Iterable[ParsedLayer]) -> Iterator[Problem]:
    for layer in parsed:
        for name, place in layer.section_marks.items():
            if name in LATER:
                yield NOT_YET(name, at=place, key=name)
            elif name not in SECTIONS:
                yield UNKNOWN(name, at=place, suggestion=nearest(name, SECTIONS), key=name, known=list(SECTIONS))


def _prepare_section(
    section: Section, parsed: Sequence[ParsedLayer], problems: list[Problem], warnings: list[Problem]
) -> Iterator[_Prepared]:
    """Match the elements of every layer, then merge and check each; unchanged ones are remembered."""
    written = [each.sections.get(section.name, {}) for each in parsed]
    digests = {id(entry.mark): entry.digest for layer in written for entry in layer.values()}
    found = Findings()
    given = ([(entry.key, entry.data, entry.mark) for entry in layer.values()] for layer in written)
    slots = arrange(Shape("entries", entry=section.grammar.shape), given, section.name, found)
    problems.extend(found.problems)
    problems.extend(check_overruled(found.overruled))
    warnings.extend(found.warnings)
    for slot in slots:
        sources = tuple((key, digests[id(mark)], mark) for key, _, mark in slot.given)
        key = (section.name, slot.id, slot.key, sources)
        yield _prepared.get(key, partial(_prepare, section, slot))


def _prepare(section: Section, slot: Slot) -> _Prepared:
    found = Findings()
    path = f"{section.name}.{slot.key}"
    data, _ = merge(section.grammar.shape, [(value, mark) for _, value, mark in slot.given], path, found)
    content = hashlib.sha256(orjson.dumps([slot.id, slot.key, plain(data)])).hexdigest()
    places = hashlib.sha256(repr([(key, mark) for key, _, mark in slot.given]).encode())
    element = Element(
        section.name, slot.id, slot.key, data, slot.mark, slot.born, content, f"{content}{places.hexdigest()}"
    )
    refused = list(section.check_grammar(element))
    held = without(data, refused, path) if isinstance(data, Map) else Map()
    problems = [*found.problems, *check_overruled(found.overruled), *refused]
    problems += check_names(section.name, section.grammar.shape, slot.id, slot.key, held, slot.mark, slot.born)
    return _Prepared(replace(element, data=held), tuple(problems), tuple(found.warnings))


def _without_follow_ups(
    problems: Iterable[Problem], parsed: Sequence[ParsedLayer], elements: Mapping[str, Mapping[str, Element]]
) -> Iterator[Problem]:
    """Leave out what is only said because a file could not be read or a package is not there."""
    own = {id(problem) for layer in parsed for problem in layer.problems}
    broken = {each for layer in parsed for each in layer.broken}
    absent = any(problem.code == NO_PACKAGE.code for layer in parsed for problem in layer.problems)
    held = [each for section in elements.values() for each in section.values() if (each.section, each.key) in broken]
    paths = tuple(f"{each.path}." for each in held)
    labels = [label_of(each.data, each.key) for each in held]
    labels += [SECTION_LABELS[section] for section, key in broken if key is None and section in SECTION_LABELS]
    for each in problems:
        about = any(value in labels for value in each.params.values() if isinstance(value, Mapping))
        follows = about or f"{each.path}.".startswith(paths) or (absent and each.code == NO_SUCH.code)
        if id(each) in own or not follows:
            yield each


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    """By file and line, each once."""
    unique: dict[tuple[object, ...], Problem] = {}
    for each in problems:
        unique.setdefault((each.code, each.path, each.position, each.message()), each)
    return sorted(unique.values(), key=_by_place)


def _by_place(problem: Problem) -> tuple[str, int, int]:
    place = problem.position
    return (place.file, place.line, place.column) if place else ("", 0, 0)


def _compiled(compilation: Compilation, warnings: tuple[Problem, ...]) -> Compiled:
    made: dict[str, dict[str, Part]] = {}
    index: dict[str, dict[str, dict[str, Any]]] = {"package": {"settings": dict(compilation.settings)}}
    for name in SECTIONS:
        made[name], index[name] = {}, {}
        for id, each in compilation.made[name].items():
            stored = _store(each, compilation)
            made[name][id] = stored.part
            index[name][id] = _entry(stored, compilation, name, id)
    fingerprint = _fingerprint(compilation)
    model = Model(fingerprint, index, lambda section, id: made[section][id])
    return Compiled(model, made, index, fingerprint, warnings, compilation.elements)


def _store(made: Any, compilation: Compilation) -> _Stored:
    return _as_data(made) if not isinstance(made, Entity) else _entity_as_data(made, compilation)


def _entity_as_data(entity: Entity, compilation: Compilation) -> _Stored:
    indexes = with_defaults(entity, compilation.demands.get(entity.id))
    # Entities are remembered, so the same object means the same content.
    key = (id(entity), repr(indexes))
    return _stored.get(key, lambda: (entity, _as_data(replace(entity, indexes=indexes))))[1]


def _as_data(made: Any) -> _Stored:
    part = parts.dump(made)
    return _Stored(part, hashlib.sha256(orjson.dumps(part)).hexdigest())


def _entry(stored: _Stored, compilation: Compilation, section: str, id: str) -> dict[str, Any]:
    part = stored.part
    aliases = list(part.get("aliases", ()))
    entry: dict[str, Any] = {"key": part.get("key", id), "hash": stored.digest}
    if aliases:
        entry["aliases"] = aliases
    if section == "entities":
        entry |= {"label": part["label"], "title": part["title"], "owned": part.get("owned", False)}
        if part.get("generated"):
            entry["generated"] = True
    elif "entity" in part:
        entry["entity"] = part["entity"]
    return entry


def _fingerprint(compilation: Compilation) -> str:
    digest = hashlib.sha256(f"grammar {GRAMMAR}\n".encode())
    digest.update(orjson.dumps(dict(compilation.settings), option=orjson.OPT_SORT_KEYS))
    for section in SECTIONS:
        for element in compilation.elements[section].values():
            digest.update(f"\n{section} {element.digest}".encode())
    return digest.hexdigest()


def origin(compiled: Compiled, section: str, id: str, *path: str) -> tuple[str, str, int] | None:
    """(layer, file, line) of what last said a property; None when nobody wrote it."""
    element = compiled.elements.get(section, EMPTY).get(id)
    if element is None:
        return None
    mark, data = element.mark, element.data
    for step in path:
        if not isinstance(data, Map) or step not in data.marks:
            return None
        mark, data = data.marks[step], data.get(step)
    return mark.source.layer, mark.source.file, mark.value_line
