"""Dashboards: tiles with their properties by kind, what is refused and where, workspaces that begin with one."""

from __future__ import annotations

import pytest

from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import read_text
from metadata.model import Dashboard, NextSource, Tile
from metadata.problems import LANGUAGES, MetadataInvalid
from metadata.sections import SECTIONS

SHOP = """
package: {code: shop}
entities:
  user: {fields: {name: {type: text}}}
  unit: {fields: {name: {type: text}}}
  deal:
    label: {en: Deal, zh: 商机}
    owned: true
    fields:
      name: {type: text}
      stage: {type: choice, options: {new: {}, won: {}}}
      account: {type: link, to: account}
      amount: {type: money}
      closes: {type: date}
      note: {type: long_text}
  account: {fields: {name: {type: text}, city: {type: text}}}
views:
  all: {entity: deal, columns: {name: {}}}
  board: {entity: deal, kind: board, by: stage}
roles: {seller: {entities: {deal: {read: own}}}}
"""


def compiled(text: str) -> Compiled:
    return compile_layers([read_text(SHOP + text, "shop.yaml")])


def tile(text: str) -> Tile:
    found = compiled(f"dashboards: {{d: {{tiles: {{t: {{{text}}}}}}}}}").model.get("dashboards", "d")
    assert isinstance(found, Dashboard)
    return found.tiles[0]


def refused(text: str) -> list[tuple[str, str]]:
    with pytest.raises(MetadataInvalid) as caught:
        compiled(text)
    assert all(each.position is not None for each in caught.value.problems)
    assert all(each.message(lang) for each in caught.value.problems for lang in LANGUAGES)
    return [(each.code, each.path) for each in caught.value.problems]


def test_a_figure_has_a_measure_a_condition_and_a_period() -> None:
    found = tile(
        "kind: metric, entity: deal, measure: sum(amount), where: \"stage == 'won'\", "
        "period: {closes: this_month}, compare: previous"
    )
    assert found == Tile(
        id="t",
        label={"*": "T"},
        kind="metric",
        size="small",
        entity="deal",
        where="stage == 'won'",
        period=("closes", "this_month"),
        measure="sum(amount)",
        compare=True,
    )


def test_a_chart_over_dates_goes_by_months_unless_it_says_otherwise() -> None:
    assert tile("kind: chart, entity: deal, group: closes").bucket == "month"
    assert tile("kind: chart, entity: deal, group: closes, bucket: year").bucket == "year"
    found = tile("kind: chart, entity: deal, chart: stacked, group: account.city, split: stage")
    assert (found.group, found.split, found.bucket, found.size) == ("account.city", "stage", None, "medium")


def test_a_list_names_a_view_or_its_own_columns() -> None:
    found = tile("kind: list, view: all, limit: 3")
    assert (found.entity, found.view, found.columns, found.limit) == ("deal", "all", (), 3)
    found = tile("kind: list, entity: deal, columns: {name: {}, account.city: {}}, sort: {closes: desc}")
    assert (found.columns, found.sort) == (("name", "account.city"), ("-closes",))


def test_what_to_do_next_has_several_sources_each_with_its_reason() -> None:
    found = tile(
        "kind: next, sources: {late: {label: {en: Late, zh: 逾期}, entity: deal, date: closes, "
        "where: \"stage == 'new'\", days: 3}}"
    )
    source = NextSource("late", {"en": "Late", "zh": "逾期"}, "deal", "closes", "stage == 'new'", "table", 3)
    assert found.sources == (source,)


