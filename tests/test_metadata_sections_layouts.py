"""Layouts: the stage bar, the short form, timelines, roles; what is refused, mentioned, documented and changed."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import read_text
from metadata.parts import build, dump
from metadata.problems import LANGUAGES, MetadataInvalid
from metadata.sections import SECTIONS

SHOP = """
package: {code: shop}
entities:
  user: {fields: {name: {type: text}}}
  unit: {fields: {name: {type: text}}}
  deal:
    label: {en: Deal, zh: 商机}
    title: name
    number: "D-{seq:4}"
    fields:
      name: {type: text, required: true}
      stage: {type: choice, options: {new: {}, won: {}}}
      colours: {type: multi_choice, options: {red: {}, blue: {}}}
      amount: {type: money}
      lines: {type: children, of: line, by: deal}
  line: {fields: {deal: {type: link, to: deal, inverse: {key: rows}}, qty: {type: integer}}}
  talk: {fields: {about: {type: any_link, to: {deal: {}}, inverse: {key: talks}}, said: {type: text}}}
roles: {seller: {}, boss: {}}
layouts:
  deal:
    entity: deal
    roles: {seller: {}}
    stage: stage
    quick: {name: {}, amount: {}}
    tabs: {main: {timeline: {talks: {}}, related: {rows: {}}}}
"""


def compiled(text: str = SHOP) -> Compiled:
    return compile_layers([read_text(text, "shop.yaml")])


def refused(text: str) -> list[tuple[str, str]]:
    with pytest.raises(MetadataInvalid) as caught:
        compiled(text)
    assert all(each.position is not None for each in caught.value.problems)
    return [(each.code, each.path) for each in caught.value.problems]


def test_a_layout_says_stage_short_form_timeline_and_roles() -> None:
    layout = compiled().model.get("layouts", "deal")
    assert layout is not None
    assert (layout.props["stage"], layout.props["quick"], layout.roles) == ("stage", ("name", "amount"), ("seller",))
    assert (layout.tabs[0].timeline, layout.tabs[0].related) == (("talks",), ("rows",))
    assert build("layouts", dump(layout)) == layout


def test_a_layout_that_says_nothing_of_them_has_none() -> None:
    layout = compiled(SHOP.split("    roles: {seller")[0] + "    tabs: {main: {}}\n").model.get("layouts", "deal")
    assert layout is not None
    assert (dict(layout.props), layout.roles, layout.tabs[0].timeline) == ({}, (), ())


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("stage: stage", "stage: name", ("layout_stage_no_choice", "layouts.deal.stage")),
        ("stage: stage", "stage: colours", ("layout_stage_no_choice", "layouts.deal.stage")),
        ("stage: stage", "stage: stge", ("reference_unknown", "layouts.deal.stage")),
        ("amount: {}}", "lines: {}}", ("layout_quick_not_entered", "layouts.deal.quick.lines")),
        ("amount: {}}", "number: {}}", ("layout_quick_not_entered", "layouts.deal.quick.number")),
        ("amount: {}}", "created_at: {}}", ("layout_quick_not_entered", "layouts.deal.quick.created_at")),
        ("amount: {}}", "amunt: {}}", ("reference_unknown", "layouts.deal.quick.amunt")),
        ("{talks: {}}", "{talk: {}}", ("reference_unknown", "layouts.deal.tabs.main.timeline.talk")),
        ("{talks: {}}", "{lines: {}}", ("reference_unknown", "layouts.deal.tabs.main.timeline.lines")),
        ("{seller: {}}", "{seler: {}}", ("reference_unknown", "layouts.deal.roles.seler")),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(before: str, after: str, problem: tuple[str, str]) -> None:
    head, tail = SHOP.split("layouts:")
    assert before in tail
    found = refused(f"{head}layouts:{tail.replace(before, after)}")
    assert len(found) == 1
    assert found[0][1] == problem[1]
    assert found[0][0] == problem[0] or problem[0] == "reference_unknown"


def test_a_layout_that_nobody_gets_is_warned_about() -> None:
    def warned(*layouts: str) -> list[tuple[str, str]]:
        head = SHOP.split("layouts:")[0]
        lines = "\n".join(f"  l{n}: {{entity: deal{each}}}" for n, each in enumerate(layouts))
        found = compiled(f"{head}layouts:\n{lines}\n").warnings
        return [(each.path, each.code) for each in found if each.code == "layout_never_shown"]

    assert warned("", ", roles: {seller: {}}") == []
    assert warned("", "") == [("layouts.l1", "layout_never_shown")]
    assert warned(", roles: {seller: {}}", ", roles: {seller: {}}") == [("layouts.l1", "layout_never_shown")]
    assert warned(", roles: {seller: {}}", ", roles: {seller: {}, boss: {}}") == []


def mentioned(part: Any, model: Any) -> set[tuple[str, str, str | None]]:
    return {
        (".".join(each.path), each.element, each.field) for each in SECTIONS["layouts"].references("deal", part, model)
    }


def test_a_layout_mentions_everything_that_it_names() -> None:
    result = compiled()
    assert mentioned(result.parts["layouts"]["deal"], result.model) == {
        ("entity", "deal", None),
        ("roles.seller", "seller", None),
        ("stage", "deal", "stage"),
        ("quick.name", "deal", "name"),
        ("quick.amount", "deal", "amount"),
        ("tabs.main.timeline.talks", "talk", "about"),
        ("tabs.main.related.rows", "line", "deal"),
    }


def test_a_renamed_field_stays_in_stage_and_short_form() -> None:
    renamed = SHOP.replace("stage: {type", "phase: {id: stage, type").replace("stage: stage", "stage: phase")
    assert compiled(renamed).model.get("layouts", "deal") == compiled().model.get("layouts", "deal")


def test_what_a_layout_says_is_in_its_documentation_and_difference() -> None:
    result = compiled()
    part = result.parts["layouts"]["deal"]
    for lang in LANGUAGES:
        text = SECTIONS["layouts"].documentation(part, lang, result.model)
        assert all(f"`{each}`" in text for each in ("seller", "stage", "amount", "talks"))
    other = compiled(SHOP.replace("amount: {}}", "stage: {}}")).parts["layouts"]["deal"]
    found = SECTIONS["layouts"].difference("layouts", "deal", part, other)
    assert [(each.kind, ".".join(each.path), each.before, each.after) for each in found] == [
        ("changed", "deal.props.quick", ["name", "amount"], ["name", "stage"])
    ]
