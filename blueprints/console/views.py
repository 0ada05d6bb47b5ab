"""The lists of the console: Flask-Admin's views over `runtime.observing`, bounded, nothing to create or edit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask_admin import expose
from flask_admin.model import BaseModelView
from wtforms import Form  # type: ignore[import-untyped]

from blueprints import context, security
from blueprints.texts import Words
from metadata.problems import BadRequest, NotFound, PlatformError, kind
from runtime import directory, observing
from runtime.host import Host

_PAGE = 50
_PAGES = 200

UNKNOWN_ACT = kind(
    "console.unknown_act",
    en="This cannot be done here. Go back to the list and use its buttons.",
    zh="此处无法执行该操作，请返回列表使用其中的按钮。",
)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with a row: a button."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its id, what its cells say, where the first leads, and what can be done with it."""

    id: str
    cells: tuple[str, ...]
    url: str | None = None
    acts: tuple[Act, ...] = ()
    tint: str = ""


class Listing(BaseModelView):  # type: ignore[misc]
    """A list without forms. Subclasses say the columns and fetch lines."""

    can_create = can_edit = can_delete = can_view_details = can_export = False
    column_display_actions = False
    simple_list_pager = True
    page_size = _PAGE
    list_template = "console/list.html"
    key = ""
    columns: tuple[str, ...] = ()
    of_tenant = True
    """The list is of one tenant: `?tenant=acme`."""
    choices: tuple[str, ...] = ()
    """States to choose from: `?state=dead`."""

    def __init__(self, host: Host) -> None:
        self.host = host
        super().__init__(Line, self.key, endpoint=self.key, url=f"/admin/{self.key}")

    def lines(self, words: Words, offset: int, limit: int) -> list[Line]:
        raise NotImplementedError

    def act(self, name: str, id: str) -> None:
        """Do something with a row. Raises PlatformError."""
        raise BadRequest(UNKNOWN_ACT())

    # -- what Flask-Admin asks of a view

    def scaffold_list_columns(self) -> list[str]:
        return list(self.columns)

    def scaffold_sortable_columns(self) -> dict[str, str]:
        return {}

    def scaffold_form(self) -> Any:
        return Form

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> Any:
        return Form

    def init_search(self) -> bool:
        return not self.of_tenant

    def is_valid_filter(self, filter: Any) -> bool:
        return False

    def get_pk_value(self, model: Line) -> str:
        return model.id

    def get_one(self, id: str) -> None:
        return None

    def get_list(self, page: int | None, *_: Any, **__: Any) -> tuple[None, list[Line]]:
        if self.of_tenant and not self.tenant:
            return None, []
        at = min(max(page or 0, 0), _PAGES)
        return None, self.lines(Words(context.language()), at * _PAGE, _PAGE)

    @property
    def tenant(self) -> str:
        return str(request.args.get("tenant", ""))[:100]

    @property
    def state(self) -> str | None:
        given = request.args.get("state", "")
        return given if given in self.choices else None

    def render(self, template: str, **kwargs: Any) -> str:
        """The list inside our own frame: no script, nothing inline."""
        words = Words(context.language())
        return render_template(
            template,
            view=self,
            heading=words(f"console_{self.key}"),
            heads=[words(f"console_{each}") for each in self.columns],
            lines=kwargs["data"],
            page=kwargs["page"],
            more=len(kwargs["data"]) == _PAGE and kwargs["page"] < _PAGES,
            pager_url=kwargs["pager_url"],
            search=kwargs.get("search") or "",
            tenants=[each.name for each in directory.all(self.host)][:1_000] if self.of_tenant else [],
            states=[(each, words(f"state_{each}")) for each in self.choices],
            menu=[
                (
                    each.endpoint,
                    words(f"console_{each.endpoint}"),
                    url_for(f"{each.endpoint}.index_view", **_kept(each)),
                )
                for each in self.admin._views
                if isinstance(each, Listing)
            ],
            operator=g.visit.login,
            csrf=security.masked(g.visit.csrf),
            done=request.args.get("done") == "1",
        )

    @expose("/act", methods=("POST",))  # type: ignore[untyped-decorator]
    def act_view(self) -> Response:
        back = url_for(f"{self.endpoint}.index_view", **_kept(self), state=self.state, page=request.args.get("page"))
        try:
            self.act(request.form.get("act", ""), request.form.get("id", "")[:200])
        except PlatformError as error:
            if isinstance(error, NotFound) or error.status == 409:
                messages = [each.message(context.language()) for each in error.problems]
                page = render_template("console/refused.html", messages=messages, back=back)
                return make_response(page, error.status)
            raise
        return make_response(redirect(f"{back}{'&' if '?' in back else '?'}done=1", 303))