def test_a_text_is_said_in_every_language_or_in_one() -> None:
    assert tile("kind: text, text: Hello").text == {"*": "Hello"}
    assert tile("kind: text, text: {en: Hello, zh: 你好}").text == {"en": "Hello", "zh": "你好"}


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("kind: metric", "grammar_missing", "entity"),
        ("kind: metric, entity: deals", "reference_unknown", "entity"),
        ("kind: metric, entity: deal, measure: sum(name)", "view_not_summable", "measure"),
        ("kind: metric, entity: deal, measure: sum(nothing)", "reference_unknown", "measure"),
        ("kind: metric, entity: deal, measure: total(amount)", "grammar_pattern", "measure"),
        ("kind: metric, entity: deal, compare: previous", "tile_no_previous", "compare"),
        ("kind: metric, entity: deal, period: {closes: past}, compare: previous", "tile_no_previous", "compare"),
        ("kind: metric, entity: deal, period: {name: today}", "tile_not_dated", "period.name"),
        ("kind: metric, entity: deal, period: {closes: yesterday}", "grammar_choice", "period.closes"),
        ("kind: metric, entity: deal, where: \"stage == 'lost'\"", "expression_unknown_option", "where"),
        ("kind: metric, entity: deal, group: stage", "tile_other_kind", "group"),
        ("kind: chart, entity: deal", "grammar_missing", "group"),
        ("kind: chart, entity: deal, group: note", "view_group_type", "group"),
        ("kind: chart, entity: deal, group: stage, split: closes", "view_group_type", "split"),
        ("kind: chart, entity: deal, group: stage, bucket: month", "tile_no_bucket", "bucket"),
        ("kind: chart, entity: deal, chart: stacked, group: stage", "tile_needs_split", "chart"),
        ("kind: chart, entity: deal, chart: pie, group: stage, split: account", "tile_no_split", "split"),
        ("kind: chart, entity: deal, chart: radar, group: stage", "grammar_choice", "chart"),
        ("kind: list", "grammar_missing", "entity"),
        ("kind: list, view: none", "reference_unknown", "view"),
        ("kind: list, view: board", "tile_view_kind", "view"),
        ("kind: list, view: all, entity: account", "tile_other_entity", "view"),
        ("kind: list, entity: deal, limit: 50", "grammar_range", "limit"),
        ("kind: list, entity: deal, sort: {note: asc}", "index_type", "sort.note"),
        ("kind: next", "grammar_missing", "sources"),
        ("kind: next, sources: {s: {label: S, entity: deal, date: name}}", "tile_not_dated", "sources.s.date"),
        ("kind: next, sources: {s: {label: S, entity: deal}}", "grammar_missing", "sources.s.date"),
        ("kind: text", "grammar_missing", "text"),
        ("kind: text, text: x, entity: deal", "tile_other_kind", "entity"),
        ("kind: gauge", "grammar_choice", "kind"),
    ],
)
def test_what_a_tile_cannot_do_is_told_at_its_place(text: str, code: str, path: str) -> None:
    found = refused(f"dashboards: {{d: {{tiles: {{t: {{{text}}}}}}}}}")
    assert found == [(code, f"dashboards.d.tiles.t.{path}")]


def test_a_dashboard_needs_tiles_and_known_roles() -> None:
    assert refused("dashboards: {d: {}}") == [("grammar_missing", "dashboards.d.tiles")]
    some = "tiles: {t: {kind: text, text: x}}"
    assert refused(f"dashboards: {{d: {{roles: {{boss: {{}}}}, {some}}}}}")[0][0] == "reference_unknown"


def test_a_workspace_begins_with_a_dashboard_and_has_lines_for_them() -> None:
    some = "dashboards: {d: {label: Day, icon: sun, tiles: {t: {kind: text, text: x}}}}\n"
    menu = compiled(some + "workspaces: {w: {home: d, items: {one: {dashboard: d}}}}").model.get("workspaces", "w")
    assert menu is not None and menu.home == "d"
    assert (menu.items[0].dashboard, menu.items[0].label, menu.items[0].icon) == ("d", {"*": "Day"}, "sun")
    assert refused("workspaces: {w: {home: d}}") == [("reference_unknown", "workspaces.w.home")]
    both = some + "workspaces: {w: {items: {one: {dashboard: d, entity: deal}}}}"
    assert refused(both) == [("workspace_two_ways", "workspaces.w.items.one.dashboard")]


def test_a_renamed_field_is_still_measured() -> None:
    text = "dashboards: {d: {tiles: {t: {kind: metric, entity: deal, measure: sum(revenue)}}}}"
    renamed = (SHOP + text).replace("amount: {type: money}", "revenue: {id: amount, type: money}")
    found = compile_layers([read_text(renamed)])
    assert found.parts["dashboards"]["d"]["tiles"][0]["measure"] == "sum(amount)"
    mentioned = {
        each.field for each in SECTIONS["dashboards"].references("d", found.parts["dashboards"]["d"], found.model)
    }
    assert "amount" in mentioned


def test_a_changed_tile_is_one_plain_fact() -> None:
    text = "dashboards: {d: {tiles: {t: {kind: metric, entity: deal, measure: count}, u: {kind: text, text: x}}}}"
    one = compiled(text).parts["dashboards"]["d"]
    two = compiled(text.replace("measure: count", "measure: max(closes)")).parts["dashboards"]["d"]
    found = SECTIONS["dashboards"].difference("dashboards", "d", one, two)
    assert [(each.kind, each.path, each.after) for each in found] == [
        ("added", ("d", "tiles", "t", "measure"), "max(closes)")
    ]


def test_a_layer_above_changes_or_removes_a_tile() -> None:
    low = SHOP + "dashboards: {d: {tiles: {t: {kind: text, text: x}, u: {kind: metric, entity: deal}}}}"
    high = "package: {code: more, kind: module}\ndashboards: {d: {tiles: {t: null, u: {size: large}}}}"
    found = compile_layers([read_text(low), read_text(high)]).model.get("dashboards", "d")
    assert found is not None and [(each.id, each.size) for each in found.tiles] == [("u", "large")]
