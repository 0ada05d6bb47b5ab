"""Plans: what differs between two models by id, how grave it is, and where values lie afterwards."""

from __future__ import annotations

import pytest

from metadata import plan as plans
from metadata import storage
from metadata.model import Model
from metadata.plan import ChangePlan, plan_changes
from tests import kit


def model(text: str) -> Model:
    return kit.compile_yaml(f"package: {{code: test, kind: core}}\n{text}")


def deal(fields: str, more: str = "") -> Model:
    return model(f"entities: {{deal: {{title: name, fields: {{name: {{type: text}}, {fields}}}{more}}}}}")


def planned(before: Model, after: Model) -> ChangePlan:
    return plan_changes(before, after, storage.extend({}, before))


def facts(plan: ChangePlan) -> list[tuple[str, str, str]]:
    return [(each.kind, each.path, each.risk) for each in plan.changes]


def test_equal_models_need_nothing() -> None:
    assert planned(deal("a: {type: text}"), deal("a: {type: text}")).empty


def test_the_first_plan_adds_everything() -> None:
    plan = plan_changes(None, deal("a: {type: text}"))
    assert ("added", "entities.deal", "safe") in facts(plan)
    assert plan.risk == "safe" and plan.refused == ()


def test_a_rename_is_safe_and_moves_nothing() -> None:
    before, after = deal("amount: {type: money}"), deal("revenue: {type: money, id: amount}")
    plan = planned(before, after)
    assert plan.risk == "safe" and plan.refused == ()
    held = storage.extend({}, before)
    assert storage.dump(storage.extend(held, after)) == storage.dump(held)


@pytest.mark.parametrize(
    ("before", "after", "risk"),
    [
        ("a: {type: text}", "a: {type: text}, b: {type: integer}", "safe"),
        ("a: {type: text}", "a: {type: text}, b: {type: text, required: true}", "tightens"),
        ("a: {type: text}", "a: {type: text, required: true}", "tightens"),
        ("a: {type: text, required: true}", "a: {type: text}", "safe"),
        ("a: {type: text, max: 50}", "a: {type: text, max: 20}", "tightens"),
        ("a: {type: text, max: 20}", "a: {type: text, max: 50}", "safe"),
        ("a: {type: integer}", "a: {type: integer, min: 1}", "tightens"),
        ("a: {type: text}", "a: {type: text, unique: true}", "tightens"),
        ("a: {type: text}", "a: {type: email}", "tightens"),
        ("a: {type: text, label: A}", "a: {type: text, label: B}", "safe"),
        ("a: {type: text}", "b: {type: text}", "destroys"),
        ("a: {type: choice, options: {x: {}}}", "a: {type: choice, options: {x: {}, y: {}}}", "safe"),
        ("a: {type: choice, options: {x: {}}}", "a: {type: choice, options: {x: {retired: true}}}", "safe"),
        ("a: {type: text, sensitivity: internal}", "a: {type: text, sensitivity: personal}", "access"),
    ],
)
def test_each_change_has_its_risk_and_can_be_applied(before: str, after: str, risk: str) -> None:
    plan = planned(deal(before), deal(after))
    assert plan.risk == risk, facts(plan)
    assert plan.refused == ()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("a: {type: text}", "a: {type: integer}", "plan.retyped"),
        ("a: {type: decimal, scale: 2}", "a: {type: decimal, scale: 4}", "plan.form_changed"),
        ("a: {type: choice, options: {x: {}, y: {}}}", "a: {type: choice, options: {x: {}}}", "plan.option_removed"),
        ("a: {type: link, to: deal}", "a: {type: link, to: other}", "plan.retargeted"),
    ],
)
def test_what_would_need_values_to_be_converted_is_refused(before: str, after: str, code: str) -> None:
    other = "}, other: {title: name, fields: {name: {type: text}}"
    plan = planned(deal(before, other), deal(after, other))
    assert code in [each.code for each in plan.refused], facts(plan)
    for each in plan.refused:
        assert each.message("en") != each.message("zh")


def test_a_field_that_returns_gets_its_values_back_if_they_are_of_its_type() -> None:
    with_a, without = deal("a: {type: text}"), deal("b: {type: text}")
    held = storage.extend(storage.extend({}, with_a), without)
    assert held["deal"].fields["a"].trashed
    back = storage.extend(held, with_a)
    assert not back["deal"].fields["a"].trashed and back["deal"].fields["a"].columns == ("f_a",)
    assert plan_changes(without, with_a, held).refused == ()
    assert [each.code for each in plan_changes(without, deal("a: {type: date}"), held).refused] == ["plan.retyped"]


