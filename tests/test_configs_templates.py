"""What ships in configs: clean, in both languages, complete as a template has to be, and every page of it works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from metadata.compiler import compile_layers
from metadata.documents.package import read_package
from metadata.model import Entity, Model
from runtime import demo
from runtime.host import Host
from runtime.scenarios import report
from tests import kit
from tests.doors import Browser, Site, site
from tests.pages import Page

PACKAGES = sorted(each.name for each in kit.CONFIGS.iterdir() if (each / "package.yaml").exists())
SMALL = """
package: {code: small, version: 1.0.0, kind: tenant, requires: {manufacturing: '*'}}
demo:
  company:
    entities:
      account: {count: 40}
      contact: {count: 20}
      lead: {count: 5}
      opportunity: {count: 60}
      contract: {count: 6}
      deliverable: {count: 6}
      activity: {count: 20}
      note: {count: 4}
      task: {count: 10}
      sales_agreement: {count: 8}
      agreement_product: {count: 8}
      agreement_period: {count: 32}
      account_forecast: {count: 4}
      technical_spec: {count: 6}
      channel_registration: {count: 4}
      purchase_request: {count: 6}
      stock_movement: {count: 20}
      sample: {count: 8}
      sales_order: {count: 20}
      receivable: {count: 21}
      receipt: {count: 5}
      invoice: {count: 5}
      delivery: {count: 8}
      delivery_line: {count: 8}
      work_order: {count: 6}
      asset: {count: 20}
      ticket: {count: 30}
      warranty_claim: {count: 6}
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_neither_problems_nor_warnings(package: str) -> None:
    result = compile_layers(kit.layers(package))
    assert [f"{each.path} {each.code}" for each in result.warnings] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_descriptions_and_nothing_else(package: str) -> None:
    files = [each for each in (kit.CONFIGS / package).rglob("*") if each.is_file()]
    assert {each.suffix for each in files} == {".yaml"}


@pytest.mark.parametrize("package", PACKAGES)
def test_whatever_is_shown_is_in_both_languages(package: str) -> None:
    layer = read_package(kit.CONFIGS / package)
    assert list(_half_said(layer)) == []


def _half_said(layer: Any) -> Iterator[str]:
    for path in sorted((kit.CONFIGS / layer.code).rglob("*.yaml")):
        text = path.read_text("utf-8")
        for line in text.splitlines():
            if "{en: " in line and "zh: " not in line:
                yield f"{path.name}: {line.strip()[:80]}"


@cache
def model(package: str = "manufacturing") -> Model:
    return kit.compile_yaml(package)


def own(section: str) -> list[Any]:
    """What the template adds to sales."""
    known = {each.id for each in model("sales").all(section)}
    return [each for each in model().all(section) if each.id not in known]


def test_the_template_is_as_large_as_a_template_has_to_be() -> None:
    entities = [each for each in own("entities") if not each.generated]
    assert len(entities) >= 6 and sum(len(each.rules) for each in entities) >= 8
    assert len(own("approvals")) >= 3 and len(own("workflows")) >= 6 and len(own("dashboards")) >= 2
    assert sum(tile.kind == "metric" for board in own("dashboards") for tile in board.tiles) >= 10
    (thread,) = [each for each in own("scenarios") if each.id == "special_valves"]
    assert len(thread.steps) >= 25


def test_every_entity_of_the_template_has_a_list_and_a_page_of_its_own() -> None:
    found = model()
    shown = {each.entity for each in found.all("views")}, {each.entity for each in found.all("layouts")}
    inside = {entity for each in found.all("entities") for entity in _rows_of(each)}
    for each in found.all("entities"):
        if each.generated or each.written_by == "platform" or each.id in inside:
            continue
        if (kit.CONFIGS / "manufacturing" / "entities" / f"{each.key}.yaml").exists():
            assert each.id in shown[0] and each.id in shown[1], each.key


def _rows_of(entity: Entity) -> Iterator[str]:
    yield from (each.to[0] for each in entity.fields.values() if each.type == "children")


PLAYED = ("contract", "special_valves")
"""Those that take little time; `metaloom test manufacturing` plays all of them."""


def test_scenarios_hold_under_the_template_too() -> None:
    results = [result for result, _ in report.played(kit.layers("manufacturing"), PLAYED)]
    assert [each.scenario.id for each in results] == sorted(PLAYED)
    assert [(each.scenario.id, each.problems) for each in results if not each.passed] == []


# -- the pages, over its demo


@dataclass
class Shown:
    here: Site
    model: Model
    first: Mapping[str, str]
    """Entity id -> id of a record that the demo made."""


@pytest.fixture(scope="module")
def shown(sqlite_host: Host) -> Shown:
    here = site(sqlite_host, "manufacturing", SMALL)
    with kit.workspace(sqlite_host, here.tenant) as ws:
        unit = kit.insert(ws, "unit", name="Sales", code="sales")
        kit.insert(ws, "user", name="Ada", unit=unit, active=True)
        found = ws.model
    assert demo.make(sqlite_host, here.tenant) > 400
    api = here.api("admin")
    first = {}
    for each in found.all("entities"):
        rows = api.get(f"/{each.key}", limit="1").get_json().get("data")
        if rows:
            first[each.id] = rows[0]["id"]
    return Shown(here, found, first)


def seen(browser: Browser, path: str) -> Page:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def test_the_demo_makes_a_coherent_plant(shown: Shown) -> None:
    api = shown.here.api("admin")
    for each in api.get("/sales_order", where="status in ['approved', 'closed']", limit="100").get_json()["data"]:
        assert each["total"]["amount"] == each["quoted"]["amount"] and float(each["margin"]) > 0
        assert float(each["received"]["amount"]) <= float(each["total"]["amount"])
    for where, many in (
        ("order_line.order.id == delivery.order.id", 8),
        ("order_line.order.id != delivery.order.id", 0),
    ):
        assert api.get("/delivery_line", where=where, count="exact").get_json()["count"] == many


def test_every_list_and_record_of_the_template_is_shown(shown: Shown) -> None:
    browser = shown.here.browser("admin")
    for view in own("views"):
        entity = shown.model.entity(view.entity)
        assert entity is not None
        seen(browser, f"/app/{entity.key}?view={view.key}&lang=zh")
    for entity in own("entities"):
        if entity.id in shown.first and not entity.generated:
            seen(browser, f"/app/{entity.key}/{shown.first[entity.id]}?lang=en")


def test_every_role_sees_its_menus_and_boards(shown: Shown) -> None:
    for role in shown.model.all("roles"):
        browser = shown.here.browser(role.key)
        for workspace in shown.model.all("workspaces"):
            if not workspace.roles or role.id in workspace.roles:
                answer = browser.get(f"/app/-/workspace/{workspace.key}")
                assert answer.status_code in (302, 303), (role.key, workspace.key)
                seen(browser, answer.headers["Location"].removeprefix(browser.prefix))
        for board in shown.model.all("dashboards"):
            if not board.roles or role.id in board.roles:
                seen(browser, f"/app/-/dashboards/{board.key}?all=1&lang=zh")
