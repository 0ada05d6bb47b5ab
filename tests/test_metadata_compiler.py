"""The compiler: what a description means, every problem at once in both languages, and how long it takes."""

# ruff: noqa: E501 (what is printed is compared as it is printed)

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import Layer, read_code, read_text, with_requirements
from metadata.model import Entity, Index, Layout, Role, View
from metadata.problems import MetadataInvalid, Problem
from metadata.rendering import render

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / "configs", ROOT / "tests" / "packages"]

PEOPLE = """
  user: {fields: {name: {type: text}}}
  unit: {fields: {name: {type: text}}}
"""


def compiled(text: str) -> Compiled:
    return compile_layers([read_text(text, "shop.yaml")])


def entity(text: str, name: str = "deal") -> Entity:
    found = compiled(text).model.entity(name)
    assert found is not None
    return found


def problems(text: str) -> list[Problem]:
    with pytest.raises(MetadataInvalid) as caught:
        compiled(text)
    return list(caught.value.problems)


def codes(text: str) -> list[str]:
    return [each.code for each in problems(text)]


# -- what a description means


def test_the_smallest_description_has_all_that_an_entity_needs() -> None:
    deal = entity("entities: {deal: {fields: {amount: {type: money}}}}")
    assert list(deal.fields) == [
        *("id", "amount", "currency"),
        *("created_at", "created_by", "updated_at", "updated_by", "version"),
    ]
    assert deal.title == "id"
    assert deal.label == {"*": "Deal"}
    assert deal.has_currency
    assert deal.fields["amount"].label == {"*": "Amount"}
    assert [each.id for each in deal.fields.values() if not each.system] == ["amount"]


def test_owner_unit_and_number_are_added_when_asked_for() -> None:
    deal = entity(
        f"entities:\n  deal: {{owned: true, number: 'D-{{seq:3}}', fields: {{name: {{type: text}}}}}}{PEOPLE}"
    )
    assert list(deal.fields)[:5] == ["id", "number", "name", "owner", "unit"]
    assert (deal.fields["number"].type, deal.fields["number"].props) == ("sequence", {"format": "D-{seq:3}"})
    assert deal.fields["owner"].label == {"en": "Owner", "zh": "负责人"}
    assert [(each.field, each.targets) for each in deal.relations] == [("owner", ("user",)), ("unit", ("unit",))]


def test_only_the_label_of_a_platform_field_can_be_changed() -> None:
    text = "entities: {deal: {owned: true, fields: {name: {type: text}, owner: {label: Seller}}}}"
    assert entity(text).fields["owner"].label == {"*": "Seller"}
    assert codes("entities: {deal: {owned: true, fields: {owner: {type: user}}}}") == ["field_reserved"]
    assert codes("entities: {deal: {fields: {version: {type: text}}}}") == ["field_reserved"]
    assert codes("entities: {deal: {fields: {name: {type: text}, created_at: {required: true}}}}") == [
        "grammar_unknown_key"
    ]
    assert entity("entities: {deal: {fields: {owner: {type: text}, currency: {type: text}}}}").find("owner")


def test_a_link_is_a_relation_seen_from_both_ends() -> None:
    text = """
entities:
  deal:
    plural: Deals
    fields:
      name: {type: text}
      account: {type: link, to: account, required: true, inverse: {key: deals, label: {en: Their deals}}}
      second: {type: link, to: account}
  account: {fields: {name: {type: text}}}
"""
    result = compiled(text)
    deal, account = result.model.entity("deal"), result.model.entity("account")
    assert deal is not None and account is not None
    first, second = deal.relations
    assert (first.id, first.targets, first.inverse, first.on_delete) == (
        "deal.account",
        ("account",),
        "deals",
        "restrict",
    )
    assert (second.inverse, second.inverse_label, second.on_delete) == ("deal_by_second", {"*": "Deals"}, "clear")
    assert account.inverses == (first, second)
    assert account.inverse("deals") == first
    assert list(result.model.relations()) == [first, second]


