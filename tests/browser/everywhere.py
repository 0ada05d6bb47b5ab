"""Every kind of page in both themes, widths and languages: what the browser, axe and a ruler complain of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import get_args

from playwright.sync_api import Browser

from tests.bench.figures import Figures
from tests.browser.addresses import Address, addresses
from tests.browser.person import Language, Person, Theme, Width, person
from tests.browser.site import Site

_AXE = Path(__file__).resolve().parents[2] / "blueprints" / "static" / "dist" / "axe.test.js"
_RULES = """async (within) => {
  const found = await axe.run(within, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]});
  return found.violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`
      + ` (${each.nodes.length})`);
}"""
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Links inside text and the bars of a chart, which is a table as well, may be smaller.
_SMALL = """() => [...document.querySelectorAll("a, button, select, input, summary")]
  .filter((each) => each.type !== "hidden" && each.tabIndex >= 0 && each.checkVisibility({visibilityProperty: true}))
  .filter((each) => !each.closest("p, td, li, label, dd, .prose, svg"))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([each, box]) => box.width > 1 && box.height > 1 && (box.height < 39.5 || box.width < 23.5))
  .map(([each, box]) => `${each.tagName}.${each.className} "${(each.innerText || each.ariaLabel || each.name || "")
    .slice(0, 30)}" ${Math.round(box.width)}x${Math.round(box.height)}`)"""
_STILL = "Promise.all(document.getAnimations().map((each) => each.finished.catch(() => null)))"


def measure(figures: Figures, browser: Browser, site: Site, only: str, pictures: Path | None, small: bool) -> None:
    widths: tuple[Width, ...] = get_args(Width)
    languages: tuple[Language, ...] = get_args(Language)
    themes: tuple[Theme, ...] = get_args(Theme)
    combinations = [(width, language, theme) for width in widths for language in languages for theme in themes]
    if small:
        combinations = [(1440, "en", "light"), (390, "zh", "dark")]
    asked = [each for each in addresses(site, small) if any(word in each.name for word in only.split(","))]
    asked.sort(key=_who)
    pages, wrong = 0, 0
    for width, language, theme in combinations:
        for (_, login), some in [(who, list(each)) for who, each in groupby(asked, _who)]:
            with person(browser, some[0].at or site, login, width, language, theme) as someone:
                for address in some:
                    told = list(_examine(someone, address))
                    pages += 1
                    wrong += bool(told)
                    for each in dict.fromkeys(told):
                        print(f"  {address.name} {width} {language} {theme}: {each}", flush=True)
                    if pictures is not None:
                        someone.picture(pictures / f"{address.name}-{width}-{language}-{theme}.png")
    figures.must("pages_clean", wrong == 0, kinds=len(asked), pages=pages, with_complaints=wrong)


def _who(address: Address) -> tuple[str, str]:
    return address.at.base if address.at is not None else "", address.login


def _examine(someone: Person, address: Address) -> Iterator[str]:
    """Everything that is wrong with one page."""
    page = someone.page
    someone.complaints.clear()
    try:
        someone.open(address.path)
        if address.act is not None:
            address.act(someone)
        page.wait_for_load_state("networkidle")
        page.evaluate(_STILL)
        page.evaluate(_AXE.read_text("utf-8"))
        for each in page.evaluate(_RULES, address.within):
            yield f"axe {each}"
        if (over := page.evaluate(_TOO_WIDE)) > 0:
            yield f"{over} px wider than the window"
        if someone.phone:
            for each in page.evaluate(_SMALL)[:5]:
                yield f"small target {each}"
        someone.finish()
    except Exception as error:
        # One page that fails does not keep the others from being told.
        yield f"{type(error).__name__}: {str(error)[:300]!r}"
    yield from someone.complaints
