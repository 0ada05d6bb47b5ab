"""Workflows in a description: what they become, and that they follow renames and layers."""

from __future__ import annotations

import re

import pytest
import yaml

from metadata import workflows as w
from metadata.compiler import compile_layers
from metadata.documents.package import read_text
from metadata.fieldtypes import registry
from metadata.model import Model
from metadata.plan import plan_changes
from metadata.sections import SECTIONS
from metadata.sections.workflows.steps import KINDS as STEPS
from metadata.sections.workflows.triggers import KINDS as TRIGGERS
from metadata.workflow_texts import any_value, moment, scope_of_workflows
from tests import kit
from tests.flowing import HEAD, big, compiled, described, step

# -- what they become


def test_a_workflow_becomes_what_it_says_with_everything_by_id() -> None:
    made = big(
        "mark: {label: {en: Mark}, update: {values: {stage: \"'proposal'\", amount: 5}}}",
        "made: {created: {}, when: amount > 100}",
        "priority: 10\n    run_as: {role: boss}\n    on_import: true\n    once: true\n    active: false",
    )
    assert made == w.Workflow(
        id="big",
        key="big",
        label={"en": "Big", "zh": "大单"},
        entity="deal",
        triggers=(w.Trigger("made", "created", "amount > 100"),),
        steps=(w.Update("mark", {"en": "Mark"}, values={"stage": w.Value("'proposal'"), "amount": w.Value("5")}),),
        active=False,
        priority=10,
        run_as="boss",
        on_import=True,
        once=True,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("updated: {}, when: \"changed('stage') and old.stage == 'won'\"", {"kind": "updated"}),
        ("deleted: {}", {"kind": "deleted"}),
        ("called: {}", {"kind": "called"}),
        ("date: {field: closes, offset: -P3D, at: '10:30'}", {"field": "closes", "offset": "-P3D", "at": "10:30"}),
        ("date: {field: called_at, offset: PT1H}", {"kind": "date", "field": "called_at", "at": None}),
        ("schedule: {cron: 0 9 * * 1, zone: Asia/Shanghai}", {"cron": "0 9 * * 1", "zone": "Asia/Shanghai"}),
        ("button: {label: Go, roles: {rep: {}, boss: {}}}", {"label": {"*": "Go"}, "roles": ("rep", "boss")}),
        (
            "webhook: {values: {name: customer.name, amount: total}}",
            {"values": {"name": "customer.name", "amount": "total"}},
        ),
    ],
)
def test_triggers(text: str, expected: dict[str, object]) -> None:
    (found,) = big(triggers=f"t: {{{text}}}").triggers
    assert found.id == "t"
    assert {name: getattr(found, name) for name in expected} == expected


def test_if_and_switch_become_a_choice() -> None:
    plain = step("{if: amount > 5, then: {a: {stop: {}}}, else: {b: {delete: {}}}}")
    assert plain == w.Choice(
        "s", {"*": "S"}, (w.Case("then", "amount > 5", (w.Stop("a", {"*": "A"}),)),), (w.Delete("b", {"*": "B"}),)
    )
    found = step(
        "{switch: {cases: {x: {label: {en: Won}, when: stage == 'won', do: {a: {delete: {}}}},"
        " y: {when: half > 2, do: {}}}}}"
    )
    assert isinstance(found, w.Choice)
    assert [(each.id, each.when, each.label) for each in found.cases] == [
        ("x", "stage == 'won'", {"en": "Won"}),
        ("y", "half > 2", {"*": "Y"}),
    ]
    assert found.otherwise == ()


def test_blocks_of_other_records_are_about_those() -> None:
    made = big(
        "lines: {for_each: {entity: line, by: deal, where: qty > 1, sort: {qty: desc, name: asc}, limit: 20,"
        " do: {a: {update: {values: {name: \"concat(deal.name, '!')\", deal: {record: start}}}}}}},"
        " acc: {find: {entity: account, where: name == 'Acme', found: {b: {update: {values: {limit: 1}}}},"
        " none: {c: {update: {values: {note: \"'none'\"}}}}}}"
    )
    lines, acc = made.steps
    assert isinstance(lines, w.Each) and isinstance(acc, w.Find)
    assert (lines.entity, lines.by, lines.where, lines.sort, lines.limit) == (
        "line",
        "deal",
        "qty > 1",
        ("-qty", "name"),
        20,
    )
    assert [(each.id, about) for each, about in made.placed()] == [
        ("lines", "deal"),
        ("a", "line"),
        ("acc", "deal"),
        ("b", "account"),
        ("c", "deal"),
    ]
    (inner,) = lines.steps
    assert isinstance(inner, w.Update) and inner.values["deal"] == w.Value(record="start")