def test_links_make_an_entity_between_the_two() -> None:
    text = """
entities:
  deal:
    fields:
      name: {type: text}
      contacts: {type: links, to: contact, inverse: deals, fields: {role: {type: text, max: 20}}}
  contact: {fields: {name: {type: text}}}
"""
    result = compiled(text)
    pair, deal, contact = (result.model.entity(each) for each in ("deal__contacts", "deal", "contact"))
    assert pair is not None and deal is not None and contact is not None
    assert pair.generated and pair.parent == "near"
    assert list(pair.fields)[:4] == ["id", "near", "far", "role"]
    assert pair.fields["near"].to == ("deal",) and pair.fields["far"].to == ("contact",)
    assert Index("pair__unique", ("near", "far"), unique=True) in pair.indexes
    relation = deal.relation("contacts")
    assert relation is not None
    assert (relation.through, relation.near, relation.far) == ("deal__contacts", "near", "far")
    assert deal.fields["contacts"].props["through"] == "deal__contacts"
    assert contact.inverse("deals") == relation
    assert {each.on_delete for each in pair.relations} == {"cascade"}


def test_links_through_an_entity_of_ones_own() -> None:
    text = """
entities:
  book: {fields: {name: {type: text}, authors: {type: links, to: author, through: authorship, inverse: books}}}
  author: {fields: {name: {type: text}}}
  authorship: {fields: {work: {type: link, to: book}, writer: {type: link, to: author}, share: {type: percent}}}
"""
    book = entity(text, "book")
    relation = book.relation("authors")
    assert relation is not None
    assert (relation.through, relation.near, relation.far) == ("authorship", "work", "writer")


def test_a_link_to_itself_through_an_entity_needs_to_say_which_is_which() -> None:
    text = """
entities:
  person: {fields: {name: {type: text}, friends: {type: links, to: person, through: friendship%s}}}
  friendship: {fields: {one: {type: link, to: person}, other: {type: link, to: person}}}
"""
    assert codes(text % "") == ["relation_ambiguous", "relation_ambiguous"]
    relation = entity(text % ", near: one, far: other", "person").relation("friends")
    assert relation is not None and (relation.near, relation.far) == ("one", "other")


def test_children_live_with_their_parent() -> None:
    text = """
entities:
  deal: {fields: {name: {type: text}, total: {type: money}, lines: {type: children, of: line, by: deal}}}
  line: {fields: {deal: {type: link, to: deal}, price: {type: money}}}
"""
    result = compiled(text)
    deal, line = result.model.entity("deal"), result.model.entity("line")
    assert deal is not None and line is not None
    assert line.parent == "deal"
    assert line.fields["deal"].required
    assert line.currency_from == "deal"
    relation = line.relation("deal")
    assert relation is not None
    assert (relation.lives_with_parent, relation.on_delete, relation.inverse) == (True, "cascade", "lines")
    assert deal.fields["lines"].to == ("line",)
    assert deal.fields["lines"].props["by"] == "deal"
    assert codes(text.replace("to: deal}", "to: deal, on_delete: clear}")) == ["relation_child_on_delete"]


def test_rights_must_not_come_round_to_where_they_started() -> None:
    assert codes(
        "entities: {a: {fields: {b: {type: link, to: b, lives_with_parent: true}}},"
        " b: {fields: {a: {type: link, to: a}}, access: {via: a}}}"
    ) == ["relation_parent_cycle"]
    assert "relation_parent_cycle" in codes(
        "entities: {a: {fields: {up: {type: link, to: a}, downs: {type: children, of: a, by: up}}}}"
    )


