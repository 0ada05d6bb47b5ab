"""Other systems as tests need them: a web server that does as it is told, an SMTP server, certificates. All real."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import email
import ipaddress
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Heard:
    """One request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Elsewhere:
    """A web server. `answers` says what it does with a request: a status, headers and body."""

    port: int
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    answers: Callable[[Heard], tuple[int, Mapping[str, str], bytes]] = lambda heard: (200, {}, b"")
    pause: float = 0.0
    names: list[str | None] = field(default_factory=list)
    """The names that clients asked for when TLS began."""

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.heard]


@contextlib.contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[Elsewhere]:
    """A web server on a free port of 127.0.0.1."""
    place: Elsewhere

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(self.command, self.path, headers, self.rfile.read(length))
            place.heard.append(heard)
            if place.pause:
                time.sleep(place.pause)
            status, more, body = place.answers(heard)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> Any:
            made = super().get_request()
            place.connections += 1
            return made

        def handle_error(self, *_: Any) -> None:
            pass  # a client that goes away is what some tests are about

    with Server(("127.0.0.1", 0), Handler) as server:
        place = Elsewhere(server.server_address[1])
        if tls is not None:
            tls.sni_callback = lambda sock, name, context: place.names.append(name)
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield place
        server.shutdown()


@contextlib.contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Something that listens and does with each connection whatever it likes; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


# -- certificates


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(context of a server with a certificate for these names, context of a client that trusts it)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    others: list[x509.GeneralName] = []
    for each in names:
        with contextlib.suppress(ValueError):
            others.append(x509.IPAddress(ipaddress.ip_address(each)))
            continue
        others.append(x509.DNSName(each))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(others), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cafile=str(pem))
    return server, client


# -- mail


@dataclass
class Mailbox:
    """What an SMTP server has taken, and how it answers."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    envelopes: list[tuple[str, str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    """Beginning of a command -> the line with which it is answered."""
    password: str = ""


@contextlib.contextmanager
def smtp_server(tls: ssl.SSLContext | None = None, at_once: bool = False) -> Iterator[Mailbox]:
    """An SMTP server on a free port of 127.0.0.1: greeting, EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA, QUIT."""
    box = Mailbox()

    def serve(sock: socket.socket) -> None:
        _Conversation(box, sock, tls, at_once).hold()

    with raw_server(serve) as port:
        box.port = port
        yield box


class _Conversation:
    def __init__(self, box: Mailbox, sock: socket.socket, tls: ssl.SSLContext | None, at_once: bool) -> None:
        self.box, self.sock, self.tls = box, sock, tls
        self.secure = False
        if at_once:
            self._secure()
        self.file = self.sock.makefile("rb")

    def _secure(self) -> None:
        assert self.tls is not None
        self.sock, self.secure = self.tls.wrap_socket(self.sock, server_side=True), True

    def say(self, text: str) -> None:
        self.sock.sendall(f"{text}\r\n".encode())

    def hold(self) -> None:
        sender = to = ""
        self.say("220 test ESMTP")
        while line := self.file.readline():
            command = line.decode().strip()
            self.box.commands.append(command)
            refusal = next((said for head, said in self.box.refuse.items() if command.upper().startswith(head)), None)
            if refusal is not None:
                self.say(refusal)
                continue
            match command.split(" ")[0].upper():
                case "EHLO":
                    offers = ["8BITMIME", "AUTH PLAIN"]
                    if self.tls is not None and not self.secure:
                        offers.append("STARTTLS")
                    self.say("\r\n".join(["250-test", *[f"250-{each}" for each in offers], "250 SIZE 10000000"]))
                case "STARTTLS":
                    self.say("220 go ahead")
                    self._secure()
                    self.file = self.sock.makefile("rb")
                case "AUTH":
                    _, user, password = base64.b64decode(command.split(" ")[2]).decode().split("\0")
                    self.box.logins.append(user)
                    self.say("235 ok" if password == self.box.password else "535 wrong")
                case "MAIL":
                    sender = command.split("<")[1].split(">")[0]
                    self.say("250 ok")
                case "RCPT":
                    to = command.split("<")[1].split(">")[0]
                    self.say("250 ok")
                case "DATA":
                    self.say("354 go ahead")
                    lines: list[bytes] = []
                    while (each := self.file.readline()) != b".\r\n":
                        lines.append(each[1:] if each.startswith(b"..") else each)
                    self.box.mails.append(email.message_from_bytes(b"".join(lines)))
                    self.box.envelopes.append((sender, to))
                    self.say("250 taken")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("502 what")


# -- records about other systems

_SECRET = "a secret that is long enough"
HOOKED: dict[tuple[str, str], str | None] = {
    ("webhook", "url"): "https://hooks.example.com/in",
    ("webhook", "about"): "user",
    ("webhook", "role"): "admin",
    ("webhook", "condition"): None,
    ("webhook", "secret"): _SECRET,
    ("incoming_webhook", "name"): "shop",
    ("incoming_webhook", "role"): "admin",
    ("incoming_webhook", "secret"): _SECRET,
    ("shared_secret", "secret"): _SECRET,
}
"""Entity and field -> a value that is taken, for tests that make a record of everything."""
