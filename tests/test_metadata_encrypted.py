"""`encrypted: true` in a description: where it stands, and what may not be made of such a field."""

from __future__ import annotations

import pytest

from metadata.problems import MetadataInvalid
from tests import kit

BASE = """
package: {code: sealed, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user: {title: name, fields: {name: {type: text}, email: {type: email}, unit: {type: link, to: unit}}}
  unit: {title: name, fields: {name: {type: text}, parent: {type: link, to: unit}}}
  patient:
    fields:
      name: {type: text}
      doctor: {type: link, to: patient, inverse: {key: patients}}
      key: {type: text, encrypted: true}
MORE
roles: {admin: {label: Admin, entities: {'*': {read: all}}}}
"""


def compiled(more: str) -> set[str]:
    try:
        kit.compile_yaml(BASE.replace("MORE", more))
    except MetadataInvalid as error:
        return {each.code for each in error.problems}
    return set()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("      x: {type: integer, encrypted: true}", "grammar_unknown_key"),
        ("      x: {type: tags, encrypted: true}", "grammar_unknown_key"),
        ("      x: {type: email, encrypted: true, unique: true}", "field_encrypted_use"),
        ("      x: {type: text, encrypted: true, default: a}", "field_encrypted_default"),
        ("      x: {type: formula, as: text, value: key}", "expression_encrypted"),
        ("      x: {type: formula, as: boolean, value: \"key == 'a'\"}", "expression_encrypted"),
        ("      x: {type: lookup, path: doctor.key}", "computed_lookup_encrypted"),
        ("      x: {type: rollup, of: patients, count: true, where: \"key == 'a'\"}", "expression_encrypted"),
        ("    title: key", "field_encrypted_use"),
        ("    search: {key: {}}", "field_encrypted_use"),
        ("    sort: {key: asc}", "field_encrypted_use"),
        ("    indexes: {x: {fields: {key: {}}}}", "field_encrypted_use"),
        ("    unique: {x: {fields: {name: {}, key: {}}}}", "field_encrypted_use"),
        ("    unique: {x: {fields: {name: {}}, where: \"key != 'a'\"}}", "expression_encrypted"),
        ("    rules: {x: {when: name == null, set: {name: key}}}", "expression_encrypted"),
        ("    rules: {x: {when: \"key == 'a'\", reject: {message: 'not {key}'}}}", "expression_encrypted"),
        ("    rules: {x: {when: \"doctor.key == 'a'\", require: {name: {}}}}", "expression_encrypted"),
        ("views: {x: {entity: patient, filters: {key: {}}}}", "field_encrypted_use"),
        ("views: {x: {entity: patient, where: \"key > 'a'\"}}", "expression_encrypted"),
    ],
)
def test_what_would_lay_it_open_is_refused(more: str, code: str) -> None:
    assert compiled(more) == {code}


@pytest.mark.parametrize(
    "more",
    [
        "      x: {type: formula, as: boolean, value: key != null}",
        "      x: {type: long_text, encrypted: true}\n      y: {type: url, encrypted: true}",
        "    rules: {x: {when: \"key == 'a'\", require: {name: {}}}}",
        "views: {x: {entity: patient, where: key == null, columns: {key: {}}}}",
    ],
)
def test_what_keeps_it_closed_is_not(more: str) -> None:
    assert compiled(more) == set()


def test_no_record_is_named_by_an_encrypted_text() -> None:
    model = kit.compile_yaml(
        BASE.replace("MORE", "").replace("      name: {type: text}\n      doctor", "      doctor", 1)
    )
    patient = model.entity("patient")
    assert patient is not None and patient.title == "id" and patient.fields["key"].encrypted
