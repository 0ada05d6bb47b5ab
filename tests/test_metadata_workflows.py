"""Workflows in a description: what they become, what is refused and where, and that they follow renames and layers."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from metadata import parts
from metadata import workflows as w
from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import read_text
from metadata.fieldtypes import registry
from metadata.model import Model
from metadata.plan import plan_changes
from metadata.problems import LANGUAGES, MetadataInvalid, Problem
from metadata.sections import SECTIONS
from metadata.sections.workflows.steps import KINDS as STEPS
from metadata.sections.workflows.triggers import KINDS as TRIGGERS
from metadata.workflow_texts import any_value, moment, scope_of_workflows
from tests import kit

HEAD = """\
package: {code: sales}
calendars: {office: {timezone: Asia/Shanghai, hours: {monday: ["09:00-18:00"]}}}
roles: {rep: {label: {en: Rep, zh: 销售}, entities: {}}, boss: {entities: {}}}
entities:
  user: {fields: {name: {type: text}}}
  unit: {fields: {name: {type: text}}}
  notice: {written_by: platform, title: text, fields: {text: {type: text}, deal: {type: link, to: deal}}}
  task:
    title: title
    fields:
      title: {type: text, required: true}
      assignee: {type: user}
      related: {type: any_link, to: {deal: {}}}
  account: {owned: true, title: name, fields: {name: {type: text, required: true}, limit: {type: money}}}
  deal:
    owned: true
    title: name
    fields:
      name: {type: text, required: true}
      number: {type: sequence, format: "D-{seq:4}"}
      account: {type: link, to: account, inverse: {key: deals}}
      stage: {type: choice, options: {open: {}, proposal: {}, won: {}, lost: {}}}
      amount: {type: money}
      half: {type: formula, as: money, value: "amount / 2"}
      frozen: {type: text}
      note: {type: text}
      closes: {type: date}
      called_at: {type: datetime}
      id_card: {type: text, sensitivity: secret, encrypted: true}
      lines: {type: children, of: line, by: deal}
    rules:
      always: {read_only: {frozen: {}}}
  line: {title: name, fields: {name: {type: text}, deal: {type: link, to: deal}, qty: {type: integer}}}
