"""Rules while one types: fields come and go, are needed, get values, and warn, as saving would have it."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.person import Person
from tests.browser.tasks.task import Task, found, made, read, word

_AGO = "2020-01-01"


def lose_a_deal(someone: Person) -> None:
    """A deal is lost to a competitor: the form asks for the reason and the winner, and only then."""
    site = someone.site
    rival = site.api("POST", "/competitor", {"name": word()})
    deal = made(site, "opportunity", name=word(), account=made(site, "account", name=word())["id"])
    someone.open(f"/app/opportunity/{deal['id']}/edit")
    expect(_field(someone, "name")).to_be_visible()
    expect(_field(someone, "lost_reason")).to_be_hidden()
    _choose(someone, "stage", someone.say("Lost", "输单"))
    expect(_field(someone, "lost_reason")).to_be_visible()
    expect(_field(someone, "lost_reason").locator(".need")).to_be_visible()
    expect(_field(someone, "lost_competitor")).to_be_hidden()
    expect(someone.page.locator("#f-probability")).to_have_value("0")
    _choose(someone, "lost_reason", someone.say("Competitor", "竞争对手"))
    expect(_field(someone, "lost_competitor").locator(".need")).to_be_visible()
    someone.click(someone.page.locator("#f-lost_competitor"))
    someone.write(rival["name"])
    someone.click(someone.page.get_by_role("option", name=rival["name"]).first)
    someone.click(someone.page.get_by_role("button", name=someone.say("Save", "保存")).last)
    expect(someone.page.locator("ml-form")).to_have_count(0)
    saved = read(site, "opportunity", deal["id"])
    assert (saved["stage"], saved["lost_reason"], saved["probability"]) == ("lost", "competitor", "0.00"), saved


def lose_from_the_stages(someone: Person) -> None:
    """The stage bar asks for what a lost deal needs, in the form that opens with it."""
    site = someone.site
    deal = made(site, "opportunity", name=word(), account=made(site, "account", name=word())["id"])
    someone.open(f"/app/opportunity/{deal['id']}")
    lost = someone.page.locator(".record-stages button[value=lost]")
    someone.click(lost)
    drawer = someone.page.get_by_role("dialog")
    expect(drawer.locator(".drawer-why")).to_be_visible()
    expect(drawer.locator("#df-lost_reason")).to_be_in_viewport()
    expect(drawer.locator(".field", has=someone.page.locator("#df-lost_competitor"))).to_be_hidden()
    someone.click(drawer.locator("#df-lost_reason .segment", has_text=someone.say("Price", "价格")))
    someone.click(drawer.locator("[data-save]"))
    expect(lost).to_have_attribute("aria-current", "step")
    expect(someone.page.locator(".record-stages .done")).to_have_count(0)
    saved = read(site, "opportunity", deal["id"])
    assert (saved["stage"], saved["lost_reason"], saved["probability"]) == ("lost", "price", "0.00"), saved


def save_in_spite_of_a_warning(someone: Person) -> None:
    """A date that has passed is warned of at once; with a tick it is saved."""
    site, name = someone.site, word()
    deal = made(site, "opportunity", name=name, account=made(site, "account", name=word())["id"])
    someone.open(f"/app/opportunity/{deal['id']}/edit")
    someone.click(someone.page.locator("#f-close_date"))
    someone.write(_AGO)
    someone.press("Tab")
    expect(_field(someone, "close_date").locator(".warned")).to_be_visible()
    save = someone.page.get_by_role("button", name=someone.say("Save", "保存")).last
    someone.click(save)
    someone.click(someone.page.get_by_label(someone.say("Save anyway", "仍然保存")))
    someone.click(save)
    expect(someone.page.locator("ml-form")).to_have_count(0)
    (saved,) = found(site, "opportunity", f"name == '{name}'")
    assert saved["close_date"] == _AGO


def _field(someone: Person, key: str) -> Locator:
    return someone.page.locator(".field", has=someone.page.locator(f"#f-{key}, [aria-labelledby=f-{key}-label]"))


def _choose(someone: Person, key: str, label: str) -> None:
    """An option among buttons, or in a list."""
    field = _field(someone, key)
    button = field.locator(".segment", has_text=label)
    if button.count():
        someone.click(button.first)
        return
    someone.click(field.get_by_role("combobox"))
    someone.click(someone.page.get_by_role("option", name=label, exact=True))


TASKS = (
    Task("lose_a_deal", 9, lose_a_deal),
    Task("lose_from_the_stages", 3, lose_from_the_stages),
    Task("save_in_spite_of_a_warning", 7, save_in_spite_of_a_warning),
)