def test_the_steps_with_a_linked_record_are_about_that() -> None:
    made = big("a: {with: {path: account.owner, do: {b: {wait: {until: created_at}}}, none: {c: {stop: {}}}}}")
    (found,) = made.steps
    assert isinstance(found, w.With)
    assert (found.path, found.entity, [each.id for each in found.none]) == ("account.owner", "user", ["c"])
    assert [(each.id, about) for each, about in made.placed()] == [("a", "deal"), ("b", "user"), ("c", "deal")]


def test_messages_are_waited_for_and_start_runs() -> None:
    found = step("{wait: {message: paid, at: invoice.no, match: number, timeout: P7D, late: {z: {stop: {}}}}}")
    assert isinstance(found, w.Wait) and found.timeout == "P7D" and found.late
    assert found.message == w.Message("paid", "invoice.no", match="number")
    (trigger,) = big(
        triggers="t: {message: {name: paid, at: invoice.no, field: number}, when: stage == 'won'}"
    ).triggers
    assert (trigger.kind, trigger.when) == ("message", "stage == 'won'")
    assert trigger.message == w.Message("paid", "invoice.no", field="number")


def test_records_that_the_run_makes_may_be_named_later() -> None:
    made = big(
        "acc: {id: acct, create: {entity: account, values: {name: name}}},"
        " link: {update: {values: {account: {record: acc}}}},"
        " again: {if: amount > 1, then: {same: {update: {values: {account: {record: acct}}}}}},"
        " todo: {create: {entity: task,"
        " values: {title: \"'Call'\", related: {record: record}, assignee: account.owner}}}"
    )
    assert [each.values["account"].record for each in made.every() if isinstance(each, w.Update)] == ["acct", "acct"]
    todo = made.steps[-1]
    assert isinstance(todo, w.Create)
    assert todo.values["related"] == w.Value(record="record") and todo.values["assignee"] == w.Value("account.owner")


def test_steps_that_wait() -> None:
    assert step("{wait: {span: P2D, calendar: office}}") == w.Wait("s", {"*": "S"}, span="P2D", calendar="office")
    assert step("{wait: {until: closes}}") == w.Wait("s", {"*": "S"}, until="closes")
    found = step(
        "{wait: {event: updated, when: \"changed('stage')\", timeout: PT4H, calendar: office, late: {x: {stop: {}}}}}"
    )
    assert found == w.Wait(
        "s",
        {"*": "S"},
        calendar="office",
        event="updated",
        when="changed('stage')",
        timeout="PT4H",
        late=(w.Stop("x", {"*": "X"}),),
    )
    task = step(
        "{task: {title: {en: 'Call {account.name}', zh: '联系 {name}'}, due: P1D, timeout: P3D,"
        " to: {a: {path: owner}, b: {manager_of: account.owner}, c: {role: rep}, d: {initiator: true}},"
        " done: {x: {delete: {}}}, dropped: {}, late: {y: {stop: {failed: true}}}}}"
    )
    assert isinstance(task, w.HumanTask)
    assert task.title == {"en": "Call {account.name}", "zh": "联系 {name}"}
    assert task.to == (
        w.Person(expression="owner"),
        w.Person(manager_of="account.owner"),
        w.Person(role="rep"),
        w.Person(initiator=True),
    )


def test_steps_that_reach_outside() -> None:
    assert step("{send: {to: {o: {path: owner}}, subject: 'Won {name}'}}") == w.Send(
        "s", {"*": "S"}, (w.Person(expression="owner"),), by=("app",), subject={"*": "Won {name}"}
    )
    mail = step("{send: {address: note, by: {mail: {}, app: {}}, subject: S, body: 'B {{x}}'}}")
    assert isinstance(mail, w.Send) and (mail.address, mail.by, mail.body) == (
        "note",
        ("mail", "app"),
        {"*": "B {{x}}"},
    )
    call = step(
        "{call: {url: 'https://erp.example.com/x', method: PUT, secret: erp,"
        " body: {name: name, n: 5, on: true, big: amount > 5, stage: stage, day: closes,"
        " sum: amount * 2, id: {record: record}}}}"
    )
    assert isinstance(call, w.CallHttp)
    assert call.body == {
        "name": w.Value("name"),
        "n": w.Value("5"),
        "on": w.Value("true"),
        "big": w.Value("amount > 5"),
        "stage": w.Value("stage"),
        "day": w.Value("closes"),
        "sum": w.Value("amount * 2"),
        "id": w.Value(record="record"),
    }


