"""Working in lists: many rows at once, a filter kept as a view for others, a file of what it finds."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.person import Person
from tests.browser.site import MANAGER
from tests.browser.tasks.task import Task, colleague, found, made, read, word


def edit_twenty(someone: Person) -> None:
    """Two deals are in a currency that has no exchange rate: they cannot take an amount."""
    site, name = someone.site, word()
    account = made(site, "account", name=word())["id"]
    foreign = [made(site, "opportunity", name=f"{name} Y{at}", account=account, currency="JPY") for at in (1, 2)]
    home = [made(site, "opportunity", name=f"{name} {at}", account=account) for at in range(18)]
    someone.open(f"/app/opportunity?q={name}")
    bar = someone.page.get_by_role("toolbar", name=someone.say("More", "更多"))
    if someone.phone:
        someone.click(someone.page.locator("[data-pick]").first)
        offer = someone.say("Select all 20 that match", "选择全部 20 条符合条件的记录")
        someone.click(bar.get_by_role("button", name=offer))
        expect(bar).to_contain_text("20")
    else:
        someone.click(someone.page.get_by_label(someone.say("Select all on this page", "选择本页全部")))
        expect(bar).to_contain_text(someone.say("20 selected", "已选择 20 条"))
    someone.click(bar.get_by_role("button", name=someone.say("Edit", "编辑")))
    drawer = someone.page.get_by_role("dialog")
    choice = drawer.get_by_label(someone.say("Choose a field to change", "选择要修改的字段"))
    someone.choose(choice, "amount")
    someone.type(drawer.get_by_role("textbox", name=someone.say("Amount", "金额")), "5000")
    someone.click(drawer.get_by_role("button", name=someone.say("Apply", "应用")))
    expect(drawer.get_by_role("status")).to_contain_text(someone.say("18 changed", "已修改 18 条"))
    expect(drawer.get_by_role("status")).to_contain_text(someone.say("2 refused", "2 条被拒绝"))
    for each in foreign:
        expect(drawer.get_by_role("listitem").filter(has_text=each["name"])).to_contain_text("JPY")
        assert read(site, "opportunity", each["id"])["amount"] is None
    assert {read(site, "opportunity", each["id"])["amount"]["amount"] for each in home} == {"5000.00"}


def save_and_share_a_view(someone: Person) -> None:
    title = word()
    someone.open("/app/opportunity")
    page = someone.page
    if someone.phone:
        someone.click(page.get_by_role("button", name=someone.say("Filters", "筛选")).first)
    someone.click(page.get_by_role("button", name=someone.say("Filter", "筛选"), exact=True).last)
    fields = page.locator("#list-popover")
    someone.click(fields.get_by_role("button", name=someone.say("Stage", "阶段"), exact=True))
    someone.click(fields.get_by_label(someone.say("Negotiation", "谈判")))
    someone.click(fields.get_by_role("button", name=someone.say("Apply", "应用")))
    expect(fields).to_be_hidden()
    someone.click(page.get_by_role("button", name=someone.say("Save view", "保存视图")).last)
    dialog = page.get_by_role("dialog", name=someone.say("Save as a new view", "另存为新视图"))
    someone.type(dialog.get_by_label(someone.say("Name", "名称")), title)
    someone.click(dialog.get_by_label(someone.say("Share with", "共享")))
    someone.click(dialog.get_by_role("button", name=someone.say("Save", "保存")))
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    with colleague(someone, MANAGER) as manager:
        manager.open("/app/opportunity")
        views = manager.page.get_by_role("navigation", name=manager.say("Views", "视图"))
        tab = views.get_by_role("link", name=title)
        if not tab.is_visible():
            views.locator("summary").click()
        tab.click()
        expect(manager.page.get_by_role("heading", level=1)).to_contain_text(title)
        count = len(found(someone.site, "opportunity", "stage == 'negotiation'"))
        assert count > 1
        expect(manager.page.locator("#rows tr").first).to_contain_text(manager.say("Negotiation", "谈判"))
        manager.finish()
        assert not manager.complaints, manager.complaints


def export_the_filtered(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=word())["id"]
    for at in range(7):
        made(site, "opportunity", name=f"{name} {at}", account=account, amount="10" if at < 3 else "20000")
    someone.open(f"/app/opportunity?q={name}&where=amount > 1000")
    someone.click(someone.page.get_by_label(someone.say("More", "更多"), exact=True).first)
    someone.click(someone.page.get_by_role("button", name=someone.say("Export: CSV file", "导出: CSV 文件")))
    ready = someone.page.get_by_role("button", name=someone.say("Download", "下载"))
    expect(ready).to_be_visible(timeout=30_000)
    with someone.page.expect_download() as coming:
        someone.click(ready)
    rows = list(csv.DictReader(io.StringIO(Path(coming.value.path()).read_text("utf-8-sig"))))
    assert len(rows) == 4 and all(name in str(each) for each in rows), rows


TASKS = (
    Task("edit_twenty", 5, edit_twenty, most_on_phone=6),
    Task("save_and_share_a_view", 8, save_and_share_a_view, most_on_phone=9),
    Task("export_the_filtered", 3, export_the_filtered),
)