@pytest.mark.parametrize(
    ("text", "code", "names"),
    [
        (
            "{a: {fields: {b: {type: link, to: b, required: true}}}, b: {fields: {c: {type: link, to: c, required: true}}},"
            " c: {fields: {a: {type: link, to: a, required: true}}}}",
            "relation_required_cycle",
            ("a.b", "b.c", "c.a"),
        ),
        ("{a: {fields: {up: {type: link, to: a, required: true}}}}", "relation_required_cycle", ("a.up",)),
        (
            "{a: {fields: {rows: {type: children, of: b, by: a}, main: {type: link, to: b, required: true}}},"
            " b: {fields: {a: {type: link, to: a}}}}",
            "relation_required_cycle",
            ("a.main", "b.a"),
        ),
        (
            "{a: {fields: {m: {type: money}, b: {type: link, to: b}}, currency: {from: b}},"
            " b: {fields: {m: {type: money}, a: {type: link, to: a}}, currency: {from: a}}}",
            "entity_currency_cycle",
            ("a.b", "b.a"),
        ),
    ],
)
def test_links_that_lead_round_in_a_circle_are_refused(text: str, code: str, names: tuple[str, ...]) -> None:
    found = problems(f"entities: {text}")
    assert [(each.code, each.params["names"]) for each in found] == [(code, names)]


def test_a_circle_of_deletions_is_doubtful_and_trees_are_right() -> None:
    circle = (
        "entities: {a: {fields: {b: {type: link, to: b, on_delete: cascade}}},"
        " b: {fields: {a: {type: link, to: a, on_delete: cascade}}}}"
    )
    assert [each.code for each in compiled(circle).warnings] == ["relation_cascade_cycle"]
    tree = (
        "entities: {a: {fields: {up: {type: link, to: a, on_delete: cascade}, m: {type: money}}, currency: {from: up}},"
        " b: {fields: {a: {type: link, to: a, required: true}}}}"
    )
    assert compiled(tree).warnings == ()


def test_a_chain_of_links_may_be_long() -> None:
    chain = ", ".join(f"e{at}: {{fields: {{n: {{type: link, to: e{at + 1}, required: true}}}}}}" for at in range(1_200))
    assert compiled(f"entities: {{{chain}, e1200: {{fields: {{name: {{type: text}}}}}}}}")


def test_any_link_lists_its_targets() -> None:
    text = """
entities:
  note: {fields: {about: {type: any_link, to: {deal: {}, person: {}}, inverse: notes}}}
  deal: {fields: {name: {type: text}}}
  someone: {id: person, fields: {name: {type: text}}}
"""
    result = compiled(text)
    note = result.model.entity("note")
    assert note is not None
    assert note.fields["about"].to == ("deal", "person")
    assert note.fields["about"].props["names"] == {"person": "someone"}
    for name in ("deal", "person"):
        target = result.model.entity(name)
        assert target is not None and target.inverse("notes") is not None


def test_indexes_come_by_themselves() -> None:
    text = f"""
entities:
  deal:
    owned: true
    sort: {{close: desc}}
    fields:
      name: {{type: text, unique: true}}
      account: {{type: link, to: account}}
      stage: {{type: choice, options: {{new: {{}}, won: {{}}}}}}
      kind: {{type: choice, options: {{a: {{}}}}}}
      state: {{type: choice, options: {{b: {{}}}}}}
      close: {{type: date}}
    unique: {{by_account: {{fields: {{account: {{}}, close: {{}}}}, where: "stage != 'won'"}}}}
    indexes: {{board: {{fields: {{stage: {{}}, close: {{}}}}}}}}
  account: {{fields: {{name: {{type: text}}}}}}{PEOPLE}
views:
  open: {{entity: deal, columns: {{kind: {{}}}}, where: "state == 'b'", filters: {{stage: {{}}}}, sort: {{name: asc, close: asc}}}}
"""
    found = {each.id: each for each in entity(text).indexes}
    assert {name: (each.fields, each.unique) for name, each in found.items()} == {
        "by_account": (("account", "close"), True),
        "board": (("stage", "close"), False),  # which also serves the filter by stage
        "name__unique": (("name",), True),
        "account__link": (("account",), False),
        "owner__link": (("owner", "close"), False),  # in the usual order, for who sees his own only
        "unit__link": (("unit", "close"), False),
        "kind__choice": (("kind", "close"), False),
        "state__choice": (("state", "close"), False),
        "close__sort": (("close", "id"), False),
        "name_close__sort": (("name", "close", "id"), False),
    }
    assert found["by_account"].where == "stage != 'won'"


