"""What a workflow cannot say, where that is told, and which workflows would never end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels.egress import place_of
from metadata import workflows as w
from metadata.compiler import compile_layers
from metadata.documents.package import read_text
from metadata.problems import Invalid, MetadataInvalid
from metadata.sections.workflows.calling import port_of
from tests.flowing import HEAD, big, codes, compiled, described, pair, refused, warned

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
        ("a: {with: {path: name, do: {}}}", ("workflow_not_linked", "steps.a.with.path")),
        ("a: {with: {path: lines, do: {}}}", ("reference_no_way", "steps.a.with.path")),
        ("a: {with: {path: accunt, do: {}}}", ("reference_unknown", "steps.a.with.path")),
        (
            "a: {with: {path: account, do: {b: {update: {values: {note: name}}}}}}",
            ("reference_unknown", "steps.a.with.do.b.update.values.note"),
        ),
        ("a: {wait: {message: paid, match: number}}", ("workflow_message_needs", "steps.a.wait.message")),
        ("a: {wait: {message: paid, at: inv, match: nummer}}", ("expression_unknown_field", "steps.a.wait.match")),
        ("a: {wait: {message: Paid, at: inv, match: number}}", ("grammar_pattern", "steps.a.wait.message")),
        ("a: {wait: {message: paid, at: inv, match: number, event: updated}}", ("workflow_one_wait", "steps.a.wait")),
        ("a: {wait: {span: P1D, at: inv}}", ("workflow_only_with", "steps.a.wait.at")),
        ("a: {call: {url: 'https://x.example:22/'}}", ("workflow_closed_port", "steps.a.call.url")),
        ("a: {call: {url: 'https://x.example:0/'}}", ("workflow_closed_port", "steps.a.call.url")),
        ("a: {call: {url: 'https://x.example:99999/'}}", ("workflow_bad_url", "steps.a.call.url")),
        ("a: {call: {url: 'https://u:p@x.example/'}}", ("workflow_bad_url", "steps.a.call.url")),
        ("a: {call: {url: 'https://0x7f.1/'}}", ("workflow_bad_url", "steps.a.call.url")),
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
        ("message: {name: paid, at: inv, field: amount}", ("workflow_not_matched", "triggers.t.message.field")),
        ("message: {name: paid, at: inv, field: id_card}", ("workflow_not_matched", "triggers.t.message.field")),
        ("message: {name: paid, at: inv, field: numer}", ("reference_unknown", "triggers.t.message.field")),
        ("message: {name: paid, at: inv}", ("grammar_missing", "triggers.t.message.field")),
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
        ("date: {field: closes}", 'update: {values: {closes: "add_months(closes, 1)"}}', "", True),
        ("date: {field: closes}", 'update: {values: {closes: "add_months(closes, 1)"}}', "once: true, ", True),
        ("date: {field: closes}", "create: {entity: deal, values: {name: name, closes: closes}}", "", True),
        # What ends it:
        ("date: {field: closes}", "update: {values: {called_at: $now}}", "", False),
        ("date: {field: closes}", 'update: {values: {closes: "null"}}', "", False),
        ("date: {field: closes}", "create: {entity: deal, values: {name: name}}", "", False),
        (
            "date: {field: closes}, when: stage == 'open'",
            'update: {values: {closes: "add_months(closes, 1)", stage: "\'won\'"}}',
            "",
            False,
        ),
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


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/a?b=c",
        "https://x.example:8443",
        "https://8.8.8.8/",
        "https://[2001:db8::1]:443/",
        "https://münchen.example/",
        "https://x.example:0",
        "https://x.example:77777",
        "https://x.example:port",
        "https://a@x.example",
        "https://0177.0.0.1",
        "https://2130706433",
        "https://-x.example",
        "https://x.example/ä",
        "https:///path",
        "https://x_y.example./",
    ],
)
def test_an_address_is_refused_exactly_where_the_door_would_refuse_it(url: str) -> None:
    def asked(of: Callable[[str], object]) -> bool:
        try:
            of(url)
        except (ValueError, Invalid):
            return False
        return True

    assert asked(port_of) == asked(place_of)


def test_a_port_that_the_operator_must_allow_is_a_warning() -> None:
    found = compiled("a: {call: {url: 'https://x.example:9443/'}}").warnings
    assert [(each.code, each.params["port"]) for each in found] == [("workflow_odd_port", 9443)]
    assert not compiled("a: {call: {url: 'https://x.example:8443/'}}").warnings
