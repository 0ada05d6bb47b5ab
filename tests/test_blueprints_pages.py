"""The generated pages as people use them: every page of every entity, forms, refusals, both languages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from blueprints import visibility
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from runtime.host import Host
from tests import kit
from tests.doors import Browser, Site, site
from tests.outside import HOOKED
from tests.pages import Page
from tests.typecases import FILES

PACKAGES = sorted(each.name for each in kit.PACKAGES.iterdir() if (each / "package.yaml").exists())


@pytest.fixture
def here(host: Host) -> Site:
    return site(host)


def page_of(browser: Browser, path: str, status: int = 200) -> Page:
    answer = browser.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.headers.get("Location"))
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def sent(page: Page, holding: str, /, **changes: Any) -> dict[str, Any]:
    """What the form that holds this control would send after these changes."""
    return {**page.form(holding).values, **changes}


def test_a_record_is_made_and_changed_with_forms(here: Site) -> None:
    browser = here.browser("admin")
    form = page_of(browser, "/app/company/new")
    made = browser.post("/app/company/new", sent(form, "name", name="云帆科技", industry="it", size="12"))
    assert made.status_code == 303, made.get_data(as_text=True)
    path = made.headers["Location"].removeprefix(here.prefix).split("?")[0]
    page = page_of(browser, path)
    assert all(each in page.said for each in ("云帆科技", "12", "IT"))
    edit = page_of(browser, f"{path}/edit")
    assert edit.form("name").values["name"] == ["云帆科技"]
    saved = browser.post(f"{path}/edit", sent(edit, "name", size="13"))
    assert saved.status_code == 303
    assert "13" in page_of(browser, path).said
    assert "云帆科技" in page_of(browser, "/app/company").said


def test_what_is_left_empty_gets_its_default_and_what_is_cleared_does_not(here: Site) -> None:
    who = here.person("seller")
    browser, api = here.browser(person=who), here.api(person=who)
    form = page_of(browser, "/app/deal/new")
    made = browser.post("/app/deal/new", sent(form, "name", name="Mine", stage=""))
    assert made.status_code == 303, Page(made.get_data(as_text=True)).said
    deal = api.get("/deal").get_json()["data"][0]
    assert (deal["owner"], deal["stage"]) == (who.id, None)


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(here: Site) -> None:
    browser = here.browser("admin")
    form = page_of(browser, "/app/company/new")
    browser.headers["Accept-Language"] = "zh-CN"
    refused = browser.post("/app/company/new", sent(form, "name", name="", size="many", industry="it"))
    assert refused.status_code == 422
    page = Page(refused.get_data(as_text=True))
    assert page.wrong == []
    values = page.form("name").values
    assert (values["size"], values["industry"][-1]) == (["many"], "it")
    assert ("many" in page.said and "必填" in page.said) or "填写" in page.said
    assert Page(browser.get("/app/company").get_data(as_text=True)).said.count("many") == 0


def test_a_linked_record_is_chosen_by_its_title(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    acme, other = api.made("company", name="Acme Holding"), api.made("company", name="Acme Trading")
    suggested = browser.get("/app/-/suggest/company", q="acme hold").get_json()["data"]
    assert suggested == [{"id": acme["id"], "title": "Acme Holding"}]
    form = page_of(
        browser,
        "/app/deal/new",
    )
    made = browser.post("/app/deal/new", sent(form, "name", name="D", company="acme trading"))
    path = made.headers["Location"].removeprefix(here.prefix).split("?")[0]
    assert "Acme Trading" in page_of(browser, path).said
    edit = page_of(browser, f"{path}/edit")
    assert edit.form("name").values["company.id"] == [other["id"]]
    several = browser.post(f"{path}/edit", sent(edit, "name", company="Acme"))
    nobody = browser.post(f"{path}/edit", sent(edit, "name", company="Nobody"))
    assert (several.status_code, nobody.status_code) == (422, 422)
    cleared = browser.post(f"{path}/edit", sent(edit, "name", company=""))
    assert cleared.status_code == 303
    assert "Acme" not in page_of(browser, f"{path}/edit").form("name").values["company"][0]


def test_several_records_are_linked_and_unlinked(here: Site) -> None:
    browser = here.browser("admin")
    one, two = here.person(name="Wang Fang"), here.person(name="Li Na")
    form = page_of(browser, "/app/deal/new")
    made = browser.post("/app/deal/new", sent(form, "name", name="D", helpers="Wang Fang"))
    path = made.headers["Location"].removeprefix(here.prefix).split("?")[0]
    assert "Wang Fang" in page_of(browser, path).said
    edit = page_of(browser, f"{path}/edit")
    kept = [each for each in edit.form("name").values["helpers"] if each]
    assert kept == [one.id]
    browser.post(f"{path}/edit", sent(edit, "name", helpers=["", *kept, "Li Na"]))
    assert "Li Na" in page_of(browser, path).said
    edit = page_of(browser, f"{path}/edit")
    browser.post(f"{path}/edit", sent(edit, "name", helpers=["", two.id]))
    assert "Wang Fang" not in page_of(browser, path).said.split("History")[0]


def test_a_conflict_shows_both_values_and_saving_again_wins(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    made = api.made("company", name="Acme", size=1)
    path = f"/app/company/{made['id']}"
    edit = page_of(browser, f"{path}/edit")
    api.patch(f"/company/{made['id']}", {"size": 2})
    refused = browser.post(f"{path}/edit", sent(edit, "name", size="3"))
    assert refused.status_code == 409
    page = Page(refused.get_data(as_text=True))
    assert page.wrong == []
    assert page.form("name").values["size"] == ["3"] and page.form("name").values["choice.size"] == ["mine"]
    assert browser.post(f"{path}/edit", page.form("name").values).status_code == 303
    assert api.get(f"/company/{made['id']}").get_json()["size"] == 3


def test_deleting_asks_first_and_can_be_undone(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    made = api.made("company", name="Acme")
    path = f"/app/company/{made['id']}"
    question = page_of(browser, f"{path}/delete")
    assert api.get(f"/company/{made['id']}").status_code == 200
    assert browser.post(f"{path}/delete", question.form("version").values).status_code == 303
    assert browser.get(path).status_code == 404
    bin = page_of(browser, "/app/company?deleted=true")
    assert "Acme" in bin.said
    assert browser.post(f"{path}/restore").status_code == 303
    assert "Acme" in page_of(browser, path).said


def test_a_record_that_others_need_says_so_when_it_is_deleted(host: Host) -> None:
    here = site(host, kit.MINI.replace("to: company, inverse", "to: company, on_delete: restrict, inverse"))
    browser, api = here.browser("admin"), here.api("admin")
    company = api.made("company", name="Acme")
    api.made("deal", name="D", company=company["id"])
    path = f"/app/company/{company['id']}/delete"
    asked = page_of(browser, path)
    assert "still name it as" in asked.said and "cannot be deleted yet" in asked.said
    assert all("version" not in each.names for each in asked.forms), "nothing is offered that would be refused"
    told = browser.get(f"/app/-/deleting/company?ids={company['id']}").get_json()
    assert len(told["blocked"]) == 1 and "D" in told["blocked"][0]
    refused = browser.post(path, {"version": str(company["version"])})
    assert refused.status_code in (409, 422)
    assert Page(refused.get_data(as_text=True)).wrong == []


def test_lists_are_filtered_sorted_searched_and_paged(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    operations = [
        {"action": "create", "values": {"name": f"Company {n:02}", "size": n, "industry": "it" if n % 2 else "health"}}
        for n in range(60)
    ]
    api.post("/company/bulk", {"operations": operations})
    first = page_of(browser, "/app/company?sort=-size")
    assert "Company 59" in first.said and "Company 05" not in first.said and "60 records" in first.said
    following = next(each for each in first.links if "after=" in each)
    assert "Company 05" in page_of(browser, following.removeprefix(here.prefix)).said
    some = page_of(browser, "/app/company?where=size < 3&f.industry=it")
    assert "Company 01" in some.said and "Company 02" not in some.said
    assert "Company 17" in page_of(browser, "/app/company?q=Company 17").said
    wrong = page_of(browser, "/app/company?where=size <", 422)
    assert wrong.form("where").values["where"] == ["size <"]


def test_pages_speak_both_languages(here: Site) -> None:
    browser = here.browser("admin")
    assert "New Company" in page_of(browser, "/app/company").said
    answer = browser.get("/app/-/language/zh")
    assert answer.status_code == 303
    assert "新建公司" in page_of(browser, "/app/company").said
    missing = browser.get("/app/nothing")
    assert missing.status_code == 404 and "没有" in missing.get_data(as_text=True)


def test_scripts_in_values_stay_text(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    nasty = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    made = api.made("company", name=nasty)
    api.made("deal", name=nasty, company=made["id"], note=nasty)
    for path in ("/app/company", f"/app/company/{made['id']}", f"/app/company/{made['id']}/edit", "/app/deal"):
        text = browser.get(path).get_data(as_text=True)
        assert "<script>alert" not in text and "<img" not in text
        assert Page(text).wrong == []
    page = page_of(browser, f"/app/company?q={nasty}&where={nasty}", 422)
    assert page.form("q").values["q"] == [nasty]


def test_only_what_a_person_may_do_is_offered(here: Site) -> None:
    api = here.api("admin")
    made = api.made("company", name="Acme")
    reader = here.browser("reader")
    page = page_of(reader, f"/app/company/{made['id']}")
    assert not any(each.endswith(("/edit", "/delete")) for each in page.links)
    assert reader.get("/app/company/new").status_code == 403
    assert reader.get(f"/app/company/{made['id']}/edit").status_code == 403
    assert reader.post("/app/company/new", {"name": "X"}).status_code == 403
    nobody = here.browser()
    assert nobody.get("/app/company").status_code == 404
    assert "role" in page_of(nobody, "/").said


def test_a_file_is_imported_after_a_preview(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    page_of(browser, "/app/company/import")
    upload = {
        "file": (io.BytesIO(b"Name,size,what\nAlpha,1,x\nBeta,y,z\n"), "c.csv"),
        "mode": "insert",
        "keep_good": "1",
    }
    answer = browser.post("/app/company/import", {**upload, "preview": "1"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    preview = Page(answer.get_data(as_text=True))
    assert preview.wrong == [] and "Alpha" in preview.said and "not imported" in preview.said
    done = browser.post("/app/company/import", {**preview.form("file_id").values, "run": "1"})
    assert done.status_code == 200
    report = Page(done.get_data(as_text=True))
    assert report.wrong == [] and "y" in report.said
    assert [each["name"] for each in api.get("/company").get_json()["data"]] == ["Alpha"]


def test_the_account_page_makes_a_token_that_works(here: Site) -> None:
    browser = here.browser("admin")
    page_of(browser, "/auth/account")
    answer = browser.post("/auth/account/tokens", {"name": "till", "scope": "read", "days": "30"})
    page = Page(answer.get_data(as_text=True))
    secret = next(each for each in page.said.split() if each.startswith("ml_"))
    client = here.app.test_client()
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get(f"{here.prefix}/api/v1/company", headers=headers).status_code == 200
    assert browser.post("/auth/account/tokens", {"name": "", "scope": "fly", "days": "x"}).status_code == 422


@pytest.mark.parametrize("package", [None, "sales", *PACKAGES])
def test_every_page_of_every_entity_works(sqlite_host: Host, package: str | None) -> None:
    here = site(sqlite_host, *([package] if package else []))
    _walk(here)


def test_every_page_of_sales_works_on_postgresql(postgres_host: Host) -> None:
    _walk(site(postgres_host, "sales"))


def _walk(here: Site) -> None:
    """Make a record of each entity, see all its pages in both languages, save its form as it is."""
    browser, api = here.browser("admin"), here.api("admin")
    with kit.workspace(here.host, here.tenant) as ws:
        entities = [each for each in _in_order(list(visibility.entities(ws))) if each.written_by == "people"]
    made: dict[str, str] = {}
    for entity in entities:
        if entity.generated:  # its records come with those that they join
            continue
        answer = api.post(f"/{entity.key}", _values(entity, made))
        assert answer.status_code == 201, (entity.key, answer.get_data(as_text=True))
        made[entity.id] = answer.get_json()["id"]
    for entity in (each for each in entities if each.generated):
        made[entity.id] = next((each["id"] for each in api.get(f"/{entity.key}").get_json()["data"]), "")
    for entity in (each for each in entities if made[each.id]):
        path = f"/app/{entity.key}/{made[entity.id]}"
        for lang in ("en", "zh"):
            for each in (f"/app/{entity.key}", f"/app/{entity.key}/new", path, f"{path}/edit", f"{path}/delete"):
                page_of(browser, f"{each}?lang={lang}")
        edit = next(form for form in page_of(browser, f"{path}/edit").forms if "version" in form.names)
        before = api.get(f"/{entity.key}/{made[entity.id]}").get_json()
        saved = browser.post(f"{path}/edit", edit.values)
        assert saved.status_code == 303, (entity.key, Page(saved.get_data(as_text=True)).said)
        after = api.get(f"/{entity.key}/{made[entity.id]}").get_json()
        assert after == before, "saving a form as it is changes nothing"


def _in_order(entities: list[Entity]) -> list[Entity]:
    """Those that others need come first."""
    found: list[Entity] = []
    while len(found) < len(entities):
        known = {each.id for each in found}
        ready = [each for each in entities if each.id not in known and _needs(each) <= known | {each.id}]
        assert ready, "entities need each other"
        found += ready
    return found


def _needs(entity: Entity) -> set[str]:
    return {each.to[0] for each in entity.fields.values() if each.required and not each.system and each.to}


def _values(entity: Entity, made: dict[str, str]) -> dict[str, Any]:
    return {field.key: value for field, value in _samples(entity, made) if value is not None}


def _samples(entity: Entity, made: dict[str, str]) -> Iterator[tuple[Field, Any]]:
    for field in entity.fields.values():
        kept = field.type in ("sequence", "children", *FILES) or field.computed is not None
        if (field.system and field.id != "owner") or kept:
            continue
        if field.type in ("link", "user", "unit"):
            yield field, made.get(field.to[0])
        elif field.type == "links":
            yield field, [made[field.to[0]]] if field.to[0] in made else None
        elif field.type == "any_link":
            target = next((each for each in field.to if each in made), None)
            yield field, {"entity": target, "id": made[target]} if target else None
        elif field.type == "money":
            yield field, "12.50"
        elif (entity.id, field.id) in HOOKED:
            yield field, HOOKED[entity.id, field.id]
        elif field.default is None and field.id not in ("owner",):
            yield field, registry.of(field).samples(field)[0]


@pytest.mark.parametrize("text", ['a"b', "a'b", "a\\b", '\\" or 1 == 1 or "', "%", "_", "王", "x" * 300, "\n"])
def test_suggestions_take_any_text(here: Site, text: str) -> None:
    browser = here.browser("admin")
    here.person(name='Strange a"b')
    for entity in ("user", "company"):
        answer = browser.get(f"/app/-/suggest/{entity}", q=text)
        assert answer.status_code == 200, answer.get_data(as_text=True)
    if text == 'a"b':
        found = browser.get("/app/-/suggest/user", q=text).get_json()["data"]
        assert [each["title"] for each in found] == ['Strange a"b']
