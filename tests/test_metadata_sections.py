"""Every section is complete, so plan, rename, where-used, documentation and editors cover it without knowing it."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from metadata.compiler import Compiled, compile_layers
from metadata.documents.names import SECTION_NAMES
from metadata.documents.package import read_code, read_text, with_requirements
from metadata.fieldtypes.registry import TYPES
from metadata.parts import build
from metadata.problems import KINDS, LANGUAGES, MetadataInvalid
from metadata.schemas import published, write_schemas
from metadata.sections import SECTIONS

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / "configs", ROOT / "tests" / "packages"]

SHOP = """
package: {code: shop}
options: {stage: {label: Stage, options: {new: {label: {en: New, zh: 新建}}, won: {}}}}
calendars:
  office:
    timezone: Asia/Shanghai
    hours: {monday: ["09:00-12:00", "13:00-18:00"], friday: ["22:00-06:00"]}
    holidays: {new_year: {label: New Year, from: "2026-01-01", until: "2026-01-03"}}
    make_up_days: {new_year: {day: "2026-01-04", label: {en: Instead of Friday, zh: 调休}}}
entities:
  user: {fields: {name: {type: text}}}
  unit: {fields: {name: {type: text}}}
  deal:
    label: {en: Deal, zh: 商机}
    plural: {en: Deals, zh: 商机}
    owned: true
    pooled: true
    sort: {close: desc}
    fields:
      name: {type: text, required: true, help: {en: Short and clear., zh: 简短清楚。}}
      account: {type: link, to: account, inverse: {key: deals}}
      stage: {type: choice, options: stage}
      close: {type: date}
      amount: {type: money}
      contacts: {type: links, to: account}
      lines: {type: children, of: line, by: deal}
  line: {fields: {deal: {type: link, to: deal}, qty: {type: integer}}}
  account: {label: {en: Account, zh: 客户}, fields: {name: {type: text}, city: {type: text}}}
roles:
  seller: {label: Seller, entities: {deal: {read: own, fields: {amount: read}}, "*": {read: all}}}
views:
  open:
    entity: deal
    columns: {name: {}, account.city: {}}
    where: "stage == 'new'"
    sort: {close: desc}
    filters: {stage: {}}
  stages:
    entity: deal
    kind: board
    by: stage
    sums: {amount: {}}
    card: {account.city: {}}
    due: close
    done: {won: {}}
  closing: {entity: deal, kind: calendar, from: close, color: stage, card: {amount: {}}}
layouts:
  deal:
    entity: deal
    highlights: {stage: {}}
    tabs: {main: {sections: {all: {fields: {name: {}, lines: {}}}}, related: {lines: {}}}}
dashboards:
  sales:
    roles: {seller: {}}
    tiles:
      total: {kind: metric, entity: deal, measure: sum(amount), where: "stage == 'won'", period: {close: this_month}}
      stages: {kind: chart, entity: deal, group: stage, split: account}
      open: {kind: list, view: open}
      next: {kind: next, sources: {late: {label: Late, entity: deal, date: close, where: "stage == 'new'"}}}
      hint: {kind: text, text: Sell more.}
workspaces:
  sales:
    roles: {seller: {}}
    home: sales
    items: {deals: {view: open}, accounts: {entity: account}, board: {dashboard: sales}, heading: {label: More}}
imports:
  deals:
    entity: deal
    by: {name: {}}
    columns: {Title: {field: name}, Customer: {field: account, by: city}, X: {ignore: true}}
    constants: {stage: new}
pools:
  open:
    entity: deal
    where: "stage == 'new'"
    members: {seller: {}}
    hold: {most: 5, where: "stage != 'won'"}
    remind_before_days: 2
    recycle: {idle: {since: {close: {}}, days: 9, keep: "stage == 'won'"}}
assignments:
  spread:
    entity: deal
    open: "stage == 'new'"
    rules:
      keep: {strategy: sticky, path: created_by}
      near:
        strategy: territory
        territories: {bern: {when: "account.city == 'Bern'", candidates: {all: {role: seller}}}}
      rest: {strategy: least_load, when: "amount > 5", candidates: {all: {role: seller}}, full: 9}
    fallback: {role: seller}
