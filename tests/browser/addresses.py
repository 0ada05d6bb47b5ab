"""One page of every kind, and the states of a page that only appear when somebody does something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from playwright.sync_api import expect

from tests.browser import neighbours
from tests.browser.person import Person
from tests.browser.site import ADMIN, MANAGER, REP, Site
from tests.browser.tasks.task import found, made, user, word

_CSV = "name,level,phone,colour\nAcme,a,13800001111,red\n博世,b,nonsense,blue\n"


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    path: str
    login: str = REP
    """Empty: whoever comes by without signing in."""
    act: Callable[[Person], None] | None = None
    """What is done there before the page is looked at."""
    within: str = "html"
    """What axe looks at: what lies under an open menu is not for anybody to reach."""
    at: Site | None = None
    """Another tenant than the site's own."""


def addresses(site: Site, small: bool) -> list[Address]:
    """Records are found through the API, so that nothing is left out when the demo changes."""
    found = [*_pages(site), *_states(site), *_strangers()]
    if small:
        return [each for each in found if each.name in _SMALL]
    return [*found, *_neighbours(site)]


_SMALL = ("dashboard", "list", "record_deal", "form_new", "board", "calendar", "sign_in")


def _pages(site: Site) -> Iterator[Address]:
    mine = f"owner == '{user(site)}'"
    account = found(site, "account", mine)[0]["id"]
    deal = found(site, "opportunity", f"{mine} and stage == 'negotiation'")[0]["id"]
    contact = found(site, "contact", mine)[0]["id"]
    twins = "&".join(f"ids={each['id']}" for each in found(site, "account", mine)[:2])
    yield Address("dashboard", "/app/-/dashboards/sales")
    yield Address("list", "/app/account")
    yield Address("list_filtered", "/app/opportunity?where=amount%20%3E%20100000&sort=-amount")
    yield Address("list_grouped", "/app/opportunity?group=stage")
    yield Address("list_empty", "/app/account?q=zzzzzzzz")
    yield Address("list_wrong", "/app/account?where=nonsense%20%3D%3D")
    yield Address("list_deleted", "/app/contact?deleted=true")
    yield Address("columns", "/app/-/columns/account")
    yield Address("board", "/app/opportunity?view=opportunity_board")
    yield Address("calendar", "/app/opportunity?view=opportunity_calendar")
    yield Address("tasks", "/app/task?view=task_open")
    yield Address("record", f"/app/account/{account}")
    yield Address("record_details", f"/app/account/{account}?tab=details")
    yield Address("record_history", f"/app/account/{account}?tab=history")
    yield Address("record_deal", f"/app/opportunity/{deal}")
    yield Address("form_new", "/app/opportunity/new")
    yield Address("form_edit", f"/app/account/{account}/edit")
    yield Address("form_lines", f"/app/opportunity/{deal}/edit")
    yield Address("delete", f"/app/contact/{contact}/delete")
    yield Address("merge", f"/app/account/merge?{twins}", MANAGER)
    yield Address("bin", "/app/-/bin", MANAGER)
    yield Address("import", "/app/account/import", ADMIN)
    yield Address("import_preview", "/app/account/import", ADMIN, _preview)
    yield Address("job", "/app/account/import", ADMIN, _run)
    yield Address("users", "/app/user", ADMIN)
    yield Address("notifications", "/app/-/notifications")
    yield Address("search", "/app/-/search?q=%E5%8D%8E%E4%BF%A1")
    yield Address("create", "/app/-/create")
    yield Address("account", "/auth/account")
    yield Address("missing", "/app/nothing")


def _states(site: Site) -> Iterator[Address]:
    account = found(site, "account", f"owner == '{user(site)}'")[0]["id"]
    yield Address("palette", "/app/account", act=_palette)
    yield Address("menu", "/app/account", act=_menu, within=".menu-list, .sidebar")
    yield Address("list_picked", "/app/account", act=_picked)
    yield Address("list_condition", "/app/opportunity", act=_condition)
    yield Address("record_composer", f"/app/account/{account}", act=_composer)
    yield Address("form_wrong", "/app/opportunity/new", act=_wrong)
    yield Address("form_conflict", "/app", act=_conflict)


