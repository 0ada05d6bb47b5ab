"""What is wrong: a `Problem` with code, place and remedy in every language, and the errors that carry problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

LANGUAGES = ("en", "zh")

Label = Mapping[str, str]
"""A text for people by language; `*` counts for every language that is not named."""


def say(label: Label | str, lang: str) -> str:
    """The text of a label in a language: that language, else `*`, else English, else any."""
    if isinstance(label, str):
        return label
    return label.get(lang) or label.get("*") or label.get("en") or next(iter(label.values()), "")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `path` is dotted from the outermost thing (`entities.deal.fields.amount`, `lines.0.qty`)."""

    code: str
    path: str = ""
    params: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    position: Position | None = None
    suggestion: str | None = None

    def message(self, lang: str = "en") -> str:
        """The sentence with its remedy. Parameters that are labels are said in the same language."""
        text = say(KINDS[self.code].texts, lang)
        return text.format_map({name: _shown(value, lang) for name, value in self.params.items()})

    def at(self, position: Position | None) -> Problem:
        return replace(self, position=position)

    def under(self, prefix: str) -> Problem:
        """The same problem seen from one level further out."""
        path = f"{prefix}.{self.path}" if self.path and prefix else prefix or self.path
        return replace(self, path=path)


def _shown(value: object, lang: str) -> str:
    if isinstance(value, Mapping):
        return say(value, lang)
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(_shown(item, lang) for item in value)
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", str(value))


_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that steer a terminal or turn a line around: what somebody sent must not do that to a reader."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its stable code and its sentence in every language. Calling it makes a `Problem`."""

    code: str
    texts: Label

    def __call__(
        self,
        path: str = "",
        *,
        at: Position | None = None,
        suggestion: str | None = None,
        **params: object,
    ) -> Problem:
        return Problem(self.code, path, MappingProxyType(params), at, suggestion)


KINDS: dict[str, Kind] = {}
"""Every kind of problem that the platform can state, by code."""


def kind(code: str, *, en: str, zh: str) -> Kind:
    """Declare a kind of problem, beside the code that finds it. A code is declared once."""
    if code in KINDS and dict(KINDS[code].texts) != {"en": en, "zh": zh}:
        raise ValueError(f"problem code declared twice: {code}")
    KINDS[code] = Kind(code, MappingProxyType({"en": en, "zh": zh}))
    return KINDS[code]


class PlatformError(Exception):
    """Something that a person can mend. Carries every problem that was found; nothing has been changed."""

    status = 400

    def __init__(self, *problems: Problem | Iterable[Problem]) -> None:
        found: list[Problem] = []
        for each in problems:
            if isinstance(each, Problem):
                found.append(each)
            else:
                found.extend(each)
        self.problems: tuple[Problem, ...] = tuple(found)
        super().__init__("; ".join(problem.message() for problem in found))


class BadRequest(PlatformError):
    """The request itself cannot be understood."""

    status = 400


class Unauthenticated(PlatformError):
    """Nobody is signed in, or no longer."""

    status = 401


class Forbidden(PlatformError):
    """The actor may not do this."""

    status = 403


class NotFound(PlatformError):
    """There is no such thing, or the actor may not know of it."""

    status = 404


class Conflict(PlatformError):
    """The world has moved on since the caller looked."""

    status = 409


class Gone(PlatformError):
    """There was such a thing, and it is known where its place is now."""

    status = 410


class TooLarge(PlatformError):
    """More than the limits allow."""

    status = 413


class Invalid(PlatformError):
    """Values that break the rules of the model."""

    status = 422


class MetadataInvalid(PlatformError):
    """A description that cannot become a model."""

    status = 422


class TooMany(PlatformError):
    """Too many attempts or too much at once; `retry_after` is in seconds."""

    status = 429

    def __init__(self, *problems: Problem | Iterable[Problem], retry_after: int = 1) -> None:
        super().__init__(*problems)
        self.retry_after = retry_after


class Unavailable(PlatformError):
    """Not now: try again."""

    status = 503
