"""Rules in a description: what they become, what is refused and where, and that they follow renames and layers."""

from __future__ import annotations

import pytest

from metadata import parts
from metadata.model import Entity, Model, Writer
from metadata.plan import plan_changes
from metadata.problems import LANGUAGES, MetadataInvalid, Problem
from metadata.rules import Reject, Rule
from metadata.sections import SECTIONS
from tests import kit

HEAD = """\
entities:
  account: {title: name, fields: {name: {type: text}, limit: {type: money}}}
  deal:
    title: name
    fields:
      name: {type: text, required: true}
      account: {type: link, to: account, inverse: {key: deals}}
      stage: {type: choice, options: {open: {}, won: {}, lost: {}}}
      amount: {type: money}
      half: {type: formula, as: money, value: "amount / 2"}
      reason: {type: text}
      closes: {type: date}
    rules:
"""
ROLES = "roles: {boss: {}}\n"


def described(*rules: str) -> str:
    return HEAD + "".join(f"      {each}\n" for each in rules) + ROLES


def deal(model: Model) -> Entity:
    found = model.entity("deal")
    assert found is not None
    return found


def rules(*written: str) -> tuple[Rule, ...]:
    return deal(kit.compile_yaml(described(*written))).rules


def refused(*written: str) -> list[Problem]:
    with pytest.raises(MetadataInvalid) as error:
        kit.compile_yaml(described(*written))
    return list(error.value.problems)


def test_a_rule_becomes_what_it_says_with_everything_by_id() -> None:
    (found,) = rules(
        "lost: {label: {en: Lost}, when: \"stage == 'lost'\", on: update, require: {reason: {}},"
        " read_only: {amount: {}}, hide: {closes: {clear: true}},"
        " options: {stage: {lost: {}, open: {}}}, set: {name: \"concat(name, '!')\"},"
        ' reject: {field: amount, warn: true, message: "Is {amount} right?"}}'
    )
    assert found == Rule(
        id="lost",
        key="lost",
        label={"en": "Lost"},
        when="stage == 'lost'",
        on="update",
        reject=Reject({"*": "Is {amount} right?"}, "amount", True),
        set={"name": "concat(name, '!')", "closes": "null"},
        require=("reason",),
        hide={"closes": True},
        read_only=("amount",),
        options={"stage": ("lost", "open")},
    )
    assert parts.build("entities", parts.dump(deal(kit.compile_yaml(described("a: {require: {reason: {}}}"))))).rules


def test_what_rules_set_is_among_the_writers_of_a_save() -> None:
    model = kit.compile_yaml(
        described("a: {when: \"stage == 'won'\", set: {amount: 5, reason: \"half > 1 ? 'x' : 'y'\"}}")
    )
    order = deal(model).writers
    assert order.index(Writer("amount", "a")) < order.index(Writer("half")) < order.index(Writer("reason", "a"))


def test_a_rename_of_fields_and_options_changes_no_rule() -> None:
    text = described("a: {when: \"stage == 'lost' and reason == null\", reject: {message: 'No {reason} for {name}.'}}")
    renamed = (
        text.replace("reason: {type", "why: {id: reason, type")
        .replace("lost: {}}}", "gone: {id: lost}}}")
        .replace("'lost' and reason", "'gone' and why")
        .replace("{reason}", "{why}")
    )
    before, after = kit.compile_yaml(text), kit.compile_yaml(renamed)
    assert deal(before).rules == deal(after).rules
    assert not [each for each in plan_changes(before, after).changes if "rules" in each.path]


def test_layers_extend_and_remove_rules() -> None:
    below = kit.layer("package: {code: core, kind: core}\n" + described(
        "a: {when: \"stage == 'lost'\", require: {reason: {}}}", "b: {when: \"stage == 'won'\", require: {closes: {}}}"
    ))  # fmt: skip
    above = kit.layer(
        "package: {code: mine, kind: tenant}\nentities: {deal: {rules: {a: {require: {closes: {}}}, b: null, "
        'x_c: {when: "amount > 9", require: {closes: {}}}}}}\n'
    )
    found = {each.id: each for each in deal(kit.compile_yaml(below, above)).rules}
    assert set(found) == {"a", "x_c"}
    assert (found["a"].when, set(found["a"].require)) == ("stage == 'lost'", {"reason", "closes"})


