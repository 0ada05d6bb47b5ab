"""A package: a folder (or one text) of description files, read as a `Layer` and parsed into marked sections.

The path is the key: `entities/deal.yaml` is `entities.deal`; `options.yaml` at the top holds the whole section.
A package of one file has the sections as its top-level keys, and `package:` for what package.yaml would say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from metadata.documents import json, yaml
from metadata.documents.folder import BIG_FILE, description_files, read_files
from metadata.documents.marked import Map, Mark, Source, plain
from metadata.documents.names import SECTION_NAMES
from metadata.problems import MetadataInvalid, Position, Problem, kind
from metadata.remembering import Remembered

KINDS = ("core", "module", "industry", "tenant")
"""Kinds of layers, the lowest first."""


NO_PACKAGE = kind(
    "package_missing",
    en="There is no package at “{file}”. Give the folder of a package or the code of one that comes with Metaloom.",
    zh="“{file}”处没有配置包。请给出配置包的文件夹，或系统自带配置包的代码。",
)
TOO_DEEP = kind(
    "package_path",
    en="“{file}” lies too deep: a description file is <section>/<key>.yaml. Move it up.",
    zh="“{file}”层级过深：描述文件应为 <类别>/<键>.yaml，请上移。",
)
TWICE = kind(
    "package_duplicate",
    en="“{key}” is already described in {file}. Keep one of the two.",
    zh="“{key}”已在 {file} 中描述。请只保留一个。",
)
NOT_ENTRIES = kind(
    "package_section",
    en="The section “{section}” must be a mapping of keys to descriptions.",
    zh="“{section}”必须是“键: 描述”的映射。",
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One package as it was written: what package.yaml says, and the text of every file by path."""

    code: str
    version: str = "0"
    kind: str = "module"
    requires: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """What was wrong with the files themselves; the compiler tells it together with the rest."""


@dataclass(frozen=True, slots=True)
class Written:
    """One element of one layer. Equal digests mean equal text at equal places."""

    key: str
    data: Any
    mark: Mark
    digest: str


@dataclass(frozen=True, slots=True)
class ParsedLayer:
    """The sections of a layer, each element with its marks. A section that nobody knows is there as well."""

    layer: Layer
    package: Map
    sections: Mapping[str, Mapping[str, Written]]
    section_marks: Mapping[str, Position]
    problems: tuple[Problem, ...]
    broken: frozenset[tuple[str, str | None]] = frozenset()
    """Section and key of what could not be read at all (None: the whole section): nobody knows what it holds."""


@dataclass(frozen=True, slots=True)
class _Document:
    data: Map
    problems: tuple[Problem, ...]
    digest: str


_documents: Remembered[tuple[str, str, str, str], _Document] = Remembered(5_000)


def read_package(path: Path | str) -> Layer:
    """The layer in a folder, or in one file. Raises MetadataInvalid when there is none, or one far too big."""
    path = Path(path)
    if path.is_file():
        return _layer(*read_files(path.parent, [path]), path.stem)
    if not path.is_dir():
        raise MetadataInvalid(NO_PACKAGE(at=Position(str(path), 1, 1), file=str(path)))
    return _layer(*read_files(path, description_files(path)), path.resolve().name)


def read_text(text: str, file: str = "inline.yaml") -> Layer:
    """The layer in one text that holds whole sections."""
    size = len(text.encode())
    if size > yaml.MOST_BYTES:
        raise MetadataInvalid(BIG_FILE(at=Position(file, 1, 1), file=file, most=yaml.MOST_BYTES))
    return _layer({file: text}, (), PurePosixPath(file).stem)


def read_code(code: str, folders: Sequence[Path]) -> Layer:
    """The package of that code in the first folder that has it. Raises MetadataInvalid."""
    held = [folder / code for folder in folders if code in _codes([folder])]
    if not held:
        raise MetadataInvalid(_no_package(code, folders, at=Position(code, 1, 1)))
    return read_package(held[0])


def _codes(folders: Sequence[Path]) -> list[str]:
    return sorted({each.name for folder in folders if folder.is_dir() for each in folder.iterdir() if each.is_dir()})


def _no_package(code: str, folders: Sequence[Path], path: str = "", at: Position | None = None) -> Problem:
    near = get_close_matches(code, _codes(folders), 1)
    return NO_PACKAGE(path, at=at, file=code, suggestion=near[0] if near else None)


def with_requirements(layers: Sequence[Layer], folders: Sequence[Path]) -> list[Layer]:
    """The layers and every package that they require, found by code, each once.

    A package that is nowhere becomes a problem of the layer that requires it.
    """
    found = {layer.code: layer for layer in layers}
    waiting = [(layer, code) for layer in layers for code in layer.requires]
    while waiting:
        layer, code = waiting.pop()
        if code in found:
            continue
        if code in _codes(folders):
            found[code] = read_code(code, folders)
            waiting.extend((found[code], each) for each in found[code].requires)
        else:
            problem = _no_package(code, folders, f"package.requires.{code}", _place_of_requirement(layer, code))
            held = found[layer.code]
            found[layer.code] = replace(held, problems=(*held.problems, problem))
    return list(found.values())


