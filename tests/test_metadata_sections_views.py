"""Views: what lists, boards and calendars have of their own, what is refused and where, which indexes they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import read_text
from metadata.problems import LANGUAGES, MetadataInvalid, Problem
from metadata.sections import SECTIONS

SHOP = """
package: {code: shop}
entities:
  user: {fields: {name: {type: text}}}
  unit: {fields: {name: {type: text}}}
  deal:
    owned: true
    sort: {name: asc}
    fields:
      name: {type: text}
      stage: {type: choice, options: {new: {}, won: {}}}
      paid: {type: boolean}
      account: {type: link, to: account}
      seller: {type: user}
      people: {type: links, to: account}
      amount: {type: money}
      size: {type: integer}
      tags: {type: tags}
      begins: {type: date}
      ends: {type: date}
      met: {type: datetime}
      note: {type: long_text}
  account: {fields: {name: {type: text}, city: {type: text}}}
views: {v: {entity: deal, %s}}
"""


def compiled(view: str) -> Compiled:
    return compile_layers([read_text(SHOP % view, "shop.yaml")])


def props(view: str) -> dict[str, Any]:
    return dict(compiled(view).model.get("views", "v").props)  # type: ignore[union-attr]


def refused(view: str) -> list[Problem]:
    with pytest.raises(MetadataInvalid) as caught:
        compiled(view)
    return list(caught.value.problems)


def test_a_list_has_no_properties_unless_they_are_said() -> None:
    assert props("columns: {name: {}}") == {}
    assert props("group: stage, totals: {amount: sum, met: max}") == {
        "group": "stage",
        "totals": {"amount": "sum", "met": "max"},
    }


@pytest.mark.parametrize("by", ["stage", "paid", "account", "seller"])
def test_the_columns_of_a_board_are_the_values_of_a_field(by: str) -> None:
    view = f"kind: board, by: {by}, sums: {{amount: {{}}}}, card: {{account.city: {{}}, size: {{}}}}, due: begins"
    found = compiled(view).model.get("views", "v")
    assert found is not None and found.kind == "board"
    assert dict(found.props) == {
        "by": by,
        "sums": ("amount",),
        "card": ("account.city", "size"),
        "due": "begins",
        "done": (),
    }


def test_a_calendar_stands_on_dates_and_takes_its_colour_from_a_choice() -> None:
    assert props("kind: calendar, from: begins, until: ends, color: stage, card: {amount: {}}") == {
        "from": "begins",
        "until": "ends",
        "color": "stage",
        "card": ("amount",),
    }
    assert props("kind: calendar, from: met")["until"] is None


@pytest.mark.parametrize(
    ("view", "code", "path"),
    [
        ("kind: board, by: name", "view_by_type", "views.v.by"),
        ("kind: board, by: people", "view_by_type", "views.v.by"),
        ("kind: board, by: begins", "view_by_type", "views.v.by"),
        ("kind: board", "grammar_missing", "views.v.by"),
        ("kind: board, by: stag", "reference_unknown", "views.v.by"),
        ("kind: board, by: stage, sums: {name: {}}", "view_not_summable", "views.v.sums.name"),
        ("kind: board, by: stage, card: {people: {}}", "reference_no_way", "views.v.card.people"),
        ("kind: board, by: stage, due: stage", "view_date_type", "views.v.due"),
        ("kind: board, by: stage, done: {lost: {}}", "reference_unknown", "views.v.done.lost"),
        ("kind: board, by: stage, columns: {name: {}}", "view_other_kind", "views.v.columns"),
        ("kind: board, by: stage, from: begins", "view_other_kind", "views.v.from"),
        ("kind: calendar", "grammar_missing", "views.v.from"),
        ("kind: calendar, from: name", "view_date_type", "views.v.from"),
        ("kind: calendar, from: begins, until: met", "view_until_type", "views.v.until"),
        ("kind: calendar, from: begins, color: paid", "view_color_type", "views.v.color"),
        ("kind: calendar, from: begins, sort: {name: asc}", "view_other_kind", "views.v.sort"),
        ("by: stage", "view_other_kind", "views.v.by"),
        ("group: note", "view_group_type", "views.v.group"),
        ("totals: {stage: sum}", "view_not_summable", "views.v.totals.stage"),
        ("totals: {begins: sum}", "view_not_summable", "views.v.totals.begins"),
        ("totals: {amount: median}", "grammar_choice", "views.v.totals.amount"),
        ("kind: gantt", "grammar_choice", "views.v.kind"),
    ],
)
def test_what_a_view_cannot_do_is_told_at_its_place(view: str, code: str, path: str) -> None:
    found = refused(view)
    assert [(each.code, each.path) for each in found] == [(code, path)]
    assert found[0].position is not None
    assert all(each.message(lang) for each in found for lang in LANGUAGES)


def test_a_misspelt_option_and_field_are_suggested() -> None:
    assert refused("kind: board, by: stge")[0].suggestion == "stage"
    assert refused("kind: board, by: stage, done: {wonn: {}}")[0].suggestion == "won"


def test_boards_and_calendars_keep_ids_over_a_rename() -> None:
    view = "kind: board, by: stage, sums: {amount: {}}, due: begins"
    text = (SHOP % view).replace("amount: {type: money}", "revenue: {id: amount, type: money}")
    found = compile_layers([read_text(text)]).parts["views"]["v"]
    assert found["props"] == compiled(view).parts["views"]["v"]["props"]


def indexes(view: str) -> set[tuple[str, ...]]:
    entity = compiled(view).model.entity("deal")
    assert entity is not None
    return {each.fields for each in entity.indexes}


def test_a_board_asks_for_an_index_of_its_columns_in_their_order() -> None:
    assert ("stage", "begins", "id") in indexes("kind: board, by: stage, sort: {begins: asc}")
    assert ("account", "id") in indexes("kind: board, by: account")
    # The order is only asked for inside a column.
    assert ("begins", "id") not in indexes("kind: board, by: stage, sort: {begins: asc}")


def test_a_calendar_asks_for_an_index_of_its_dates() -> None:
    found = indexes("kind: calendar, from: begins, until: ends")
    assert {("begins", "id"), ("ends", "id")} <= found


def test_everything_that_a_view_names_is_a_reference() -> None:
    model = compiled("kind: calendar, from: begins, until: ends, color: stage, card: {account.city: {}}")
    found = SECTIONS["views"].references("v", model.parts["views"]["v"], model.model)
    assert {(each.path, each.element, each.field) for each in found} == {
        (("entity",), "deal", None),
        (("from",), "deal", "begins"),
        (("until",), "deal", "ends"),
        (("color",), "deal", "stage"),
        (("card", "account.city"), "deal", "account"),
        (("card", "account.city"), "account", "city"),
    }


def test_the_documentation_says_what_a_view_is() -> None:
    model = compiled("kind: board, by: stage, sums: {amount: {}}")
    part = model.parts["views"]["v"]
    assert "a board" in SECTIONS["views"].documentation(part, "en", model.model)
    assert "看板" in SECTIONS["views"].documentation(part, "zh", model.model)
    assert "`sums`: `amount`" in SECTIONS["views"].documentation(part, "en", model.model)


def test_a_view_may_ask_all_that_a_database_can_answer() -> None:
    view = compiled('columns: {name: {}}, where: "amount * 2 > 5 and add_days(begins, 1) < $today and in_unit(unit)"')
    assert view.model.get("views", "v") is not None


@pytest.mark.parametrize("where", ["is_business_day(begins)", "size > 1 and add_business_days(begins, 2) == ends"])
def test_what_no_database_can_answer_is_refused_where_it_is_written(where: str) -> None:
    problems = refused(f'columns: {{name: {{}}}}, where: "{where}"')
    assert [(each.code, each.path) for each in problems] == [("expression_not_in_sql", "views.v.where")]
    assert all("business_day" in problems[0].message(lang) for lang in LANGUAGES)
    assert problems[0].position is not None


@pytest.mark.parametrize("where", ["size + 1 > 2", "length(name) > 3", "in_unit(unit)", "contains(name, note)"])
def test_the_condition_of_a_unique_only_compares(where: str) -> None:
    text = SHOP.replace(
        "    sort: {name: asc}",
        f'    sort: {{name: asc}}\n    unique: {{one: {{fields: {{name: {{}}}}, where: "{where}"}}}}',
    )
    with pytest.raises(MetadataInvalid) as caught:
        compile_layers([read_text(text % "columns: {name: {}}", "shop.yaml")])
    assert [each.code for each in caught.value.problems] == ["unique_condition"]
