"""Simulations that people ask for: an edited document of the tenant, replayed by a job, its report for them alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from metadata.documents.package import Layer
from metadata.problems import BadRequest, Invalid, NotFound, kind
from runtime import sealing
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import table as jobs
from runtime.jobs.work import Done, Job, Outcome
from runtime.simulating.asking import Asked, read, require_configurer
from runtime.workspace import PlatformActor, Workspace, open_workspace

KIND = "simulation"
MOST_TEXT = 1_000_000
"""Characters of the documents that one simulation changes."""
_TOLD_EVERY = 2.0
_DECIDING = ("entities", "workflows", "approvals", "calendars", "options")

NO_DOCUMENT = kind(
    "simulation.no_document",
    en="There is no document {name}. A document is <package>/<path>, such as {known}.",
    zh="没有文档 {name}。文档的写法为 <配置包>/<路径>，例如 {known}。",
)
TOO_LONG = kind(
    "simulation.too_long",
    en="The documents are longer than {most} characters together. Simulate fewer of them at once.",
    zh="文档总长度超过 {most} 个字符。请减少一次模拟的文档。",
)
BAD_FILES = kind(
    "simulation.bad_files",
    en="files is a mapping of documents to their texts; null takes a document away.",
    zh="files 应为“文档: 文本”的映射；null 表示去掉该文档。",
)
UNKNOWN = kind(
    "simulation.unknown",
    en="There is no simulation {id} of yours. Start it anew.",
    zh="您没有模拟 {id}，请重新开始。",
)

Files = Mapping[str, str | None]
"""`<package>/<path>` -> the text that it would have; None: it would not be there."""


def documents(ws: Workspace) -> dict[str, str]:
    """The documents of the tenant that say what is decided, by `<package>/<path>`: their texts. Raises Forbidden."""
    from runtime.schema import current_layers  # brings the compiler, which serving does without

    require_configurer(ws.model, ws.actor)
    return {
        f"{layer.code}/{path}": text
        for layer in current_layers(ws)
        for path, text in layer.files.items()
        if path.split("/")[0].split(".")[0] in _DECIDING or len(layer.files) == 1
    }


def edited(ws: Workspace, files: Files) -> list[Layer]:
    """The tenant's packages with these texts. Raises Invalid for a document of no package, or too much of them."""
    from runtime.schema import current_layers

    if sum(len(text or "") for text in files.values()) > MOST_TEXT:
        raise BadRequest(TOO_LONG("files", most=MOST_TEXT))
    layers = {each.code: each for each in current_layers(ws)}
    for name, text in files.items():
        code, _, path = name.partition("/")
        layer = layers.get(code)
        if layer is None or not path or (text is None and path not in layer.files):
            known = next((f"{each.code}/{next(iter(each.files))}" for each in layers.values() if each.files), "–")
            raise Invalid(NO_DOCUMENT(f"files.{name}"[:200], name=name[:100], known=known))
        kept = {at: held for at, held in layer.files.items() if at != path}
        layers[code] = replace(layer, files=kept if text is None else {**kept, path: text}, problems=())
    return list(layers.values())


def files_of(given: Any) -> Files:
    """What somebody sends as documents. Raises BadRequest."""
    if not isinstance(given, Mapping) or not given:
        raise BadRequest(BAD_FILES("files"))
    for text in given.values():
        if text is not None and (not isinstance(text, str) or "\x00" in text):
            raise BadRequest(BAD_FILES("files"))
    return dict(given)


def check(ws: Workspace, files: Files, asked: Mapping[str, Any]) -> None:
    """What is wrong with the documents or the question, before anything is queued. `asked`: by the names of `Asked`.

    It takes its time: ask it in a unit of work that only reads. Raises Forbidden, BadRequest, Invalid, MetadataInvalid.
    """
    from runtime.simulating.changed import items
    from runtime.simulating.run import candidate

    require_configurer(ws.model, ws.actor)
    items(ws.model, candidate(ws, edited(ws, files)), read(asked, ws.now))


def queue(ws: Workspace, files: Files, asked: Mapping[str, Any]) -> str:
    """Have what was checked replayed by a job; its id. Raises Forbidden."""
    require_configurer(ws.model, ws.actor)
    return jobs.enqueue(ws, KIND, {"files": dict(files), "asked": dict(asked), "at": ws.now.isoformat()})


def of(ws: Workspace, id: str) -> Job:
    """A simulation that the actor has asked for himself. Raises NotFound, Forbidden."""
    require_configurer(ws.model, ws.actor)
    found = jobs.get(ws, id.lower())
    if found.kind != KIND or found.created_by != ws.actor.user:
        raise NotFound(UNKNOWN(id=id[:60]))
    return found


def report_of(ws: Workspace, job: Job) -> Mapping[str, Any] | None:
    """What came of it, with labels in all languages; None while it is not through."""
    if job.result is None or "report" not in job.result:
        return None
    found: Mapping[str, Any] = sealing.shown(ws, "_job", job.id, job.result["report"])
    return found


def latest(ws: Workspace, limit: int = 10) -> Sequence[Job]:
    """The simulations that the actor has asked for, the newest first."""
    return [each for each in jobs.listing(ws, None, 500) if each.kind == KIND and each.created_by == ws.actor.user][
        :limit
    ]


def step(host: Host, tenant: Tenant, job: Job) -> Outcome:
    """The whole of it. Begun anew after a crash: it changes nothing but the job's own progress and result."""
    from runtime.simulating.run import simulate

    with open_workspace(host, tenant, job.identity, channel="job") as ws:
        layers = edited(ws, job.payload["files"])
        asked: Asked = read(job.payload["asked"], ws.now)
    watch = _Watch(host, tenant, job)
    report = simulate(host, tenant, layers, asked, job.identity, watch)
    if watch.stopped:
        raise jobs.Cancelled
    with open_workspace(host, tenant, PlatformActor(), channel="job") as ws:
        kept = sealing.hidden(ws, "_job", job.id, report.as_json())
    return Done({"report": kept, "events": report.events, "differs": report.differs})


class _Watch:
    """Shows how far it is now and then, and looks whether it is still wanted."""

    def __init__(self, host: Host, tenant: Tenant, job: Job) -> None:
        self._host, self._tenant, self._job = host, tenant, job
        self._told = time.monotonic()
        self.stopped = False

    def __call__(self, done: int, total: int) -> bool:
        if time.monotonic() - self._told < _TOLD_EVERY:
            return True
        self._told = time.monotonic()
        with open_workspace(self._host, self._tenant, PlatformActor(), write=True, channel="job") as ws:
            self.stopped = not jobs.wanted(ws, self._job)
            if not self.stopped:
                jobs.renew(ws, self._job, {"done": done, "total": total})
        return not self.stopped