REFUSALS = (
    ('a: {when: "stag == 1", require: {reason: {}}}', "expression_unknown_field", "stag == 1"),
    ('a: {when: "amount > 1 and nam == 1", require: {reason: {}}}', "expression_unknown_field", "nam =="),
    ("a: {when: \"stage == 'x'\", require: {reason: {}}}", "expression_unknown_option", "x'"),
    ("a: {require: {nothing: {}}}", "reference_unknown", "nothing"),
    ('a: {set: {amount: "name"}}', "expression_wrong_kind", 'name"'),
    ("a: {set: {half: 1}}", "rule_not_written", "half: 1"),
    ('a: {set: {created_at: "$now"}}', "rule_not_written", "created_at"),
    ("a: {require: {half: {}}}", "rule_not_written", "half: {}"),
    ('a: {when: "amount > 1"}', "rule_does_nothing", "a: {when"),
    ('a: {when: "amount > 1 and false", require: {reason: {}}}', "rule_never", "amount > 1 and"),
    ("a: {when: \"stage == 'won' and stage == 'lost'\", require: {reason: {}}}", "rule_never", "stage == 'won'"),
    ("a: {reject: {message: No}}", "rule_always_rejects", "a: {reject"),
    ('a: {when: "amount > 1", require: {reason: {}}, hide: {reason: {}}}', "rule_requires_hidden", "require:"),
    ('a: {when: "amount > 1", hide: {name: {}}}', "rule_hides_required", "name: {}}}"),
    ('a: {when: "amount > 1", options: {stage: {opn: {}}}}', "reference_unknown", "opn"),
    ('a: {when: "amount > 1", options: {reason: {x: {}}}}', "rule_no_options", "reason: {x"),
    ('a: {when: "amount > 1", reject: {message: "At {amout}"}}', "expression_unknown_field", "amout"),
    ('a: {when: "amount > 1", reject: {message: "At {account}"}}', "text_hole_link", "account}"),
    ('a: {when: "amount > 1", reject: {message: "At {amount"}}', "text_hole_open", '{amount"'),
    ("a: {when: \"has_role('boos')\", require: {reason: {}}}", "expression_unknown_role", "has_role"),
    ('a: {on: create, when: "old.amount > 1", require: {reason: {}}}', "rule_no_before", "old.amount"),
    ('a: {wen: "amount > 1", require: {reason: {}}}', "grammar_unknown_key", "wen"),
    ("a: {set: {amount: 1}}\n      b: {set: {amount: 2}}", "computed_two_writers", None),
)


@pytest.mark.parametrize(("text", "code", "at"), REFUSALS, ids=[f"{code} {at}" for _, code, at in REFUSALS])
def test_a_mistake_is_told_at_its_place_in_both_languages(text: str, code: str, at: str | None) -> None:
    found = [each for each in refused(text) if each.code == code]
    assert len(found) == 1, [(each.code, each.message()) for each in refused(text)]
    place = found[0].position
    assert place is not None
    if at is not None:
        line = described(text).splitlines()[place.line - 1]
        assert line[place.column - 1 :].lstrip("\"'").startswith(at), line[place.column - 1 :]
    assert all(found[0].message(lang) for lang in LANGUAGES)


def test_values_that_follow_from_each_other_are_refused() -> None:
    assert "computed_circle" in {each.code for each in refused('a: {when: "half > 1", set: {amount: 1}}')}


def test_entities_of_the_platform_have_no_rules() -> None:
    text = described("a: {require: {reason: {}}}").replace(
        "title: name\n", "title: name\n    written_by: platform\n", 1
    )
    with pytest.raises(MetadataInvalid) as error:
        kit.compile_yaml(text)
    assert [each.code for each in error.value.problems] == ["rule_of_platform"]


def test_where_used_names_everything_that_a_rule_mentions() -> None:
    model = kit.compile_yaml(
        described(
            'a: {when: "amount > account.limit", reject: {field: amount, message: "{closes}"}, hide: {reason: {}}}'
        )
    )
    part = model.part("entities", "deal")
    found = {
        (".".join(each.path), each.element, each.field)
        for each in SECTIONS["entities"].references("deal", part, model)
        if each.path[0] == "rules"
    }
    assert found == {
        ("rules.a.when", "deal", "amount"),
        ("rules.a.when", "deal", "account"),
        ("rules.a.when", "account", "limit"),
        ("rules.a.reject.message.*", "deal", "closes"),
        ("rules.a.reject.field", "deal", "amount"),
        ("rules.a.hide.reason", "deal", "reason"),
    }


def test_documentation_tells_the_rules_in_both_languages() -> None:
    model = kit.compile_yaml(
        described("a: {label: {en: Asks, zh: 询问}, when: \"stage == 'lost'\", require: {reason: {}}}")
    )
    part = model.part("entities", "deal")
    for lang, words in (("en", ("Asks", "needed: Reason")), ("zh", ("询问", "必填"))):
        text = SECTIONS["entities"].documentation(part, lang, model)
        assert all(each in text for each in (*words, "`stage == 'lost'`"))


def test_a_plan_names_the_rule_that_changes() -> None:
    before = kit.compile_yaml(described('a: {when: "amount > 1", require: {reason: {}}}'))
    after = kit.compile_yaml(described('a: {when: "amount > 2", require: {reason: {}}}'))
    (change,) = plan_changes(before, after).changes
    assert (change.path, change.before, change.after) == (
        "entities.deal.rules.a.when",
        "amount > 1",
        "amount > 2",
    )
