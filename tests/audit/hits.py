"""What betrays that a hostile text got through: failures, SQL's own words, carried out templates, made HTML, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from werkzeug.test import TestResponse

from tests.audit.payloads import DONE, MARK

_SQL = re.compile(
    r"sqlite3\.|psycopg|sqlalchemy|OperationalError|ProgrammingError|no such (column|table)|syntax error at or near"
    r"|unterminated quoted|unrecognized token|near \".*\": syntax error|Traceback \(most recent",
)
_FILES = re.compile(r"root:.*:0:0:|SQLite format 3")
_ADDRESSES = ("href", "src", "action", "formaction", "data", "srcdoc", "poster", "xlink:href")
_SCRIPTS = re.compile(r"\s*(javascript|vbscript|data\s*:\s*text)", re.IGNORECASE)


def hits(answer: TestResponse) -> Iterator[str]:
    """What is wrong with an answer, whatever was asked."""
    text = answer.get_data(as_text=True)
    if answer.status_code >= 500 and answer.status_code != 503:
        yield f"status {answer.status_code}"
    if found := _SQL.search(text):
        yield f"words of SQL: {found[0]}"
    if DONE in text:
        yield "a template was carried out"
    if found := _FILES.search(text):
        yield f"a file of the machine: {found[0]}"
    yield from (f"header {name}" for name, _ in answer.headers if MARK in name.lower())
    kind = answer.content_type or ""
    if kind.startswith("text/html"):
        yield from _Made(text).wrong
    elif MARK in text and answer.headers.get("X-Content-Type-Options") != "nosniff":
        yield f"{kind} may be taken for a page"
    if answer.status_code in (301, 302, 303, 307, 308) and _leaves(answer.headers.get("Location", "")):
        yield f"leads away: {answer.headers['Location'][:80]}"


def _leaves(address: str) -> bool:
    plain = re.sub(r"[\t\r\n]", "", address).replace("\\", "/").strip()
    elsewhere = plain.startswith("//") or bool(re.match("[a-z]+:", plain, re.IGNORECASE))
    return elsewhere and not plain.startswith("http://localhost/")


class _Made(HTMLParser):
    """Looks for elements, handlers and addresses that no page of ours has."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self._script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if MARK in tag or tag in ("base", "object", "embed", "frame"):
            self.wrong.append(f"element {tag}")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.wrong.append("a script in the page")
        for name, value in given.items():
            if MARK in name or name.startswith(("on", "hx-on")):
                self.wrong.append(f"attribute {name} of {tag}")
            elif name in _ADDRESSES and (_SCRIPTS.match(re.sub(r"[\t\r\n]", "", value)) or f"//{MARK}" in value[:8]):
                self.wrong.append(f"{tag} {name}={value[:60]}")
            elif name == "style" and MARK in value:
                self.wrong.append(f"style of {tag}")


def formulas(cells: Iterator[str]) -> Iterator[str]:
    """Cells that a spreadsheet would calculate."""
    for cell in cells:
        if cell[:1] in "=+-@\t\r" and cell and not re.fullmatch(r"[+-]?[\d.,]+%?", cell):
            yield f"formula {cell[:60]!r}"