approvals:
  big:
    entity: deal
    entry: "stage == 'new'"
    nodes: {boss: {type: approve, who: {all: {by: role, role: seller}}, empty: admin, fields: {close: write}}}
workflows:
  won:
    entity: deal
    run_as: {role: seller}
    triggers: {moved: {updated: {}, when: "changed('stage') and stage == 'won'"}, soon: {date: {field: close}}}
    steps:
      note: {update: {values: {name: "concat(name, ' ', account.city)"}}}
      lines: {for_each: {entity: line, by: deal, do: {pause: {wait: {span: P1D, calendar: office}}}}}
      tell: {send: {to: {owner: {path: owner}}, subject: "{name} was won"}}
sla:
  quick:
    entity: deal
    when: "stage == 'new'"
    targets:
      answer:
        stop: "account.city == 'Bern'"
        alerts: {late: {at: 100, do: {tell: {send: {to: {owner: {path: owner}}, subject: "{name} is late"}}}}}
    policies: {all: {calendar: office, levels: {all: {within: {answer: P1D}}}}}
public_forms:
  ask: {entity: deal, fields: {name: {}, close: {label: When}}, constants: {stage: new}, owner: a@example.com}
seeds:
  first: {entity: account, by: {name: {}}, records: {acme: {name: Acme, city: Bern}, other: {name: Other}}}
demo:
  small: {seed: 42, entities: {account: {count: 5, fields: {name: {name: company}, city: {pick: {Bern: 2, Rome: 1}}}}}}
scenarios:
  winning:
    given:
      people: {mia: {roles: {seller: {}}}}
      records: {acme: {entity: account, values: {name: Acme, city: Bern}}, d: {entity: deal, values: {account: acme}}}
    steps:
      move: {by: mia, update: {record: d, values: {stage: won}}, expect: {runs: {won: {}}, records: {d: {stage: won}}}}
      later: {wait: {span: P1D, calendar: office}, expect: {holds: {d: "account.city == 'Bern'"}}}