def _place_of_requirement(layer: Layer, code: str) -> Position:
    requires = parse_layer(layer).package.get("requires")
    if isinstance(requires, Map) and code in requires.marks:
        return requires.marks[code].key_position
    return Position(f"{layer.code}/package.yaml", 1, 1)


def parse_layer(layer: Layer) -> ParsedLayer:
    """Parse every file of a layer. Unchanged files are not parsed again."""
    gathered = _Gathered(layer)
    whole = _holds_whole_package(layer)
    unread = {each.position.file for each in layer.problems if each.position is not None}
    for path in sorted(layer.files):
        place = path if whole else f"{layer.code}/{path}"
        document = _parse(layer, path, place)
        if not document.data and (document.problems or place in unread):
            gathered.broken.add(_key_of(path))
        gathered.problems.extend(document.problems)
        if whole:
            gathered.add_whole(document)
        else:
            gathered.add_file(path, document, Source(layer.code, layer.kind, place))
    return gathered.parsed()


def _parse(layer: Layer, path: str, place: str) -> _Document:
    text = layer.files[path]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return _documents.get(
        (layer.code, layer.kind, place, digest), lambda: _read(text, Source(layer.code, layer.kind, place), digest)
    )


def _read(text: str, source: Source, digest: str) -> _Document:
    if len(text) > yaml.MOST_BYTES:
        problem = BIG_FILE(at=Position(source.file, 1, 1), file=source.file, most=yaml.MOST_BYTES)
        return _Document(Map(), (problem,), digest)
    read = json.read if PurePosixPath(source.file).suffix == ".json" else yaml.read
    data, problems = read(text, source)
    return _Document(data, problems, digest)


def _key_of(path: str) -> tuple[str, str | None]:
    parts = PurePosixPath(path).with_suffix("").parts
    return parts[0], parts[1] if len(parts) > 1 else None


def _holds_whole_package(layer: Layer) -> bool:
    if len(layer.files) != 1:
        return False
    path = PurePosixPath(next(iter(layer.files)))
    if len(path.parts) > 1 or path.stem in SECTION_NAMES:
        return False
    if path.stem != "package":
        return True
    keys = _parse(layer, str(path), str(path)).data
    return "package" in keys or any(name in keys for name in SECTION_NAMES)


class _Gathered:
    """What the files of one layer hold so far."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.package = Map()
        self.sections: dict[str, dict[str, Written]] = {}
        self.marks: dict[str, Position] = {}
        self.problems: list[Problem] = list(layer.problems)
        self.broken: set[tuple[str, str | None]] = set()

    def parsed(self) -> ParsedLayer:
        problems, broken = tuple(self.problems), frozenset(self.broken)
        return ParsedLayer(self.layer, self.package, self.sections, self.marks, problems, broken)

    def add_whole(self, document: _Document) -> None:
        for name, data in document.data.items():
            mark = document.data.marks[name]
            if name == "package" and isinstance(data, Map):
                self.package = data
            else:
                self._add_section(name, data, mark.key_position, mark.value_position, document.digest)

    def add_file(self, path: str, document: _Document, source: Source) -> None:
        parts = PurePosixPath(path).with_suffix("").parts
        start = Position(source.file, 1, 1)
        if parts == ("package",):
            self.package = document.data
        elif len(parts) == 1:
            self._add_section(parts[0], document.data, start, start, document.digest)
        elif len(parts) == 2:
            self.marks.setdefault(parts[0], start)
            mark = Mark(source, 1, 1, 1, 1)
            self._add(parts[0], Written(parts[1], document.data, mark, document.digest))
        else:
            self.problems.append(TOO_DEEP(".".join(parts), at=start, file=path))

    def _add_section(self, name: str, data: Any, key: Position, value: Position, digest: str) -> None:
        self.marks.setdefault(name, key)
        if data is None:
            return
        if not isinstance(data, Map):
            self.problems.append(NOT_ENTRIES(name, at=value, section=name))
            return
        for each, entry in data.items():
            self._add(name, Written(each, entry, data.marks[each], digest))

    def _add(self, section: str, written: Written) -> None:
        held = self.sections.setdefault(section, {})
        if written.key in held:
            other = held[written.key].mark.source.file
            path = f"{section}.{written.key}"
            self.problems.append(TWICE(path, at=written.mark.key_position, key=written.key, file=other))
        else:
            held[written.key] = written


def _layer(files: Mapping[str, str], problems: Sequence[Problem], fallback: str) -> Layer:
    """package.yaml is read leniently here: what is wrong with it is said by the compiler, together with the rest."""
    bare = Layer(fallback, files=files)
    said = plain(parse_layer(bare).package)
    settings, requires = said.get("settings"), said.get("requires")
    code = str(said.get("code") or fallback)
    return Layer(
        code=code,
        version=str(said.get("version") or "0"),
        kind=str(said.get("kind") or "module"),
        requires=tuple(requires) if isinstance(requires, dict) else (),
        settings=settings if isinstance(settings, dict) else {},
        files=files,
        problems=tuple(_placed(each, code) for each in problems),
    )


def _placed(problem: Problem, code: str) -> Problem:
    """The problem of a file where all others of its layer are told: below the layer's code."""
    place = problem.position
    return problem if place is None else problem.at(replace(place, file=f"{code}/{place.file}"))