def test_a_retyped_field_gets_a_column_of_the_next_generation() -> None:
    held = storage.extend(storage.extend({}, deal("a: {type: text}")), deal("a: {type: money}"))
    assert held["deal"].fields["a"].generation == 2
    assert held["deal"].fields["a"].columns == ("f_a__2", "f_a__2__base")


def test_physical_names_follow_from_ids() -> None:
    text = (
        "a: {type: money}, b: {type: link, to: deal}, c: {type: links, to: deal}, d: {type: any_link, to: {deal: {}}}"
    )
    held = storage.extend({}, deal(text, ", owned: true"))
    fields = held["deal"].fields
    assert held["deal"].table == "e_deal" and held["deal__c"].table == "e_deal__c"
    assert fields["a"].columns == ("f_a", "f_a__base") and fields["b"].columns == ("f_b",)
    assert "c" not in fields and len(fields["d"].columns) == 2
    for name in ("id", "version", "created_at", "owner", "unit", "currency"):
        assert fields[name].columns == (name,)


def test_long_ids_get_names_that_the_database_does_not_cut() -> None:
    one, two = "a" * 40 + "__" + "b" * 40, "a" * 40 + "__" + "b" * 39 + "c"
    assert len(storage.table_name(one)) <= 63
    assert storage.table_name(one) != storage.table_name(two)
    assert len({storage.index_name(storage.table_name(each), "x" * 40, True) for each in (one, two)}) == 2


def test_the_map_survives_being_stored() -> None:
    held = storage.extend({}, deal("a: {type: money}, b: {type: tags}"))
    again = storage.load(storage.dump(held))
    assert dict(again) == dict(held)
    assert storage.dump(again) == storage.dump(held)


def test_a_removed_entity_goes_to_the_trash_and_comes_back() -> None:
    both = deal("a: {type: text}", "}, other: {title: name, fields: {name: {type: text}}")
    held = storage.extend({}, both)
    without = storage.extend(held, deal("a: {type: text}"))
    assert without["other"].trashed and without["other"].fields["name"].columns == ("f_name",)
    back = storage.extend(without, both)
    assert not back["other"].trashed
    assert planned(both, deal("a: {type: text}")).risk == "destroys"


def test_only_changed_entities_are_looked_at() -> None:
    before = deal("a: {type: text}", "}, other: {title: name, fields: {name: {type: text}}")
    after = deal("a: {type: text}, b: {type: text}", "}, other: {title: name, fields: {name: {type: text}}")
    held = storage.load(storage.dump(storage.extend({}, before)))
    assert dict(storage.extend(held, after, ["deal"])) == dict(storage.extend(held, after))


def test_roles_change_access() -> None:
    with_role = "roles: {clerk: {entities: {deal: {read: all}}}}\n"
    entities = "entities: {deal: {title: name, fields: {name: {type: text}}}}\n"
    plan = planned(model(entities), model(entities + with_role))
    assert plan.risk == "access"
    more = planned(model(entities + with_role), model(entities + with_role.replace("read: all", "create: all")))
    assert more.risk == "access" and not more.empty


def test_a_plan_survives_being_stored() -> None:
    plan = planned(deal("a: {type: text}, b: {type: text}"), deal("a: {type: integer}, c: {type: money}"))
    again = plans.load(plans.dump(plan))
    assert facts(again) == facts(plan)
    assert [each.message("zh") for each in again.refused] == [each.message("zh") for each in plan.refused]


def test_what_a_link_does_is_told_as_a_property_of_its_field() -> None:
    before = deal("a: {type: link, to: deal, inverse: as}, b: {type: links, to: deal, inverse: bs}")
    after = deal(
        "a: {type: link, to: deal, on_delete: cascade, on_merge: keep, follows_owner: true,"
        " inverse: {key: all_as, label: All}}, b: {type: links, to: deal, inverse: bs, on_merge: move}"
    )
    assert {
        each.path.partition(".fields.")[2]: (each.before, each.after) for each in planned(before, after).changes
    } == {
        "a.on_delete": ("clear", "cascade"),
        "a.on_merge": ("move", "keep"),
        "a.follows_owner": (False, True),
        "a.inverse": ("as", "all_as"),
        "a.inverse_label": ({"*": "Deal"}, {"*": "All"}),
        "b.on_merge": ("union", "move"),
    }
