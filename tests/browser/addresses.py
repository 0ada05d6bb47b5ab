"""One page of every kind, and the states of a page that only appear when somebody does something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from playwright.sync_api import expect

from tests.browser import neighbours
from tests.browser.person import Person
from tests.browser.site import ADMIN, MANAGER, PASSWORD, REP, TENANT, Site, metaloom
from tests.browser.tasks.task import found, made, user, word

OPERATOR = "operator"
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
    return [*found, *_neighbours(site), *_console(site)]


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
    lying, kept = found(site, "lead", "owner == null")[0]["id"], found(site, "lead", mine)[0]["id"]
    yield Address("pool_record", f"/app/lead/{lying}", MANAGER)
    yield Address("pool_list", "/app/lead?view=lead_pool")
    yield Address("pool_return", f"/app/lead/{kept}/pool/return")
    yield Address("pool_give", f"/app/lead/{lying}/pool/give", MANAGER)
    yield Address("studio", f"/studio/expressions?entity=lead&id={kept}&expression=length(name)%20%3E%201", ADMIN)
    yield Address("delete", f"/app/contact/{contact}/delete")
    yield Address("merge", f"/app/account/merge?{twins}", MANAGER)
    yield Address("bin", "/app/-/bin", MANAGER)
    yield Address("import", "/app/account/import", ADMIN)
    yield Address("import_preview", "/app/account/import", ADMIN, _preview)
    yield Address("job", "/app/account/import", ADMIN, _run)
    yield Address("workflows", "/app/-/workflows", ADMIN)
    yield Address("workflow", "/app/-/workflows/won", ADMIN)
    yield Address("runs", "/app/-/runs", ADMIN)
    yield Address("simulate", "/app/-/simulations", ADMIN)
    yield Address("deliveries", "/app/-/deliveries", ADMIN)
    yield Address("record_runs", f"/app/opportunity/{deal}/runs?why=won")
    yield Address("users", "/app/user", ADMIN)
    yield Address("notifications", "/app/-/notifications")
    yield Address("notice_settings", "/app/-/notifications/settings")
    yield Address("inbox", "/app/-/inbox")
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
    yield Address("mention", f"/app/account/{account}", act=_mention)
    yield Address("inbox_menu", "/app/-/inbox", act=_inbox_menu)
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
    yield from _approvals(neighbours.open_tenant(site, "purchasing"))
    patient = neighbours.open_tenant(site, "clinic")
    yield Address("clinic_patient", "/app/patient/new", ADMIN, at=patient)


def _approvals(there: Site) -> Iterator[Address]:
    """Boxes, a decision before and after it, asking for one, and the record that waits."""
    records = there.api("GET", "/purchase?sort=created_at")["data"]
    request = there.api("GET", f"/purchase/{records[1]['id']}/approval")["request"]["id"]
    decided = f"/app/-/approvals/{request}"
    yield Address("approvals", "/app/-/approvals", neighbours.LEAD, at=there)
    yield Address("approvals_picked", "/app/-/approvals", neighbours.LEAD, _tick, at=there)
    yield Address("approvals_none", "/app/-/approvals?box=given", neighbours.LEAD, at=there)
    yield Address("approvals_started", "/app/-/approvals?box=started", neighbours.BUYER, at=there)
    yield Address("approval", decided, neighbours.LEAD, at=there)
    yield Address("approval_verb", decided, neighbours.LEAD, _verb, at=there)
    yield Address("approval_own", decided, neighbours.BUYER, at=there)
    yield Address("approval_admin", decided, ADMIN, at=there)
    yield Address("approval_record", f"/app/purchase/{records[1]['id']}", neighbours.BUYER, at=there)
    yield Address("approval_needed", f"/app/purchase/{records[0]['id']}", neighbours.BUYER, at=there)
    yield Address("approval_submit", f"/app/purchase/{records[0]['id']}/approval", neighbours.BUYER, at=there)


def _tick(someone: Person) -> None:
    someone.page.locator(".approval-tick input").first.check()
    expect(someone.page.locator(".approval-together")).to_be_visible()


def _verb(someone: Person) -> None:
    """A form that opens under its name, sent without what it needs: refused on the page."""
    someone.page.locator(".approval-act > summary").nth(1).click()
    someone.page.locator(".approval-act[open] button.btn").click()
    expect(someone.page.get_by_role("alert")).to_be_visible()


def _console(site: Site) -> Iterator[Address]:
    """The operator's pages, whose door stands before all tenants."""
    metaloom(site.environment, "operator", "add", OPERATOR, "--password-stdin", given=f"{PASSWORD}\n")
    there = replace(site, base=site.base.rsplit("/t/", 1)[0])
    yield Address("console_door", "/admin/sign-in", "", at=there)
    for name in ("tenants", "releases", "jobs", "sessions", "events"):
        path = f"/admin/{name}/" + ("" if name == "tenants" else f"?tenant={TENANT}")
        yield Address(f"console_{name}", path, "", _as_operator, at=there)


def _as_operator(someone: Person) -> None:
    """Whoever is sent to the door signs in, and is led to where they wanted to go."""
    page = someone.page
    wanted = page.url
    if "/admin/sign-in" in wanted:
        page.locator("input[name=login]").fill(OPERATOR)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("form button.btn-primary").click()
        page.wait_for_url(lambda url: "sign-in" not in url)


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


def _mention(someone: Person) -> None:
    _composer(someone)
    someone.click(someone.page.locator("[data-composer-form] textarea[data-mention]").first)
    someone.write("@")
    someone.page.wait_for_selector(".mention-list li")


def _inbox_menu(someone: Person) -> None:
    someone.click(someone.page.locator(".inbox-menu summary").first)
    someone.page.wait_for_selector(".inbox-menu[open] .menu-list")


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
