"""Computed fields in a description: their types, their order, and everything that is refused, at its place."""

from __future__ import annotations

import pytest

from metadata.computing import needs_read
from metadata.model import Entity, Hop, Model
from metadata.plan import plan_changes
from metadata.problems import MetadataInvalid, Problem
from tests import kit
from tests.computing import WORLD


def compiled(text: str = WORLD) -> Model:
    return kit.compile_yaml(text)


def entity(model: Model, name: str) -> Entity:
    found = model.entity(name)
    assert found is not None
    return found


def with_field(text: str, entity: str = "deal") -> str:
    """The world with a further field at the beginning of an entity."""
    head, mark, rest = WORLD.partition(f"\n  {entity}:\n")
    before, fields, after = rest.partition("    fields:\n")
    return f"{head}{mark}{before}{fields}      {text}\n{after}"


def refused(text: str, entity: str = "deal") -> list[Problem]:
    with pytest.raises(MetadataInvalid) as found:
        kit.compile_yaml(with_field(text, entity))
    return list(found.value.problems)


def test_a_computed_field_has_the_type_of_its_value() -> None:
    model = compiled()
    deal, account = entity(model, "deal"), entity(model, "account")
    types = {id: each.type for id, each in deal.fields.items() if each.computed is not None}
    assert types == {
        "weighted": "money", "industry": "choice", "title": "text", "total": "money", "big_lines": "integer",
        "average": "decimal", "middle": "decimal", "helper_count": "integer", "days_left": "integer", "late": "boolean",
    }  # fmt: skip
    assert [each.key for each in deal.fields["industry"].options] == ["it", "health"]
    assert deal.fields["average"].props == {"scale": 3}
    assert (deal.fields["total"].props, account.fields["open_amount"].props) == ({}, {"currency": "CNY"})
    assert {id for id, each in deal.fields.items() if each.computed and not each.computed.stored} == {
        "days_left", "late",
    }  # fmt: skip


def test_writers_stand_after_what_they_read_and_changes_lead_to_what_follows() -> None:
    model = compiled()
    account, deal = entity(model, "account"), entity(model, "deal")
    order = [each.field for each in account.writers]
    assert order.index("open_amount") < order.index("rank")
    found = {(each.field, each.entity): (set(each.fields), each.way) for each in deal.triggers}
    assert found["stage", "account"] == ({"open_amount"}, (Hop("deal", "account", back=True),))
    assert found["name", "line"] == ({"deal_name"}, (Hop("line", "deal"),))
    assert not entity(model, "user").writers and not entity(model, "exchange_rate").triggers


def test_what_is_in_a_value_is_all_that_it_is_made_of() -> None:
    model = compiled()
    account = entity(model, "account")
    assert needs_read(account, account.fields["rank"], model) == {
        ("account", "open_amount"), ("deal", "account"), ("deal", "amount"), ("deal", "stage"),
    }  # fmt: skip
    open_ = entity(
        compiled(WORLD.replace("where: \"stage == 'open'\"}", "where: \"stage == 'open'\", disclose: true}")), "account"
    )
    assert not needs_read(open_, open_.fields["open_amount"], model)
    assert needs_read(open_, open_.fields["rank"], model) == {("account", "open_amount")}


