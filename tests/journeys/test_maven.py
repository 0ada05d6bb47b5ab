"""The main job: a CRM's real files loaded through the product give the totals that are known of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runtime import jobs, queries, transfer
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs.drain import drain
from runtime.queries import Query
from runtime.workspace import PlatformActor
from tests import kit

STEPS = (
    ("unit", "maven_offices", "sales_teams.csv"),
    ("user", "maven_managers", "sales_teams.csv"),
    ("user", "maven_agents", "sales_teams.csv"),
    ("product", "maven_products", "products.csv"),
    ("account", "maven_accounts", "accounts.csv"),
    ("opportunity", "maven_pipeline", "sales_pipeline.csv"),
)


def load(host: Host, tenant: Tenant, entity: str, mapping: str, path: Path) -> transfer.Totals:
    report = transfer.load(host, tenant, PlatformActor(), entity, path, transfer.Options(mapping=mapping))
    if report.job is not None:
        while report.state not in ("done", "failed", "dead", "cancelled"):
            drain(host, tenant)
            with kit.workspace(host, tenant, write=False) as ws:
                report = transfer.of_job(ws, jobs.get(ws, report.job or ""))
    assert (report.state, report.refused) == ("done", ())
    return report.totals


@pytest.fixture
def loaded(host: Host, shared_data: Path) -> Tenant:
    tenant = kit.tenant(host, "maven")
    for entity, mapping, file in STEPS:
        load(host, tenant, entity, mapping, shared_data / "maven_crm" / file)
    return tenant


def total(amount: Any) -> Any:
    """A sum of money as a number that compares with plain ones."""
    return Decimal(amount["amount"] if isinstance(amount, dict) else amount)


def test_the_maven_files_give_the_known_totals(host: Host, loaded: Tenant, shared_data: Path) -> None:
    with kit.workspace(host, loaded, write=False) as ws:

        def count(entity: str, where: str | None = None) -> int:
            page = queries.find(ws, Query(entity, where=where, limit=1, count="exact"))
            assert page.count is not None
            return page.count

        def grouped(group: str, *measures: str, where: str | None = None) -> dict[Any, dict[str, Any]]:
            rows = queries.aggregate(ws, "opportunity", group=(group,), measures=measures, where=where)
            return {row[group]: row for row in rows}

        assert count("account") == 85
        assert count("account", "country == 'United States'") == 71
        assert count("account", "parent != null") == 15
        assert len(queries.aggregate(ws, "account", group=("industry",))) == 10
        (sums,) = queries.aggregate(ws, "account", measures=("sum(revenue_millions)", "sum(size)"))
        assert Decimal(sums["sum(revenue_millions)"]) == Decimal("169543.8")
        assert sums["sum(size)"] == 396_170
        assert count("product") == 7
        assert count("user") == 41  # 35 agents and 6 managers
        assert count("unit") == 3
        assert count("opportunity") == 8_800
        assert count("opportunity", "account == null") == 1_425
        assert count("opportunity", "product.name == 'GTX Pro'") == 1_480
        by_stage = grouped("stage", "count", "sum(amount)")
        assert {stage: row["count"] for stage, row in by_stage.items()} == {
            "won": 4_238,
            "lost": 2_473,
            "need": 1_589,
            "qualify": 500,
        }
        assert total(by_stage["won"]["sum(amount)"]) == 10_005_534
        by_quarter = grouped("close_date:quarter", "count", "sum(amount)", where="stage == 'won'")
        assert [(row["count"], total(row["sum(amount)"])) for _, row in sorted(by_quarter.items())] == [
            (531, 1_134_672),
            (1_254, 3_086_111),
            (1_257, 2_982_255),
            (1_196, 2_802_496),
        ]
        offices = queries.aggregate(
            ws, "opportunity", group=("owner.unit.name",), measures=("count", "sum(amount)"), where="stage == 'won'"
        )
        assert {row["owner.unit.name"]: (row["count"], total(row["sum(amount)"])) for row in offices} == {
            "Central": (1_629, 3_346_293),
            "East": (1_171, 3_090_594),
            "West": (1_438, 3_568_647),
        }


def test_loading_the_same_files_again_changes_nothing(host: Host, loaded: Tenant, shared_data: Path) -> None:
    for entity, mapping, file in STEPS:
        totals = load(host, loaded, entity, mapping, shared_data / "maven_crm" / file)
        assert (totals.created, totals.updated, totals.unchanged) == (0, 0, totals.rows)
