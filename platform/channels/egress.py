"""The one door to other systems over HTTP: nothing behind it can be reached that is not on the public internet.

A name is looked up once; if any of its addresses is closed, nothing is connected to; else the connection goes to the
address that was looked at, so an answer that changes in between changes nothing. No redirect is followed, no proxy of
the environment is used, and a request has a time for each wait, one for all, and an end to what it reads.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from channels.addresses import Allowance, may_reach, parsed
from channels.connecting import Clock, Connection, OutOfTime
from metadata.problems import Invalid, Problem, kind

BAD_URL = kind(
    "egress.bad_url",
    en="“{url}” is no address that can be called. Write http:// or https://, a name of a host and a path, without a "
    "user name.",
    zh="“{url}”不是可以调用的地址。请填写 http:// 或 https:// 开头的主机名和路径，不要包含用户名。",
)
CLOSED = kind(
    "egress.closed",
    en="{host} is not to be reached from here: it is no public address, or its port is not allowed. Use a public "
    "address with port 80, 443, 8080 or 8443, or ask the operator to add it to METALOOM_EGRESS_ALLOW.",
    zh="不允许访问 {host}：它不是公网地址，或端口未被允许。请使用公网地址及端口 80、443、8080、8443，"
    "或请运维人员将其加入 METALOOM_EGRESS_ALLOW。",
)
BAD_REQUEST = kind(
    "egress.bad_request",
    en="The request to {host} cannot be sent: {reason}. Correct its method, headers or size.",
    zh="无法向 {host} 发送请求：{reason}。请更正请求方法、请求头或大小。",
)

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
LONGEST_URL = 2_000
LARGEST_BODY = 1_048_576
CONNECT, WAIT, TOTAL = 3.0, 10.0, 10.0
_HOST = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_DOTTED = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> addresses, as text."""


