"""How every error leaves: an RFC 9457 problem document, or a page for a browser, in the language of the request."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from blueprints import context, tenancy
from blueprints.limits import BODY_TOO_LARGE, UNKNOWN_ADDRESS
from blueprints.tenancy import NOT_CHOSEN
from metadata.problems import Gone, PlatformError, Problem, Unauthenticated, kind

log = logging.getLogger("metaloom")

PROBLEM_TYPE = "application/problem+json"

METHOD_NOT_ALLOWED = kind(
    "method_not_allowed",
    en="{method} is not understood here. Use one of: {methods}.",
    zh="此处不支持 {method}。请使用：{methods}。",
)
BROKEN_REQUEST = kind(
    "request_broken",
    en="The request cannot be read ({reason}). Check its form and send it again.",
    zh="无法读取请求（{reason}）。请检查格式后重新发送。",
)
INTERNAL = kind(
    "internal",
    en="Something went wrong on our side; nothing was changed. Tell support the number {id}.",
    zh="系统内部出错，未做任何更改。请将编号 {id} 告知支持人员。",
)

TITLES: dict[int, dict[str, str]] = {
    400: {"en": "The request cannot be understood", "zh": "无法理解该请求"},
    401: {"en": "Sign in first", "zh": "请先登录"},
    403: {"en": "You may not do this", "zh": "您无权执行此操作"},
    404: {"en": "Not found", "zh": "内容不存在"},
    405: {"en": "Not this way", "zh": "方法不被允许"},
    409: {"en": "This does not go with what is there", "zh": "与现有数据冲突"},
    410: {"en": "It is somewhere else now", "zh": "内容已移至他处"},
    413: {"en": "Too large", "zh": "内容过大"},
    422: {"en": "Some values are not right", "zh": "部分内容不正确"},
    429: {"en": "Too many attempts", "zh": "尝试次数过多"},
    500: {"en": "Something went wrong", "zh": "系统出错"},
    503: {"en": "Not now", "zh": "暂时不可用"},
}


_FASTER = {"en": "Somebody was faster", "zh": "数据已被他人更改"}
_STALE = frozenset({"records.stale", "saved_view_stale", "plan.moved_on"})
"""Conflicts with what somebody else did meanwhile."""


def title_of(status: int, problems: Sequence[Problem], lang: str) -> str:
    """What an answer is called, in a few words."""
    if status == 409 and problems and problems[0].code in _STALE:
        return _FASTER[lang]
    return TITLES.get(status, TITLES[400])[lang]


def install(app: Flask) -> None:
    app.register_error_handler(PlatformError, _platform)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _platform(error: PlatformError) -> Response:
    rule = context.policy()
    if error.problems and error.problems[0].code == NOT_CHOSEN().code and _wants_page():
        return _which_tenant()
    if isinstance(error, Unauthenticated) and rule is not None and rule.page and rule.identity:
        target = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return make_response(redirect(url_for("auth.sign_in", next=target), 303))
    if isinstance(error, Gone) and (moved := _moved(error)) is not None:
        return moved
    response = answer(error.status, error.problems)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    retry = getattr(error, "retry_after", 2 if error.status == 503 else None)
    if retry is not None:
        response.headers["Retry-After"] = str(retry)
    return response


def _moved(error: Gone) -> Response | None:
    """A page about a record that was merged is the page of the one that it is part of since."""
    rule, given = context.policy(), request.view_args or {}
    survivor = error.problems[0].params.get("survivor") if error.problems else None
    if rule is None or not rule.page or request.method != "GET" or "id" not in given or not isinstance(survivor, str):
        return None
    target = url_for(request.endpoint or "", **{**given, "id": survivor}, done="recycling_led")
    return make_response(redirect(target, 303))


def _which_tenant() -> Response:
    """Ask a browser whose pages it wants, instead of telling it who is served here."""
    name = request.args.get("tenant", "").strip().lower()
    if tenancy.is_name(name):
        return make_response(redirect(f"{request.script_root}/t/{name}/", 303))
    return make_response(render_template("choose_tenant.html"), 404)


def _http(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:  # a redirect of the router
        return make_response(error.get_response())
    match error:
        case MethodNotAllowed():
            methods = sorted(error.valid_methods or ())
            response = answer(405, [METHOD_NOT_ALLOWED(method=request.method, methods=methods)])
            response.headers["Allow"] = ", ".join(methods)
            return response
        case RequestEntityTooLarge():
            rule = context.policy()
            return answer(413, [BODY_TOO_LARGE(most=rule.body if rule else 0)])
        case _ if error.code == 404:
            return answer(404, [UNKNOWN_ADDRESS()])
        case _ if error.code is not None and error.code < 500:
            return answer(400, [BROKEN_REQUEST(reason=error.name)])
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    """The log gets the cause, the caller an id; neither gets data."""
    number = secrets.token_hex(6)
    log.error("request failed %s %s %s", number, request.method, request.endpoint, exc_info=error)
    return answer(500, [INTERNAL(id=number)])


def answer(status: int, problems: Iterable[Problem]) -> Response:
    """The response that tells what is wrong, as the route's kind of answer."""
    found = tuple(problems)
    lang = context.language()
    if _wants_page():
        # The plain page is used even when the menu cannot be made: it needs no tenant and no database.
        title = title_of(status, found, lang)
        page = render_template(
            "error.html", status=status, title=title, lang=lang, messages=[each.message(lang) for each in found]
        )
        return make_response(page, status)
    return Response(orjson.dumps(document(status, found, lang)), status, content_type=PROBLEM_TYPE)


def document(status: int, problems: Iterable[Problem], lang: str) -> dict[str, Any]:
    """The RFC 9457 problem document."""
    found = tuple(problems)
    listed = [as_json(each, lang) for each in found]
    return {
        "type": "about:blank",
        "title": title_of(status, found, lang),
        "status": status,
        "detail": listed[0]["message"] if listed else "",
        "problems": listed,
    }


def as_json(problem: Problem, lang: str) -> dict[str, Any]:
    found: dict[str, Any] = {"code": problem.code, "path": problem.path, "message": problem.message(lang)}
    if problem.suggestion:
        found["suggestion"] = problem.suggestion
    if isinstance(problem.params.get("rule"), str):  # the one to confirm, or that refuses
        found["rule"] = problem.params["rule"]
    if "survivor" in problem.params:  # the record that a merged one is part of since
        found["survivor"] = problem.params["survivor"]
    if "difference" in problem.params:  # both sides of a conflict, field by field
        found["difference"] = problem.params["difference"]
    return found


def _wants_page() -> bool:
    rule = context.policy()
    if rule is not None:
        return rule.page
    return not request.path.startswith("/api/") and request.accept_mimetypes.accept_html
