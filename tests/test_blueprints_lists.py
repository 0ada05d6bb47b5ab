"""Lists as people work in them: filters, columns, groups, saved views, bulk edits, exports; nothing that is hidden."""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from runtime import schema
from runtime.host import Host
from runtime.jobs.drain import drain
from tests import kit
from tests.boarding import WORK, counted
from tests.doors import Browser, Site, site
from tests.pages import Page

HIDING = kit.MINI.replace(
    "deal: {read: own, create: own, update: own, delete: own}",
    "deal: {read: all, create: own, update: own, delete: own, fields: {'*': write, amount: hidden}}",
)


@pytest.fixture
def here(sqlite_host: Host) -> Site:
    return site(sqlite_host)


def page_of(browser: Browser, path: str, status: int = 200, **arguments: Any) -> Page:
    answer = browser.get(path, **arguments)
    assert answer.status_code == status, answer.get_data(as_text=True)
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == []
    return page


def sent(browser: Browser, path: str, json: Any) -> TestResponse:
    headers = {**browser.headers, "Origin": browser.base, "X-CSRF-Token": browser.csrf}
    return browser.client.post(browser.prefix + path, json=json, headers=headers, base_url=browser.base)


def deals(here: Site, number: int = 6, **values: Any) -> list[str]:
    """Deals called Deal 0, Deal 1, ... with the amounts 0, 100, ...; their ids."""
    api = here.api("admin")
    stages = ("open", "won", "lost")
    return [
        api.made("deal", name=f"Deal {at}", amount=str(100 * at), stage=stages[at % 3], **values)["id"]
        for at in range(number)
    ]


def work(here: Site) -> None:
    """Do every job that waits, however long the machine takes."""
    while drain(here.host, here.tenant) is not None:
        pass


def names(page: Page) -> list[str]:
    return re.findall(r"Deal \d+", page.said)


# -- filter


def test_chips_become_a_condition_and_back(here: Site) -> None:
    browser = here.browser("admin")
    parts = [
        {"path": "stage", "op": "is", "values": ["won", "lost"]},
        {"op": "or", "parts": [
            {"path": "amount", "op": "more", "values": ["1,000.50"]},
            {"path": "owner", "op": "is", "values": ["$user"]},
        ]},
        {"path": "company.name", "op": "contains_not", "values": ["it's"]},
    ]  # fmt: skip
    answer = sent(browser, "/app/-/filter/deal", {"joined": {"op": "and", "parts": parts}}).get_json()
    assert answer["where"] == (
        "stage in ['won', 'lost'] and (amount > 1000.5 or owner == $user) and not (contains(company.name, 'it\\'s'))"
    )
    again = sent(browser, "/app/-/filter/deal", {"where": answer["where"]}).get_json()
    parts[1]["parts"][0]["values"] = ["1000.5"]  # type: ignore[index]
    assert again["joined"] == {"op": "and", "parts": parts}
    more = sent(
        browser, "/app/-/filter/deal", {"where": "amount > 1 and (stage == 'won' or not (size == 1))"}
    ).get_json()
    assert more["where"] is None and more["problems"]


def test_a_text_that_says_more_than_chips_stays_a_text(here: Site) -> None:
    browser = here.browser("admin")
    deals(here)
    found = sent(browser, "/app/-/filter/deal", {"where": "not (stage == 'won')"}).get_json()
    assert found == {"where": "not (stage == 'won')", "joined": None}
    page = page_of(browser, "/app/deal", where="not (stage == 'won')")
    assert "not (stage == 'won')" in page.said and "Deal 0" in page.said and "Deal 1" not in page.said