def _strangers() -> Iterator[Address]:
    yield Address("sign_in", "/auth/sign-in", "")
    yield Address("sign_in_wrong", "/auth/sign-in", "", _wrong_password)
    yield Address("public_form", "/f/contact_sales", "")
    yield Address("public_form_wrong", "/f/contact_sales", "", _press_send)


def _neighbours(site: Site) -> Iterator[Address]:
    for package in neighbours.PACKAGES:
        there = neighbours.open_tenant(site, package)
        entity = neighbours.ENTITIES[package]
        record = there.api("GET", f"/{entity}?limit=1")["data"][0]["id"]
        here = Address(f"{package}_record", f"/app/{entity}/{record}", ADMIN, at=there)
        yield here
        yield replace(here, name=f"{package}_home", path="/app")
        yield replace(here, name=f"{package}_list", path=f"/app/{entity}")
        yield replace(here, name=f"{package}_form", path=f"/app/{entity}/{record}/edit")
    patient = neighbours.open_tenant(site, "clinic")
    yield Address("clinic_patient", "/app/patient/new", ADMIN, at=patient)


# -- what is done on a page


def _preview(someone: Person) -> None:
    someone.page.locator("input[type=file]").set_input_files(
        {"name": "accounts.csv", "mimeType": "text/csv", "buffer": _CSV.encode()}
    )
    someone.page.locator("button[name=preview]").click()
    expect(someone.page.locator("#preview")).to_be_visible()


def _run(someone: Person) -> None:
    _preview(someone)
    someone.page.locator("input[name=dry_run]").check()
    someone.page.locator("button[name=run]").click()
    expect(someone.page.locator("dl.figures")).to_be_visible(timeout=30_000)


def _palette(someone: Person) -> None:
    someone.page.keyboard.press("Control+k")
    someone.page.keyboard.type("华信")
    expect(someone.page.locator("[role=option][aria-selected=true]")).to_be_visible()


def _menu(someone: Person) -> None:
    if someone.phone:
        someone.page.locator("[data-menu]").click()
    else:
        someone.page.locator("details.account > summary").click()


def _picked(someone: Person) -> None:
    someone.page.locator("[data-pick]").first.click()
    someone.page.locator("[data-bulk=edit]").click()
    someone.page.locator("[data-bulk-choose]").select_option("level")
    expect(someone.page.locator("[data-bulk-field=level]")).to_be_visible()


def _condition(someone: Person) -> None:
    if someone.phone:
        someone.page.locator("[data-filters-open]").click()
    someone.page.locator("[data-chip-add]:visible").first.click()
    someone.page.locator("[data-field=stage]").click()
    expect(someone.page.locator("[data-condition-form]")).to_be_visible()


def _composer(someone: Person) -> None:
    someone.page.locator("[data-composer] [data-compose]").first.click()
    expect(someone.page.locator("form[data-compose-form]")).to_be_visible()


def _wrong(someone: Person) -> None:
    someone.page.locator(".save-bar [data-save]").click()
    expect(someone.page.locator("[data-summary]")).to_be_visible()


def _conflict(someone: Person) -> None:
    site = someone.site
    account = made(site, "account", name=word())
    someone.open(f"/app/account/{account['id']}/edit")
    site.api("PATCH", f"/account/{account['id']}", {"name": word(), "level": "a"})
    someone.page.locator("input[name=name]").fill(word())
    someone.page.locator(".save-bar [data-save]").click()
    expect(someone.page.locator("[data-conflict]")).to_be_visible()


def _wrong_password(someone: Person) -> None:
    someone.page.locator("input[name=login]").fill("rep")
    someone.page.locator("input[name=password]").fill("not this")
    someone.page.locator("form button.btn-primary").click()
    expect(someone.page.get_by_role("alert")).to_be_visible()


def _press_send(someone: Person) -> None:
    someone.page.locator("form button.btn-primary").click()
    someone.page.wait_for_timeout(300)