"""


def described(steps: str, triggers: str = "made: {created: {}}", more: str = "", extra: str = "") -> str:
    return (
        HEAD
        + extra
        + (
            f"workflows:\n  big:\n    label: {{en: Big, zh: 大单}}\n    entity: deal\n    {more}\n"
            f"    triggers: {{{triggers}}}\n    steps: {{{steps}}}\n"
        )
    )


def compiled(steps: str, triggers: str = "made: {created: {}}", more: str = "", extra: str = "") -> Compiled:
    return compile_layers([read_text(described(steps, triggers, more, extra), "sales.yaml")])


def big(
    steps: str = "end: {stop: {}}", triggers: str = "made: {created: {}}", more: str = "", extra: str = ""
) -> w.Workflow:
    found = compiled(steps, triggers, more, extra)
    made = found.model.get("workflows", "big")
    assert isinstance(made, w.Workflow)
    part = json.loads(json.dumps(parts.dump(made)))
    assert parts.build("workflows", part) == made, "it comes back from a release as it went there"
    for lang in LANGUAGES:
        assert SECTIONS["workflows"].documentation(part, lang, found.model).startswith("## ")
    return made


def step(text: str, **more: str) -> w.Step:
    return big(f"s: {text}", **more).steps[0]


def refused(
    steps: str = "end: {stop: {}}", triggers: str = "made: {created: {}}", more: str = "", extra: str = ""
) -> list[Problem]:
    with pytest.raises(MetadataInvalid) as error:
        compiled(steps, triggers, more, extra)
    for each in error.value.problems:
        assert each.position is not None and each.message("en") and each.message("zh")
    return list(error.value.problems)


def codes(*args: str, **more: str) -> list[tuple[str, str]]:
    return [(each.code, each.path.removeprefix("workflows.big.")) for each in refused(*args, **more)]


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


# -- what is refused


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("a: {label: X}", ("workflow_no_kind", "steps.a")),
        ("a: {stop: {}, delete: {}}", ("workflow_two_kinds", "steps.a")),
        ("a: {else: {b: {delete: {}}}}", ("workflow_no_if", "steps.a.else")),
        ("a: {delete: {}, then: {b: {delete: {}}}}", ("workflow_no_if", "steps.a.then")),
        ("a: {if: amount > 5}", ("workflow_no_then", "steps.a.if")),
        ("a: {upd: {values: {note: name}}}", ("grammar_unknown_key", "steps.a.upd")),
        ("a: {update: {}}", ("grammar_missing", "steps.a.update.values")),
        ("a: {if: amont > 5, then: {}}", ("expression_unknown_field", "steps.a.if")),
        ("a: {if: changed('stage'), then: {}}", ("expression_no_change", "steps.a.if")),
        ("a: {if: id_card == 'x', then: {}}", ("expression_encrypted", "steps.a.if")),
        ("a: {if: stage == 'won' and stage == 'lost', then: {}}", ("workflow_never", "steps.a.if")),
        (
            "a: {switch: {cases: {else: {when: amount > 1, do: {}}}}}",
            ("workflow_case_else", "steps.a.switch.cases.else"),
        ),
        ("a: {delete: {}}, b: {if: amount > 1, then: {a: {delete: {}}}}", ("workflow_step_twice", "steps.b.then.a")),
        ("a: {stop: {}}, b: {delete: {}}", ("workflow_unreachable", "steps.b")),
        ("a: {delete: {}}, b: {update: {values: {note: name}}}", ("workflow_record_gone", "steps.b.update")),
        (
            "a: {delete: {}}, b: {if: amount > 1, then: {c: {assign: {to: {o: {role: rep}}}}}}",
            ("workflow_record_gone", "steps.b.then.c.assign"),
        ),
        ("a: {delete: {}}, b: {delete: {}}", ("workflow_record_gone", "steps.b.delete")),
        ("a: {delete: {}}, b: {approval: {}}", ("workflow_record_gone", "steps.b.approval")),
        (
            "a: {if: amount > 1, then: {x: {stop: {}}}, else: {y: {stop: {}}}}, b: {delete: {}}",
            ("workflow_unreachable", "steps.b"),
        ),
        (
            "a: {parallel: {branches: {x: {s: {stop: {}}}, y: {}}}}, b: {delete: {}}",
            ("workflow_unreachable", "steps.b"),
        ),
        ("a: {update: {values: {half: 5}}}", ("workflow_not_written", "steps.a.update.values.half")),
        ("a: {update: {values: {created_at: $now}}}", ("workflow_not_written", "steps.a.update.values.created_at")),
        ("a: {update: {values: {number: \"'x'\"}}}", ("workflow_not_written", "steps.a.update.values.number")),
        ("a: {update: {values: {lines: name}}}", ("workflow_not_written", "steps.a.update.values.lines")),
        ("a: {update: {values: {frozen: name}}}", ("workflow_read_only", "steps.a.update.values.frozen")),
        ("a: {update: {values: {nme: name}}}", ("reference_unknown", "steps.a.update.values.nme")),
        ("a: {update: {values: {amount: name}}}", ("expression_wrong_kind", "steps.a.update.values.amount")),
        ("a: {update: {values: {stage: \"'gone'\"}}}", ("expression_unknown_option", "steps.a.update.values.stage")),
        ("a: {update: {values: {account: owner}}}", ("workflow_other_record", "steps.a.update.values.account")),
        (
            "a: {update: {values: {account: {record: start}}}}",
            ("workflow_other_record", "steps.a.update.values.account.record"),
        ),
        (
            "a: {update: {values: {note: {record: start}}}}",
            ("workflow_not_a_link", "steps.a.update.values.note.record"),
        ),
        (
            "a: {update: {values: {account: {record: b}}}}",
            ("workflow_not_made", "steps.a.update.values.account.record"),
        ),
        (
            "a: {parallel: {branches: {x: {c: {create: {entity: account, values: {name: name}}}},"
            " y: {u: {update: {values: {account: {record: c}}}}}}}}",
            ("workflow_not_made", "steps.a.parallel.branches.y.u.update.values.account.record"),
        ),
        ("a: {create: {entity: acount, values: {name: name}}}", ("reference_unknown", "steps.a.create.entity")),
        ("a: {create: {entity: account, values: {limit: 1}}}", ("workflow_value_needed", "steps.a.create.values")),
        ("a: {create: {entity: notice, values: {text: name}}}", ("workflow_of_platform", "steps.a.create.entity")),
        (
            "a: {create: {entity: task, values: {title: name, related: account}}}",
            ("workflow_not_a_link", "steps.a.create.values.related"),
        ),
        (
            "a: {for_each: {entity: notice, by: deal, do: {b: {delete: {}}}}}",
            ("workflow_of_platform", "steps.a.for_each.do.b.delete"),
        ),
        ("a: {for_each: {entity: line, by: name, do: {}}}", ("workflow_not_back", "steps.a.for_each.by")),
        ("a: {for_each: {entity: account, by: name, do: {}}}", ("workflow_not_back", "steps.a.for_each.by")),
        (
            "a: {for_each: {entity: line, where: amount > 1, do: {}}}",
            ("expression_unknown_field", "steps.a.for_each.where"),
        ),
        (
            "a: {for_each: {entity: line, sort: {id_card: asc}, do: {}}}",
            ("reference_unknown", "steps.a.for_each.sort.id_card"),
        ),
        (
            "a: {for_each: {entity: account, do: {b: {for_each: {entity: deal, do: {}}}}}}",
            ("workflow_loops_many", "steps.a.for_each.do.b.for_each"),
        ),
        (
            "a: {for_each: {limit: 2, entity: account, do: {b: {for_each: {limit: 2, entity: deal,"
            " do: {c: {for_each: {limit: 2, entity: line, do: {}}}}}}}}}",
            ("workflow_loops_deep", "steps.a.for_each.do.b.for_each.do.c.for_each"),
        ),
        ("a: {find: {entity: account, where: name == 5}}", ("expression_type", "steps.a.find.where")),
        ("a: {wait: {}}", ("workflow_one_wait", "steps.a.wait")),
        ("a: {wait: {span: P1D, event: updated}}", ("workflow_one_wait", "steps.a.wait")),
        ("a: {wait: {span: 3 days}}", ("duration_unreadable", "steps.a.wait.span")),
        ("a: {wait: {span: -P3D}}", ("workflow_span_negative", "steps.a.wait.span")),
        ("a: {wait: {span: P1M, calendar: office}}", ("workflow_span_months", "steps.a.wait.span")),
        ("a: {wait: {span: P1D, calendar: ofice}}", ("reference_unknown", "steps.a.wait.calendar")),
        ("a: {wait: {until: amount}}", ("expression_wrong_kind", "steps.a.wait.until")),
        ("a: {wait: {span: P1D, timeout: P2D}}", ("workflow_only_with", "steps.a.wait.timeout")),
        ("a: {wait: {event: updated, late: {}}}", ("workflow_only_with", "steps.a.wait.late")),
        ("a: {wait: {until: closes, calendar: office}}", ("workflow_only_with", "steps.a.wait.calendar")),
        ("a: {wait: {event: deleted, when: changed('stage')}}", ("expression_no_change", "steps.a.wait.when")),
        ("a: {task: {title: X, to: {o: {path: owner}}, late: {}}}", ("workflow_only_with", "steps.a.task.late")),
        ("a: {task: {title: '{nme}', to: {o: {path: owner}}}}", ("expression_unknown_field", "steps.a.task.title.*")),
        ("a: {task: {title: X, to: {o: {path: account}}}}", ("workflow_not_a_person", "steps.a.task.to.o.path")),
        ("a: {task: {title: X, to: {o: {}}}}", ("workflow_no_kind", "steps.a.task.to.o")),
        ("a: {assign: {to: {o: {path: owner, role: rep}}}}", ("workflow_two_kinds", "steps.a.assign.to.o")),
        ("a: {assign: {to: {o: {role: reb}}}}", ("reference_unknown", "steps.a.assign.to.o.role")),
        (
            "a: {for_each: {entity: line, do: {b: {assign: {to: {o: {role: rep}}}}}}}",
            ("workflow_not_owned", "steps.a.for_each.do.b.assign"),
        ),
        ("a: {send: {subject: X}}", ("workflow_nobody", "steps.a.send")),
        ("a: {send: {address: note, subject: X}}", ("workflow_no_mail", "steps.a.send.address")),
        ("a: {send: {address: amount, by: {mail: {}}, subject: X}}", ("expression_wrong_kind", "steps.a.send.address")),
        ("a: {call: {url: 'http://x.example'}}", ("grammar_pattern", "steps.a.call.url")),
        (
            "a: {call: {url: 'https://x.example', method: GET, body: {n: name}}}",
            ("workflow_get_body", "steps.a.call.body"),
        ),
        ("a: {call: {url: 'https://x.example', body: {n: nme}}}", ("expression_unknown_field", "steps.a.call.body.n")),
        ("a: {run: {workflow: bigg}}", ("reference_unknown", "steps.a.run.workflow")),
        ("a: {run: {workflow: big}}", ("workflow_not_called", "steps.a.run.workflow")),
        ("a: {approval: {approval: rebat}}", ("reference_unknown", "steps.a.approval.approval")),
        ("a: {approval: {}}", ("workflow_no_approval", "steps.a.approval")),
        ("a: {stop: {reason: 'x {'}}", ("text_hole_open", "steps.a.stop.reason.*")),
    ],
)
def test_a_step_that_cannot_be_is_refused_where_it_stands(steps: str, expected: tuple[str, str]) -> None:
    assert expected in codes(steps)


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("when: amount > 1", ("workflow_no_kind", "triggers.t")),
        ("created: {}, updated: {}", ("workflow_two_kinds", "triggers.t")),
        ("created: {}, when: changed('stage')", ("expression_no_change", "triggers.t.when")),
        ("deleted: {}, when: old.stage == 'won'", ("expression_no_change", "triggers.t.when")),
        ("updated: {}, when: amout > 1", ("expression_unknown_field", "triggers.t.when")),
        ("date: {field: name}", ("workflow_not_a_moment", "triggers.t.date.field")),
        ("date: {field: closs}", ("reference_unknown", "triggers.t.date.field")),
        ("date: {field: called_at, at: '09:00'}", ("workflow_at_of_moment", "triggers.t.date.at")),
        ("date: {field: closes, at: '9:00'}", ("grammar_pattern", "triggers.t.date.at")),
        ("date: {field: closes, offset: 3D}", ("duration_unreadable", "triggers.t.date.offset")),
        ("schedule: {cron: 0 9 * * 9}", ("cron_part", "triggers.t.schedule.cron")),
        ("schedule: {cron: 0 9 31 2 *}", ("cron_never", "triggers.t.schedule.cron")),
        ("schedule: {cron: 0 9 * * 1, zone: Asia/Shanghay}", ("package_timezone", "triggers.t.schedule.zone")),
        ("button: {label: Go, roles: {reb: {}}}", ("reference_unknown", "triggers.t.button.roles.reb")),
        ("webhook: {values: {amount: total}}", ("workflow_value_needed", "triggers.t.webhook.values")),
        ("webhook: {values: {name: n, half: total}}", ("workflow_not_written", "triggers.t.webhook.values.half")),
        ("webhook: {values: {name: 'a b'}}", ("grammar_pattern", "triggers.t.webhook.values.name")),
    ],
)
def test_a_trigger_that_cannot_be_is_refused_where_it_stands(trigger: str, expected: tuple[str, str]) -> None:
    assert expected in codes(triggers=f"t: {{{trigger}}}")


def test_what_starts_when_a_record_is_deleted_cannot_change_it() -> None:
    step = "a: {update: {values: {note: name}}}"
    assert codes(step, "t: {deleted: {}}") == [("workflow_record_gone", "steps.a.update")]
    assert big(step, "t: {deleted: {}}, u: {called: {}}").steps
    other = "a: {find: {entity: account, found: {b: {update: {values: {limit: 1}}}}}}"
    assert big(f"d: {{delete: {{}}}}, {other}", "t: {deleted: {}}, u: {called: {}}").steps


def test_names_are_suggested_and_every_problem_is_told_once() -> None:
    found = refused(
        "a: {update: {values: {nme: name}}}, b: {assign: {to: {o: {role: reb}}}}", more="run_as: {role: bos}"
    )
    assert [(each.code, each.suggestion) for each in found] == [
        ("reference_unknown", "boss"),
        ("reference_unknown", "name"),
        ("reference_unknown", "rep"),
    ]


def test_a_problem_of_an_expression_stands_at_its_column() -> None:
    (found,) = refused("a: {if: amount > 5 and amuont < 9, then: {}}")
    line = described("a: {if: amount > 5 and amuont < 9, then: {}}").splitlines()[found.position.line - 1]  # type: ignore[union-attr]
    assert found.position is not None and line[found.position.column - 1 :].startswith("amuont")


def test_records_of_the_platform_start_nothing() -> None:
    text = HEAD + "workflows: {big: {entity: notice, triggers: {t: {created: {}}}, steps: {a: {stop: {}}}}}\n"
    with pytest.raises(MetadataInvalid) as error:
        compile_layers([read_text(text, "sales.yaml")])
    assert [each.code for each in error.value.problems] == ["workflow_of_platform"]


def test_a_run_needs_a_workflow_about_the_same_records() -> None:
    extra = "".join(("workflows:\n", "  sub: {entity: account, triggers: {t: {called: {}}}, steps: {z: {stop: {}}}}\n"))
    text = described("a: {run: {workflow: sub}}").replace("workflows:\n", extra)
    with pytest.raises(MetadataInvalid) as error:
        compile_layers([read_text(text, "sales.yaml")])
    assert [each.code for each in error.value.problems] == ["workflow_other_entity"]
    fine = text.replace("entity: account, triggers", "entity: deal, triggers")
    made = compile_layers([read_text(fine, "sales.yaml")]).model.get("workflows", "big")
    assert made is not None and made.steps[0] == w.Run("a", {"*": "A"}, workflow="sub")


def test_a_step_asks_for_an_approval_of_its_own_records() -> None:
    approvals = (
        "approvals: {rebate: {entity: %s, nodes:"
        " {b: {type: approve, who: {a: {by: role, role: boss}}, empty: admin}}}}\n"
    )
    steps = "a: {approval: {approval: rebate, approved: {x: {delete: {}}}, rejected: {}, withdrawn: {}}}"
    assert big(steps, extra=approvals % "deal").steps == (
        w.Ask("a", {"*": "A"}, approval="rebate", approved=(w.Delete("x", {"*": "X"}),)),
    )
    assert big("a: {approval: {}}", extra=approvals % "deal").steps == (w.Ask("a", {"*": "A"}),)
    assert codes(steps, extra=approvals % "account") == [("workflow_other_entity", "steps.a.approval.approval")]
    assert codes("a: {approval: {}}", extra=approvals % "account") == [("workflow_no_approval", "steps.a.approval")]


# -- circles


def pair(one: str, two: str) -> str:
    return HEAD + f"workflows:\n  one: {one}\n  two: {two}\n"


def warned(text: str) -> list[str]:
    found = compile_layers([read_text(text, "sales.yaml")]).warnings
    return [str(each.params["chain"]) for each in found if each.code == "workflow_starts_itself"]


def test_workflows_that_run_each_other_in_a_circle_are_refused() -> None:
    body = "{{entity: deal, triggers: {{t: {{called: {{}}}}}}, steps: {{{} : {{run: {{workflow: {}}}}}}}}}"
    with pytest.raises(MetadataInvalid) as error:
        compile_layers([read_text(pair(body.format("a", "two"), body.format("b", "one")), "sales.yaml")])
    (found,) = error.value.problems
    assert (found.code, found.path) == ("workflow_calls_itself", "workflows.one.steps.a.run.workflow")
    assert found.params["chain"] == "one → two → one"
    with pytest.raises(MetadataInvalid) as error:
        compile_layers([read_text(pair(body.format("a", "one"), body.format("b", "one")), "sales.yaml")])
    assert [each.params["chain"] for each in error.value.problems] == ["one → one"]


@pytest.mark.parametrize(
    ("trigger", "step", "more", "warns"),
    [
        ("updated: {}", "update: {values: {note: \"concat(note, 'x')\"}}", "", True),
        ("updated: {}", 'update: {values: {amount: "amount + 1"}}', "", True),
        ("updated: {}", "update: {values: {called_at: $now}}", "", True),
        ("updated: {}, when: \"changed('amount')\"", 'update: {values: {amount: "amount + 1"}}', "", True),
        ("updated: {}, when: \"changed('half')\"", 'update: {values: {amount: "amount + 1"}}', "", True),
        (
            "updated: {}, when: \"changed('note') or changed('amount')\"",
            'update: {values: {amount: "amount + 1"}}',
            "",
            True,
        ),
        ("created: {}", "create: {entity: deal, values: {name: name}}", "", True),
        ("created: {}", "create: {entity: deal, values: {name: name}}", "once: true, ", True),
        ("created: {}, when: stage == 'won'", "create: {entity: deal, values: {name: name, stage: stage}}", "", True),
        # What ends it:
        ("updated: {}, when: \"changed('stage')\"", 'update: {values: {amount: "amount + 1"}}', "", False),
        ("updated: {}", 'update: {values: {amount: "amount + 1"}}', "once: true, ", False),
        ("updated: {}", 'update: {values: {amount: "amount + 1"}}', "active: false, ", False),
        ("updated: {}", "update: {values: {note: \"'x'\", amount: 5}}", "", False),
        ("updated: {}", 'update: {values: {note: "concat(name, account.name)"}}', "", False),
        ("updated: {}", "assign: {to: {o: {role: rep}}}", "", False),
        ("updated: {}, when: stage == 'open'", "update: {values: {stage: \"'won'\", amount: amount + 1}}", "", False),
        ("updated: {}, when: stage != 'won'", "update: {values: {stage: \"'won'\", amount: amount + 1}}", "", False),
        (
            "created: {}, when: stage == 'won'",
            "create: {entity: deal, values: {name: name, stage: \"'open'\"}}",
            "",
            False,
        ),
        ("created: {}", "create: {entity: account, values: {name: name}}", "", False),
        ("updated: {}", "create: {entity: deal, values: {name: name}}", "", False),
        ("deleted: {}", "for_each: {entity: deal, do: {b: {delete: {}}}}", "", False),
    ],
)
def test_a_workflow_that_starts_itself_for_ever_is_warned_of(trigger: str, step: str, more: str, warns: bool) -> None:
    one = f"{{entity: deal, {more}triggers: {{t: {{{trigger}}}}}, steps: {{a: {{{step}}}}}}}"
    two = "{entity: line, triggers: {t: {created: {}}}, steps: {b: {stop: {}}}}"
    assert warned(pair(one, two)) == (["one → one"] if warns else [])


def test_a_circle_over_two_workflows_is_told_with_its_chain() -> None:
    one = (
        "{entity: deal, triggers: {t: {updated: {}}}, steps:"
        " {a: {find: {entity: account, found: {b: {update: {values: {limit: 5}}}}}}}}"
    )
    two = (
        "{entity: account, triggers: {t: {updated: {}}}, steps:"
        " {a: {for_each: {entity: deal, by: account, do: {b: {update: {values: {note: \"'y'\"}}}}}}}}"
    )
    assert warned(pair(one, two)) == ["one → two → one"]
    ended = two.replace("updated: {}", "updated: {}, when: \"changed('name')\"")
    assert warned(pair(one, ended)) == []


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
