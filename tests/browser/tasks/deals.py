"""Working on deals: the board, a form with rows by keyboard only, two people in one record."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

from playwright.sync_api import Locator, expect

from tests.browser.person import Person
from tests.browser.tasks.task import Task, found, made, read, user, word

_LONG_AGO = "2020-01-01"
"""A date of closing that puts a deal on top of its column."""


def move_and_undo(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=word())
    deal = made(site, "opportunity", name=name, account=account["id"], stage="qualify", close_date=_LONG_AGO)
    someone.open("/app/opportunity?view=opportunity_board")
    board = someone.page.locator("[data-board][data-ready]")
    card = board.locator(f"[data-card='{deal['id']}']")
    goal = board.locator(".board-column[data-value=need] ul")
    if someone.phone:
        someone.click(card.get_by_role("button", name=someone.say("Move to another column", "移动到其他列")))
        dialog = someone.page.get_by_role("dialog")
        someone.click(dialog.locator("button[value=need]"))
    else:
        someone.drag(card, goal)
    undo = someone.page.get_by_role("status").get_by_role("button", name=someone.say("Undo", "撤销"))
    expect(undo).to_be_visible()
    assert read(site, "opportunity", deal["id"])["stage"] == "need"
    someone.click(undo)
    _until(lambda: read(site, "opportunity", deal["id"])["stage"] == "qualify")
    expect(board.locator(f".board-column[data-value=qualify] [data-card='{deal['id']}']")).to_be_visible()


def create_by_keyboard(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=word())
    products = [site.api("POST", "/product", {"sku": word(), "name": word()}) for _ in range(3)]
    someone.open("/app/opportunity")
    someone.press("c")
    expect(someone.page.get_by_label(someone.say("Name", "名称")).first).to_be_focused()
    someone.write(name)
    someone.press("Tab")
    someone.write(account["name"])
    _take(someone, account["name"])
    someone.press("F6")  # the next part of the form
    for at, product in enumerate(products, 1):
        expect(_row(someone, at).locator("input:visible").first).to_be_focused()
        someone.write(product["name"])
        _take(someone, product["name"])
        for text in ("", str(at), "100"):  # description, quantity, price
            someone.press("Tab")
            if text:
                someone.write(text)
        if at < len(products):
            someone.press("Enter")
            _tab_back(someone, _row(someone, at + 1).locator("input:visible").first)
    someone.press("Control+Enter")
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(name)
    (deal,) = found(site, "opportunity", f"name == '{name}'")
    lines = found(site, "opportunity_line", f"opportunity == '{deal['id']}'")
    told = {(each["product"], Decimal(each["quantity"]), Decimal(each["price"]["amount"])) for each in lines}
    assert told == {(each["id"], Decimal(at), Decimal(100)) for at, each in enumerate(products, 1)}, told
    assert deal["account"] == account["id"] and deal["owner"] == user(site), deal


def resolve_a_conflict(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=word())
    deal = made(site, "opportunity", name=name, account=account["id"], next_step="call")
    someone.open(f"/app/opportunity/{deal['id']}/edit")
    site.api("PATCH", f"/opportunity/{deal['id']}", {"next_step": "theirs", "probability": "40"})
    someone.type(someone.page.get_by_label(someone.say("Next step", "下一步")), "mine")
    save = someone.page.locator(".save-bar [data-save]")
    someone.click(save)
    values = someone.page.get_by_role("group", name=someone.say("Two values", "两个值"))
    expect(values).to_contain_text("theirs")
    expect(values).to_contain_text("mine")
    assert read(site, "opportunity", deal["id"])["next_step"] == "theirs"
    someone.click(values.get_by_role("radio", name=someone.say("Saved by", "保存的值")))
    someone.click(save)
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(name)
    kept = read(site, "opportunity", deal["id"])
    assert kept["next_step"] == "theirs" and Decimal(kept["probability"]) == 40, kept


def _take(someone: Person, title: str) -> None:
    """Take what the list under the cursor proposes."""
    expect(someone.page.locator("[role=option][aria-selected=true]")).to_contain_text(title)
    someone.press("Enter")


def _row(someone: Person, number: int) -> Locator:
    return someone.page.locator(".row-grid tbody tr").nth(number - 1)


def _tab_back(someone: Person, goal: Locator) -> None:
    for _ in range(10):
        if goal.evaluate("(each) => each === document.activeElement"):
            return
        someone.press("Shift+Tab")
    raise AssertionError("the tabulator does not lead back there")


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until, "it did not happen within ten seconds"
        time.sleep(0.1)


TASKS = (
    Task("move_and_undo", 2, move_and_undo, most_on_phone=3),
    Task("create_by_keyboard", 36, create_by_keyboard),
    Task("resolve_a_conflict", 4, resolve_a_conflict),
)