@pytest.mark.parametrize(
    ("field", "code", "column"),
    [
        ('x: {type: formula, as: money, value: "amount * chanse"}', "expression_unknown_field", None),
        ('x: {type: formula, as: date, value: "amount * 2"}', "expression_wrong_kind", None),
        ('x: {type: formula, as: text, value: "$user"}', None, None),
        ('x: {type: formula, as: decimal, value: "x + 1"}', "computed_circle", None),
        ('x: {type: formula, as: money, value: "account.open_amount"}', "computed_other_money", None),
        ('x: {type: formula, as: boolean, value: "in_unit(account.unit)"}', "computed_of_person", None),
        ("x: {type: lookup, path: account.colour}", "expression_unknown_field", None),
        ("x: {type: lookup, path: name}", "computed_lookup_here", None),
        ('x: {type: lookup, path: "1 + 1"}', "computed_not_a_name", None),
        ("x: {type: rollup, of: lines}", "computed_one_measure", None),
        ("x: {type: rollup, of: lines, count: true, sum: price}", "computed_one_measure", None),
        ("x: {type: rollup, of: lines, sum: what}", "computed_not_measured", None),
        ("x: {type: rollup, of: rows, count: true}", "expression_not_a_list", None),
        ("x: {type: rollup, of: lines, count: true, where: \"qty > 1\"}", "expression_unknown_field", None),
        ("x: {type: rollup, of: helped_by, max: days_left}", "expression_not_a_list", None),
        ("x: {type: formula, as: money, value: '1', required: true}", None, None),
        ("x: {type: formula, as: text, value: name, scale: 3}", None, None),
        ("x: {type: formula, as: integer, value: version + 1}", "computed_stamped", None),
        ('x: {type: formula, as: datetime, value: "add_hours(updated_at, 1)"}', "computed_stamped", None),
        ("x: {type: lookup, path: account.updated_at}", "computed_stamped", None),
        ("x: {type: rollup, of: lines, max: updated_at}", "computed_stamped", None),
        ("x: {type: formula, as: boolean, value: updated_by == owner}", "computed_stamped", None),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused_at_its_place(field: str, code: str | None, column: int | None) -> None:
    problems = refused(field)
    assert len(problems) == 1 or code is None, [each.message() for each in problems]
    [problem, *_] = problems
    assert problem.path.startswith("entities.deal.fields.x") and problem.position is not None
    assert code is None or problem.code == code, problem.code
    assert column is None or problem.position.column == column
    assert problem.message("zh") != problem.message("en")


def test_numbers_are_refused_where_the_same_save_may_give_them_and_fine_where_they_are_there_already() -> None:
    text = WORLD.replace("      stage: {type: choice", "      number: {type: sequence}\n      stage: {type: choice")

    def told(field: str, entity: str) -> list[tuple[str, str]]:
        head, mark, rest = text.partition(f"\n  {entity}:\n")
        before, _, after = rest.partition("    fields:\n")
        try:
            kit.compile_yaml(f"{head}{mark}{before}    fields:\n      {field}\n{after}")
        except MetadataInvalid as refused:
            return [(each.code, each.path) for each in refused.problems]
        return []

    formula = 'x: {type: formula, as: text, value: "concat(number, name)"}'
    assert told(formula, "deal") == [("computed_stamped", "entities.deal.fields.x.value")]
    # Rows are saved together with what they belong to.
    assert told("x: {type: lookup, path: deal.number}", "line") == [("computed_stamped", "entities.line.fields.x.path")]
    assert told("next: {type: link, to: deal}\n      x: {type: lookup, path: next.number}", "account") == []
    assert told('x: {type: formula, as: integer, value: "days_between(date(updated_at), $today)"}', "deal") == []
    assert told('x: {type: formula, as: text, value: "concat(text(id), text(created_at))"}', "deal") == []


def test_a_rollup_over_what_depends_on_time_is_refused() -> None:
    [problem] = refused("x: {type: rollup, of: deals, min: days_left}", "account")
    assert (problem.code, problem.path) == ("computed_of_time", "entities.account.fields.x.of")


def test_a_circle_through_other_entities_is_told_with_its_path() -> None:
    text = WORLD.replace('value: "quantity * price"', 'value: "quantity * deal.big_lines"').replace(
        'as: money, value: "quantity * deal', 'as: decimal, value: "quantity * deal'
    )
    with pytest.raises(MetadataInvalid) as found:
        kit.compile_yaml(text)
    circles = [each for each in found.value.problems if each.code == "computed_circle"]
    assert circles and "line.subtotal" in circles[0].message() and "deal.big_lines" in circles[0].message()


def test_a_changed_formula_is_a_change_that_rewrites_and_disclosing_one_of_access() -> None:
    after = WORLD.replace("amount * chance / 100", "amount * chance / 50").replace(
        "path: account.industry}", "path: account.industry, disclose: true}"
    )
    changes = {each.path: each.risk for each in plan_changes(compiled(), compiled(after)).changes}
    assert changes == {
        "entities.deal.fields.weighted.computed.value": "rewrites",
        "entities.deal.fields.industry.computed.disclose": "access",
    }


def test_a_rename_changes_no_expression() -> None:
    after = WORLD.replace("      chance: {type: percent", "      odds: {id: chance, type: percent").replace(
        "amount * chance / 100", "amount * odds / 100"
    )
    assert [each.path for each in plan_changes(compiled(), compiled(after)).changes] == [
        "entities.deal.fields.chance.key"
    ] or all("computed" not in each.path for each in plan_changes(compiled(), compiled(after)).changes)


def test_what_depends_on_time_cannot_be_indexed_nor_searched() -> None:
    text = WORLD.replace(
        "  deal:\n    title: name\n    owned: true\n    search: {name: {}}\n",
        "  deal:\n    title: name\n    owned: true\n    search: {days_left: {}}\n    sort: {days_left: asc}\n"
        "    indexes: {late: {fields: {late: {}}}}\n",
    )
    with pytest.raises(MetadataInvalid) as found:
        kit.compile_yaml(text)
    told = {(each.code, str(each.params.get("property"))) for each in found.value.problems}
    assert told == {("computed_type_here", name) for name in ("search", "sort", "indexes")}


def test_a_problem_of_a_formula_stands_at_its_column_in_the_text() -> None:
    [problem] = refused('x: {type: formula, as: money, value: "amount * chanse"}')
    assert problem.position is not None
    line = with_field('x: {type: formula, as: money, value: "amount * chanse"}').splitlines()[problem.position.line - 1]
    assert line[problem.position.column - 1 :].startswith("chanse") and problem.suggestion == "chance"


def test_two_rules_that_always_set_one_field_are_refused() -> None:
    rules = "{one: {set: {name: \"'a'\"}}, two: {set: {name: \"'b'\"}}}"
    rules = rules[:-1] + ", three: {when: closes == null, set: {name: \"'c'\"}}}"
    text = WORLD.replace("  deal:\n    title: name\n", f"  deal:\n    title: name\n    rules: {rules}\n")
    with pytest.raises(MetadataInvalid) as found:
        kit.compile_yaml(text)
    assert [each.code for each in found.value.problems] == ["computed_two_writers"]
