"""What end users do all day, step by step, at both widths and in both languages: what it takes, and that it works."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from playwright.sync_api import Browser

from tests.bench.figures import Figures
from tests.browser.person import Language, Width, person
from tests.browser.site import Site
from tests.browser.tasks import deals, follow_up, keyboard, lists, rules
from tests.browser.tasks.task import Task

TASKS: tuple[Task, ...] = (*follow_up.TASKS, *deals.TASKS, *lists.TASKS, *keyboard.TASKS, *rules.TASKS)
SMALL = ("find_by_two_characters", "log_a_call", "move_and_undo", "edit_twenty", "edit_by_keyboard", "lose_a_deal")
"""What a small run does, once."""


def measure(figures: Figures, browser: Browser, site: Site, only: str, pictures: Path | None, small: bool) -> None:
    widths: tuple[Width, ...] = get_args(Width)
    languages: tuple[Language, ...] = get_args(Language)
    combinations = [(width, language) for width in widths for language in languages]
    chosen = [task for task in TASKS if any(word in task.name for word in only.split(","))]
    if small:
        combinations, chosen = [(1440, "zh")], [task for task in chosen if task.name in SMALL]
    for width, language in combinations:
        for task in chosen:
            if task.keyboard and width < 600:
                continue
            _do(figures, browser, site, task, width, language, pictures)


def _do(
    figures: Figures,
    browser: Browser,
    site: Site,
    task: Task,
    width: Width,
    language: Language,
    pictures: Path | None,
) -> None:
    said, steps, complaints = None, 0, []
    try:
        with person(browser, site, task.login, width, language) as someone:
            try:
                task.do(someone)
            finally:
                steps, complaints = someone.steps, someone.complaints
                if pictures is not None:
                    someone.picture(pictures / f"{task.name}-{width}-{language}.png")
            someone.finish()
    except Exception as error:
        # One task that fails does not keep the others from being told.
        said = f"{type(error).__name__}: {str(error)[:400]!r}"
    wrong = said or ("; ".join(complaints[:3]) if complaints else None)
    most = task.most if width > 600 else task.most_on_phone or task.most
    holds = wrong is None and steps <= most
    figures.must(task.name, holds, width=width, language=language, steps=steps, most=most, wrong=wrong)
