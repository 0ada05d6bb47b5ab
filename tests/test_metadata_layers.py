"""Layers: entries merge by id, mappings merge, the rest replaces, null removes, and everything knows its origin."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.compiler import Compiled, compile_layers, origin
from metadata.documents.package import Layer, read_text
from metadata.problems import MetadataInvalid, Problem

CORE = """
package: {code: core, kind: core}
options:
  stage: {options: {new: {label: {en: New, zh: 新建}}, won: {label: Won}, lost: {label: Lost}}}
entities:
  deal:
    label: {en: Deal, zh: 商机}
    search: {name: {}, note: {}}
    fields:
      name: {type: text, max: 100, required: true}
      amount: {type: money, label: {en: Amount, zh: 金额}}
      note: {type: long_text, help: Write what matters.}
      stage: {type: choice, options: stage}
views:
  all: {entity: deal, columns: {name: {}, amount: {}, stage: {}}}
"""


def layer(text: str, code: str = "upper", kind: str = "module") -> Layer:
    read = read_text(text, f"{code}.yaml")
    return Layer(code, kind=kind, files=read.files)


def compiled(*uppers: str, kind: str = "module") -> Compiled:
    layers = [layer(text, f"upper{number}", kind) for number, text in enumerate(uppers)]
    return compile_layers([read_text(CORE, "core.yaml"), *layers])


def declared(result: Compiled, entity: str = "deal") -> dict[str, Any]:
    return {id: each for id, each in result.parts["entities"][entity]["fields"].items() if not each.get("system")}


def problems(*uppers: str, kind: str = "module") -> list[Problem]:
    with pytest.raises(MetadataInvalid) as caught:
        compiled(*uppers, kind=kind)
    return list(caught.value.problems)


def test_mappings_merge_and_other_values_replace() -> None:
    fields = declared(compiled("entities: {deal: {fields: {name: {max: 50, label: {zh: 名称}}}}}"))
    assert fields["name"]["props"] == {"max": 50}
    assert fields["name"]["label"] == {"zh": "名称"}
    assert fields["name"]["required"] is True


def test_a_plain_label_counts_for_every_language_and_merges() -> None:
    fields = declared(compiled("entities: {deal: {fields: {note: {help: {zh: 写下要点。}}, amount: {label: Sum}}}}"))
    assert fields["note"]["help"] == {"*": "Write what matters.", "zh": "写下要点。"}
    assert fields["amount"]["label"] == {"en": "Amount", "zh": "金额", "*": "Sum"}


def test_a_rename_keeps_the_id_and_repeats_nothing() -> None:
    result = compiled("entities: {deal: {fields: {revenue: {id: amount, label: {en: Revenue}}}}}")
    field = declared(result)["amount"]
    assert (field["key"], field["type"]) == ("revenue", "money")
    assert field["label"] == {"en": "Revenue", "zh": "金额"}
    assert list(declared(result)) == ["name", "amount", "note", "stage"]
    deal = result.model.entity("deal")
    assert deal is not None and deal.find("revenue") is deal.find("amount")
    assert result.parts["views"]["all"]["columns"] == ["name", "amount", "stage"]


def test_an_entity_is_renamed_by_a_file_with_another_name() -> None:
    result = compiled("entities: {opportunity: {id: deal, plural: Opportunities}}")
    deal = result.model.entity("opportunity")
    assert deal is not None
    assert (deal.id, deal.key) == ("deal", "opportunity")
    assert result.index["entities"]["deal"]["key"] == "opportunity"


def test_a_higher_layer_may_use_the_id_or_todays_name() -> None:
    rename = "entities: {deal: {fields: {revenue: {id: amount}}}}"
    for name in ("revenue", "amount"):
        fields = declared(compiled(rename, f"entities: {{deal: {{fields: {{{name}: {{min: 0}}}}}}}}"))
        assert (fields["amount"]["key"], fields["amount"]["props"]) == ("revenue", {"min": 0})


def test_null_removes_an_entry_and_a_property() -> None:
    result = compiled("entities: {deal: {search: {note: null}, fields: {note: null, name: {max: null}}}}")
    assert list(declared(result)) == ["name", "amount", "stage"]
    assert "props" not in declared(result)["name"]
    assert result.parts["entities"]["deal"]["search"] == ["name"]


def test_null_removes_a_whole_element() -> None:
    assert compiled("views: {all: null}").parts["views"] == {}


def test_what_is_removed_can_come_back_as_something_new() -> None:
    fields = declared(
        compiled(
            "entities: {deal: {fields: {note: null}, search: {note: null}}}",
            "entities: {deal: {fields: {note: {type: integer}}}}",
        )
    )
    assert fields["note"]["type"] == "integer"
    assert "help" not in fields["note"]
    assert list(fields)[-1] == "note"


def test_null_for_what_is_not_there_is_a_warning_with_its_place() -> None:
    result = compiled("entities: {deal: {fields: {amuont: null}}}")
    assert [(each.code, str(each.position)) for each in result.warnings] == [
        ("merge_nothing_to_remove", "upper0.yaml:1:28")
    ]


def test_an_entry_keeps_its_place_and_a_new_one_goes_last() -> None:
    fields = declared(compiled("entities: {deal: {fields: {extra: {type: text}, name: {max: 5}}}}"))
    assert list(fields) == ["name", "amount", "note", "stage", "extra"]


@pytest.mark.parametrize(
    ("place", "order"),
    [
        ("before: amount", ["name", "extra", "amount", "note", "stage"]),
        ("after: amount", ["name", "amount", "extra", "note", "stage"]),
        ("before: name", ["extra", "name", "amount", "note", "stage"]),
    ],
)
def test_before_and_after_place_an_entry(place: str, order: list[str]) -> None:
    fields = declared(compiled(f"entities: {{deal: {{fields: {{extra: {{type: text, {place}}}}}}}}}"))
    assert list(fields) == order


def test_columns_and_options_are_placed_too() -> None:
    result = compiled("views: {all: {columns: {note: {after: name}}}}")
    assert result.parts["views"]["all"]["columns"] == ["name", "note", "amount", "stage"]
    found = compiled("options: {stage: {options: {sent: {before: won}}}}")
    assert [each["id"] for each in found.parts["options"]["stage"]["options"]] == ["new", "sent", "won", "lost"]
    stage = declared(found)["stage"]
    assert [each["id"] for each in stage["options"]] == ["new", "sent", "won", "lost"]


def test_a_neighbour_that_is_not_there_is_a_problem_with_a_suggestion() -> None:
    (problem,) = problems("entities: {deal: {fields: {extra: {type: text, after: amuont}}}}")
    assert (problem.code, problem.suggestion) == ("merge_no_neighbour", "amount")
    assert "后" in problem.message("zh")
    (problem,) = problems("entities: {deal: {fields: {extra: {type: text, after: name, before: note}}}}")
    assert problem.code == "merge_both_places"


def test_two_entries_with_one_id_are_a_problem() -> None:
    (problem,) = problems("entities: {deal: {fields: {revenue: {id: amount}, turnover: {id: amount}}}}")
    assert (problem.code, problem.path) == ("merge_same_id", "entities.deal.fields.turnover")


def test_a_new_key_that_is_the_id_of_another_one_is_a_problem() -> None:
    codes = [
        each.code
        for each in problems(
            "entities: {deal: {fields: {revenue: {id: amount}}}}",
            "entities: {deal: {fields: {name: {id: note}}}}",
        )
    ]
    assert codes == ["merge_key_taken"]


def test_layers_are_ordered_by_kind_and_requirement() -> None:
    upper = layer("package: {code: b, requires: {a: '*'}}\nentities: {deal: {icon: target}}", "b")
    upper = Layer("b", requires=("a",), files=upper.files)
    lower = layer("entities: {deal: {icon: star}}", "a")
    tenant = layer("entities: {deal: {label: Mine}}", "t", "tenant")
    result = compile_layers([tenant, upper, lower, read_text(CORE, "core.yaml")])
    assert result.parts["entities"]["deal"]["icon"] == "target"
    assert result.parts["entities"]["deal"]["label"]["*"] == "Mine"


def test_every_property_remembers_its_layer_file_and_line() -> None:
    result = compiled("entities:\n  deal:\n    fields:\n      name: {max: 50}\n")
    assert origin(result, "entities", "deal", "fields", "name", "max") == ("upper0", "upper0.yaml", 4)
    assert origin(result, "entities", "deal", "fields", "name", "required") == ("core", "core.yaml", 10)
    assert origin(result, "entities", "deal", "fields", "nothing") is None


def test_what_is_born_in_the_tenants_layer_starts_with_x() -> None:
    assert compiled("entities: {deal: {fields: {x_extra: {type: text}}}}", kind="tenant")
    (problem,) = problems("entities: {deal: {fields: {extra: {type: text}}}}", kind="tenant")
    assert (problem.code, problem.suggestion) == ("name_tenant_prefix", "x_extra")
    assert [each.code for each in problems("views: {mine: {entity: deal}}", kind="tenant")] == ["name_tenant_prefix"]
    (problem,) = problems("options: {stage: {options: {extra: {}}}}", kind="tenant")
    assert problem.code == "name_tenant_prefix"


def test_renaming_and_extending_in_the_tenants_layer_need_no_prefix() -> None:
    assert compiled("entities: {deal: {fields: {revenue: {id: amount, max: 10}}}}", kind="tenant")
    assert compiled("entities: {x_machine: {fields: {name: {type: text}}}}", kind="tenant")
    assert compiled("views: {all: {columns: {note: {}}}}", kind="tenant")


def test_the_merged_result_does_not_depend_on_how_it_is_split_into_files() -> None:
    whole = compiled("entities: {deal: {icon: star}}\nviews: {more: {entity: deal}}")
    split = Layer("upper0", files={"entities/deal.yaml": "icon: star", "views.json": '{"more": {"entity": "deal"}}'})
    assert compile_layers([read_text(CORE, "core.yaml"), split]).fingerprint == whole.fingerprint


def test_an_upper_layer_may_extend_core_but_not_retype_or_remove_what_the_platform_counts_on() -> None:
    people = CORE.replace("entities:\n", "entities:\n  user: {fields: {name: {type: text}}}\n")
    found = []
    for text in (
        "entities: {deal: {fields: {name: {type: long_text}}}}",
        "entities: {user: null}",
        "entities: {user: {fields: {name: {type: text, max: 9}, x_more: {type: text}}}}",
        "entities: {deal: null}\nviews: {all: null}",
    ):
        try:
            compile_layers([read_text(people, "core.yaml"), layer(text, kind="tenant")])
            found.append("")
        except MetadataInvalid as refused:
            found += [f"{each.code} {each.position}" for each in refused.problems]
    assert found == ["layer_core_type upper.yaml:1:41", "layer_core_removed upper.yaml:1:12", "", ""]
