"""The application that a good engineer would write by hand for this one business: Flask and SQLAlchemy Core."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

from tests.bench.handwritten import statements
from tests.bench.handwritten.answers import account_json, answer, opportunity_json
from tests.bench.handwritten.database import open_engine
from tests.bench.handwritten.validation import STAGES, UUID, Invalid, changes_of_opportunity, new_opportunity

MOST_IN_BULK = 1_000
MOST_PER_PAGE = 500
_ACCOUNT_AT = len(statements.OPPORTUNITY_COLUMNS)


def create_app() -> Flask:
    """Reads HANDWRITTEN_URL and, on PostgreSQL, HANDWRITTEN_SCHEMA."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 10_000_000
    opportunities = Opportunities(open_engine(os.environ["HANDWRITTEN_URL"], os.environ.get("HANDWRITTEN_SCHEMA")))
    app.add_url_rule("/opportunities", view_func=opportunities.list, methods=["GET"])
    app.add_url_rule("/opportunities", view_func=opportunities.create, methods=["POST"])
    app.add_url_rule("/opportunities/bulk", view_func=opportunities.create_many, methods=["POST"])
    app.add_url_rule("/opportunities/by-stage", view_func=opportunities.by_stage, methods=["GET"])
    app.add_url_rule("/opportunities/<id>", view_func=opportunities.read, methods=["GET"])
    app.add_url_rule("/opportunities/<id>", view_func=opportunities.update, methods=["PATCH"])
    app.register_error_handler(Invalid, lambda problem: answer({"problems": problem.problems}, 422))
    app.register_error_handler(HTTPException, lambda problem: answer({"title": problem.name}, problem.code or 500))
    return app


class Opportunities:
    """The views. Each does its work in one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writing=True)

    def read(self, id: str) -> Response:
        with self._signed_in() as (connection, _):
            row = connection.execute(statements.READ, {"id": _id(id)}).first()
        if row is None:
            abort(404)
        found = opportunity_json(row[:_ACCOUNT_AT])
        found["account"] = account_json(row[_ACCOUNT_AT:])
        return answer(found)

    def list(self) -> Response:
        words = request.args
        page = {"limit": _number("limit", statements.PAGE, MOST_PER_PAGE), "offset": _number("offset", 0, 10**7)}
        with self._signed_in() as (connection, _):
            count = None
            if text := words.get("q") or words.get("contains"):
                rows = connection.execute(statements.CONTAINING, {"pattern": _pattern(text), **page}).all()
            else:
                if words.get("stage") not in STAGES:
                    abort(400)
                asked = {"stage": words["stage"], "over": Decimal(_number("over", 0, 10**12))}
                rows = connection.execute(statements.LIST, {**asked, **page}).all()
                if words.get("count"):
                    count = connection.execute(statements.COUNT, asked).scalar_one()
        return answer({"data": [opportunity_json(row) for row in rows], "count": count})

    def by_stage(self) -> Response:
        with self._signed_in() as (connection, _):
            rows = connection.execute(statements.BY_STAGE).all()
        return answer(
            {"data": [{"stage": stage, "count": count, "sum": f"{total:.2f}"} for stage, count, total in rows]}
        )

    def create(self) -> Response:
        values = new_opportunity(_body())
        with self._signed_in(writing=True) as (connection, user):
            row = _row(values, user)
            try:
                connection.execute(statements.INSERT, row)
            except sa.exc.IntegrityError:
                raise Invalid({"account": "does not exist"}) from None
            connection.execute(statements.INSERT_EVENT, _event("created", row, user, _after(values)))
        return answer(_json(row), 201)

    def update(self, id: str) -> Response:
        changes = changes_of_opportunity(_body())
        with self._signed_in(writing=True) as (connection, user):
            found = connection.execute(statements.READ_FOR_UPDATE, {"id": _id(id)}).first()
            if found is None:
                abort(404)
            row = dict(found._mapping)
            before = {name: _plain(row[_column(name)]) for name in changes}
            columns = _columns(changes)
            columns |= {"version": row["version"] + 1, "updated_at": _now(), "updated_by": user}
            try:
                connection.execute(statements.update(frozenset(columns)), {"record": row["id"], **columns})
            except sa.exc.IntegrityError:
                raise Invalid({"account": "does not exist"}) from None
            row |= columns
            told = {name: [before[name], _plain(changes[name])] for name in changes}
            connection.execute(statements.INSERT_EVENT, _event("updated", row, user, told))
        return answer(_json(row))

    def create_many(self) -> Response:
        records = _body().get("records")
        if not isinstance(records, list) or not 1 <= len(records) <= MOST_IN_BULK:
            raise Invalid({"records": f"must be a list of 1 to {MOST_IN_BULK} records"})
        checked = [new_opportunity(each) for each in records]
        with self._signed_in(writing=True) as (connection, user):
            rows = [_row(values, user) for values in checked]
            events = [_event("created", row, user, _after(values)) for row, values in zip(rows, checked, strict=True)]
            try:
                connection.execute(statements.INSERT, rows)
            except sa.exc.IntegrityError:
                raise Invalid({"account": "does not exist"}) from None
            connection.execute(statements.INSERT_EVENT, events)
        return answer({"data": [{"id": row["id"], "version": 1} for row in rows]})

    @contextmanager
    def _signed_in(self, writing: bool = False) -> Iterator[tuple[sa.Connection, Any]]:
        """A transaction and the id of the user whose token the request carries."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not secret:
            abort(401)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        engine = self._writing if writing else self._engine
        with engine.begin() as connection:
            user = connection.execute(statements.SIGN_IN, {"hash": digest, "now": _now()}).scalar()
            if user is None:
                abort(401)
            yield connection, user


