"""Every kind of page in both themes, widths and languages: what the browser, axe and a ruler complain of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from playwright.sync_api import Browser

from tests.bench.figures import Figures
from tests.browser.person import Language, Person, Theme, Width, person
from tests.browser.site import ADMIN, REP, Site

_AXE = Path(__file__).resolve().parents[2] / "blueprints" / "static" / "dist" / "axe.test.js"
_RULES = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]});
  return found.violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes[0].target.join(" ")} (${each.nodes.length})`);
}"""
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_SMALL = """() => [...document.querySelectorAll("a, button, select, input:not([type=hidden]), summary")]
  .filter((each) => each.checkVisibility() && !each.closest("p, td, li, label, dd, .prose"))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([each, box]) => box.width > 1 && box.height > 1 && (box.height < 31.5 || box.width < 23.5))
  .map(([each, box]) => `${each.tagName} "${(each.innerText || each.getAttribute("aria-label") || each.name || "").slice(0, 30)}"` +
    ` ${Math.round(box.width)}x${Math.round(box.height)}`)"""


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    path: str
    login: str = REP


def addresses(site: Site) -> list[Address]:
    """One page of every kind, found through the API so that nothing is left out when the demo changes."""
    account = _first(site, "account")
    deal = _first(site, "opportunity")
    found = [
        Address("home", "/app"),
        Address("list", "/app/account"),
        Address("list_filtered", "/app/opportunity?where=amount%20%3E%20100000&sort=-amount"),
        Address("list_grouped", "/app/opportunity?group=stage"),
        Address("list_empty", "/app/account?q=zzzzzzzz"),
        Address("list_wrong", "/app/account?where=nonsense%20%3D%3D"),
        Address("record", f"/app/account/{account}"),
        Address("record_deal", f"/app/opportunity/{deal}"),
        Address("form_new", "/app/opportunity/new"),
        Address("form_edit", f"/app/account/{account}/edit"),
        Address("import", "/app/account/import", ADMIN),
        Address("bin", "/app/-/bin"),
        Address("account", "/auth/account"),
        Address("missing", "/app/nothing"),
    ]
    return [*found, *_views(site)]


def _first(site: Site, entity: str) -> str:
    return str(site.api("GET", f"/{entity}?limit=1")["data"][0]["id"])


def _views(site: Site) -> Iterator[Address]:
    """A board, a calendar and a dashboard."""
    yield Address("board", "/app/opportunity?view=opportunity_board")
    yield Address("calendar", "/app/task?view=task_calendar")


def measure(figures: Figures, browser: Browser, site: Site, pictures: Path | None, small: bool) -> None:
    widths: tuple[Width, ...] = get_args(Width)
    languages: tuple[Language, ...] = get_args(Language)
    themes: tuple[Theme, ...] = get_args(Theme)
    combinations = [(width, language, theme) for width in widths for language in languages for theme in themes]
    if small:
        combinations = [(1440, "en", "light"), (390, "zh", "dark")]
    pages, wrong = 0, 0
    for width, language, theme in combinations:
        for login in (REP, ADMIN):
            asked = [each for each in addresses(site) if each.login == login]
            with person(browser, site, login, width, language, theme) as someone:
                for address in asked:
                    told = list(_examine(someone, address))
                    pages += 1
                    wrong += bool(told)
                    for each in told:
                        print(f"  {address.name} {width} {language} {theme}: {each}", flush=True)
                    if pictures is not None:
                        someone.picture(pictures / f"{address.name}-{width}-{language}-{theme}.png")
    figures.must("pages_clean", wrong == 0, pages=pages, with_complaints=wrong)


def _examine(someone: Person, address: Address) -> Iterator[str]:
    """Everything that is wrong with one page."""
    someone.complaints.clear()
    someone.open(address.path)
    someone.page.wait_for_load_state("networkidle")
    page: Any = someone.page
    page.evaluate(_AXE.read_text("utf-8"))
    for each in page.evaluate(_RULES):
        yield f"axe {each}"
    if (over := page.evaluate(_TOO_WIDE)) > 0:
        yield f"{over} px wider than the window"
    if someone.phone:
        for each in page.evaluate(_SMALL)[:5]:
            yield f"small target {each}"
    someone.finish()
    yield from someone.complaints