def test_what_is_wrong_with_a_chip_is_told(here: Site) -> None:
    browser = here.browser("admin")
    for part, code in (
        ({"path": "amount", "op": "more", "values": ["much"]}, "value_unreadable_number"),
        ({"path": "closes", "op": "is", "values": ["1/2/2027"]}, "value_ambiguous_date"),
        ({"path": "stage", "op": "is", "values": ["none"]}, "expression_unknown_option"),
        ({"path": "company", "op": "is", "values": ["Acme"]}, "expression_type"),
        ({"path": "stage", "op": "is", "values": []}, "filter_value"),
        ({"path": "stage", "op": "like", "values": ["a"]}, "filter_operator"),
        ({"path": "nothing", "op": "is", "values": ["a"]}, "unknown_field"),
        ({"path": "stage", "op": "is", "values": "won"}, "filter_shape"),
        ({"op": "or", "parts": [{"op": "and", "parts": []}]}, "filter_shape"),
    ):
        answer = sent(browser, "/app/-/filter/deal", {"joined": {"op": "and", "parts": [part]}}).get_json()
        assert [each["code"] for each in answer["problems"]] == [code], (part, answer)


def test_a_filter_is_shown_as_chips_in_words(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    company = api.made("company", name="Acme")["id"]
    where = f"company == '{company}' and stage == 'won' and closes <= $today and amount >= 5"
    said = page_of(browser, "/app/deal", where=where).said
    assert "Company is Acme" in said and "Stage is Won" in said
    assert "Closes is on or before today" in said and "Amount ≥ CN¥5.00" in said
    said = page_of(browser, f"/app/deal?lang=zh&where={where}").said
    assert "不晚于 今天" in said


def test_fields_that_are_hidden_are_no_choice(sqlite_host: Host) -> None:
    here = site(sqlite_host, HIDING)
    everything, seller = here.browser("admin"), here.browser("seller")
    for path in ("/app/-/filter/deal/fields", "/app/-/columns/deal", "/app/-/bulk/deal"):
        assert "amount" in everything.get(path).get_data(as_text=True)
        assert "amount" not in seller.get(path).get_data(as_text=True).lower()
    assert seller.get("/app/-/filter/deal/condition?path=amount").status_code == 404
    part = {"path": "amount", "op": "more", "values": ["1"]}
    answer = sent(seller, "/app/-/filter/deal", {"joined": {"op": "and", "parts": [part]}}).get_json()
    assert [each["code"] for each in answer["problems"]] == ["unknown_field"]
    assert seller.get("/app/-/list/deal/totals?group=amount").status_code == 200
    assert "amount" not in page_of(seller, "/app/deal").said.lower()


def test_every_kind_of_field_has_controls_for_its_condition(here: Site) -> None:
    browser = here.browser("admin")
    for path in ("stage", "name", "amount", "closes", "owner", "company", "note", "chance", "created_at"):
        answer = browser.get(f"/app/-/filter/deal/condition?path={path}")
        page = Page(answer.get_data(as_text=True))
        assert answer.status_code == 200 and page.wrong == [] and "op" in page.forms[0].names, path
    # Links to several are no part of conditions.
    assert browser.get("/app/-/filter/deal/condition?path=helpers").status_code == 404


# -- columns


def heads(browser: Browser, path: str) -> list[str]:
    return re.findall(r'data-path="([^"]+)"', browser.get(path).get_data(as_text=True))


def test_columns_are_kept_for_one_person_and_view(here: Site) -> None:
    person = here.person("admin")
    browser, other = here.browser(person=person), here.browser("admin")
    deals(here, 1)
    before = heads(browser, "/app/deal")
    look = {"columns": ["stage", "name", "company.industry"], "widths": {"name": 333}, "pinned": 2}
    assert sent(browser, "/app/-/columns/deal/look?view=-", look).status_code == 200
    assert sent(browser, "/app/-/columns/deal/look?view=-", {"totals": {"amount": "sum"}}).status_code == 200
    assert heads(here.browser(person=person), "/app/deal") == ["stage", "name", "company.industry"]
    assert '<col width="333">' in browser.get("/app/deal").get_data(as_text=True)
    assert heads(other, "/app/deal") == before
    assert browser.post("/app/-/columns/deal?view=-", {"reset": "1"}).status_code == 303
    assert heads(browser, "/app/deal") == before


def test_the_form_of_columns_works_without_scripts(here: Site) -> None:
    browser = here.browser("admin")
    deals(here, 1)
    form = page_of(browser, "/app/-/columns/deal").form("columns")
    kept = [each for each in form.values["columns"] if each != "chance"]
    assert browser.post(form.action.removeprefix(here.prefix), {**form.values, "columns": kept}).status_code == 303
    assert heads(browser, "/app/deal") == kept


def test_a_look_of_another_form_is_refused(here: Site) -> None:
    browser = here.browser("admin")
    for look in (
        {"columns": "name"},
        {"widths": {"name": "wide"}},
        {"pinned": True},
        {"columns": [1]},
        {"columns": ["nothing"]},
        {"other": 1},
    ):
        assert sent(browser, "/app/-/columns/deal/look", look).status_code in (400, 422), look
    assert "Reset" not in page_of(browser, "/app/-/columns/deal").said


# -- order, groups, totals


def test_a_list_is_sorted_by_several_columns(here: Site) -> None:
    browser = here.browser("admin")
    deals(here)
    page = page_of(browser, "/app/deal", sort="stage,-amount")
    assert list(dict.fromkeys(names(page))) == ["Deal 5", "Deal 2", "Deal 3", "Deal 0", "Deal 4", "Deal 1"]


def test_groups_count_and_add_up_and_open_one_by_one(host: Host) -> None:
    here = site(host)
    browser = here.browser("admin")
    deals(here, 7)
    assert sent(browser, "/app/-/columns/deal/look?view=-", {"totals": {"amount": "sum"}}).status_code == 200
    page = page_of(browser, "/app/deal", group="stage")
    assert "Open 3 CN¥900.00" in page.said and "Won 2 CN¥500.00" in page.said and "7 records" in page.said
    assert {"Deal 0", "Deal 3", "Deal 6"} == set(names(page)), "only the first group is open"
    opened = browser.get("/app/-/list/deal/group", group="stage", within="won").get_data(as_text=True)
    assert set(re.findall(r"Deal \d", opened)) == {"Deal 1", "Deal 4"}
    totals = browser.get("/app/-/list/deal/totals").get_data(as_text=True)
    assert "CN¥2,100.00" in totals


def test_every_group_opens_with_as_many_rows_as_it_counts(host: Host) -> None:
    here = site(host)
    browser, api = here.browser("admin"), here.api("admin")
    company = api.made("company", name="Acme")["id"]
    for at in range(6):
        more: dict[str, Any] = {"closes": f"2026-{at % 2 + 1:02}-28"} if at else {}
        api.made("deal", name=f"Deal {at}", **more, **({"company": company} if at % 2 else {}))
    for group, expected in (("closes:month", 3), ("company", 2), ("owner", 1), ("stage", 1)):
        text = browser.get("/app/deal", group=group).get_data(as_text=True)
        links = re.findall(r'class="group-open" href="([^"]+)"', text)
        assert len(links) == expected
        rows = 0
        for each in links:
            address = each.replace("&amp;", "&").removeprefix(here.prefix)
            rows += browser.get(address).get_data(as_text=True).count("<tr data-id")
        assert rows == 6, group
    assert browser.get("/app/-/list/deal/group", group="closes:month", within="soon").status_code == 400
    assert page_of(browser, "/app/deal", 422, group="name.first").wrong == []


# -- saved views


def saved(browser: Browser, name: str = "Mine", **more: str) -> str:
    """Save what an address shows; the address of the view."""
    query = more.pop("query", "")
    answer = browser.post(f"/app/-/views/deal?{query}", {"name": name, **more})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"]).removeprefix(browser.prefix)


def test_a_view_shows_again_what_was_saved(here: Site) -> None:
    browser = here.browser("admin")
    deals(here)
    sent(browser, "/app/-/columns/deal/look?view=-", {"columns": ["amount", "name"]})
    address = saved(browser, query="where=amount > 100&sort=-amount&f.stage=open&view=-")
    page = page_of(browser, address)
    assert list(dict.fromkeys(names(page))) == ["Deal 3"] and "Mine" in page.said
    assert heads(browser, address) == ["amount", "name"]
    assert "Amount > CN¥100.00" in page.said and "Stage is Open" in page.said
    without = page_of(browser, f"{address}&where=")
    assert len(set(names(without))) == 6, "an empty condition in the address takes the view's away"


def test_a_view_outlives_a_rename_on_the_page(here: Site) -> None:
    browser = here.browser("admin")
    deals(here)
    address = saved(browser, query="where=stage == 'won'&sort=-amount")
    text = kit.MINI.replace("stage: {type: choice", "phase: {id: stage, type: choice")
    text = text.replace("won: {}", "victory: {id: won}").replace("stage != 'lost'", "phase != 'lost'")
    plan = schema.plan(here.host, here.tenant, kit.layer(text))
    assert plan.id is not None
    schema.apply(here.host, here.tenant, plan.id)
    page = page_of(browser, address)
    assert list(dict.fromkeys(names(page))) == ["Deal 4", "Deal 1"]
    assert page.form("where").values["where"] == ["phase == 'victory'"]


def test_views_are_shared_renamed_shown_first_and_deleted(here: Site) -> None:
    browser, other = here.browser("admin"), here.browser("reader")
    deals(here)
    address = saved(browser, "Wins", query="where=stage == 'won'")
    id = address.partition("view=")[2]
    assert "Wins" not in page_of(other, "/app/deal").said
    browser.post(f"/app/-/views/deal/{id}", {"do": "rename", "name": "All wins", "shared": "true", "version": "1"})
    assert "All wins" in page_of(other, "/app/deal").said
    assert browser.post(f"/app/-/views/deal/{id}", {"do": "rename", "name": "x", "version": "1"}).status_code == 409
    assert other.post(f"/app/-/views/deal/{id}", {"do": "rename", "name": "Mine now"}).status_code == 403
    assert other.post("/app/-/views/deal/first", {"view": id}).status_code == 303
    assert set(names(page_of(other, "/app/deal"))) == {"Deal 1", "Deal 4"}
    assert len(set(names(page_of(other, "/app/deal?view=-")))) == 6
    browser.post(f"/app/-/views/deal/{id}/delete")
    assert len(set(names(page_of(other, "/app/deal")))) == 6
    assert other.post("/app/-/views/deal/first", {"view": id}).status_code == 404


def test_saved_views_stay_at_hand_on_boards_and_calendars(sqlite_host: Host) -> None:
    here = site(sqlite_host, WORK)
    browser = here.browser("admin")
    address = saved(browser, "My won deals", query="where=stage == 'won'")
    for view in ("stages", "closing"):
        page = page_of(browser, f"/app/deal?view={view}")
        assert "My won deals" in page.said and any(address in each for each in page.links), view


def test_a_shared_view_says_nothing_of_what_its_reader_may_not_see(sqlite_host: Host) -> None:
    here = site(sqlite_host, HIDING)
    browser, seller = here.browser("admin"), here.browser("seller")
    deals(here)
    address = saved(browser, "Large", query="where=amount > 100&sort=-amount", shared="true")
    sent(browser, f"/app/-/columns/deal/look?{address.partition('?')[2]}", {"columns": ["name", "amount"]})
    page = page_of(seller, address, 422)
    assert "amount" not in page.said.lower() and "may not see" in page.said and names(page) == []


# -- bulk


def test_twenty_are_edited_with_two_refused_and_it_says_which_and_why(here: Site) -> None:
    seller = here.person("seller", name="Seller")
    browser = here.browser(person=seller)
    mine = deals(here, 18, owner=seller.id)
    api = here.api("admin")
    company = api.made("company", name="Acme")["id"]
    twins = ({"name": "Twin", "company": company, "owner": seller.id, "stage": each} for each in ("open", "lost"))
    taken = [api.made("deal", **each)["id"] for each in twins]
    strange = deals(here, 1)
    answer = browser.post(
        "/app/-/bulk/deal/edit", {"ids": ",".join([*mine, taken[1], *strange]), "field": ["stage"], "set.stage": "won"}
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200, text
    page = Page(text)
    assert "12 changed" in page.said and "6 were so already" in page.said and "1 refused" in page.said
    assert "Twin" in page.said and f"/app/deal/{taken[1]}" in text


def test_what_no_record_could_take_is_told_in_the_form(here: Site) -> None:
    browser = here.browser("admin")
    ids = deals(here, 2)
    given = {"ids": ",".join(ids), "field": ["amount", "note"], "set.amount": "-1", "set.note": "x"}
    answer = browser.post("/app/-/bulk/deal/edit", given)
    assert answer.status_code == 422
    page = Page(answer.get_data(as_text=True))
    assert "at least 0" in page.said and page.form("set.amount").values["set.amount"] == ["-1"]
    for form in ({"ids": ",".join(ids)}, {"ids": "", "field": "note", "set.note": "x"}):
        assert browser.post("/app/-/bulk/deal/edit", form).status_code == 422
    kept = {"ids": ids[0], "field": "version", "set.version": "9"}
    assert browser.post("/app/-/bulk/deal/edit", kept).status_code == 404


def test_all_that_match_are_edited_as_a_job_when_they_are_many(host: Host) -> None:
    here = site(host)
    browser, api = here.browser("admin"), here.api("admin")
    operations = [{"action": "create", "values": {"name": f"Deal {at}", "stage": "open"}} for at in range(520)]
    assert api.post("/deal/bulk", {"operations": operations}).status_code == 200
    form = {"all": "true", "field": "stage", "set.stage": "won"}
    progress = browser.post("/app/-/bulk/deal/edit?where=stage == 'open'", form).get_data(as_text=True)
    watch = re.search(r'data-watch="([^"]+)"', progress)
    assert watch is not None and "<progress" in progress
    work(here)
    over = browser.get(watch[1].removeprefix(here.prefix)).get_data(as_text=True)
    assert "520 changed" in over and "data-watch" not in over
    assert api.get("/deal", where="stage == 'won'", count="exact").get_json()["count"] == 520
    progress = browser.post("/app/-/bulk/deal/delete", {"all": "true"}).get_data(as_text=True)
    work(here)
    watch = re.search(r'data-watch="([^"]+)"', progress)
    assert watch is not None
    over = browser.get(watch[1].removeprefix(here.prefix)).get_data(as_text=True)
    job = re.search(r'data-job="([^"]+)"', over)
    assert "520 deleted" in over and job is not None
    browser.post("/app/-/bulk/deal/restore", {"job": job[1]})
    work(here)
    assert api.get("/deal", count="exact").get_json()["count"] == 520
    assert here.browser("reader").get(watch[1].removeprefix(here.prefix)).status_code == 404


def test_deleted_together_they_come_back_together(host: Host) -> None:
    here = site(host)
    browser, reader = here.browser("admin"), here.browser("reader")
    ids = deals(here, 3)
    assert reader.post("/app/-/bulk/deal/delete", {"ids": ",".join(ids)}).status_code == 403
    text = browser.post("/app/-/bulk/deal/delete", {"ids": ",".join(ids[:2])}).get_data(as_text=True)
    assert "2 deleted" in text
    undo = re.search(r'data-ids="([^"]+)"', text)
    assert undo is not None and set(undo[1].split(",")) == set(ids[:2])
    assert set(names(page_of(browser, "/app/deal"))) == {"Deal 2"}
    again = browser.post("/app/-/bulk/deal/restore", {"ids": undo[1]}).get_data(as_text=True)
    assert "2 restored" in again
    assert len(set(names(page_of(browser, "/app/deal")))) == 3


# -- export and single rows


def test_an_export_holds_the_rows_and_columns_that_are_shown(host: Host) -> None:
    here = site(host)
    browser = here.browser("admin")
    deals(here)
    sent(browser, "/app/-/columns/deal/look?view=-", {"columns": ["name", "amount"]})
    path = "/app/-/export/deal?where=stage == 'won'&sort=-amount&view=-"
    headers = {"X-Fragment": "1", **browser.headers}
    begun = browser.post(path, {"kind": "csv"}, headers=headers)
    assert begun.status_code == 202, begun.get_data(as_text=True)
    work(here)
    file = browser.get(begun.get_json()["file"].removeprefix(here.prefix)).get_data().decode("utf-8-sig")
    assert [line.split(",")[:2] for line in file.split()] == [["Name", "Amount"], ["Deal", "4"]] or "Deal 4" in file
    lines = file.strip().splitlines()
    assert lines[0].startswith("Name,Amount") and [line[:6] for line in lines[1:]] == ["Deal 4", "Deal 1"]
    assert here.browser("reader").post(path, {"kind": "csv"}).status_code == 403


def test_one_row_is_written_as_in_its_list(here: Site) -> None:
    browser = here.browser("admin")
    id = deals(here, 1)[0]
    row = browser.get(f"/app/-/list/deal/row/{id}?view=-").get_data(as_text=True)
    inner = row.partition("<tr")[2].partition("</tr>")[0]
    assert inner and inner in browser.get("/app/deal").get_data(as_text=True)


# -- the page


def test_a_list_never_grows_beyond_its_page(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    operations = [{"action": "create", "values": {"name": f"Deal {at}"}} for at in range(120)]
    api.post("/deal/bulk", {"operations": operations})
    for arguments in ({}, {"group": "stage"}, {"sort": "name"}):
        text = browser.get("/app/deal", **arguments).get_data(as_text=True)
        assert text.count("<tr data-id") == 50, arguments


def test_a_list_costs_two_statements_however_long_it_is(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for what the person arranged and keeps, one for the rows and how many there are of them."""
    here = site(host)
    browser, api = here.browser("admin"), here.api("admin")
    operations = [{"action": "create", "values": {"name": f"Deal {at}", "stage": "open"}} for at in range(53)]
    api.post("/deal/bulk", {"operations": operations})
    address = saved(browser, "Mine", query="where=stage == 'open'")
    assert sent(browser, "/app/-/columns/deal/look", {"totals": {"amount": "sum"}}).status_code == 200
    # A search asks beforehand how frequent its words are.
    shown = {"/app/deal": 2, address: 2, "/app/deal?where=name != 'Deal 0'&sort=name": 2, "/app/deal?q=Deal": 3}
    for path, most in shown.items():
        page_of(browser, path)  # models and plans are read once
        with counted(monkeypatch) as statements:
            assert re.search("5[23] records", page_of(browser, path).said), path
            assert statements() <= most, path


def test_scripts_in_values_and_names_stay_text(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    nasty = '"><img src=x onerror=alert(1)>'
    company = api.made("company", name=nasty)["id"]
    api.made("deal", name=nasty, company=company, note=nasty, stage="won")
    address = saved(browser, nasty, query=f"where=company == '{company}'")
    for path in ("/app/deal", address, "/app/deal?group=company", "/app/deal?group=stage"):
        text = browser.get(path).get_data(as_text=True)
        assert "<img" not in text and Page(text).wrong == [], path


def test_an_empty_list_says_what_to_do_next(here: Site) -> None:
    assert "No Deal yet" in page_of(here.browser("admin"), "/app/deal").said
    assert "New Deal" not in page_of(here.browser("reader"), "/app/deal").said
    assert "Nothing matches" in page_of(here.browser("admin"), "/app/deal", where="stage == 'won'").said