def _body() -> Any:
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        abort(400)


def _id(text: str) -> str:
    if not UUID.fullmatch(text):
        abort(404)
    return text


def _number(name: str, default: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) > most:
        abort(400)
    return int(text)


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _uuid7() -> str:
    value = (
        time.time_ns() // 1_000_000 << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
    return str(uuid.UUID(int=value))


def _column(name: str) -> str:
    return name if name in ("owner", "unit") else f"f_{name}"


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Checked values -> columns. Everything is counted in one currency, so the base value is the amount."""
    columns = {_column(name): value for name, value in values.items()}
    if "amount" in values:
        amount, currency = values["amount"] or (None, None)
        columns |= {"f_amount": amount, "f_amount__base": amount}
        if currency is not None:
            columns["currency"] = currency
    return columns


_EMPTY: dict[str, Any] = {column.name: None for column in statements.OPPORTUNITY_COLUMNS} | {"f_amount__base": None}


def _row(values: Mapping[str, Any], user: Any) -> dict[str, Any]:
    """The row of a new opportunity. Its owner is who makes it, unless somebody else is named."""
    now = _now()
    row = _EMPTY | {"owner": user, "currency": "CNY"} | _columns(values)
    return row | {
        "id": _uuid7(),
        "version": 1,
        "created_at": now,
        "created_by": user,
        "updated_at": now,
        "updated_by": user,
    }


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    return opportunity_json([row[column.name] for column in statements.OPPORTUNITY_COLUMNS])


def _plain(value: Any) -> Any:
    """A value as JSON for the event."""
    if isinstance(value, tuple):
        value = value[0]
    if isinstance(value, dt.date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | list) else str(value)


def _after(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: [None, _plain(value)] for name, value in values.items() if value is not None}


def _event(kind: str, row: Mapping[str, Any], user: Any, changes: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        "id": _uuid7(),
        "at": row["updated_at"],
        "actor": user,
        "actor_name": "",
        "channel": "api",
        "depth": 0,
        "release": 1,
        "kind": kind,
        "entity": "opportunity",
        "record": row["id"],
        "digest": hashlib.sha256(orjson.dumps(changes, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        "changes": changes,
    }
