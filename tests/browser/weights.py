"""How heavy and how quick pages are: bytes of a first and of a later visit, largest paint at 100,000 rows."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from runtime import accounts, assignments
from runtime.workspace import PlatformActor, open_workspace
from tests.bench import packages, stand
from tests.bench.figures import Figures, Measure
from tests.bench.load import Request
from tests.browser.person import Person, person
from tests.browser.site import PASSWORD, Site

KILOBYTES = Measure("compressed", "KB", 0)
MILLISECONDS = Measure("lcp", "ms", 0)
FIRST, LATER, PAINT = 250, 40, 1_000
"""Bars: KB of a first visit, KB of a later page, milliseconds until the largest thing is painted."""
_PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
    .observe({type: "largest-contentful-paint", buffered: true});
  setTimeout(() => done(-1), 4000);
})"""
_TIMES = 5


def measure(figures: Figures, browser: Browser, rows: int) -> None:
    """On PostgreSQL with two workers, as a company would serve it."""
    with (
        tempfile.TemporaryDirectory(prefix="metaloom-pages-") as folder,
        stand.postgres(Path(folder)) as place,
    ):
        host = place.open_host()
        try:
            filled = stand.create_tenant(place, host, "pages", packages.write(place.folder / "package"), rows)
            with open_workspace(host, filled.tenant, PlatformActor(), write=True) as ws:
                user = accounts.create_user(ws, "reader", {"name": "Reader"}, PASSWORD)
                assignments.set_roles(ws, user, ["admin"])
        finally:
            host.close()
        with stand.serve_ours(place) as served:
            served.wait(Request("/api/v1/opportunity?limit=1"), filled.headers)
            site = Site(f"http://127.0.0.1:{served.address.port}", filled.secret)
            _measure(figures, browser, site, rows)


def _measure(figures: Figures, browser: Browser, site: Site, rows: int) -> None:
    record = site.api("GET", "/opportunity?limit=1")["data"][0]["id"]
    paths = {"list": "/app/opportunity", "record": f"/app/opportunity/{record}", "form": "/app/opportunity/new"}
    for name, path in paths.items():
        with person(browser, site, "reader", 1440, "en") as someone:
            someone.page.context.clear_cookies(name="nothing")
            with _counting(someone.page, cold=True) as first:
                someone.open(path)
                someone.page.wait_for_load_state("networkidle")
            with _counting(someone.page) as later:
                someone.open(path)
                someone.page.wait_for_load_state("networkidle")
            figures.at_most(f"first_{name}", first[0] / 1024, FIRST, KILOBYTES, {"rows": rows})
            figures.at_most(f"later_{name}", later[0] / 1024, LATER, KILOBYTES, {"rows": rows})
            figures.at_most(f"paint_{name}", _paint(someone, path), PAINT, MILLISECONDS, {"rows": rows, "of": _TIMES})


def _paint(someone: Person, path: str) -> float:
    """The median of several visits."""
    times = []
    for _ in range(_TIMES):
        someone.open(path)
        times.append(float(someone.page.evaluate(_PAINTED)))
    assert min(times) > 0, "nothing was painted"
    return statistics.median(times)


@contextmanager
def _counting(page: Page, cold: bool = False) -> Iterator[list[float]]:
    """Bytes that came over the wire while the block ran, as the browser counted them."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    if cold:
        session.send("Network.clearBrowserCache")
    total = [0.0]

    def finished(event: dict[str, Any]) -> None:
        total[0] += event["encodedDataLength"]

    session.on("Network.loadingFinished", finished)
    yield total
    session.detach()
