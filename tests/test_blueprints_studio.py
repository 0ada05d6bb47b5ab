"""Trying an expression on a record: on its page and on the command line, with reasons, places and nothing hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metadata.expressions.explaining import lines
from metadata.problems import NotFound
from runtime.host import Host
from runtime.trying import try_on
from runtime.workspace import AsUser, PlatformActor, open_workspace
from tests.doors import Browser, Person, Site, site
from tests.pages import Page
from tests.test_blueprints_commands import Run, run

__all__ = ["run"]
HERE = "/studio/expressions"


@pytest.fixture
def sales(host: Host) -> Site:
    return site(host, "sales")


def page_of(browser: Browser, status: int = 200, **given: str) -> Page:
    answer = browser.post(HERE, given) if given else browser.get(HERE)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == []
    return page


def account(here: Site, **values: object) -> str:
    id: str = here.api("admin").made("account", **{"name": "Acme Ltd", **values})["id"]
    return id


def test_only_people_who_configure_see_the_page(sales: Site) -> None:
    assert sales.browser(person=sales.person("sales_rep")).get(HERE).status_code == 403
    page = page_of(sales.browser("admin"))
    assert "Try an expression" in page.said and any("expression" in form.names for form in page.forms)


def test_the_result_is_shown_with_the_explanation_of_each_part(sales: Site) -> None:
    id, browser = account(sales), sales.browser("admin")
    page = page_of(browser, entity="account", id=id, expression="contains(name, 'acme') and length(name) > 20")
    for said in ("It is not true", "What decided against it", "the length of", "contains “acme”", "Acme Ltd"):
        assert said in page.said, said
    page = page_of(browser, entity="account", id=id, expression="upper(left(name, 4))")
    assert "ACME" in page.said and "It is true" not in page.said
    chinese = browser.post(f"{HERE}?lang=zh", {"entity": "account", "id": id, "expression": "name == null"})
    assert "不成立" in chinese.get_data(as_text=True) and "为空" in chinese.get_data(as_text=True)


def test_what_is_wrong_is_told_at_its_column_with_a_suggestion(sales: Site) -> None:
    id = account(sales)
    page = page_of(sales.browser("admin"), 422, entity="account", id=id, expression="name == 'x' and nmae == <b>'y'")
    assert "Column" in page.said and "<b>" not in page.wrong
    page = page_of(sales.browser("admin"), 422, entity="account", id=id, expression="name == 'x' and nmae == 'y'")
    assert "Column 17" in page.said and "Did you mean name?" in page.said


def test_records_are_found_by_their_title_and_other_addresses_are_understood(sales: Site) -> None:
    account(sales, name="Borealis")
    id, browser = account(sales, name="Zenith"), sales.browser("admin")
    page = page_of(browser, entity="account", q="Zenith", expression="name != null")
    assert "Zenith" in page.said and "Borealis" not in page.said
    answer = browser.get(f"{HERE}?entity=account&id={id}&expression=length(name)")
    assert answer.status_code == 200 and "the length of" in answer.get_data(as_text=True)
    for at in range(9):
        account(sales, name=f"Aurora {at}")
    other = Page(browser.get(f"{HERE}?entity=account&id={id}").get_data(as_text=True))
    assert other.form("expression").values["id"] == [id] and "Zenith" in other.said
    for entity in ("nothing", ""):
        assert browser.post(HERE, {"entity": entity, "expression": "1"}).status_code in (200, 422)
    page_of(browser, 422, entity="account", id="018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70", expression="name != null")


def test_the_explanation_ends_where_the_sight_of_the_person_ends(sales: Site) -> None:
    boss, rep = sales.person("sales_manager"), sales.person("sales_rep")
    hidden, mine = account(sales, owner=boss.id), account(sales, name="Mine", owner=rep.id)
    told = seen_by(sales, rep, mine, "owner.name != null and count(opportunities) == 0")
    assert told[0].startswith("✓") and any("Owner" in each for each in told)
    with pytest.raises(NotFound):
        seen_by(sales, rep, hidden, "name != null")


def seen_by(here: Site, person: Person, id: str, text: str) -> list[str]:
    with open_workspace(here.host, here.tenant, AsUser(person.id)) as ws:
        return lines(try_on(ws, "account", id, text).root)


def test_an_expression_without_a_reader_sees_everything(sales: Site) -> None:
    id = account(sales)
    with open_workspace(sales.host, sales.tenant, PlatformActor()) as ws:
        found = try_on(ws, "account", id, "add_business_days('2026-09-30', 1, 'china') == '2026-10-08'")
        assert found.root.holds and "calendar China" in lines(found.root)[0]


def test_the_command_explains_an_expression(run: Run) -> None:
    assert run("tenant", "create", "acme", "--package", "mini.yaml").returncode == 0
    Path("c.csv").write_text("Name,Size\nAcme,12\n", "utf-8")
    assert run("load", "acme", "company", "c.csv").returncode == 0
    assert run("export", "acme", "company", "out.csv", "--fields", "id").returncode == 0
    id = Path("out.csv").read_text("utf-8-sig").split()[-1]
    told = run("explain", "acme", "company", id, "--expression", "size * 2 > 30 or name == 'Acme'")
    assert told.returncode == 0
    assert told.stdout.splitlines()[:3] == [
        "✓ at least one of these is true: yes",
        "  ✗ Size × 2 is more than 30: no",
        "      Size × 2 = 24",
    ]
    chinese = run("explain", "acme", "company", id, "--expression", "name == 'x'", "--language", "zh")
    assert "否" in chinese.stdout
    made = json.loads(run("explain", "acme", "company", id, "--expression", "size + 1", "--json").stdout)
    assert made["root"]["result"] == {"en": "13", "zh": "13"} and made["failed"] is None
    wrong = run("explain", "acme", "company", id, "--expression", "siez > 1")
    assert wrong.returncode == 1 and "Did you mean size?" in wrong.stderr
