"""How heavy and how quick pages are at 100,000 rows: bytes of a first and a later visit, largest paint, each tile of a
dashboard, and the processor's time that a page takes beyond the API's answer of the same records."""

from __future__ import annotations

import re
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page

from runtime import accounts, assignments
from runtime.workspace import PlatformActor, open_workspace
from tests.bench import packages, stand
from tests.bench.figures import Figures, Measure
from tests.bench.load import Address, Request, replay
from tests.bench.sites import Site as Served
from tests.browser.person import Person, person
from tests.browser.site import PASSWORD, Site

KILOBYTES = Measure("compressed", "KB", 0)
MILLISECONDS = Measure("lcp", "ms", 0)
TILE = Measure("milliseconds", "ms", 0)
ABOVE = Measure("cpu_above", "ms", 1)
FIRST, LATER, PAINT, SLOWEST, DEARER = 250, 40, 1_000, 500, 8
"""Bars: KB of a first visit, KB of a later page; milliseconds until the largest thing is painted, until a tile of a
dashboard has answered, and of the processor for a page beyond its records."""
LIST, BOARD = "/app/opportunity", "/app/opportunity?view=opportunity_board"
CALENDAR, DASHBOARD = "/app/opportunity?view=opportunity_calendar&day=2026-06-01", "/app/-/dashboards/sales"
FILTER = quote("amount > 50000 and stage == 'negotiation'")
_FIELDS = "fields=name,version,account.name,stage,amount,close_date,next_step,owner.name"
_MONTH = quote("close_date >= '2026-06-01' and close_date < '2026-06-03'")
RECORDS = {
    "list": (LIST, f"/opportunity?limit=50&count=capped&sort=close_date&{_FIELDS}"),
    "filtered": (
        f"{LIST}?where={FILTER}&sort=-amount",
        f"/opportunity?limit=50&count=capped&where={FILTER}&sort=-amount&{_FIELDS}",
    ),
    "grouped": (f"{LIST}?group=stage&where={FILTER}", f"/opportunity?limit=50&where={FILTER}&{_FIELDS}"),
    "board": (BOARD, f"/opportunity?limit=120&sort=close_date&{_FIELDS}"),
    "calendar": (CALENDAR, f"/opportunity?limit=168&where={_MONTH}&{_FIELDS}"),
    "dashboard": (DASHBOARD, "/opportunity?limit=1"),
}
"""Pages and the API's answer of as many records with the same fields."""
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
            _beyond(figures, browser, site, served, rows)


def _measure(figures: Figures, browser: Browser, site: Site, rows: int) -> None:
    record = site.api("GET", "/opportunity?limit=1")["data"][0]["id"]
    paths = {"list": "/app/opportunity", "record": f"/app/opportunity/{record}", "form": "/app/opportunity/new"}
    paths |= {"board": BOARD, "calendar": CALENDAR, "dashboard": DASHBOARD}
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
        someone.page.wait_for_load_state("networkidle")  # a dashboard's tiles come by themselves
        times.append(float(someone.page.evaluate(_PAINTED)))
    assert min(times) > 0, "nothing was painted"
    return statistics.median(times)


def _beyond(figures: Figures, browser: Browser, site: Site, served: Served, rows: int) -> None:
    """Tiles one by one, and what pages cost the server beyond what they show."""
    with person(browser, site, "reader", 1440, "en") as someone:
        cookies = "; ".join(f"{each['name']}={each['value']}" for each in someone.page.context.cookies())
        text = someone.page.request.get(f"{site.base}{DASHBOARD}").text()
        tiles = re.findall(r'hx-get="([^"]*/tiles/[^"]*)"', text)
    assert tiles, "a dashboard has tiles"
    port = served.address.port
    page = Address(port, {"Cookie": cookies, "Accept": "text/html"})
    api = Address(port, {"Authorization": f"Bearer {site.secret}"})
    for url in tiles:
        load = replay(page, [Request(url)], 1, 0.5)
        figures.at_most(f"tile_{url.rpartition('/')[2]}", load.p50, SLOWEST, TILE, {"rows": rows})
    for name, (path, question) in RECORDS.items():
        shown, asked = _cpu(served, page, path), _cpu(served, api, f"/api/v1{question}")
        figures.at_most(f"above_{name}", shown - asked, DEARER, ABOVE, {"rows": rows, "page": f"{shown:.1f}ms"})


def _cpu(served: Served, address: Address, path: str) -> float:
    """Milliseconds of the processor for one answer, the median of some rounds."""
    replay(address, [Request(path)], 1, 0.3)
    spent = []
    for _ in range(3):
        before = served.cpu_seconds()
        load = replay(address, [Request(path)], 1, 0.7)
        assert load.errors == 0, f"{path} was refused"
        spent.append((served.cpu_seconds() - before) * 1000 / max(load.requests, 1))
    return statistics.median(spent)


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