def test_every_kind_in_the_grammar_is_read_and_no_other() -> None:
    schema = SECTIONS["workflows"].grammar.schema
    common = {"id", "before", "after", "label", "then", "else"}
    assert set(schema["$defs"]["workflow_step"]["properties"]) - common == set(STEPS)
    trigger = schema["properties"]["triggers"]["additionalProperties"]["properties"]
    assert set(trigger) - {"id", "before", "after", "when"} == set(TRIGGERS)


def test_the_guide_tells_every_kind_and_its_example_is_right() -> None:
    guide = (kit.ROOT / "docs" / "workflows.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(\w+):", guide, re.MULTILINE))
    assert told == {*TRIGGERS, *STEPS}
    example = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)[0]
    parsed = yaml.safe_load(example)
    sales = (
        HEAD.replace("  deal:", "  opportunity:")
        .replace("rep:", "sales_manager:")
        .replace("to: deal", "to: opportunity")
    )
    sales = sales.replace("deal: {type: link", "opportunity: {type: link").replace("by: deal", "by: opportunity")
    sales = sales.replace("to: {deal", "to: {opportunity")
    text = sales + yaml.safe_dump({"workflows": {"guide": parsed}}, allow_unicode=True)
    made = compile_layers([read_text(text, "sales.yaml")]).model.get("workflows", "guide")
    assert isinstance(made, w.Workflow) and made.run_as == "sales_manager"


# -- renames and layers


def test_a_rename_of_a_field_changes_no_workflow() -> None:
    steps = (
        "a: {if: amount > 5, then: {b: {update: {values: {note: \"concat(name, '{}')\"}}}}},"
        " c: {send: {to: {o: {path: account.owner}}, subject: '{amount}'}}"
    )
    before = compiled(steps.replace("'{}'", "'x'"))
    text = described(steps.replace("'{}'", "'x'")).replace(
        "amount:", "value: {id: amount, type: money}\n      old_amount:", 1
    )
    renamed = text.replace("amount > 5", "value > 5").replace("{amount}", "{value}").replace("amount / 2", "value / 2")
    after = compile_layers([read_text(renamed, "sales.yaml")])
    assert after.parts["workflows"] == before.parts["workflows"]
    assert {each.section for each in plan_changes(before.model, after.model).changes if hasattr(each, "section")} <= {
        "entities"
    }


def test_a_layer_may_add_replace_and_remove_steps() -> None:
    upper = """
package: {code: shop, kind: tenant, requires: {sales: "*"}}
workflows:
  big:
    priority: 5
    triggers: {made: null, x_push: {button: {label: Go}}}
    steps:
      x_first: {before: check, assign: {to: {x: {role: boss}}}}
      check: {then: {mark: {update: {values: {note: "'b'"}}}}}
      tell: {send: {subject: {zh: 你好}}}
      gone: null
"""
    lower = described(
        "check: {if: amount > 5, then: {mark: {update: {values: {note: \"'a'\", amount: 1}}}}},"
        " gone: {delete: {}}, tell: {send: {to: {o: {path: owner}}, subject: {en: Hello}}}"
    )
    model = compile_layers([read_text(lower, "sales.yaml"), read_text(upper, "shop.yaml")]).model
    made = model.get("workflows", "big")
    assert isinstance(made, w.Workflow)
    assert made.priority == 5 and [each.id for each in made.triggers] == ["x_push"]
    assert [each.id for each in made.every()] == ["x_first", "check", "mark", "tell"]
    mark, tell = list(made.every())[2:]
    assert isinstance(mark, w.Update) and isinstance(tell, w.Send)
    assert mark.values == {"note": w.Value("'b'"), "amount": w.Value("1")}
    assert tell.subject == {"en": "Hello", "zh": "你好"}


def test_a_plain_text_and_one_by_language_are_merged() -> None:
    upper = "package: {code: up, requires: {sales: '*'}}\nworkflows: {big: {steps: {t: {send: {subject: {zh: 你好}}}}}}"
    lower = described("t: {send: {to: {o: {path: owner}}, subject: Hello}}")
    model = compile_layers([read_text(lower, "sales.yaml"), read_text(upper, "up.yaml")]).model
    made = model.get("workflows", "big")
    assert made is not None and made.steps[0].subject == {"*": "Hello", "zh": "你好"}


def test_the_difference_names_the_step() -> None:
    one = compiled("a: {if: amount > 5, then: {b: {update: {values: {note: \"'x'\"}}}}}").parts["workflows"]["big"]
    two = compiled("a: {if: amount > 5, then: {b: {update: {values: {note: \"'y'\"}}}}}").parts["workflows"]["big"]
    (found,) = SECTIONS["workflows"].difference("workflows", "big", one, two)
    assert found.path == ("big", "steps", "a", "cases", "then", "steps", "b", "values", "note", "expression")
    assert (found.before, found.after) == ("'x'", "'y'")


