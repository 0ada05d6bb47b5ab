"""Reading description files: positions, YAML 1.2 scalars, and everything that is refused before it does harm."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from metadata.compiler import compile_layers
from metadata.documents import folder, json, yaml
from metadata.documents.marked import Map, Source, plain
from metadata.documents.package import (
    Layer,
    parse_layer,
    read_code,
    read_package,
    read_text,
    with_requirements,
)
from metadata.problems import MetadataInvalid, Problem

SOURCE = Source("shop", "module", "shop.yaml")


def read(text: str) -> Map:
    data, problems = yaml.read(text, SOURCE)
    assert problems == ()
    return data


def refused(text: str, reader: Callable[[str, Source], tuple[Map, tuple[Problem, ...]]] = yaml.read) -> Problem:
    _, problems = reader(text, SOURCE)
    assert len(problems) == 1
    return problems[0]


def test_every_key_and_value_knows_its_line_and_column() -> None:
    data = read("label: {en: Deal}\nfields:\n  name: {type: text, max: 12}\n  tags: [a, 'b']\n")
    field = data["fields"]["name"]
    assert str(field.marks["max"].key_position) == "shop.yaml:3:22"
    assert str(field.marks["max"].value_position) == "shop.yaml:3:27"
    assert [each.value_column for each in data["fields"]["tags"].marks] == [10, 14]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("010", "010"),
        ("0", 0),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("1e3", Decimal("1e3")),
        ("2027-06-30", "2027-06-30"),
        ("12.50", Decimal("12.50")),
        ("0.1", Decimal("0.1")),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("true", True),
        ("True", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ("=", "="),
        ("1" * 41, "1" * 41),
        ("1e999", "1e999"),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = read(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_always_texts() -> None:
    assert list(read("true: 1\n2024: 2\nno: 3\nnull: 4")) == ["true", "2024", "no", "null"]


def test_a_fraction_keeps_its_exact_text() -> None:
    assert plain(read("a: 12.50\nb: [0.10]\nc: {d: 1}")) == {"a": "12.50", "b": ["0.10"], "c": {"d": 1}}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: 1\nb: 2\na: 3", "document_duplicate_key", "3:1"),
        ("a: &x 1\nb: 2", "document_anchor", "1:4"),
        ("a: *x", "document_anchor", "1:4"),
        ("a: !!python/object:os.system x", "document_tag", "1:4"),
        ("a: !custom {b: 1}", "document_tag", "1:4"),
        ("a: 1\n---\nb: 2", "document_directive", "2:1"),
        ("%YAML 1.1\n---\na: 1", "document_directive", "1:1"),
        ("? [a]\n: 1", "document_key", "1:3"),
        ("- a", "document_mapping", "1:1"),
        ("just text", "document_mapping", "1:1"),
        ("a: b: c", "document_indentation", "1:5"),
        ("a:\n\tb: 1", "document_character", "2:1"),
        ("a: `b`", "document_character", "1:4"),
        ("a: \x07", "document_character", "1:4"),
        ('a: "x\\0y"', "document_character", "1:4"),
        ("a: [1", "document_unclosed", "2:1"),
        ("a: 'x", "document_unclosed", "1:6"),
        ("- a\nb: 1", "document_syntax", "2:1"),
    ],
)
def test_what_is_no_safe_yaml_is_refused_at_its_place(text: str, code: str, place: str) -> None:
    problem = refused(text)
    assert (problem.code, str(problem.position)) == (code, f"shop.yaml:{place}")


def test_an_empty_document_is_an_empty_mapping() -> None:
    assert read("") == {}
    assert read("# only a comment\n") == {}


def _bombs() -> dict[str, str]:
    aliases = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))
    return {
        "aliases": aliases,
        "flow": "[" * 900_000,
        "mappings": "{a: " * 200_000,
        "blocks": "- " * 400_000,
        "keys": "? " * 400_000,
        "many values": "a: [" + "1," * 450_000 + "]",
        "quote": "a: '" + "x" * 990_000,
        "tags": "a: " + "!x " * 300_000,
    }


@pytest.mark.parametrize("name", list(_bombs()))
def test_a_bomb_is_refused_within_a_second(name: str) -> None:
    start = time.process_time()
    refused(_bombs()[name])
    assert time.process_time() - start < 1


def test_a_deep_json_is_refused_within_a_second() -> None:
    start = time.process_time()
    assert refused('{"a":' * 150_000, json.read).code == "document_depth"
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ('{"a": 1, "a": 2}', "document_duplicate_key", "1:10"),
        ('{"a": 1,}', "document_json", "1:9"),
        ("{'a': 1}", "document_json", "1:2"),
        ('{"a": 01}', "document_json", "1:8"),
        ('{"a": NaN}', "document_json", "1:7"),
        ('{"a": 1} x', "document_json", "1:10"),
        ('{"a": "\\ud800"}', "document_json", "1:7"),
        ('{"a": "\\u0000"}', "document_character", "1:7"),
        ("[1]", "document_mapping", "1:1"),
        ("{\n // no\n}", "document_json", "2:2"),
    ],
)
def test_json_is_read_by_the_letter(text: str, code: str, place: str) -> None:
    problem = refused(text, json.read)
    assert (problem.code, str(problem.position)) == (code, f"shop.yaml:{place}")


def test_json_has_positions_and_exact_numbers() -> None:
    data, problems = json.read('{\n  "a": {"b": 1.50,\n "c": [true, null]}}', SOURCE)
    assert problems == ()
    assert data == {"a": {"b": Decimal("1.50"), "c": [True, None]}}
    assert str(data["a"].marks["c"].value_position) == "shop.yaml:3:7"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def test_the_path_is_the_key(tmp_path: Path) -> None:
    layer = read_package(
        write(
            tmp_path / "shop",
            {
                "package.yaml": "version: 1.10\nkind: industry\nrequires: {core: '>=1.0'}\nsettings: {currency: EUR}",
                "entities/deal.yaml": "fields: {name: {type: text}}",
                "entities/lead.json": '{"fields": {"name": {"type": "text"}}}',
                "options.yaml": "stage: {options: {new: {}}}",
                "README.md": "# Shop",
            },
        )
    )
    assert (layer.code, layer.version, layer.kind, layer.requires) == ("shop", "1.10", "industry", ("core",))
    assert layer.settings == {"currency": "EUR"}
    parsed = parse_layer(layer)
    assert {name: list(entries) for name, entries in parsed.sections.items()} == {
        "entities": ["deal", "lead"],
        "options": ["stage"],
    }
    assert parsed.sections["entities"]["deal"].mark.source.file == "shop/entities/deal.yaml"


def test_one_text_may_hold_everything() -> None:
    layer = read_text("package: {code: shop, kind: tenant}\nentities: {deal: {fields: {}}}\n")
    assert (layer.code, layer.kind) == ("shop", "tenant")
    assert list(parse_layer(layer).sections["entities"]) == ["deal"]


def test_one_file_is_a_package_too(tmp_path: Path) -> None:
    write(tmp_path, {"shop.yaml": "entities: {deal: {}}", "other.yaml": "entities: {x: {}}"})
    layer = read_package(tmp_path / "shop.yaml")
    assert (layer.code, list(layer.files)) == ("shop", ["shop.yaml"])


def test_the_same_element_in_two_files_is_refused(tmp_path: Path) -> None:
    layer = read_package(
        write(tmp_path / "p", {"entities/deal.yaml": "label: A", "entities/deal.json": '{"label": "B"}'})
    )
    assert [each.code for each in parse_layer(layer).problems] == ["package_duplicate"]


def test_files_that_lie_too_deep_or_end_wrong_are_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "p", {"entities/a/b.yaml": "label: A"})
    assert [each.code for each in parse_layer(read_package(root)).problems] == ["package_path"]
    write(root, {"views/deals.yml.txt": ""})
    assert [each.code for each in read_package(root).problems] == ["package_extension"]


def test_a_link_that_leaves_the_package_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"secret.yaml": "a: 1", "other/x.yaml": "b: 1"})
    root = write(tmp_path / "p", {"entities/deal.yaml": "label: A"})
    os.symlink(tmp_path / "secret.yaml", root / "entities" / "stolen.yaml")
    os.symlink(tmp_path / "other", root / "views")
    os.symlink(root / "entities" / "deal.yaml", root / "entities" / "same.yaml")
    found = read_package(root)
    assert sorted(str(each.params["file"]) for each in found.problems) == ["entities/stolen.yaml", "views"]
    assert "entities/stolen.yaml" in found.problems[0].message("zh") + found.problems[1].message("zh")
    assert found.files == {
        "entities/deal.yaml": "label: A",
        "entities/same.yaml": "label: A",
        "entities/stolen.yaml": "",
    }


def test_big_files_big_packages_and_other_encodings_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(tmp_path / "p", {"entities/big.yaml": "a: " + "x" * 1_000_000})
    (root / "entities" / "gbk.yaml").write_bytes("label: 商机".encode("gb18030"))
    assert [each.code for each in read_package(root).problems] == ["package_file_size", "package_encoding"]
    with pytest.raises(MetadataInvalid):
        read_text("a: " + "x" * 1_000_000)
    monkeypatch.setattr(folder, "MOST_FILES", 2)
    with pytest.raises(MetadataInvalid) as caught:
        read_package(write(tmp_path / "q", {f"entities/e{i}.yaml": "" for i in range(3)}))
    assert [each.code for each in caught.value.problems] == ["package_size"]


def test_a_package_is_found_by_code_with_what_it_requires(tmp_path: Path) -> None:
    write(tmp_path, {"core/package.yaml": "kind: core", "sales/package.yaml": "requires: {core: '*'}"})
    layers = with_requirements([read_code("sales", [tmp_path])], [tmp_path])
    assert sorted(each.code for each in layers) == ["core", "sales"]
    with pytest.raises(MetadataInvalid) as caught:
        read_code("sale", [tmp_path])
    assert caught.value.problems[0].suggestion == "sales"


def test_a_file_that_cannot_be_read_hides_no_other_problem(tmp_path: Path) -> None:
    deal = "fields: {name: {type: text}, account: {type: link, to: account}, stage: {type: choice, options: stage}}"
    root = write(
        tmp_path / "p",
        {
            "entities/deal.yaml": deal,
            "entities/lead.yaml": "fields: {name: {type: txt}}",
            "entities/task.yaml": "fields: {a: [",
            "views/all.yaml": "entity: deal\ncolumns: {account.name: {}, nmae: {}}",
            "views/tasks.yaml": "entity: task\ncolumns: {a: {}}",
            "roles/rep.yaml": "entities: {account: {read: own}}",
        },
    )
    (root / "entities" / "account.yaml").write_bytes("label: 客户".encode("gb18030"))
    os.symlink(tmp_path / "elsewhere.yaml", root / "options.yaml")
    with pytest.raises(MetadataInvalid) as caught:
        compile_layers([read_package(root)])
    assert [(str(each.position), each.code) for each in caught.value.problems] == [
        ("p/entities/account.yaml:1:1", "package_encoding"),
        ("p/entities/lead.yaml:1:23", "grammar_choice"),
        ("p/entities/task.yaml:2:1", "document_syntax"),
        ("p/options.yaml:1:1", "package_symlink"),
        ("p/views/all.yaml:2:29", "reference_unknown"),
    ]


def test_a_package_that_is_nowhere_is_told_where_it_is_required(tmp_path: Path) -> None:
    write(tmp_path, {"core/package.yaml": "kind: core"})
    root = write(
        tmp_path / "sales",
        {
            "package.yaml": "version: 1.0\nrequires: {cor: '*'}",
            "entities/deal.yaml": "fields: {name: {type: txt}, by: {type: link, to: person}}",
        },
    )
    with pytest.raises(MetadataInvalid) as caught:
        compile_layers(with_requirements([read_package(root)], [tmp_path]))
    found = caught.value.problems
    assert [(str(each.position), each.code) for each in found] == [
        ("sales/entities/deal.yaml:1:23", "grammar_choice"),
        ("sales/package.yaml:2:12", "package_missing"),
    ]
    assert found[1].suggestion == "core"


def test_unchanged_files_are_parsed_once() -> None:
    one: Any = parse_layer(Layer("a", files={"entities/x.yaml": "label: X"})).sections["entities"]["x"].data
    two: Any = parse_layer(Layer("a", files={"entities/x.yaml": "label: X"})).sections["entities"]["x"].data
    assert one is two
