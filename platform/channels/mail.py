"""Mail by SMTP: how a message is made, so that no text in it becomes a header, and how it is handed over."""

from __future__ import annotations

import hashlib
import html
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from channels.egress import Failed
from metadata.problems import Invalid, Label, kind, say

BAD_SERVER = kind(
    "mail.bad_server",
    en="METALOOM_SMTP_URL is not understood. Write smtps://user:password@host:465 (TLS at once), "
    "smtp://user:password@host:587 (STARTTLS), or smtp://host:25?tls=never for a server on a network that you trust.",
    zh="无法识别 METALOOM_SMTP_URL。请填写 smtps://用户:密码@主机:465（直接 TLS）、"
    "smtp://用户:密码@主机:587（STARTTLS），或受信网络中的 smtp://主机:25?tls=never。",
)
BAD_ADDRESS = kind(
    "mail.bad_address",
    en="“{address}” is no e-mail address that mail can be sent to. Write one address like name@example.com.",
    zh="“{address}”不是可以发送邮件的地址。请填写一个地址，例如 name@example.com。",
)
BAD_SUBJECT = kind(
    "mail.bad_subject",
    en="The subject has to be one line of 1 to 300 characters without control characters. Correct it.",
    zh="邮件主题应为一行、1 到 300 个字符，且不含控制字符，请更正。",
)
REFUSED = kind(
    "mail.refused",
    en="The mail server refused the message ({status}). Check the address and the sender.",
    zh="邮件服务器拒绝了此邮件（{status}）。请检查收件地址和发件人。",
)

WAIT = 10.0
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}\Z)[^\s@\"<>(),:;\[\]\\]+\.[^\s@\"<>(),:;\[\]\\]+"
)
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)，。；：！？）]")
_FOOTER: Label = {
    "en": "{organisation} sent this message automatically.",
    "zh": "此邮件由{organisation}的系统自动发送。",
}


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over. `tls`: `always` from the first byte, `start` with STARTTLS, `never`."""

    host: str
    port: int
    tls: str = "start"
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one person. `key` is what makes repetitions of it one: its Message-ID is made of it."""

    key: str
    sender: str
    to: str
    subject: str
    text: str
    lang: str = "en"
    organisation: str = ""
    """Named in the last line; empty: no such line."""


def server_of(url: str) -> Server:
    """METALOOM_SMTP_URL as a value. Raises Invalid."""
    try:
        parts = urlsplit(url)
        secure = {"smtps": "always", "smtp": "start"}[parts.scheme]
        if parts.query not in ("", "tls=never") or parts.path not in ("", "/") or not parts.hostname:
            raise ValueError(url)
        tls = "never" if parts.query and secure == "start" else secure
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if tls == "never" and user:
            raise ValueError(url)  # a password in the clear is everybody's
        return Server(parts.hostname, parts.port or (465 if tls == "always" else 587), tls, user, password)
    except (KeyError, ValueError):
        raise Invalid(BAD_SERVER("METALOOM_SMTP_URL")) from None


def address_of(text: str) -> str:
    """One address in the form in which mail goes to it: the host in ASCII. Raises Invalid."""
    found = text.strip()
    try:
        if not _ADDRESS.fullmatch(found) or not found.isprintable():
            raise ValueError(text)
        local, _, host = found.rpartition("@")
        if local.startswith(".") or local.endswith(".") or ".." in local:
            raise ValueError(text)
        return f"{local}@{host.encode('idna').decode('ascii').lower()}"
    except ValueError:
        raise Invalid(BAD_ADDRESS("to", address=text[:100])) from None


def message_id(key: str, sender: str) -> str:
    """The same for every sending of the same thing, so that a mailbox shows it once."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"<{digest}@{address_of(sender).rpartition('@')[2]}>"


def compose(mail: Mail) -> EmailMessage:
    """The message: plain text, and the same as HTML. Raises Invalid."""
    subject = mail.subject.strip()
    if not subject or len(subject) > 300 or not subject.isprintable():
        raise Invalid(BAD_SUBJECT("subject"))
    made = EmailMessage(policy=SMTP)
    made["Subject"] = subject
    made["From"] = _named(mail.organisation, address_of(mail.sender))
    made["To"] = address_of(mail.to)
    made["Message-ID"] = message_id(mail.key, mail.sender)
    made["Auto-Submitted"] = "auto-generated"  # so that nobody's absence note answers it
    text = mail.text.replace("\r\n", "\n").strip("\n")
    footer = say(_FOOTER, mail.lang).format_map({"organisation": mail.organisation}) if mail.organisation else ""
    made.set_content(f"{text}\n\n-- \n{footer}\n" if footer else f"{text}\n", charset="utf-8")
    made.add_alternative(_page(text, footer, mail.lang), subtype="html", charset="utf-8")
    made["Content-Language"] = mail.lang
    return made


def _named(name: str, address: str) -> Address:
    local, _, host = address.rpartition("@")
    shown = "".join(each for each in name if each.isprintable())[:80]
    return Address(shown, local, host)


def _page(text: str, footer: str, lang: str) -> str:
    """Plain text as HTML: what it holds stays text; only http and https addresses become links."""
    blocks = [_block(each) for each in re.split(r"\n\s*\n", text) if each.strip()]
    if footer:
        blocks.append(f'<p style="color:#666;font-size:smaller">{html.escape(footer)}</p>')
    head = '<meta charset="utf-8">'
    return f'<!doctype html><html lang="{html.escape(lang)}"><head>{head}</head><body>{"".join(blocks)}</body></html>'


def _block(text: str) -> str:
    parts, at = [], 0
    for found in _LINK.finditer(text):
        parts.append(html.escape(text[at : found.start()]))
        link = html.escape(found.group())
        parts.append(f'<a href="{link}">{link}</a>')
        at = found.end()
    parts.append(html.escape(text[at:]))
    return f"<p>{''.join(parts).strip().replace(chr(10), '<br>')}</p>"


def send(server: Server, mail: Mail, tls: ssl.SSLContext | None = None) -> None:
    """Hand a message over: when this returns the server has it, and answers for it.

    Raises Invalid for what the server will never take, Failed for what may work another time.
    """
    message = compose(mail)
    try:
        with _opened(server, mail.sender, tls or ssl.create_default_context()) as smtp:
            smtp.send_message(message, address_of(mail.sender), [address_of(mail.to)])
    except smtplib.SMTPRecipientsRefused as error:
        raise _answered(next(iter(error.recipients.values()))[0]) from error
    except smtplib.SMTPDataError as error:
        raise _answered(error.smtp_code) from error
    except smtplib.SMTPResponseException as error:  # greeting, sign-in, sender: it is we who are refused
        raise Failed("refused", str(error.smtp_code)) from error
    except TimeoutError as error:
        raise Failed("timeout") from error
    except ssl.SSLError as error:
        raise Failed("tls", error.reason or "") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Failed("unreachable", type(error).__name__) from error


def _opened(server: Server, sender: str, tls: ssl.SSLContext) -> smtplib.SMTP:
    # Who we are is said, not looked up: asking for this machine's name may take as long as all the rest.
    ours = address_of(sender).rpartition("@")[2]
    if server.tls == "always":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, ours, timeout=WAIT, context=tls)
    else:
        smtp = smtplib.SMTP(server.host, server.port, ours, timeout=WAIT)
    try:
        if server.tls == "start":
            smtp.starttls(context=tls)
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _answered(status: int) -> Exception:
    """What the refusal of a message means: 5xx is for good."""
    if 500 <= status < 600:
        return Invalid(REFUSED("to", status=status))
    return Failed("refused", str(status))
