"""A connection to one checked address, with a time for each wait and one for all of it together."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from typing import Any


class OutOfTime(OSError):
    """All the time that a request has is used up."""


class Clock:
    """How long one request may still take. A server that sends a byte now and then does not make it longer."""

    def __init__(self, wait: float, total: float) -> None:
        self._wait, self._until = wait, time.monotonic() + total

    def next_wait(self) -> float:
        """The seconds that the next wait may take. Raises OutOfTime."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise OutOfTime("out of time")
        return min(self._wait, left)


class _Timed(io.RawIOBase):
    """Bytes that arrive, each time awaited no longer than the clock allows."""

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock, self._clock = sock, clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._clock.next_wait())
        return self._sock.recv_into(buffer)


class _Socket:
    """As much of a socket as `http.client` uses."""

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock, self._clock = sock, clock

    def sendall(self, data: Any) -> None:
        view = memoryview(data).cast("B")
        while view:
            self._sock.settimeout(self._clock.next_wait())
            view = view[self._sock.send(view) :]

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Timed(self._sock, self._clock))

    def close(self) -> None:
        """Nothing: `http.client` says so as soon as it has the head of an answer, whose body is still to come."""


class Connection(http.client.HTTPConnection):
    """HTTP with `host` over a connection to `address`: no name is looked up again on the way.

    `tls` None: not encrypted. The certificate must be that of `host`.
    """

    def __init__(self, host: str, port: int, address: str, clock: Clock, connect: float, tls: ssl.SSLContext | None):
        super().__init__(host, port)
        self._address, self._clock, self._connect_wait, self._tls = address, clock, connect, tls
        self._raw: socket.socket | None = None

    def connect(self) -> None:
        wait = min(self._connect_wait, self._clock.next_wait())
        raw = socket.create_connection((self._address, self.port), timeout=wait)
        self._raw = raw
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            raw.settimeout(min(self._connect_wait, self._clock.next_wait()))
            self._raw = raw = self._tls.wrap_socket(raw, server_hostname=self.host)
        self.sock = _Socket(raw, self._clock)

    def hang_up(self) -> None:
        """End it, whatever of the answer was not read. `close` alone leaves it open for the body that follows."""
        self.close()
        if self._raw is not None:
            self._raw.close()
