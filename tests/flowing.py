"""Descriptions with a workflow about deals, for the tests of what workflows may say."""

from __future__ import annotations

import json

import pytest

from metadata import parts
from metadata import workflows as w
from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import read_text
from metadata.problems import LANGUAGES, MetadataInvalid, Problem
from metadata.sections import SECTIONS

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


def pair(one: str, two: str) -> str:
    return HEAD + f"workflows:\n  one: {one}\n  two: {two}\n"


def warned(text: str) -> list[str]:
    found = compile_layers([read_text(text, "sales.yaml")]).warnings
    return [str(each.params["chain"]) for each in found if each.code == "workflow_starts_itself"]
