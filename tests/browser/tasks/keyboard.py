"""Whole errands without a mouse: find and edit, filter, move and undo, bring back, resolve a conflict."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.person import Person
from tests.browser.site import MANAGER
from tests.browser.tasks.task import Task, found, made, read, word


def edit_by_keyboard(someone: Person) -> None:
    site, name, changed = someone.site, word(), word()
    account = made(site, "account", name=name)
    someone.open("/app")
    someone.press("Control+k")
    someone.write(name)
    expect(someone.page.get_by_role("option", name=name).first).to_have_attribute("aria-selected", "true")
    someone.press("Enter")
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(name)
    someone.press("e")
    expect(someone.page.locator("main ml-form")).to_be_visible()
    someone.press("F6")
    expect(someone.page.get_by_label(someone.say("Name", "名称")).first).to_be_focused()
    someone.press("Control+a")
    someone.write(changed)
    someone.press("Control+Enter")
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(changed)
    assert read(site, "account", account["id"])["name"] == changed


def filter_by_keyboard(someone: Person) -> None:
    someone.open("/app/opportunity")
    someone.press("f")
    expect(someone.page.locator("[data-field-search]")).to_be_focused()
    someone.write(someone.say("Stage", "阶段"))
    someone.press("Enter")
    expect(someone.page.locator("[data-condition-form]")).to_be_visible()
    box = someone.page.get_by_label(someone.say("Negotiation", "谈判"))
    _tab_to(someone, lambda: bool(box.evaluate("(each) => each === document.activeElement")))
    someone.press("Space")
    someone.press("Enter")
    expect(someone.page.locator("[data-condition]")).to_contain_text(someone.say("Negotiation", "谈判"))
    expect(someone.page.locator("#rows tr").first).to_contain_text(someone.say("Negotiation", "谈判"))


def move_by_keyboard(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=word())
    deal = made(site, "opportunity", name=name, account=account["id"], stage="qualify", close_date="2019-01-01")
    someone.open(f"/app/opportunity?view=opportunity_board&q={name}")
    card = someone.page.locator(f"[data-board][data-ready] [data-card='{deal['id']}']")
    expect(card).to_be_visible()
    someone.press("j")
    expect(card).to_be_focused()
    for key in ("Space", "ArrowRight", "Space"):
        someone.press(key)
    _until(lambda: read(site, "opportunity", deal["id"])["stage"] == "need")
    expect(someone.page.get_by_role("button", name=someone.say("Undo", "撤销"))).to_be_visible()
    someone.press("z")
    _until(lambda: read(site, "opportunity", deal["id"])["stage"] == "qualify")


def restore_by_keyboard(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=name)
    site.api("DELETE", f"/account/{account['id']}")
    someone.open("/app/account")
    someone.press("g")
    someone.press("b")
    row = someone.page.get_by_role("row", name=re.compile(name))
    expect(row).to_be_visible()
    someone.press("j")
    expect(row.get_by_role("checkbox")).to_be_focused()  # what was deleted last comes first
    someone.press("Tab")
    someone.press("Enter")
    expect(row).to_have_count(0)
    assert read(site, "account", account["id"])["name"] == name


def conflict_by_keyboard(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=name)
    someone.open(f"/app/account/{account['id']}/edit")
    site.api("PATCH", f"/account/{account['id']}", {"name": f"{name} theirs"})
    someone.press("F6")
    someone.write(" mine")
    someone.press("Control+Enter")
    values = someone.page.get_by_role("group", name=someone.say("Two values", "两个值"))
    expect(values).to_contain_text("theirs")
    someone.press("Tab")
    someone.press("ArrowDown")
    expect(values.get_by_role("radio", name=someone.say("Saved by", "保存的值"))).to_be_checked()
    someone.press("Control+Enter")
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(f"{name} theirs")
    assert found(site, "account", f"name == '{name} theirs'")


def _tab_to(someone: Person, there: Callable[[], bool]) -> None:
    for _ in range(12):
        if there():
            return
        someone.press("Tab")
    raise AssertionError("the tabulator does not lead there")


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until, "it did not happen within ten seconds"
        time.sleep(0.1)


TASKS = (
    Task("edit_by_keyboard", 8, edit_by_keyboard, keyboard=True),
    Task("filter_by_keyboard", 11, filter_by_keyboard, keyboard=True),
    Task("move_by_keyboard", 5, move_by_keyboard, keyboard=True),
    Task("restore_by_keyboard", 5, restore_by_keyboard, MANAGER, keyboard=True),
    Task("conflict_by_keyboard", 6, conflict_by_keyboard, keyboard=True),
)
