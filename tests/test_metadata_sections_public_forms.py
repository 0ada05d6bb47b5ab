"""Public forms in a description: what they may ask, what they must, and who a visitor is to the rights."""

from __future__ import annotations

import pytest

from metadata.access import FORM, Actor, rights
from metadata.model import PublicForm
from metadata.problems import MetadataInvalid
from tests import kit

SHOP = """
package: {code: shop}
entities:
  user: {title: name, fields: {name: {type: text}, email: {type: email}}}
  unit: {title: name, fields: {name: {type: text}}}
  note:
    title: text
    access: {via: enquiry}
    fields: {text: {type: text}, enquiry: {type: link, to: enquiry, on_delete: cascade}}
  tag: {title: name, written_by: platform, fields: {name: {type: text}}}
  enquiry:
    label: {en: Enquiry, zh: 询价}
    title: name
    owned: true
    fields:
      name: {type: text, required: true, label: {en: Name, zh: 姓名}}
      topic: {type: choice, required: true, options: {sales: {}, help: {id: support}}}
      state: {type: choice, required: true, default: new, options: {new: {}, done: {}}}
      secret: {type: text}
      tag: {type: link, to: tag}
      scan: {type: file}
public_forms:
  ask: %s
"""
GOOD = "{entity: enquiry, fields: {name: {}}, constants: {topic: help}, owner: A@Example.com}"


def problems(form: str) -> list[tuple[str, str]]:
    with pytest.raises(MetadataInvalid) as caught:
        kit.compile_yaml(SHOP % form)
    return [(each.code, each.path) for each in caught.value.problems]


def test_a_form_is_compiled_with_everything_by_id() -> None:
    form = kit.compile_yaml(SHOP % GOOD).get("public_forms", "ask")
    assert isinstance(form, PublicForm)
    assert (form.entity, form.owner, dict(form.constants)) == ("enquiry", "a@example.com", {"topic": "support"})
    assert [(each.id, each.required) for each in form.fields] == [("name", True)]


@pytest.mark.parametrize(
    ("form", "code", "path"),
    [
        ("{entity: enquiry, fields: {name: {}}}", "public_form_required_missing", "fields"),
        ("{entity: enquiry, fields: {name: {}, topic: {}, tag: {}}}", "public_form_field_type", "fields.tag"),
        ("{entity: enquiry, fields: {name: {}, topic: {}, scan: {}}}", "public_form_field_type", "fields.scan"),
        ("{entity: enquiry, fields: {name: {}, topic: {}, owner: {}}}", "public_form_platform_field", "fields.owner"),
        (
            "{entity: enquiry, fields: {name: {}, topic: {}}, constants: {topic: help}}",
            "public_form_asked_and_given",
            "constants",
        ),
        ("{entity: enquiry, fields: {name: {}}, constants: {topic: other}}", "value_unknown_option", "constants.topic"),
        ("{entity: enquiry, fields: {nam: {}, name: {}, topic: {}}}", "reference_unknown", "fields.nam"),
        ("{entity: enquirer, fields: {name: {}}}", "reference_unknown", "entity"),
        ("{entity: note, fields: {text: {}}}", "public_form_entity", "entity"),
        ("{entity: tag, fields: {name: {}}}", "public_form_entity", "entity"),
        ("{entity: user, fields: {name: {}}, owner: a@example.com}", "public_form_owner", "owner"),
        ("{entity: enquiry}", "grammar_missing", "fields"),
    ],
)
def test_what_is_wrong_with_a_form_is_told_at_its_place(form: str, code: str, path: str) -> None:
    assert (code, f"public_forms.ask.{path}".rstrip(".")) in problems(form)


def test_a_visitor_may_make_what_the_form_asks_and_nothing_else() -> None:
    model = kit.compile_yaml(SHOP % GOOD)
    visitor = Actor(None, "Ask", (f"{FORM}ask",), channel="public")
    enquiry, user, note = (model.entity(each) for each in ("enquiry", "user", "note"))
    assert enquiry is not None and user is not None and note is not None
    found = rights(model, visitor, enquiry)
    assert {each: found.reach(each).widest for each in ("read", "create", "update", "delete")} == {
        "read": "none",
        "create": "all",
        "update": "none",
        "delete": "none",
    }
    assert {each for each in enquiry.fields if found.may_write(each)} == {"owner", "name", "topic"}
    assert not found.may_read("secret")
    assert rights(model, visitor, user).reach("create").nothing
    assert not any(rights(model, visitor, user).may_read(each) for each in user.fields)
    assert rights(model, visitor, note).reach("read").nothing
    nobody = Actor(None, "?", (f"{FORM}gone",))
    assert rights(model, nobody, enquiry).reach("create").nothing
