"""Somebody at a real browser: what they do is counted, and whatever the browser complains of is kept."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response, sync_playwright

from tests.browser.site import PASSWORD, Site
from tests.services import install

Width = Literal[1440, 390]
Language = Literal["en", "zh"]
Theme = Literal["light", "dark"]

APT_LINE = "apt-get install -y chromium fonts-noto-cjk"
MISSING = f"Chromium is missing, so nothing is walked: {APT_LINE}"
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_HEIGHTS: dict[int, int] = {1440: 900, 390: 844}
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def program() -> str | None:
    """The machine's own Chromium; it is installed when METALOOM_INSTALL=1."""
    if (found := _program()) is None:
        install(APT_LINE)
        found = _program()
    return found


def _program() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextlib.contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """The browser at this path, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Person:
    """One person with one page. `steps` counts clicks, keys, texts typed and drags, as a stopwatch would."""

    site: Site
    page: Page
    width: Width
    language: Language
    steps: int = 0
    complaints: list[str] = field(default_factory=list)
    """Errors on the console, violations of the content security policy, answers of 500 and above."""

    def say(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    @property
    def phone(self) -> bool:
        return self.width < 600

    def open(self, path: str) -> None:
        """Go to an address of the site. Where a task begins is not a step of it."""
        self.page.goto(f"{self.site.base}{path}", wait_until="load")

    def click(self, at: Locator) -> None:
        self.steps += 1
        at.click()

    def type(self, at: Locator, text: str) -> None:
        self.steps += 1
        at.fill(text)

    def press(self, key: str, at: Locator | None = None) -> None:
        self.steps += 1
        if at is not None:
            at.press(key)
        else:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.steps += 1
        self.page.keyboard.type(text)

    def choose(self, at: Locator, value: str) -> None:
        self.steps += 1
        at.select_option(value)

    def drag(self, what: Locator, to: Locator) -> None:
        self.steps += 1
        what.drag_to(to)

    def finish(self) -> None:
        """Collect what the page noted of its own accord."""
        self.complaints += [f"csp {each}" for each in self.page.evaluate("window.violations || []")]

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path, full_page=False)


@contextlib.contextmanager
def person(
    browser: Browser, site: Site, login: str, width: Width, language: Language, theme: Theme = "light"
) -> Iterator[Person]:
    """Somebody who has signed in (`login` empty: a visitor), in a browser of that width, language and theme."""
    context = browser.new_context(
        viewport={"width": width, "height": _HEIGHTS[width]},
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        color_scheme=theme,
        has_touch=width < 600,
        is_mobile=width < 600,
    )
    context.add_init_script(_WATCH)
    try:
        found = Person(site, context.new_page(), width, language)
        _listen(found, context)
        if login:
            _sign_in(found, login)
        found.steps = 0
        yield found
    finally:
        context.close()


def _listen(someone: Person, context: BrowserContext) -> None:
    def said(message: ConsoleMessage) -> None:
        # A refused form or a missing record answers 4xx, which Chromium notes although nothing is wrong.
        if message.type == "error" and "status of 4" not in message.text:
            someone.complaints.append(f"console {message.text[:300]}")

    def answered(response: Response) -> None:
        if response.status >= 500:
            someone.complaints.append(f"{response.status} {response.url}")

    someone.page.on("console", said)
    someone.page.on("pageerror", lambda error: someone.complaints.append(f"error {error}"))
    context.on("response", answered)


def _sign_in(someone: Person, login: str) -> None:
    someone.open("/auth/sign-in")
    someone.page.locator("input[name=login]").fill(login)
    someone.page.locator("input[name=password]").fill(PASSWORD)
    someone.page.locator("main form button, form button").first.click()
    someone.page.wait_for_url(lambda url: "/auth/" not in url)
    # Whatever the account prefers, this walk speaks its own language.
    someone.open(f"/app?lang={someone.language}")
