"""A field added in YAML is everywhere at once: the application runs on, and the places where it appears are counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime import schema
from runtime.host import Host
from runtime.queries import Query
from runtime.transfer import exporting, importing
from runtime.transfer.options import Options
from runtime.workspace import PlatformActor
from tests import kit
from tests.doors import site
from tests.pages import Page

BEFORE = """
package: {code: growing, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user: {title: name, fields: {name: {type: text}, email: {type: email}, unit: {type: link, to: unit}}}
  unit: {title: name, fields: {name: {type: text}, parent: {type: link, to: unit}}}
  customer:
    label: {en: Customer, zh: 客户}
    title: name
    search: {name: {}}
    fields:
      name: {type: text, required: true, label: {en: Name, zh: 名称}}
views:
  customers: {entity: customer, label: {en: All, zh: 全部}, columns: {name: {}}}
roles:
  admin: {label: Admin, capabilities: {import: true, export: true, configure: true},
          entities: {'*': {read: all, create: all, update: all, delete: all}}}
"""


@dataclass(frozen=True)
class Family:
    """A type of field with a value for it, what people read of it, and words by which quick search finds it."""

    props: str
    value: Any
    read: str
    searched: str | None = None
    exported: bool = True


_PLACE = {"country": "CN", "region": "440305", "street": "高新路 1 号"}
FAMILIES = {
    "text": Family("type: text", "Blue whale", "Blue whale", "whale"),
    "long_text": Family("type: long_text", "Line one\nline two", "Line one", "two"),
    "rich_text": Family("type: rich_text", "<p>Quite <b>bold</b></p>", "Quite <b>bold</b>", "bold"),
    "number": Family("type: decimal, scale: 2", "1234.50", "1,234.50", "1234.50"),
    "money": Family("type: money", {"amount": "99.50", "currency": "CNY"}, "99.50"),
    "rating": Family("type: rating", 3, "★★★☆☆"),
    "date": Family("type: date", "2027-06-30", "2027-06-30"),
    "time": Family("type: time", "14:05:00", "14:05"),
    "duration": Family("type: duration", 5400, "1 h 30 min"),
    "boolean": Family("type: boolean", True, "Yes"),
    "choice": Family("type: choice, options: {one: {label: Chosen, color: teal}}", "one", "Chosen", "Chosen"),
    "several": Family("type: multi_choice, options: {a: {label: Ay}, b: {label: Bee}}", ["b"], "Bee", "Bee"),
    "person_name": Family("type: person_name", {"family": "欧阳", "given": "小明"}, "欧阳小明", "oyxm"),
    "address": Family("type: address", _PLACE, "广东省深圳市南山区高新路 1 号", "高新路"),
    "region": Family("type: region", "530100", "Yunnan / Kunming", "昆明"),
    "location": Family("type: location", {"lat": "22.5431", "lon": "114.0579"}, "22.5431, 114.0579"),
    "color": Family("type: color", "#1e90ff", "#1e90ff"),
    "contact": Family("type: email", "ada@example.com", "ada@example.com", "ada@example.com"),
    "barcode": Family("type: barcode, symbology: ean13", "6901234567892", "6901234567892", "6901234567892"),
    "link": Family("type: link, to: unit, inverse: {key: customers}", "a unit", "Office"),
    "file": Family("type: file", "a file", "File", exported=False),
    "secret": Family("type: secret", "4711", "••••••", exported=False),
}


class Growing:
    """One tenant in one running application, before and after its description has grown."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.folder, self.here = folder, site(host, BEFORE)
        admin = self.here.person("admin")
        self.api, self.browser = self.here.api(person=admin), self.here.browser(person=admin)
        self.old = str(self.api.made("customer", name="Old")["id"])
        before = self.browser.get(f"/app/customer/{self.old}").get_data(as_text=True)
        assert not any(_label(name) in before for name in FAMILIES)
        assert set(FAMILIES).isdisjoint(self.api.get(f"/customer/{self.old}").get_json())
        plan = schema.plan(host, self.here.tenant, kit.layer(_grown()))
        assert plan.id is not None
        schema.apply(host, self.here.tenant, plan.id)
        self.values = {name: self._value(each.value) for name, each in FAMILIES.items()}
        self.id = str(self.api.made("customer", name="New", **self.values)["id"])
        self.pages = {
            name: self.browser.get(path).get_data(as_text=True)
            for name, path in {
                "list": "/app/customer",
                "record": f"/app/customer/{self.id}",
                "chinese": f"/app/customer/{self.id}?lang=zh",
                "new": "/app/customer/new?lang=en",
                "edit": f"/app/customer/{self.id}/edit",
            }.items()
        }

    def _value(self, value: Any) -> Any:
        if value == "a unit":
            return self.api.made("unit", name="Office")["id"]
        if value == "a file":
            form = {"file": (io.BytesIO(b"text"), "a.txt")}
            return self.api.client.post(f"{self.api.prefix}/files", data=form, headers=self.api.headers).get_json()[
                "id"
            ]
        return value

    def exported(self) -> list[list[str]]:
        path = self.folder / "out.csv"
        with kit.workspace(self.here.host, self.here.tenant, write=False) as ws:
            exporting.write(ws, Query("customer", where="name == 'New'"), path, exporting.Sheet("csv"))
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream))

    def imported(self) -> dict[str, Any]:
        """The record as an import makes it anew out of its own export, after one that changed nothing."""
        header, row = self.exported()
        again = Options(mode="update", by=("id",))
        path = self.folder / "out.csv"
        here, who = self.here, PlatformActor()
        assert importing.load(here.host, here.tenant, who, "customer", path, again).totals.unchanged == 1
        cells = [
            "Imported" if name == "name" else "" if name == "id" else cell
            for name, cell in zip(header, row, strict=True)
        ]
        with (self.folder / "in.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([header, cells])
        new = Options(mode="insert", ignore=("id",))
        assert importing.load(here.host, here.tenant, who, "customer", self.folder / "in.csv", new).totals.created == 1
        [found] = self.api.get("/customer", where="name == 'Imported'").get_json()["data"]
        assert self.api.delete(f"/customer/{found['id']}").status_code == 200
        return dict(found)


def _label(name: str, lang: str = "en") -> str:
    return f"The {name} here" if lang == "en" else f"新增 {name} 字段"


def _grown() -> str:
    fields = "".join(
        f"      {name}: {{{each.props}, label: {{en: {_label(name)}, zh: {_label(name, 'zh')}}}}}\n"
        for name, each in FAMILIES.items()
    )
    searched = ", ".join(f"{name}: {{}}" for name, each in FAMILIES.items() if each.searched)
    columns = ", ".join(f"{name}: {{}}" for name in FAMILIES)
    grown = BEFORE.replace("      name: {type: text, required", f"{fields}      name: {{type: text, required")
    grown = grown.replace("search: {name: {}}", f"search: {{name: {{}}, {searched}}}")
    return grown.replace("columns: {name: {}}", f"columns: {{name: {{}}, {columns}}}")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def growing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Growing:
    host = request.getfixturevalue("sqlite_host" if request.param == "sqlite" else "postgres_host")
    return Growing(host, tmp_path_factory.mktemp("growing"))


@pytest.fixture(scope="module")
def imported(growing: Growing) -> dict[str, Any]:
    return growing.imported()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_new_field_is_in_every_place_without_a_restart(growing: Growing, imported: dict[str, Any], name: str) -> None:
    family, pages, api = FAMILIES[name], growing.pages, growing.api
    told = {"set": True} if name == "secret" else growing.values[name]
    plain = family.read.replace("<b>", "").replace("</b>", "")
    schemas = api.get("/openapi.json").get_json()["components"]["schemas"]
    [created] = api.get(f"/customer/{growing.id}/history").get_json()["data"]

    def found(**asked: str) -> bool:
        data = api.get("/customer", fields="name", **asked).get_json()["data"]
        return [each["id"] for each in data] == [growing.id]

    def in_forms() -> bool:
        forms = [Page(pages[each]) for each in ("new", "edit")]
        return all(
            page.wrong == [] and any(each.split(".")[0] == name for each in page.form("name").names) for page in forms
        )

    places: dict[str, Callable[[], bool]] = {
        "interface": lambda: api.get(f"/customer/{growing.id}").get_json()[name] == told,
        "old record": lambda: api.get(f"/customer/{growing.old}").get_json()[name] is None,
        "schema": lambda: all(
            name in schemas[f"customer.{form}"]["properties"] for form in ("read", "create", "update")
        ),
        "list": lambda: _label(name) in pages["list"] and plain in pages["list"],
        "record": lambda: _label(name) in pages["record"] and family.read in pages["record"],
        "record in Chinese": lambda: _label(name, "zh") in pages["chinese"],
        "form": in_forms,
        "history": lambda: created["changes"][name] == {"before": None, "after": told},
        "condition": lambda: found(where=f"{name} != null"),
    }
    if family.searched is not None:
        words = family.searched
        places["search"] = lambda: found(q=words)
    if family.exported:
        places["export"] = lambda: any(each.split(".")[0] == name for each in growing.exported()[0])
        places["import"] = lambda: imported[name] == growing.values[name]
    seen = [place for place, is_there in places.items() if is_there()]
    assert seen == list(places)
    assert len(seen) == 9 + (family.searched is not None) + 2 * family.exported