class Failed(Exception):
    """No answer came; it may come another time. `code` says why: unresolved, unreachable, timeout, tls, broken."""

    def __init__(self, code: str, said: str = "") -> None:
        super().__init__(f"{code}: {said}" if said else code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent. `key` makes repetitions of it one at the other side, which has to look at it."""

    url: str
    method: str = "POST"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in small letters; of the body no more than was asked for is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: what is connected to, and what is asked for there."""

    secure: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host, and the port unless it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def place_of(url: str) -> Place:
    """Where a URL leads. Raises Invalid for what is no URL, or is written so that others might read another host."""
    try:
        plain = len(url) <= LONGEST_URL and url.isprintable() and not set(url) & set(' \\"<>^`{|}')
        parts = urlsplit(url) if plain else None
        if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc:
            raise ValueError(url)
        secure = parts.scheme == "https"
        port = parts.port if parts.port is not None else (443 if secure else 80)
        host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not path.isascii():
            raise ValueError(url)
        return Place(secure, host, port, path)
    except ValueError:
        raise Invalid(BAD_URL("url", url=url[:100])) from None


def _host(text: str, bracketed: bool) -> str:
    if bracketed:
        return str(parsed(text))
    host = unicodedata.normalize("NFKC", text).lower()
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if not _HOST.fullmatch(host):
        raise ValueError(text)
    host = host.rstrip(".")
    # Numbers are read in a dozen ways (decimal, octal, with fewer parts): only the one plain way is understood here.
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        if not _DOTTED.fullmatch(host):
            raise ValueError(text)
        return str(parsed(host))
    return host


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a name. Raises OSError; gives up after `CONNECT` seconds."""
    found: list[Sequence[str] | OSError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.append([str(row[4][0]) for row in rows])
        except (OSError, UnicodeError) as error:
            found.append(error if isinstance(error, OSError) else OSError(str(error)))

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(CONNECT)
    if not found:
        raise OSError("the name was not looked up in time")
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]


@cache
def _tls() -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


class Egress:
    """The door. It may be used by many threads at the same time."""

    def __init__(
        self,
        allowed: Sequence[Allowance] = (),
        *,
        lookup: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        connect: float = CONNECT,
        wait: float = WAIT,
        total: float = TOTAL,
    ) -> None:
        self._allowed, self._lookup, self._tls_context = tuple(allowed), lookup, tls
        self._connect, self._wait, self._total = connect, wait, total

    def check(self, url: str) -> Place:
        """Where a URL leads, as far as can be said without looking a name up. Raises Invalid."""
        place = place_of(url)
        try:
            address = parsed(place.host)
        except ValueError:
            return place
        if not may_reach(address, place.port, self._allowed):
            raise Invalid(_closed(place))
        return place

    def send(self, request: Request, most: int = 0) -> Answer:
        """Send a request and read up to `most` bytes of the answer's body.

        Raises Invalid for what must not or cannot be sent, Failed when no answer came. What is called answers for
        itself: every status is an answer, a redirect too.
        """
        begun = time.monotonic()
        place = place_of(request.url)
        _require_sendable(request, place)
        clock = Clock(self._wait, self._total)
        addresses = self._addresses(place)
        tls = (self._tls_context or _tls()) if place.secure else None
        failed = Failed("unreachable")
        for address in addresses[:3]:
            connection = Connection(place.host, place.port, address, clock, self._connect, tls)
            try:
                try:
                    connection.connect()
                except (OSError, ValueError) as error:
                    failed = _failed(error, "unreachable")
                    continue
                return _exchange(connection, request, place, most, begun)
            finally:
                connection.hang_up()
        raise failed

    def _addresses(self, place: Place) -> list[str]:
        """The addresses of a place, all of which may be reached. Raises Invalid, Failed."""
        try:
            found = [parsed(place.host)]
        except ValueError:
            try:
                texts = self._lookup(place.host, place.port)
            except OSError as error:
                raise Failed("unresolved", place.host) from error
            try:
                found = list(dict.fromkeys(parsed(each) for each in texts))
            except ValueError:
                raise Invalid(_closed(place)) from None
        if not found:
            raise Failed("unresolved", place.host)
        if not all(may_reach(each, place.port, self._allowed) for each in found):
            raise Invalid(_closed(place))
        return [str(each) for each in found]


def _closed(place: Place) -> Problem:
    return CLOSED("url", host=place.authority)


def _require_sendable(request: Request, place: Place) -> None:
    reason = ""
    if request.method not in METHODS:
        reason = f"method {request.method[:20]}"
    elif len(request.body) > LARGEST_BODY:
        reason = f"more than {LARGEST_BODY} bytes"
    for name, value in request.headers.items():
        legible = value.isascii() and value.isprintable() and len(value) <= 8_000
        if not _TOKEN.fullmatch(name) or name.lower() in _OURS or not legible:
            reason = f"header {name[:40]!r}"
    if not (request.key.isascii() and request.key.isprintable() and len(request.key) <= 200):
        reason = "key"
    if reason:
        raise Invalid(BAD_REQUEST("request", host=place.authority, reason=reason))


def _exchange(connection: Connection, request: Request, place: Place, most: int, begun: float) -> Answer:
    try:
        connection.putrequest(request.method, place.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", place.authority)
        connection.putheader("Connection", "close")
        names = {name.lower() for name in request.headers}
        for name, value in {"Accept": "*/*", "User-Agent": "metaloom", **_keyed(request)}.items():
            if name.lower() not in names:
                connection.putheader(name, value)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body or request.method != "GET":
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        answer = connection.getresponse()
        body = answer.read(most) if most else b""
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, body, time.monotonic() - begun)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(error, "broken") from error


def _keyed(request: Request) -> dict[str, str]:
    return {"Idempotency-Key": request.key} if request.key else {}


def _failed(error: Exception, otherwise: str) -> Failed:
    match error:
        case TimeoutError() | OutOfTime():
            return Failed("timeout")
        case ssl.SSLError():
            return Failed("tls", error.reason or "")
        case _:
            return Failed(otherwise, type(error).__name__)