def _entry(view: Listing, words: Words) -> tuple[str, str, str]:
    """A line of the menu: its view, what it is called, where it leads."""
    return view.endpoint, words(f"console_{view.key}"), url_for(f"{view.endpoint}.index_view", **_kept(view))


def _kept(view: Listing) -> dict[str, Any]:
    """The tenant that was chosen stays chosen from list to list."""
    tenant = request.args.get("tenant", "")[:100]
    return {"tenant": tenant} if tenant and view.of_tenant else {}


def _said(moment: dt.datetime | None) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M") if moment is not None else "–"


def _bytes(size: int | None) -> str:
    if size is None:
        return "–"
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size //= 1024
    return f"{size} {unit}"


def _number(value: int | None) -> str:
    if value is None:
        return "–"
    return f"{value}+" if value >= observing.MOST else str(value)


class Tenants(Listing):
    key, of_tenant = "tenants", False
    columns = ("tenant", "label", "state", "release", "system", "size", "last_event", "waiting", "dead")

    def get_list(
        self, page: int | None, sort_field: Any, sort_desc: Any, search: str | None, *_: Any, **__: Any
    ) -> tuple[None, list[Line]]:
        at = min(max(page or 0, 0), _PAGES)
        found = observing.tenants(self.host, search or "", at * _PAGE, _PAGE)
        return None, [self._line(each) for each in found]

    def _line(self, seen: observing.Seen) -> Line:
        name = seen.tenant.name
        cells = (
            name,
            seen.tenant.label,
            seen.tenant.state,
            _number(seen.release) if seen.release is None else str(seen.release),
            "–" if seen.system_version is None else str(seen.system_version),
            _bytes(seen.size),
            _said(seen.last_event),
            _number(seen.waiting),
            _number(seen.dead),
        )
        return Line(name, cells, url_for("jobs.index_view", tenant=name), tint="bad" if seen.dead else "")


class Releases(Listing):
    key = "releases"
    columns = ("number", "made", "by", "packages", "fingerprint")

    def lines(self, words: Words, offset: int, limit: int) -> list[Line]:
        return [
            Line(
                str(each.number),
                (
                    str(each.number),
                    _said(each.created_at),
                    each.actor_name,
                    ", ".join(f"{code} {version}" for code, version in each.packages.items()),
                    each.fingerprint[:12],
                ),
            )
            for each in observing.release_list(self.host, self.tenant, offset, limit)
        ]


class Jobs(Listing):
    key = "jobs"
    columns = ("kind", "state", "attempt", "made", "finished", "reason")
    choices = ("queued", "running", "done", "failed", "dead", "cancelled")

    def lines(self, words: Words, offset: int, limit: int) -> list[Line]:
        found = observing.job_list(self.host, self.tenant, self.state, offset, limit)
        return [self._line(words, each) for each in found]

    def _line(self, words: Words, job: Any) -> Line:
        acts = []
        if job.state in ("queued", "running"):
            acts.append(Act("cancel", words.console_cancel))
        if job.state in ("failed", "dead", "cancelled"):
            acts.append(Act("retry", words.console_retry))
        reason = str((job.error or {}).get("code") or (job.error or {}).get("kind") or "") if job.error else ""
        state = words(f"state_{job.state}")
        cells = (job.kind, state, f"{job.attempt}/{job.max_attempts}", _said(job.created_at), _said(job.finished_at))
        return Line(job.id, (*cells, reason[:120]), None, tuple(acts), "bad" if job.state in ("failed", "dead") else "")

    def act(self, name: str, id: str) -> None:
        match name:
            case "cancel":
                observing.cancel_job(self.host, self.tenant, id)
            case "retry":
                observing.retry_job(self.host, self.tenant, id)
            case _:
                super().act(name, id)


class Sessions(Listing):
    key = "sessions"
    columns = ("login", "begun", "expires", "agent")

    def lines(self, words: Words, offset: int, limit: int) -> list[Line]:
        revoke = (Act("revoke", words.console_revoke),)
        return [
            Line(
                each.hash, (each.login, _said(each.created_at), _said(each.expires_at), each.agent[:120]), None, revoke
            )
            for each in observing.session_list(self.host, self.tenant, offset, limit)
        ]

    def act(self, name: str, id: str) -> None:
        if name != "revoke":
            super().act(name, id)
        observing.end_session(self.host, self.tenant, id)


class Events(Listing):
    key = "events"
    columns = ("at", "kind", "entity", "record", "by", "channel", "release")

    def lines(self, words: Words, offset: int, limit: int) -> list[Line]:
        return [
            Line(
                each.id,
                (
                    _said(each.at),
                    each.kind,
                    each.entity,
                    each.record or "–",
                    each.actor_name,
                    each.channel,
                    str(each.release),
                ),
            )
            for each in observing.event_list(self.host, self.tenant, offset, limit)
        ]
