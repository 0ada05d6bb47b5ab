"""What end users do all day, step by step, at both widths and in both languages: what it takes, and that it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from playwright.sync_api import Browser

from tests.bench.figures import Figures
from tests.browser.person import Language, Person, Width, person
from tests.browser.site import REP, Site


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a person wants done, and the most steps that it may take."""

    name: str
    most: int
    do: Callable[[Person], None]
    login: str = REP


TASKS: tuple[Task, ...] = ()


def measure(figures: Figures, browser: Browser, site: Site, only: str, small: bool) -> None:
    widths: tuple[Width, ...] = get_args(Width)
    languages: tuple[Language, ...] = get_args(Language)
    combinations = [(width, language) for width in widths for language in languages]
    for width, language in [(1440, "zh")] if small else combinations:
        for task in TASKS:
            if only in task.name:
                _do(figures, browser, site, task, width, language)


def _do(figures: Figures, browser: Browser, site: Site, task: Task, width: Width, language: Language) -> None:
    with person(browser, site, task.login, width, language) as someone:
        said = None
        try:
            task.do(someone)
            someone.finish()
        except Exception as error:
            said = f"{type(error).__name__}: {str(error)[:300]!r}"
        wrong = said or ("; ".join(someone.complaints[:3]) if someone.complaints else None)
        holds = wrong is None and someone.steps <= task.most
        figures.must(
            task.name, holds, width=width, language=language, steps=someone.steps, most=task.most, wrong=wrong
        )