def test_names_resolve_as_id_first_then_as_todays_name() -> None:
    text = """
entities:
  deal:
    title: revenue_name
    fields:
      revenue_name: {id: name, type: text}
      revenue: {id: amount, type: money, aliases: {turnover: 2027-06-30}}
"""
    deal = entity(text)
    assert deal.title == "name"
    assert deal.find("amount") is deal.find("revenue") is deal.find("turnover")
    assert deal.fields["amount"].aliases == {"turnover": "2027-06-30"}
    assert codes(text.replace("turnover", "name")) == ["name_alias_taken"]


def test_the_title_is_found_when_it_is_not_said() -> None:
    assert entity("entities: {deal: {fields: {code: {type: text}, name: {type: text}}}}").title == "name"
    assert entity("entities: {deal: {fields: {amount: {type: integer}, code: {type: text}}}}").title == "code"
    assert codes("entities: {deal: {title: data, fields: {data: {type: json}}}}") == ["entity_title"]


def test_settings_come_from_the_highest_layer_that_says_them() -> None:
    low = read_text("package: {code: core, kind: core, settings: {currency: USD, timezone: Asia/Tokyo}}", "core.yaml")
    high = read_text("package: {code: t, kind: tenant, settings: {currency: EUR, name: {zh: 公司}}}", "t.yaml")
    assert compile_layers([high, low]).model.settings == {
        "currency": "EUR",
        "timezone": "Asia/Tokyo",
        "languages": ["en", "zh"],
        "name": {"zh": "公司"},
    }


def test_the_model_is_the_same_when_it_is_built_from_its_parts() -> None:
    result = compiled(
        "options: {o: {options: {a: {color: red}}}}\n"
        "entities: {deal: {fields: {name: {type: text}, stage: {type: choice, options: o, default: a}}}}\n"
        "views: {v: {entity: deal, columns: {name: {}}, sort: {name: desc}}}\n"
        "layouts: {l: {entity: deal, highlights: {stage: {}}, tabs: {main: {sections: {s: {fields: {name: {}}}}}}}}\n"
        "roles: {r: {capabilities: {export: true, users: false}, entities: {deal: {read: all, fields: {'*': read}}}}}\n"
    )
    model = result.model
    deal, view, layout, role = model.entity("deal"), model.get("views", "v"), model.get("layouts", "l"), model.role("r")
    assert deal is not None and deal.fields["stage"].options[0].color == "red"
    assert isinstance(view, View) and view.sort == ("-name",)
    assert isinstance(layout, Layout) and layout.tabs[0].sections[0].fields == ("name",)
    assert isinstance(role, Role) and role.capabilities == {"export"}
    assert role.grants["deal"].scopes == {"read": "all"}
    assert result.parts["options"]["o"]["label"] == {"*": "O"}
    assert model.get("options", "o") is not None


def test_the_fingerprint_follows_the_meaning_not_the_layout_of_the_text() -> None:
    one = compiled("entities: {deal: {fields: {name: {type: text}, a: {type: date}}}}")
    same = compiled("# a comment\nentities:\n  deal:\n    fields:\n      name: {type: 'text'}\n      a: {type: date}\n")
    other = compiled("entities: {deal: {fields: {a: {type: date}, name: {type: text}}}}")
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.index["entities"]["deal"]["hash"] == same.index["entities"]["deal"]["hash"]


# -- every problem at once

