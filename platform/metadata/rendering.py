"""Problems as a consultant reads them in a terminal: like a good compiler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metadata.problems import LANGUAGES, Problem

_DID_YOU_MEAN: Mapping[str, str] = {"en": "Did you mean “{suggestion}”?", "zh": "是否想写“{suggestion}”？"}


def render(problems: Iterable[Problem], lang: str = "en") -> str:
    """One line each: file:line:column, code, the sentence with its remedy, and a suggestion."""
    return "\n".join(render_one(each, lang) for each in problems)


def render_one(problem: Problem, lang: str = "en") -> str:
    place = str(problem.position) if problem.position else problem.path or "-"
    text = f"{place}: {problem.code}: {problem.message(lang)}"
    if problem.suggestion:
        said = _DID_YOU_MEAN[lang if lang in LANGUAGES else "en"]
        text += (" " if lang == "en" else "") + said.format(suggestion=problem.suggestion)
    return text
