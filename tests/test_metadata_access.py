"""What roles give together: a union of rows and rights, narrowed by conditions, capped by how sensitive a field is."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.access import Actor, Claim, Reach, Rights, rights, rights_of
from metadata.granting import exceeds, may_manage
from metadata.model import Entity, Model
from metadata.problems import MetadataInvalid
from tests import kit

SHOP = """
package: {code: shop}
options: {stage: {label: Stage, options: {new: {}, won: {}}}}
entities:
  user: {fields: {name: {type: text}, phone: {type: phone, sensitivity: personal}}}
  unit: {fields: {name: {type: text}}}
  account: {owned: true, fields: {name: {type: text}}}
  deal:
    owned: true
    fields:
      name: {type: text}
      account: {type: link, to: account}
      stage: {type: choice, options: stage}
      amount: {type: money}
      mail: {type: email, sensitivity: personal}
      born: {type: date, sensitivity: personal}
      pin: {type: text, sensitivity: secret}
      lines: {type: children, of: line, by: deal}
  line: {fields: {deal: {type: link, to: deal}, qty: {type: integer}}}
roles:
  ROLES
"""


def shop(roles: str) -> Model:
    return kit.compile_yaml(SHOP.replace("ROLES", roles.strip().replace("\n", "\n  ")))


def deal(model: Model) -> Entity:
    found = model.entity("deal")
    assert found is not None
    return found


def of(model: Model, *roles: str) -> Rights:
    return rights(model, Actor("u", "Ada", roles), deal(model))


def test_several_roles_reach_what_each_of_them_reaches() -> None:
    model = shop("""
a: {entities: {deal: {read: own, update: none}}}
b: {entities: {deal: {read: {where: "stage == 'won'"}, update: unit}}}
c: {entities: {deal: {read: {where: "amount > 5"}}}}
""")
    reached = of(model, "a", "b", "c").reach("read")
    assert reached == Reach(frozenset({"own"}), ("stage == 'won'", "amount > 5"))
    assert of(model, "a", "b").reach("update") == Reach(frozenset({"unit"}))
    assert of(model, "a").reach("update").nothing
    assert of(model).reach("read").nothing


def test_a_right_is_the_widest_that_a_role_gives_in_a_record() -> None:
    model = shop("""
a: {entities: {deal: {read: all, fields: {amount: {right: write, when: "stage != 'won'", otherwise: read}, '*': read}}}}
b: {entities: {deal: {read: all, fields: {amount: hidden, '*': hidden}}}}
c: {entities: {deal: {read: all, fields: {amount: {right: read, when: "owner == $user"}, '*': hidden}}}}
d: {entities: {deal: {read: all}}}
""")
    one = of(model, "a", "b")
    assert (one.may_write("amount"), one.always("amount"), one.always_read("amount")) == (True, "read", True)
    assert (one.when("amount", "write"), one.when("amount", "read")) == (("stage != 'won'",), None)
    both = of(model, "b", "c")
    assert (both.may_read("amount"), both.always_read("amount"), both.always("amount")) == (True, False, "hidden")
    assert both.when("amount", "read") == ("owner == $user",)
    assert not of(model, "c", "d").narrowed


def test_what_is_more_sensitive_than_a_role_is_cleared_for_is_masked_or_hidden() -> None:
    model = shop("""
plain: {entities: {deal: {read: all, update: all}}}
trusted: {clearance: personal, entities: {deal: {read: all, update: all}}}
keeper: {clearance: secret, entities: {deal: {read: all, fields: {'*': read}}}}
""")
    assert [of(model, "plain").fields[each] for each in ("mail", "born", "pin")] == ["masked", "hidden", "hidden"]
    assert [of(model, "trusted").fields[each] for each in ("mail", "born", "pin")] == ["write", "write", "hidden"]
    assert [of(model, "keeper").fields[each] for each in ("mail", "born", "pin")] == ["read", "read", "read"]
    both = of(model, "plain", "keeper")
    assert (both.may_read("mail"), both.may_write("mail"), both.may_write("name")) == (True, False, True)
    masked = of(model, "plain")
    assert (masked.may_see("mail"), masked.may_read("mail"), masked.may_see("pin")) == (True, False, False)


def test_a_clearance_caps_what_a_condition_gives() -> None:
    model = shop("""