BAD = """\
package: {code: shop, settings: {curency: CNY}}
entities:
  deal:
    label: {en: Deal, zh: 商机}
    title: nmae
    pipelines: {}
    fields:
      name: {type: text, maks: 3, max: 2000000}
      stage: {type: chioce}
      account: {type: link, to: acount}
      amount: {type: formula, value: "1"}
      total: {type: money, required: "yes"}
  account: {label: {en: Account, zh: 客户}, fields: {name: {type: text}}}
views:
  all: {entity: deal, columns: {nam: {}, account.nme: {}}}
  customers: {entity: account, where: "name == 1 and nam == 'x'"}
roles:
  seller: {entities: {account: {read: own}}}
workflow: {}
"""

ENGLISH = """\
shop.yaml:1:34: grammar_unknown_key: “curency” is not known here. Correct or remove it; known are: name, currency, timezone, languages. Did you mean “currency”?
shop.yaml:5:12: reference_unknown: There is no “nmae” in Deal. Correct the name. Did you mean “name”?
shop.yaml:6:5: grammar_not_yet: “pipelines” is not available in this version. Remove it.
shop.yaml:8:26: grammar_unknown_key: “maks” is not known here. Correct or remove it; known are: type, label, help, required, unique, default, aliases, sensitivity, max, min, encrypted. Did you mean “max”?
shop.yaml:8:40: grammar_range: “2000000” is out of bounds: at most 4000. Choose another value.
shop.yaml:9:21: grammar_choice: “chioce” is not possible here. Use one of: text, long_text, rich_text, integer, decimal, money, percent, rating, boolean, date, datetime, time, duration, choice, multi_choice, tags, color, person_name, email, phone, url, address, region, location, barcode, secret, json, sequence, link, links, children, any_link, user, unit, file, files, image, signature, formula, lookup, rollup. Did you mean “choice”?
shop.yaml:10:33: reference_unknown: There is no “acount” in the entities. Correct the name. Did you mean “account”?
shop.yaml:11:7: grammar_missing: “as” is missing. Add it.
shop.yaml:12:39: grammar_type: This must be true or false. Change it.
shop.yaml:15:33: reference_unknown: There is no “nam” in Deal. Correct the name. Did you mean “name”?
shop.yaml:18:39: role_scope_not_owned: Records of Account have no owner, so “own” means nobody. Write all or none, or make it `owned: true`.
shop.yaml:19:1: grammar_unknown_key: “workflow” is not known here. Correct or remove it; known are: options, calendars, entities, roles, pools, assignments, approvals, workflows, sla, views, layouts, dashboards, workspaces, imports, public_forms, seeds, demo, scenarios. Did you mean “workflows”?
"""

CHINESE = """\
shop.yaml:1:34: grammar_unknown_key: 此处没有“curency”。请更正或删除；可用的有：name, currency, timezone, languages。是否想写“currency”？
shop.yaml:5:12: reference_unknown: 商机中没有“nmae”，请更正名称。是否想写“name”？
shop.yaml:6:5: grammar_not_yet: “pipelines”在此版本中尚不可用，请删除。
"""


def test_every_problem_is_said_at_once_with_place_remedy_and_suggestion() -> None:
    found = [each for each in problems(BAD) if not each.code.startswith("expression_")]
    assert render(found, "en") == ENGLISH.strip()
    assert render(found, "zh").startswith(CHINESE)


