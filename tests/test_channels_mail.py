"""Mail over real SMTP conversations: what arrives, what is refused, and what no text can become."""

from __future__ import annotations

from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from channels import mail
from channels.egress import Failed
from channels.mail import Mail, Server, server_of
from metadata.problems import Invalid
from tests import outside

LETTER = Mail(
    "run/7/tell",
    "crm@example.com",
    "li@example.org",
    "商机 D-1 已赢单",
    "您好，\n\n商机已赢单：https://crm.example/app/deal/1。\n\n<b>x</b>",
    "zh",
    "示例公司",
)


def part(message: Message, kind: str) -> str:
    found = next(each for each in message.walk() if each.get_content_type() == kind)
    content: Any = found.get_payload(decode=True)
    return str(content.decode("utf-8")).replace("\r\n", "\n")


def test_a_message_arrives_in_both_forms() -> None:
    with outside.smtp_server() as box:
        mail.send(Server("127.0.0.1", box.port, "never"), LETTER)
    (message,) = box.mails
    assert box.envelopes == [("crm@example.com", "li@example.org")]
    assert str(make_header(decode_header(str(message["Subject"])))) == "商机 D-1 已赢单"
    assert message["To"] == "li@example.org" and message["Content-Language"] == "zh"
    assert "示例公司" in str(make_header(decode_header(str(message["From"]))))
    assert message["Auto-Submitted"] == "auto-generated"
    text, page = part(message, "text/plain"), part(message, "text/html")
    assert text.startswith("您好，\n\n商机已赢单：https://crm.example/app/deal/1。") and "自动发送" in text
    assert '<a href="https://crm.example/app/deal/1">' in page and 'lang="zh"' in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page and "<b>" not in page


def test_the_last_line_is_in_the_language_of_the_message() -> None:
    text = mail.compose(Mail("k", "a@example.com", "b@example.com", "Hello", "Text", "en", "Example Ltd")).as_string()
    assert "Example Ltd sent this message automatically." in text


def test_the_same_thing_has_the_same_message_id_each_time() -> None:
    with outside.smtp_server() as box:
        for _ in range(2):
            mail.send(Server("127.0.0.1", box.port, "never"), LETTER)
    first, second = (each["Message-ID"] for each in box.mails)
    assert first == second == mail.message_id("run/7/tell", "crm@example.com")
    assert mail.message_id("run/8/tell", "crm@example.com") != first


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "a\r\nBcc: x@example.com"},
        {"subject": "a\nb"},
        {"subject": "a\x00b"},
        {"subject": ""},
        {"subject": "a\u2028b"},
        {"subject": "x" * 301},
        {"to": "a@example.com\r\nBcc: b@example.com"},
        {"to": "a@example.com, b@example.com"},
        {"to": "a@example.com b@example.com"},
        {"to": "A <a@example.com>"},
        {"to": "a@localhost"},
        {"to": "a@@example.com"},
        {"to": "a@exa\u0000mple.com"},
        {"to": "a.@example.com"},
        {"to": "名@example.com"},
        {"to": "a@[127.0.0.1]"},
        {"to": "<a@example.com"},
        {"to": ""},
    ],
)
def test_no_text_becomes_a_header_or_a_second_receiver(change: dict[str, str]) -> None:
    letter = Mail(
        **{"key": "k", "sender": "crm@example.com", "to": "b@example.com", "subject": "s", "text": "t"} | change
    )
    with outside.smtp_server() as box, pytest.raises(Invalid):
        mail.send(Server("127.0.0.1", box.port, "never"), letter)
    assert box.commands == []


def test_a_name_of_an_organisation_becomes_no_header() -> None:
    made = mail.compose(
        Mail("k", "a@example.com", "b@example.com", "s", "t", "en", 'X" <e@evil.example>\r\nBcc: c@d.e')
    )
    assert made["Bcc"] is None and made["From"].addresses[0].addr_spec == "a@example.com"


def test_a_line_with_a_dot_ends_nothing() -> None:
    with outside.smtp_server() as box:
        letter = Mail("k", "a@example.com", "b@example.com", "s", "one\n.\nRSET\n..two")
        mail.send(Server("127.0.0.1", box.port, "never"), letter)
    assert part(box.mails[0], "text/plain").strip() == "one\n.\nRSET\n..two"


def test_a_host_outside_ascii_is_written_in_its_ascii_form() -> None:
    assert mail.address_of("li@例子.公司") == "li@xn--fsqu00a.xn--55qx5d"


@pytest.mark.parametrize("at_once", [False, True])
def test_tls_and_signing_in(tmp_path: Path, at_once: bool) -> None:
    server, trusting = outside.certificate(tmp_path, "127.0.0.1")
    with outside.smtp_server(server, at_once) as box:
        box.password = "correct"
        place = Server("127.0.0.1", box.port, "always" if at_once else "start", "crm", "correct")
        mail.send(place, LETTER, trusting)
        assert box.logins == ["crm"] and len(box.mails) == 1
        with pytest.raises(Failed) as failed:
            mail.send(place, LETTER)  # a certificate that nobody vouches for
        assert failed.value.code == "tls"
        assert box.logins == ["crm"]


def test_without_tls_at_the_other_side_nothing_is_told() -> None:
    with outside.smtp_server() as box, pytest.raises(Failed):
        mail.send(Server("127.0.0.1", box.port, "start", "crm", "correct"), LETTER)
    assert not any(each.startswith(("AUTH", "MAIL")) for each in box.commands)


@pytest.mark.parametrize(
    ("head", "said", "final"),
    [
        ("RCPT", "550 no such mailbox", True),
        ("RCPT", "451 greylisted", False),
        ("DATA", "554 spam", True),
        ("DATA", "452 full", False),
        ("MAIL", "550 who are you", False),
        ("EHLO", "554 go away", False),
    ],
)
def test_what_is_refused_for_good_is_told_from_what_may_work_later(head: str, said: str, final: bool) -> None:
    with outside.smtp_server() as box:
        box.refuse = {head: said, "HELO": said}
        with pytest.raises(Invalid if final else Failed):
            mail.send(Server("127.0.0.1", box.port, "never"), LETTER)
        assert box.mails == []


def test_a_server_that_is_away_may_come_back() -> None:
    with outside.raw_server(lambda sock: None) as port:
        pass
    with pytest.raises(Failed):
        mail.send(Server("127.0.0.1", port, "never"), LETTER)


def test_where_mail_is_handed_over_is_read_from_one_address() -> None:
    assert server_of("smtps://a%40b:p%3Aw@mail.example") == Server("mail.example", 465, "always", "a@b", "p:w")
    assert server_of("smtp://u:p@mail.example:2525") == Server("mail.example", 2525, "start", "u", "p")
    assert server_of("smtp://127.0.0.1:25?tls=never") == Server("127.0.0.1", 25, "never")
    assert "p:w" not in repr(server_of("smtps://a:p%3Aw@mail.example"))
    for bad in ("mail.example", "http://mail.example", "smtp://u:p@mail.example?tls=never", "smtp://", "smtp://a:x1/"):
        with pytest.raises(Invalid):
            server_of(bad)
