"""The OpenAPI document is true: it is valid, follows the caller's rights, and the API does what it says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from runtime.host import Host
from tests.doors import Api, Site, site

CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


@pytest.fixture
def here(host: Host) -> Site:
    return site(host)


def document(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/openapi.json").get_json()
    return found


def test_the_document_says_what_the_caller_may_do(here: Site) -> None:
    admin, seller, reader, nobody = (document(here.api(*each)) for each in (["admin"], ["seller"], ["reader"], []))
    assert admin["openapi"] == "3.1.0"
    assert admin["servers"] == [{"url": f"{here.prefix}/api/v1"}]
    assert set(admin["paths"]["/company"]) == {"get", "post"}
    assert set(reader["paths"]["/company"]) == {"get"}
    assert set(seller["paths"]["/user"]) == {"get"}
    assert "/events" in admin["paths"] and "/events" not in seller["paths"]
    assert not any(each.startswith(("/company", "/deal", "/user")) for each in nobody["paths"])
    assert "name" not in reader["components"]["schemas"].get("company.create", {}).get("properties", {})


def test_every_object_is_closed(here: Site) -> None:
    for name, schema in document(here.api("admin"))["components"]["schemas"].items():
        if name not in ("problem", "job"):
            assert schema["additionalProperties"] is False, name
            Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("package", [None, "sales", "clinic", "library", "rental"])
def test_answers_are_as_described(sqlite_host: Host, package: str | None) -> None:
    from tests.test_blueprints_pages import _walk

    here = site(sqlite_host, *([package] if package else []))
    _walk(here)  # leaves a record of each entity
    api = here.api("admin")
    described = document(api)
    for path, operations in described["paths"].items():
        if path.count("/") == 1 and "get" in operations and path not in ("/meta", "/events", "/jobs"):
            answer = api.get(path).get_json()
            _check(described, operations["get"], answer)
            for record in answer["data"]:
                one = described["paths"][f"{path}/{{id}}"]["get"]
                _check(described, one, api.get(f"{path}/{record['id']}").get_json())


def _check(described: dict[str, Any], operation: dict[str, Any], answer: Any) -> None:
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": described["components"]}
    jsonschema.validate(answer, whole, cls=Draft202012Validator)


def test_requests_made_from_the_document_are_answered_as_it_says(host: Host) -> None:
    """Some hundred requests, good and bad, against every operation: no 5xx, no bad value accepted."""
    here = site(host)
    api = here.api("admin")
    company = api.made("company", name="Acme")
    api.made("deal", name="First", company=company["id"])
    schema = schemathesis.openapi.from_wsgi(f"{api.prefix}/openapi.json", here.app, headers=api.headers)
    count = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        good, bad = (operation.as_strategy(generation_mode=each) for each in schemathesis.GenerationMode)

        @given(case=good | bad)
        @settings(
            max_examples=3,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def call(case: Any) -> None:
            nonlocal count
            count += 1
            case.call_and_validate(headers=api.headers, checks=CHECKS)

        call()
    assert count >= 100


@settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=60))
def test_any_bytes_are_json_or_a_problem(data: bytes) -> None:
    from blueprints.limits import read_json
    from metadata.problems import BadRequest

    try:
        read_json(data)
    except BadRequest as error:
        assert error.problems[0].message("zh")