def test_problems_of_expressions_point_into_the_text() -> None:
    found = {each.code: str(each.position) for each in problems(BAD) if each.code.startswith("expression_")}
    line = BAD.splitlines()[15]
    assert f"shop.yaml:16:{line.index('nam == ') + 1}" in found.values()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("entities: {deal: {fields: {}}}", "entity_no_fields"),
        ("entities: {deal: 5}", "grammar_type"),
        ("entities: 5", "package_section"),
        ("entities: {events: {fields: {a: {type: text}}}}", "name_reserved_entity"),
        ("entities: {Deal: {fields: {a: {type: text}}}}", "name_malformed"),
        ("entities: {a__b: {fields: {a: {type: text}}}}", "name_malformed"),
        ("entities: {deal: {fields: {a: {type: text}, b: {type: text, id: a}}}}", "merge_same_id"),
        ("entities: {deal: {fields: {a: {label: A}}}}", "grammar_missing"),
        ("entities: {deal: {fields: {a: {type: id}}}}", "grammar_choice"),
        ("entities: {deal: {fields: {a: {type: text, min: 5, max: 2}}}}", "field_min_above_max"),
        ("entities: {deal: {fields: {a: {type: choice}}}}", "field_no_options"),
        ("entities: {deal: {fields: {a: {type: choice, options: x}}}}", "reference_unknown"),
        ("entities: {deal: {fields: {a: {type: integer, default: x}}}}", "value_not_integer"),
        ("entities: {deal: {fields: {a: {type: link}}}}", "relation_no_target"),
        ("entities: {deal: {fields: {a: {type: link, to: deal, inverse: a}}}}", "relation_inverse_taken"),
        ("entities: {deal: {fields: {a: {type: link, to: deal, inverse: A-b}}}}", "relation_inverse_key"),
        (
            "entities: {deal: {fields: {a: {type: link, to: deal, required: true, on_delete: clear}}}}",
            "relation_clear_required",
        ),
        ("entities: {deal: {fields: {a: {type: json, unique: true}}}}", "index_type"),
        ("entities: {deal: {fields: {a: {type: text}}, search: {b: {}}}}", "reference_unknown"),
        ("entities: {deal: {fields: {a: {type: json}}, search: {a: {}}}}", "entity_search"),
        ("entities: {deal: {fields: {a: {type: text}}, currency: {from: a}}}", "entity_no_money"),
        (
            "entities: {deal: {fields: {a: {type: text}, m: {type: money}}, currency: {from: a}}}",
            "entity_currency_from",
        ),
        ("entities: {deal: {fields: {a: {type: text}, m: {type: money}}, rate_date: a}}", "entity_rate_date"),
        ("entities: {deal: {fields: {a: {type: text}}, access: {via: a}}}", "relation_via"),
        ("entities: {deal: {fields: {a: {type: text}}, aliases: {old: soon}}}", "grammar_pattern"),
        ("entities: {deal: {label: {english: Deal}, fields: {a: {type: text}}}}", "grammar_language"),
        ("entities: {deal: {label: '', fields: {a: {type: text}}}}", "grammar_empty"),
        ("package: {settings: {timezone: Mars/Base}}", "package_timezone"),
        ("package: {requires: {core: '>=1'}}", "package_requires"),
        ("layouts: {l: {entity: deal}}", "reference_unknown"),
        ("workspaces: {w: {items: {a: {view: v}}}}", "reference_unknown"),
        (
            "imports: {i: {entity: deal, columns: {}}}\nentities: {deal: {fields: {a: {type: text}}}}\nseeds: {s: {}}",
            "grammar_missing",
        ),
        ("demo: {d: {seed: 1, entities: {deal: {count: 1}}}}", "reference_unknown"),
    ],
)
def test_a_mistake_is_named(text: str, code: str) -> None:
    found = problems(text)
    assert code in [each.code for each in found]
    for each in found:
        assert each.position is not None, each
        assert (
            each.message("en")
            and each.message("zh")
            and "{" not in each.message("zh").replace("{key", "").replace("{{", "")
        )


def test_the_properties_of_a_field_of_unknown_type_are_not_looked_at() -> None:
    assert codes("entities: {deal: {fields: {a: {type: txt, max: '12', default: 5}}}}") == ["grammar_choice"]


