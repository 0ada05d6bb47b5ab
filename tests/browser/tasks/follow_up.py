"""Looking after customers: finding them, writing down what was said, files, what was deleted by mistake."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.person import Person
from tests.browser.site import MANAGER
from tests.browser.tasks.task import Task, found, made, read, word


def find_by_two_characters(someone: Person) -> None:
    name = "华为技术有限公司"
    if not found(someone.site, "account", f"name == '{name}'"):
        made(someone.site, "account", name=name)
    someone.open("/app")
    if someone.phone:
        tabs = someone.page.get_by_role("navigation", name=someone.say("Main places", "主要位置"))
        someone.click(tabs.get_by_role("link", name=someone.say("Search", "搜索")))
    else:
        someone.press("Control+k")
    someone.write("华为")
    expect(someone.page.get_by_role("option", name=name).first).to_have_attribute("aria-selected", "true")
    someone.press("Enter")
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(name)


def log_a_call(someone: Person) -> None:
    said = word()
    account = made(someone.site, "account", name=word())
    someone.open(f"/app/account/{account['id']}")
    stream = someone.page.get_by_role("region", name=someone.say("Overview", "概览"))
    someone.click(stream.get_by_role("link", name=someone.say("Call", "电话"), exact=True))
    subject = someone.page.get_by_label(someone.say("Subject", "主题"))
    expect(subject).to_be_focused()
    someone.write(said)
    if someone.phone:
        someone.click(stream.get_by_role("button", name=someone.say("Save", "保存")))
    else:
        someone.press("Control+Enter")
    expect(stream.get_by_role("link", name=said)).to_be_visible()
    (activity,) = found(someone.site, "activity", f"subject == '{said}'")
    assert activity["kind"] == "call" and activity["related"]["id"] == account["id"], activity


def attach_and_preview(someone: Person) -> None:
    title, text = word(), f"{word()}, zwei, 三"
    account = made(someone.site, "account", name=word())
    someone.open(f"/app/account/{account['id']}")
    stream = someone.page.get_by_role("region", name=someone.say("Overview", "概览"))
    composer = stream.locator("[data-composer]")
    someone.click(composer.get_by_role("link", name=someone.say("Note", "备注"), exact=True))
    expect(someone.page.get_by_label(someone.say("Title", "标题"))).to_be_focused()
    someone.write(title)
    someone.steps += 1
    attachment = someone.page.locator("[data-compose-form] input[type=file]")
    attachment.set_input_files({"name": "offer.txt", "mimeType": "text/plain", "buffer": text.encode()})
    someone.click(stream.get_by_role("button", name=someone.say("Save", "保存")))
    expect(attachment).to_have_count(0)
    someone.click(stream.get_by_role("link", name=re.compile("^offer.txt")))
    expect(someone.page.get_by_role("dialog", name="offer.txt")).to_contain_text(text)
    (note,) = found(someone.site, "note", f"title == '{title}'")
    assert note["attachment"], note


def restore_with_children(someone: Person) -> None:
    site, name = someone.site, word()
    account = made(site, "account", name=name)
    contacts = [made(site, "contact", name=word(), wechat=word(), account=account["id"]) for _ in range(2)]
    site.api("DELETE", f"/account/{account['id']}")
    someone.open("/app/account")
    someone.click(someone.page.get_by_label(someone.say("More", "更多"), exact=True).first)
    someone.click(someone.page.get_by_role("link", name=someone.say("Recycle bin", "回收站")))
    row = someone.page.get_by_role("row", name=re.compile(name))
    expect(row).to_contain_text(someone.say("2 Contacts", "2 条联系人"))
    someone.click(row.get_by_role("button", name=someone.say("Restore", "恢复")))
    expect(row).to_have_count(0)
    assert read(site, "account", account["id"])["name"] == name
    assert [read(site, "contact", each["id"])["account"] for each in contacts] == [account["id"]] * 2


TASKS = (
    Task("find_by_two_characters", 3, find_by_two_characters),
    Task("log_a_call", 3, log_a_call),
    Task("attach_and_preview", 5, attach_and_preview),
    # A representative may not delete accounts, so whoever restores one is the manager.
    Task("restore_with_children", 3, restore_with_children, MANAGER),
)
