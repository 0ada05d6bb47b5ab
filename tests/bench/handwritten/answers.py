"""Rows as the JSON that is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from flask import Response

Json = Mapping[str, Any]


def answer(body: Any, status: int = 200) -> Response:
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(content, status, content_type="application/json")


def opportunity_json(row: Sequence[Any]) -> dict[str, Any]:
    """The values in the order of OPPORTUNITY_COLUMNS."""
    (
        id,
        version,
        created_at,
        created_by,
        updated_at,
        updated_by,
        owner,
        unit,
        currency,
        name,
        account,
        stage,
        amount,
        probability,
        close_date,
        engaged_at,
        source,
        next_step,
        description,
        quantity,
        discount,
        score,
        hot,
        email,
        website,
        region,
        contact_name,
        external_number,
        tags,
    ) = row
    return {
        "id": id,
        "version": version,
        "created_at": created_at,
        "created_by": created_by,
        "updated_at": updated_at,
        "updated_by": updated_by,
        "owner": owner,
        "unit": unit,
        "currency": currency,
        "name": name,
        "account": account,
        "stage": stage,
        "amount": None if amount is None else {"amount": f"{amount:.2f}", "currency": currency},
        "probability": _decimal(probability),
        "close_date": close_date,
        "engaged_at": engaged_at,
        "source": source,
        "next_step": next_step,
        "description": description,
        "quantity": quantity,
        "discount": _decimal(discount),
        "score": score,
        "hot": hot,
        "email": email,
        "website": website,
        "region": region,
        "contact_name": contact_name,
        "external_number": external_number,
        "tags": tags,
    }


def account_json(row: Sequence[Any]) -> dict[str, Any]:
    """The values in the order of ACCOUNT_COLUMNS."""
    (
        id,
        version,
        created_at,
        created_by,
        updated_at,
        updated_by,
        owner,
        unit,
        name,
        industry,
        city,
        website,
        employees,
    ) = row
    return {
        "id": id,
        "version": version,
        "created_at": created_at,
        "created_by": created_by,
        "updated_at": updated_at,
        "updated_by": updated_by,
        "owner": owner,
        "unit": unit,
        "name": name,
        "industry": industry,
        "city": city,
        "website": website,
        "employees": employees,
    }


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