a: {entities: {deal: {read: all, fields: {mail: {right: write, when: "owner == $user"}}}}}
""")
    assert of(model, "a").narrowed["mail"] == (Claim("masked", "owner == $user", "hidden"),)
    assert (of(model, "a").may_read("mail"), of(model, "a").when("mail", "masked")) == (False, ("owner == $user",))


GRANTED = """
full: {capabilities: {users: true}, clearance: secret, entities: {'*': {read: all, create: all, update: all}}}
mine: {capabilities: {users: true}, entities: {deal: {read: subtree, fields: {amount: read}}}}
cond: {entities: {deal: {read: {where: "stage == 'won'"}, fields: {'*': read}}}}
"""


@pytest.mark.parametrize(
    ("given", "within"),
    [
        ("{entities: {deal: {read: own, fields: {'*': read}}}}", True),
        ("{entities: {deal: {read: subtree, fields: {amount: read}}}}", True),
        ("{entities: {deal: {read: all, fields: {amount: read}}}}", False),
        ("{entities: {deal: {read: own, update: own}}}", False),
        ("{entities: {deal: {read: own}}}", False),  # writes amounts
        ("{entities: {deal: {read: {where: \"stage == 'new'\"}, fields: {amount: read}}}}", False),
        ("{entities: {account: {read: own}}}", False),
        ("{entities: {'*': {read: own}}}", False),
        ("{capabilities: {configure: true}, entities: {deal: {read: own, fields: {amount: read}}}}", False),
        ("{clearance: personal, entities: {deal: {read: own, fields: {amount: read}}}}", False),
        ("{entities: {deal: {read: own, fields: {amount: {right: write, when: \"stage == 'new'\"}}}}}", False),
        ("{entities: {}}", True),
    ],
)
def test_nobody_grants_a_role_with_more_than_he_holds(given: str, within: bool) -> None:
    model = shop(GRANTED + f"given: {given}")
    role = model.role("given")
    assert role is not None
    assert exceeds(model, ["mine"], role) is not within
    assert not exceeds(model, ["full"], role) or "configure" in role.capabilities
    assert not exceeds(model, ["given"], role)


def test_people_are_managed_everywhere_or_below_ones_own_units() -> None:
    model = shop("""
a: {capabilities: {users: true}}
b: {capabilities: {users_below: true}}
c: {entities: {deal: {read: own}}}
""")

    def manages(role: str, unit: str | None, **more: Any) -> bool:
        return may_manage(model, Actor("u", "Ada", (role,), subtree=frozenset({"north"}), **more), unit)

    assert [manages("a", each) for each in ("north", "south", None)] == [True, True, True]
    assert [manages("b", each) for each in ("north", "south", None)] == [True, False, False]
    assert [manages("c", each) for each in ("north", "south", None)] == [False, False, False]
    assert not manages("a", "north", allowed_scopes=frozenset({"write"}))
    both, below = model.role("a"), model.role("b")
    assert both is not None and below is not None
    assert (exceeds(model, ["b"], both), exceeds(model, ["a"], below)) == (True, False)


def test_the_same_condition_may_be_passed_on() -> None:
    model = shop(GRANTED + "given: {entities: {deal: {read: {where: \"stage == 'won'\"}, fields: {'*': read}}}}")
    role = model.role("given")
    assert role is not None
    assert not exceeds(model, ["cond"], role)
    assert exceeds(model, ["mine"], role)


def test_several_roles_cover_together_what_one_gives() -> None:
    model = shop("""
a: {entities: {deal: {read: own, fields: {'*': read}}}}
b: {entities: {account: {read: all}}}
given: {entities: {deal: {read: own, fields: {'*': read}}, account: {read: unit}}}
""")
    role = model.role("given")
    assert role is not None
    assert not exceeds(model, ["a", "b"], role)
    assert exceeds(model, ["a"], role)
    assert rights_of(model, ["a", "b"], deal(model)).reach("read") == Reach(frozenset({"own"}))


@pytest.mark.parametrize(
    ("grant", "code"),
    [
        ("deal: {read: {where: \"stagge == 'won'\"}}", "expression_unknown_field"),
        ("deal: {read: {where: 'is_business_day(created_at)'}}", "policy_not_in_sql"),
        ("deal: {read: {where: 'any(lines, qty > 1)'}}", "policy_lists"),
        ("deal: {read: {where: \"changed('stage')\"}}", None),
        ("line: {read: {where: 'qty > 1'}}", "role_condition_of_part"),
        ("'*': {read: {where: 'id == $user'}}", "role_condition_of_all"),
        ("'*': {read: all, fields: {id: {right: read, when: 'id == $user'}}}", "role_condition_of_all"),
        ("deal: {read: all, fields: {amount: masked}}", "role_no_mask"),
        ("deal: {read: all, fields: {name: {right: read, when: 'amount > 1'}}}", "role_field_not_narrower"),
        ("deal: {read: all, fields: {account: {right: read, when: 'amount > 1'}}}", "role_field_not_narrower"),
        (
            "deal: {read: all, fields: {mail: {right: read, when: 'amount > 1', otherwise: read}}}",
            "role_field_not_narrower",
        ),
        ("deal: {read: all, fields: {mail: {right: masked, when: 'amount > 1'}}}", None),
        ("deal: {read: mine}", None),
        ("deal: {read: {}}", None),
    ],
)
def test_what_a_role_cannot_say_is_refused_where_it_stands(grant: str, code: str | None) -> None:
    with pytest.raises(MetadataInvalid) as refused:
        shop(f"a: {{entities: {{{grant}}}}}")
    found = refused.value.problems
    assert all(each.position is not None and each.position.line == 21 for each in found), found
    if code is not None:
        assert code in {each.code for each in found}, [each.code for each in found]


def test_a_condition_is_where_used() -> None:
    from metadata.sections import SECTIONS

    fields = '{mail: {right: read, when: "amount > 1"}}'
    model = shop(f'a: {{entities: {{deal: {{read: {{where: "account.name != null"}}, fields: {fields}}}}}}}')
    found = SECTIONS["roles"].references("a", model.part("roles", "a"), model)
    read = {(each.path[2:], each.element, each.field) for each in found}
    assert (("read", "where"), "account", "name") in read
    assert (("read", "where"), "deal", "account") in read
    assert (("fields", "mail", "when"), "deal", "amount") in read
