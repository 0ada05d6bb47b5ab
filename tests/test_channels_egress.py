"""The door to other systems: nothing behind it is reached that is not public, and nothing of it waits for ever."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from channels.addresses import Allowance, allowances, is_public, parsed
from channels.egress import Egress, Failed, Request, place_of
from metadata.problems import Invalid
from tests import outside

CLOSED = """
127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.255 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200
100.127.255.255 169.254.0.1 169.254.169.254 169.254.170.2 168.63.129.16 172.16.0.1 172.31.255.255 192.0.0.1
192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 ::127.0.0.1
::ffff:192.168.1.1 0:0:0:0:0:ffff:a9fe:a9fe 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1
2002:7f00:1:: 2002:c0a8:101::1 2002:a9fe:a9fe:: 2001::1 2001:0:53aa:64c:0:fbff:80ff:fffe 2001:db8::1 2001:10::1
fc00::1 fd00:ec2::254 fd12:3456:789a::1 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1 100::1 3fff::1 5f00::1 4000::1
""".split()
SPELLINGS = """
http://localhost/ http://LOCALHOST:80/ http://localhost./ http://2130706433/ http://0x7f000001/ http://0x7f.1/
http://017700000001/ http://0177.0.0.1/ http://127.1/ http://127.0.1/ http://0/ http://00.0.0.0/ http://127.0.0.1./
http://127.00.0.1/ http://0x7f.0x0.0x0.0x1/ http://3232235777/ http://[::1]/ http://[0:0:0:0:0:0:0:1]/
http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[::127.0.0.1]/ http://[fe80::1%25lo]/ http://[fe80::1%lo]/
http://[::1%25lo]/ http://１２７.０.０.１/ http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://user@127.0.0.1/
http://example.com@127.0.0.1/ http://127.0.0.1#@example.com/ http://127.0.0.1\\@example.com/
http://example.com\\@127.0.0.1/ http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://256.256.256.256/
http://1.2.3.4.5/ http://0x/ http://[::]/ http://[127.0.0.1]/ http://[v1.x]/ http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/
http://127.0.0.1%00.example.com/ http://exa%6dple.com/ http://127.0.0.1:22/ http://127.0.0.1:6379/ http:127.0.0.1
http:///127.0.0.1/ //127.0.0.1/ https://127.0.0.1/ file:///etc/passwd gopher://127.0.0.1:70/_x ftp://127.0.0.1/
dict://127.0.0.1:11211/ jar:http://127.0.0.1!/ javascript:alert(1) data:text/plain,x unix:///run/x.sock
""".split()


def answering(found: Sequence[str], host: str, port: int) -> Sequence[str]:
    return found


def public(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34"]


@pytest.mark.parametrize("text", CLOSED)
def test_an_address_that_is_not_public_is_closed(text: str) -> None:
    assert not is_public(parsed(text))
    host = f"[{text}]" if ":" in text else text
    for url in (f"http://{host}/", f"https://{host}:8443/x"):
        with pytest.raises(Invalid) as refused:
            Egress().send(Request(url))
        assert refused.value.problems[0].code in ("egress.closed", "egress.bad_url")


@pytest.mark.parametrize("text", CLOSED)
def test_a_name_that_means_a_closed_address_is_closed_even_among_open_ones(text: str) -> None:
    for found in ([text], ["93.184.216.34", text], [text, "2606:4700::1"]):
        with pytest.raises(Invalid, match="not to be reached"):
            Egress(lookup=partial(answering, found)).send(Request("http://inside.example/"))


@pytest.mark.parametrize("url", SPELLINGS)
def test_no_spelling_reaches_this_machine(url: str) -> None:
    with outside.web_server() as canary:
        bare = (url.endswith("/") and url.count("/") == 3 and not url[-4:-1].isdigit()) or url.endswith(".0.1/")
        there = f"{url[:-1]}:{canary.port}/" if bare else url.replace(":80/", f":{canary.port}/")
        with pytest.raises((Invalid, Failed)):
            Egress(allowances(f":{canary.port}")).send(Request(there))
        assert canary.connections == 0


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1", "64:ff9b::8.8.8.8"])
def test_a_public_address_is_open(text: str) -> None:
    assert is_public(parsed(text))


@pytest.mark.parametrize("port", [22, 25, 6379, 5432, 9200, 11211, 9443])
def test_only_ports_of_the_web_are_open(port: int) -> None:
    with pytest.raises(Invalid):
        Egress(lookup=public).send(Request(f"http://example.com:{port}/"))


def test_what_the_operator_allows_is_open_and_nothing_beside_it() -> None:
    with outside.web_server() as allowed, outside.web_server() as other:
        door = Egress(allowances(f"127.0.0.1:{allowed.port}, 10.9.0.0/16"))
        assert door.send(Request(allowed.url("/in"), body=b"x")).status == 200
        with pytest.raises(Invalid):
            door.send(Request(other.url("/")))
        assert [each.path for each in allowed.heard] == ["/in"] and other.connections == 0


def test_allowances_are_read_and_refused() -> None:
    found = allowances("10.1.0.0/16, 127.0.0.1:8080,[fd00::1]:443, fd00::/8, :9443")
    assert [each.port for each in found] == [None, 8080, 443, None, 9443]
    assert found[-1] == Allowance(None, 9443)
    for text in ("erp.internal", "10.1.0.0/99", "127.0.0.1:0", "127.0.0.1:x", ":", "[::1]x"):
        with pytest.raises(Invalid):
            allowances(text)


def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_looked_at() -> None:
    asked: list[str] = []
    with outside.web_server() as first, outside.web_server() as second:

        def rebinding(host: str, port: int) -> Sequence[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

        door = Egress(allowances(f"127.0.0.1:{first.port}"), lookup=rebinding)
        door.send(Request(first.url("/x", host="rebinding.example")))
        assert asked == ["rebinding.example"]
        assert first.heard[0].headers["host"] == f"rebinding.example:{first.port}"
        assert second.connections == 0


def test_an_answer_that_turns_to_this_machine_after_the_look_is_not_followed() -> None:
    with outside.web_server() as canary:
        answers = iter([["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]])
        door = Egress(allowances(f":{canary.port}"), lookup=lambda h, p: next(answers), connect=0.3)
        with pytest.raises(Failed):
            door.send(Request(canary.url("/", host="rebinding.example")))
        assert canary.connections == 0


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with outside.web_server() as inside, outside.web_server() as place:
        place.answers = lambda heard: (302, {"Location": inside.url("/secret")}, b"")
        answer = Egress(allowances(f"127.0.0.1:{place.port}")).send(Request(place.url()))
        assert (answer.status, answer.ok, inside.connections) == (302, False, 0)


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with outside.web_server() as proxy, outside.web_server() as place:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        Egress(allowances(f"127.0.0.1:{place.port}")).send(Request(place.url()))
        assert (proxy.connections, place.connections) == (0, 1)


def test_a_request_arrives_as_it_was_meant() -> None:
    with outside.web_server() as place:
        place.answers = lambda heard: (201, {"X-Told": "yes"}, b"0123456789")
        door = Egress(allowances(f"127.0.0.1:{place.port}"))
        headers = {"Content-Type": "application/json", "X-One": "1"}
        answer = door.send(Request(place.url("/a?b=c"), "PUT", b"{}", headers, key="run/1/call"), most=4)
        heard = place.heard[0]
        assert (heard.method, heard.path, heard.body) == ("PUT", "/a?b=c", b"{}")
        assert heard.headers["idempotency-key"] == "run/1/call" and heard.headers["x-one"] == "1"
        assert (answer.status, answer.body, answer.headers["x-told"]) == (201, b"0123", "yes")


@pytest.mark.parametrize(
    "request_",
    [
        Request("http://example.com/", "TRACE"),
        Request("http://example.com/", headers={"X-A": "b\r\nX-C: d"}),
        Request("http://example.com/", headers={"X A": "b"}),
        Request("http://example.com/", headers={"Host": "inside"}),
        Request("http://example.com/", headers={"Content-Length": "1"}),
        Request("http://example.com/", key="a\nb"),
        Request("http://example.com/", body=b"x" * 1_048_577),
        Request("http://example.com/a b"),
        Request("http://example.com/\r\nX: y"),
        Request("http://example.com/" + "a" * 2_000),
    ],
)
def test_what_could_become_another_request_is_not_sent(request_: Request) -> None:
    with pytest.raises(Invalid):
        Egress(lookup=public).send(request_)


def test_a_host_that_says_nothing_ends_in_time() -> None:
    with outside.raw_server(lambda sock: time.sleep(15)) as port:
        door = Egress(allowances("127.0.0.1"), wait=0.3, total=1.0)
        begun = time.monotonic()
        with pytest.raises(Failed) as failed:
            door.send(Request(f"http://127.0.0.1:{port}/"))
        assert failed.value.code == "timeout" and time.monotonic() - begun < 12


def test_a_host_that_drips_bytes_ends_in_time() -> None:
    def drip(sock: socket.socket) -> None:
        for letter in b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100:
            sock.sendall(bytes([letter]))
            time.sleep(0.1)

    with outside.raw_server(drip) as port:
        begun = time.monotonic()
        with pytest.raises(Failed) as failed:
            Egress(allowances("127.0.0.1"), wait=0.5, total=1.0).send(Request(f"http://127.0.0.1:{port}/"))
        assert failed.value.code == "timeout" and time.monotonic() - begun < 10


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n"])
def test_a_host_that_speaks_otherwise_is_a_failure_of_its_own(said: bytes) -> None:
    def say(sock: socket.socket) -> None:
        sock.recv(1_000)
        sock.sendall(said)

    with outside.raw_server(say) as port, pytest.raises(Failed):
        Egress(allowances("127.0.0.1")).send(Request(f"http://127.0.0.1:{port}/"))


def test_no_more_is_read_than_asked_for() -> None:
    def pour(sock: socket.socket) -> None:
        sock.recv(1_000)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sock.sendall(b"x" * 65_536)

    with outside.raw_server(pour) as port:
        answer = Egress(allowances("127.0.0.1")).send(Request(f"http://127.0.0.1:{port}/"), most=1_000)
    assert len(answer.body) == 1_000


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(Failed) as failed:
        Egress(lookup=unknown).send(Request("http://nowhere.example/"))
    assert failed.value.code == "unresolved"


def test_tls_asks_for_the_name_and_takes_no_other_certificate(tmp_path: Path) -> None:
    server, trusting = outside.certificate(tmp_path, "hooks.example")
    with outside.web_server(server) as place:
        door = Egress(allowances(f"127.0.0.1:{place.port}"), lookup=lambda h, p: ["127.0.0.1"], tls=trusting)
        assert door.send(Request(place.url("/", "hooks.example", "https"))).status == 200
        assert place.names == ["hooks.example"]
        for bad in (door, Egress(allowances(f"127.0.0.1:{place.port}"), lookup=lambda h, p: ["127.0.0.1"])):
            host = "other.example" if bad is door else "hooks.example"
            with pytest.raises(Failed) as failed:
                bad.send(Request(place.url("/", host, "https")))
            assert failed.value.code == "tls"
        assert len(place.heard) == 1


def test_where_a_url_leads_is_said_without_looking_it_up() -> None:
    place = place_of("HTTPS://Bücher.Example:8443/a?b=1#c")
    assert (place.secure, place.authority, place.target) == (True, "xn--bcher-kva.example:8443", "/a?b=1")
    with pytest.raises(Invalid):
        Egress().check("http://169.254.169.254/latest/meta-data/")
    assert Egress().check("https://example.com/").port == 443
