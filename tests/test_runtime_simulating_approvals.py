"""Changed approvals asked of the past: which one a record needs, and who would have been asked, on both databases."""

from __future__ import annotations

from typing import Any

import yaml

from metadata.documents.package import read_text
from runtime.host import Host
from runtime.simulating.asking import Asked
from runtime.simulating.report import told
from runtime.simulating.run import simulate
from tests.replaying import definition
from tests.signing import WORLD, Firm, firm


def _edited(change: Any) -> str:
    body = yaml.safe_load(WORLD)
    change(body["approvals"])
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True)


def _replayed(f: Firm, text: str) -> dict[str, Any]:
    found: dict[str, Any] = told(simulate(f.host, f.tenant, [read_text(text)], Asked()).as_json(), "en")
    return found


def test_another_entry_condition_asks_for_others(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote(name="asked"))
    f.quote(name="small", discount=8)

    def wider(approvals: Any) -> None:
        approvals["discount"]["entry"] = "discount > 5"

    found = definition(_replayed(f, _edited(wider)), "discount")
    # Once when the first was made and once when it was submitted; the second one newly needs it.
    assert (found["seen"], found["same"], found["counts"]) == (3, 2, {"newly_asked": 1})
    (sample,) = found["samples"]
    assert (sample["title"], sample["before"]["does"], sample["after"]["does"]) == ("small", False, True)
    assert sample["after"]["why"][0]["root"]["holds"] is True


def test_another_matrix_asks_other_people_and_says_who(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote(name="large", amount="600000"))
    f.submit(f.quote(name="medium", amount="300000"))

    def lower(approvals: Any) -> None:
        approvals["discount"]["matrices"]["money"]["large"]["when"] = "amount >= 200000"

    report = _replayed(f, _edited(lower))
    found = definition(report, "discount")
    assert found["counts"] == {"asks_otherwise": 2}
    assert {each["title"] for each in found["samples"]} == {"medium"}
    submitted = next(each for each in found["samples"] if each["what"] == "submitted")
    before, after = (
        [person["name"] for step in submitted[side]["way"] for person in step["people"]] for side in ("before", "after")
    )
    assert before != after and before[0] == after[0] == "Bob"
    assert submitted["who"] == "Ida"
    assert any(each["code"] == "people" for each in report["limits"])


def test_what_only_reads_otherwise_is_the_same(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())

    def said(approvals: Any) -> None:
        approvals["discount"]["label"] = {"en": "Rebates", "zh": "返利"}
        approvals["discount"]["title"] = {"en": "{name}", "zh": "{name}"}

    assert _replayed(f, _edited(said))["definitions"] == []
