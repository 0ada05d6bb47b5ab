"""package.yaml: its grammar, the order of layers, what they require of each other, and the tenant-wide settings."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from metadata.documents.package import KINDS, Layer, ParsedLayer
from metadata.explaining import explain, nearest, position
from metadata.grammar import read_schema, resolve_references
from metadata.problems import Position, Problem, kind

REQUIRED = kind(
    "package_requires",
    en="“{code}” requires the package “{other}”, which is not among the layers. Add it.",
    zh="“{code}”需要配置包“{other}”，但它不在所选的层中，请添加。",
)
TOO_OLD = kind(
    "package_version",
    en="“{code}” requires “{other}” {wanted}, but version {version} is there. Take a newer one.",
    zh="“{code}”需要“{other}” {wanted}，但现有版本为 {version}。请使用更新的版本。",
)
CODE_TWICE = kind(
    "package_code_twice",
    en="Two layers have the code “{code}”. Give one of them another code.",
    zh="有两个层使用了代码“{code}”。请为其中之一换一个代码。",
)
ABOVE = kind(
    "package_order",
    en="“{code}” is of kind {kind} and cannot require “{other}”, which is of kind {other_kind} and lies above it.",
    zh="“{code}”（{kind}）不能依赖位于其上的“{other}”（{other_kind}），请调整依赖。",
)
TIMEZONE = kind(
    "package_timezone",
    en="“{name}” is no time zone. Use an IANA name such as Asia/Shanghai.",
    zh="“{name}”不是时区。请使用 IANA 名称，例如 Asia/Shanghai。",
)

SCHEMA: Mapping[str, Any] = resolve_references(read_schema("metadata.sections", "package.json"))
_VALIDATOR = Draft202012Validator(dict(SCHEMA))
DEFAULTS: Mapping[str, Any] = {"currency": "CNY", "timezone": "UTC", "languages": ["en", "zh"]}
"""Settings where no layer says another."""
_CONSTRAINT = re.compile(r"(>=|==)\s*([0-9]+(?:\.[0-9]+)*)")


def in_order(layers: Sequence[Layer]) -> list[Layer]:
    """The layers from the lowest up: by kind, and within a kind what is required before what requires it."""
    ranked = sorted(layers, key=lambda layer: KINDS.index(layer.kind) if layer.kind in KINDS else 1)
    placed: list[Layer] = []
    waiting = list(ranked)
    while waiting:
        codes = {layer.code for layer in waiting}
        ready = next((each for each in waiting if not (codes - {each.code}) & set(each.requires)), waiting[0])
        waiting.remove(ready)
        placed.append(ready)
    return placed


def check_packages(parsed: Sequence[ParsedLayer]) -> Iterator[Problem]:
    """Everything wrong with package.yaml of every layer and with what the layers require."""
    held: dict[str, Layer] = {}
    for each in parsed:
        place = _place(each)
        if each.layer.code in held:
            yield CODE_TWICE("package.code", at=place, code=each.layer.code)
        held[each.layer.code] = each.layer
        yield from explain(_VALIDATOR, each.package, "package", place)
        name = each.layer.settings.get("timezone")
        if isinstance(name, str) and not is_timezone(name):
            at = position(each.package, ("settings", "timezone"), place)
            yield TIMEZONE("package.settings.timezone", at=at, suggestion=near_timezone(name), name=name)
    for each in parsed:
        yield from _check_requirements(each, held)


def _check_requirements(each: ParsedLayer, held: Mapping[str, Layer]) -> Iterator[Problem]:
    layer, said = each.layer, each.package.get("requires")
    for code in layer.requires:
        at = position(each.package, ("requires", code), _place(each))
        path = f"package.requires.{code}"
        other = held.get(code)
        if other is None and path in {problem.path for problem in layer.problems}:
            continue  # it is nowhere, and that has been said
        if other is None:
            yield REQUIRED(path, at=at, suggestion=nearest(code, held), code=layer.code, other=code)
            continue
        wanted = said.get(code) if isinstance(said, Mapping) else None
        if isinstance(wanted, str) and not _satisfies(other.version, wanted):
            yield TOO_OLD(path, at=at, code=layer.code, other=code, wanted=wanted, version=other.version)
        if layer.kind in KINDS and other.kind in KINDS and KINDS.index(other.kind) > KINDS.index(layer.kind):
            yield ABOVE(path, at=at, code=layer.code, kind=layer.kind, other=code, other_kind=other.kind)


def _place(each: ParsedLayer) -> Position:
    file = next(iter(each.layer.files), "package.yaml")
    whole = len(each.layer.files) == 1
    return Position(file if whole else f"{each.layer.code}/package.yaml", 1, 1)


def _satisfies(version: str, wanted: str) -> bool:
    found = _CONSTRAINT.fullmatch(wanted.strip())
    if found is None:
        return True
    have, need = _numbers(version), _numbers(found[2])
    return have[: len(need)] == need if found[1] == "==" else have >= need


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"[0-9]+", version)[:4])


def is_timezone(name: str) -> bool:
    """Whether a name is one of IANA's."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def near_timezone(name: str) -> str | None:
    """The most similar name of a time zone."""
    return nearest(name, zoneinfo.available_timezones())


def merged_settings(parsed: Iterable[ParsedLayer]) -> dict[str, Any]:
    """The tenant-wide settings: each from the highest layer that says it."""
    settings = dict(DEFAULTS)
    for each in parsed:
        settings.update({name: value for name, value in each.layer.settings.items() if value is not None})
    return settings