"""


@pytest.fixture(scope="module")
def shop() -> Compiled:
    return compile_layers([read_text(SHOP, "shop.yaml")])


def test_the_registry_and_the_names_agree() -> None:
    assert tuple(SECTIONS) == SECTION_NAMES
    folders = (ROOT / "platform" / "metadata" / "sections").iterdir()
    assert {each.name for each in folders if (each / "section.py").exists()} == set(SECTIONS)
    assert all(name == section.name for name, section in SECTIONS.items())


@pytest.mark.parametrize("name", list(SECTIONS))
def test_a_section_is_complete(name: str, shop: Compiled) -> None:
    section = SECTIONS[name]
    folder = ROOT / "platform" / "metadata" / "sections" / name
    Draft202012Validator.check_schema(json.loads((folder / "grammar.json").read_text("utf-8")))
    assert section.identity("key", {"id": "born"}) == "born"
    assert section.identity("key", {}) == "key"
    assert shop.parts[name], "the example has one of every section"
    for id, part in shop.parts[name].items():
        json.dumps(part)
        build(name, part)
        assert shop.index[name][id]["hash"]
        for reference in section.references(id, part, shop.model):
            assert reference.element in shop.parts[reference.section]
            if reference.field is not None:
                assert reference.field in shop.parts["entities"][reference.element]["fields"]
        for lang in LANGUAGES:
            assert section.documentation(part, lang, shop.model).startswith("## ")
        assert section.difference(name, id, part, part) == ()
        assert [each.kind for each in section.difference(name, id, None, part)] == ["added"]
        assert [each.kind for each in section.difference(name, id, part, None)] == ["removed"]


def where_used(shop: Compiled, entity: str, field: str | None) -> set[str]:
    return {
        ".".join((name, id, *reference.path))
        for name, section in SECTIONS.items()
        for id, part in shop.parts[name].items()
        for reference in section.references(id, part, shop.model)
        if (reference.section, reference.element, reference.field) == ("entities", entity, field)
    }


def test_where_a_field_is_used_is_known_in_every_section(shop: Compiled) -> None:
    assert where_used(shop, "deal", "stage") == {
        "views.open.where",
        "views.open.filters.stage",
        "views.stages.by",
        "views.closing.color",
        "dashboards.sales.tiles.total.where",
        "dashboards.sales.tiles.stages.group",
        "dashboards.sales.tiles.next.sources.late.where",
        "layouts.deal.highlights.stage",
        "imports.deals.by.stage",
        "public_forms.ask.constants.stage",
        "pools.open.where",
        "pools.open.hold.where",
        "pools.open.recycle.idle.keep",
        "assignments.spread.open",
        "workflows.won.triggers.moved.when",
        "approvals.big.entry",
        "sla.quick.when",
        "scenarios.winning.steps.move.update.values.stage",
        "scenarios.winning.steps.move.expect.records.d.stage",
    }
    assert where_used(shop, "account", "city") == {
        "views.open.columns.account.city",
        "views.stages.card.account.city",
        "imports.deals.columns.Customer.by",
        "seeds.first.records.acme.city",
        "workflows.won.steps.note.values.name",
        "assignments.spread.rules.near.territories.bern.when",
        "sla.quick.targets.answer.stop",
        "demo.small.entities.account.fields.city",
        "scenarios.winning.given.records.acme.values.city",
        "scenarios.winning.steps.later.expect.holds.d",
    }
    assert "workspaces.sales.items.accounts.entity" in where_used(shop, "account", None)


def facts(before: str, after: str, section: str, id: str) -> list[tuple[str, str, Any, Any]]:
    one = compile_layers([read_text(before)]).parts[section][id]
    two = compile_layers([read_text(after)]).parts[section][id]
    found = SECTIONS[section].difference(section, id, one, two)
    return [(each.kind, ".".join(each.path), each.before, each.after) for each in found]


def test_a_difference_is_told_by_ids_property_by_property() -> None:
    before = "entities: {deal: {fields: {name: {type: text, max: 50}, amount: {type: money}, old: {type: date}}}}"
    after = before.replace("50", "90").replace("amount: {", "revenue: {id: amount, ").replace("old", "new")
    found = facts(before, after, "entities", "deal")
    assert ("changed", "deal.fields.name.props.max", 50, 90) in found
    assert ("changed", "deal.fields.amount.key", "amount", "revenue") in found
    assert [each[:2] for each in found if each[0] != "changed"] == [
        ("removed", "deal.fields.old"),
        ("added", "deal.fields.new"),
    ]


def test_the_order_of_options_is_a_difference() -> None:
    before = "options: {o: {options: {a: {}, b: {}}}}"
    after = "options: {o: {options: {b: {}, a: {color: red}}}}"
    assert facts(before, after, "options", "o") == [
        ("added", "o.options.a.color", None, "red"),
        ("changed", "o.options.order", ["a", "b"], ["b", "a"]),
    ]


# -- problems


def test_every_kind_of_problem_speaks_both_languages_with_the_same_parameters() -> None:
    assert len(KINDS) > 60
    for code, kind in KINDS.items():
        assert set(LANGUAGES) <= set(kind.texts), code
        holes = [set(re.findall(r"(?<!\{)\{(\w+)\}", kind.texts[lang])) for lang in LANGUAGES]
        assert holes[0] == holes[1], code
        said_by_the_description = kind.texts["zh"] == "{message}"
        assert said_by_the_description or re.search(r"[一-鿿]", kind.texts["zh"]), code


def test_every_declared_kind_is_used() -> None:
    """Of the description language: a kind that nothing reports is a promise that nothing keeps."""
    sources = {path: path.read_text("utf-8") for path in (ROOT / "platform" / "metadata").rglob("*.py")}
    everything = "\n".join(sources.values())
    declared = [
        (path.name, name)
        for path, text in sources.items()
        for name in re.findall(r"^([A-Z_]+) = kind\(", text, re.MULTILINE)
    ]
    assert len(declared) > 40
    assert [each for each in declared if len(re.findall(rf"\b{each[1]}\b", everything)) < 2] == []


# -- schemas for editors


def _documents() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in folder.glob("*/*/*.yaml"))


def test_the_published_schemas_accept_every_package_of_ours() -> None:
    schemas = {name: Draft202012Validator(json.loads(text)) for name, text in published().items()}
    assert _documents()
    for path in _documents():
        data = yaml.safe_load(path.read_text("utf-8"))
        errors = [error.message for error in schemas[f"{path.parent.name}.json"].iter_errors(data)]
        assert errors == [], path
    assert not list(schemas["metaloom.json"].iter_errors(yaml.safe_load(SHOP)))


@pytest.mark.parametrize(
    "data",
    [
        {"fields": {"name": {"type": "txt"}}},
        {"fields": {"name": {"type": "text", "scale": 2}}},
        {"fields": {"name": {"maks": 2}}},
        {"fields": {"name": {"type": "link", "to": {"a": {}}}}},
        {"titel": "name"},
    ],
)
def test_the_published_schemas_refuse_what_the_compiler_refuses(data: Any) -> None:
    assert list(Draft202012Validator(json.loads(published()["entities.json"])).iter_errors(data))


def test_the_published_schemas_take_what_a_layer_may_write() -> None:
    validator = Draft202012Validator(json.loads(published()["entities.json"]))
    overlay = {"id": "deal", "label": {"zh": "商机"}, "fields": {"name": {"max": 5, "help": None}, "note": None}}
    assert not list(validator.iter_errors(overlay))


def test_the_schemas_are_written_with_every_field_type_in_them(tmp_path: Path) -> None:
    written = {path.name for path in write_schemas(tmp_path / "schemas")}
    assert written == {*(f"{name}.json" for name in SECTIONS), "package.json", "metaloom.json"}
    definitions = json.loads((tmp_path / "schemas" / "entities.json").read_text("utf-8"))["$defs"]
    assert {f"field_{name}" for name in TYPES if name != "id"} <= set(definitions)
    assert "precision" not in definitions["field_text"]["properties"]
    assert set(TYPES["decimal"].properties) <= set(definitions["field_decimal"]["properties"])


def test_our_packages_document_themselves() -> None:
    result = compile_layers(with_requirements([read_code("sales", FOLDERS)], FOLDERS))
    for lang in LANGUAGES:
        for name, section in SECTIONS.items():
            for part in result.parts[name].values():
                assert section.documentation(part, lang, result.model)


# -- whatever somebody writes


JUNK: tuple[Any, ...] = (
    *(None, True, 5, 1.5, 10**30, "x", "", "*", "deal", "a.b.c", "name == 1", "today"),
    *([], ["a"], {}, {"a": 1}, {"id": 5}, {"id": "name"}, {"type": "text"}, {"label": 5}, {"before": "zz"}, {"key": 5}),
)
WORDS = ("zz", "name", "id", "type", "label", "x_a", "a__b", "Q", "deal", "before", "options", "to", "fields")


def _places(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in data.items() if isinstance(data, dict) else ():
        yield (*path, key)
        yield from _places(value, (*path, key))


def _spoilt(chance: random.Random) -> Any:
    data = yaml.safe_load(SHOP)
    for _ in range(chance.randint(1, 4)):
        *way, last = chance.choice(list(_places(data)))
        holder = data
        for step in way:
            holder = holder[step]
        match chance.randrange(3):
            case 0:
                holder[last] = copy.deepcopy(chance.choice(JUNK))
            case 1:
                del holder[last]
            case _:
                holder[chance.choice(WORDS)] = copy.deepcopy(chance.choice(JUNK))
    return data


@pytest.mark.parametrize("seed", range(40))
def test_a_spoilt_description_gives_problems_with_places_and_never_breaks_the_compiler(seed: int) -> None:
    chance = random.Random(seed)
    spoilt = [read_text(json.dumps(_spoilt(chance)), "shop.yaml")]
    if chance.random() < 0.5:
        upper = _spoilt(chance) | {"package": {"code": "up", "kind": chance.choice(["module", "tenant"])}}
        spoilt.append(read_text(json.dumps(upper), "up.yaml"))
    try:
        compile_layers(spoilt)
    except MetadataInvalid as error:
        assert error.problems
        for problem in error.problems:
            assert problem.position is not None
            assert problem.message("en") and problem.message("zh")