def test_a_plan_tells_whose_rights_change() -> None:
    plain, bossy = compiled("a: {delete: {}}").model, compiled("a: {delete: {}}", more="run_as: {role: boss}").model
    other = compiled("a: {stop: {}}").model

    def risks(before: Model | None, after: Model) -> list[tuple[str, str]]:
        changes = plan_changes(before, after).changes
        return [(each.path, each.risk) for each in changes if each.path.startswith("workflows.")]

    assert risks(plain, bossy) == [("workflows.big.run_as", "access")]
    assert risks(bossy, plain) == [("workflows.big.run_as", "access")]
    assert risks(None, bossy) == [("workflows.big", "access")]
    assert risks(None, plain) == [("workflows.big", "safe")]
    assert {risk for _, risk in risks(plain, other)} == {"safe"}


# -- where things are used


def test_everything_that_a_workflow_mentions_is_known() -> None:
    found = compiled(
        "a: {if: amount > 5, then: {b: {update: {values: {note: account.name}}}}},"
        " l: {for_each: {entity: line, by: deal, sort: {qty: asc}, do: {c: {wait: {span: P1D, calendar: office}}}}},"
        " t: {send: {to: {o: {path: account.owner}, r: {role: rep}}, subject: {en: 'x {closes}'}}},"
        " h: {call: {url: 'https://x.example', body: {n: called_at}}}",
        "d: {date: {field: closes}, when: stage == 'won'}, p: {button: {label: Go, roles: {boss: {}}}}",
    )
    part = found.parts["workflows"]["big"]
    told = {
        (".".join(each.path), each.section, each.element, each.field)
        for each in SECTIONS["workflows"].references("big", part, found.model)
    }
    assert told == {
        ("entity", "entities", "deal", None),
        ("triggers.d.field", "entities", "deal", "closes"),
        ("triggers.d.when", "entities", "deal", "stage"),
        ("triggers.p.roles.boss", "roles", "boss", None),
        ("steps.a.then.when", "entities", "deal", "amount"),
        ("steps.b.values.note", "entities", "deal", "note"),
        ("steps.b.values.note", "entities", "deal", "account"),
        ("steps.b.values.note", "entities", "account", "name"),
        ("steps.l.entity", "entities", "line", None),
        ("steps.l.by", "entities", "line", "deal"),
        ("steps.l.sort.qty", "entities", "line", "qty"),
        ("steps.c.calendar", "calendars", "office", None),
        ("steps.t.to.account.owner", "entities", "deal", "account"),
        ("steps.t.to.account.owner", "entities", "account", "owner"),
        ("steps.t.to.rep", "roles", "rep", None),
        ("steps.t.subject.en", "entities", "deal", "closes"),
        ("steps.h.body.n", "entities", "deal", "called_at"),
    }


def test_the_documentation_draws_the_tree_in_both_languages() -> None:
    found = compiled(
        "a: {label: {en: Large, zh: 大额}, if: amount > 5,"
        " then: {b: {update: {values: {note: name}}}}, else: {c: {stop: {}}}}"
    )
    part = found.parts["workflows"]["big"]
    english = SECTIONS["workflows"].documentation(part, "en", found.model)
    assert english.endswith(
        "### Steps\n\n- **Large**: if `amount > 5`\n    - *then*\n        - **B**: set Note = `name`\n"
        "    - *else*\n        - **C**: stop\n"
    )
    chinese = SECTIONS["workflows"].documentation(part, "zh", found.model)
    assert "## 大单 `big`" in chinese and "- **大额**: 如果 `amount > 5`\n    - *则*" in chinese


# -- texts, for whoever runs them


def test_values_of_any_kind_and_moments_are_read() -> None:
    model = kit.compile_yaml(HEAD)
    deal, scope = model.entity("deal"), scope_of_workflows(model)
    assert deal is not None
    texts = (
        "name",
        "'2026-01-01'",
        "5",
        "true",
        "amount * 2",
        "closes",
        "called_at",
        "stage",
        "amount > 5",
        "account",
        "$now",
    )
    assert [any_value(each, deal, scope).kind for each in texts] == [
        *("text", "text", "number", "boolean", "number", "date", "datetime", "text", "boolean", "id", "datetime")
    ]
    assert [moment(each, deal, scope).kind for each in ("closes", "called_at", "$now")] == [
        "date",
        "datetime",
        "datetime",
    ]
    assert registry.of(deal.fields["stage"]).kind == "text"