def test_a_unique_condition_must_be_decidable_from_the_row_alone() -> None:
    text = 'entities: {a: {fields: {n: {type: text}, b: {type: link, to: b}}, unique: {u: {fields: {n: {}}, where: "%s"}}}, b: {fields: {n: {type: text}}}}'
    assert compiled(text % "n != 'x'")
    assert codes(text % "b.n == 'x'") == ["unique_condition"]


def test_versions_kinds_and_codes_of_packages_must_fit() -> None:
    core = Layer("core", "1.2.0", "core", files={"core.yaml": "package: {code: core, kind: core}"})
    needs = "package: {code: shop, requires: {core: '>=%s'}}"
    shop = Layer("shop", requires=("core",), files={"shop.yaml": needs % "1.2"})
    assert compile_layers([shop, core])
    with pytest.raises(MetadataInvalid) as caught:
        compile_layers([replace(shop, files={"shop.yaml": needs % "1.10"}), core])
    assert [each.code for each in caught.value.problems] == ["package_version"]
    with pytest.raises(MetadataInvalid) as caught:
        compile_layers([core, core])
    assert "package_code_twice" in [each.code for each in caught.value.problems]


def test_a_follow_up_of_a_mistake_is_not_a_second_problem() -> None:
    text = """
entities:
  deal: {title: name, search: {name: {}}, fields: {name: {type: txt}, account: {type: link, to: acount}}}
  account: {fields: {name: {type: text}}}
views: {v: {entity: deal, columns: {name: {}, account.name: {}}, where: "name > 5", sort: {name: asc}}}
roles: {r: {entities: {deal: {fields: {name: read}}}}}
"""
    assert codes(text) == ["grammar_choice", "reference_unknown"]


@pytest.mark.parametrize(
    "code", sorted(each.name for folder in FOLDERS if folder.is_dir() for each in folder.iterdir() if each.is_dir())
)
def test_the_packages_that_come_with_us_are_right(code: str) -> None:
    result = compile_layers(with_requirements([read_code(code, FOLDERS)], FOLDERS))
    assert result.warnings == ()


# -- how long it takes

TYPES = (
    *("text, max: 120, required: true", "integer", "money, min: 0", "percent", "boolean", "date", "datetime"),
    *("choice, options: stage", "link, to: {near}", "link, to: {far}", "tags", "email", "phone", "url"),
    *("long_text", "decimal, scale: 3", "text", "choice, options: {{a: {{}}, b: {{label: B}}}}", "date", "integer"),
)


def big(entities: int) -> Layer:
    files = {"options.yaml": "stage: {options: {new: {}, won: {label: {en: Won, zh: 赢单}}}}"}
    for number in range(entities):
        near, far = f"e{(number + 1) % entities}", f"e{(number * 7) % entities}"
        fields = "\n".join(
            f"  f{at}: {{type: {each.format(near=near, far=far)}, label: {{en: Field {at}, zh: 字段{at}}}}}"
            for at, each in enumerate(TYPES)
        )
        files[f"entities/e{number}.yaml"] = (
            f"label: {{en: Entity {number}, zh: 实体{number}}}\nowned: true\nsearch: {{f0: {{}}}}\nfields:\n{fields}\n"
        )
    return Layer("big", files=files)


def seconds(work: Callable[[], Any]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def test_compiling_scales_and_one_changed_document_costs_little() -> None:
    count = 100
    layer = big(count)
    whole = seconds(lambda: compile_layers([layer]))
    files = dict(layer.files)
    files["entities/e7.yaml"] += "  extra: {type: text}\n"
    changed = replace(layer, files=files)
    one = seconds(lambda: compile_layers([changed]))
    # The bars are 3 s and 0.3 s for 500 entities; processor time, with room for a busy machine.
    assert whole < 3.0 * count / 500 * 2
    assert one < 0.3 * count / 500 * 3
    before, after = compile_layers([layer]).index["entities"], compile_layers([changed]).index["entities"]
    assert [id for id in after if after[id]["hash"] != before[id]["hash"]] == ["e7"]
