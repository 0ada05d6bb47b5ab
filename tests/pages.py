"""Reading pages like a browser: the forms on them with what they hold, their links, and what they must not contain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


def without_tokens(text: str) -> str:
    """A page or answer without its ids and masked secrets: any few digits stand in those by chance."""
    return re.sub(r"[0-9a-f-]{16,}", "", text)


@dataclass
class Form:
    """A form and what it would send."""

    action: str = ""
    method: str = "get"
    values: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Page(HTMLParser):
    """A page taken apart. `wrong` tells what makes it bad HTML or hard to use."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.wrong: list[str] = []
        self._open: list[str] = []
        self._ids: set[str] = set()
        self._labelled: set[str] = set()
        self._controls: list[tuple[str, bool]] = []
        self._select = ""
        self._chosen: str | None = None
        self._first: str | None = None
        self._area: str | None = None
        self._option: str | None = None
        self.feed(text)
        self.close()
        self.wrong += [f"not closed: {each}" for each in self._open]
        self.wrong += [
            f"no label: {id or '?'}" for id, named in self._controls if not named and id not in self._labelled
        ]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attributes}
        self._check(tag, given)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("input", "select", "textarea"):
            self._control(tag, given)
        elif tag == "option" and self._select:
            self._first = given.get("value", "") if self._first is None else self._first
            if "selected" in given:
                self._chosen = given.get("value", "")

    def _check(self, tag: str, given: dict[str, str]) -> None:
        if "style" in given or any(name.startswith("on") for name in given):
            self.wrong.append(f"inline code in {tag}")
        if tag == "script" and "src" not in given:
            self.wrong.append("inline script")
        if (id := given.get("id")) is not None:
            if id in self._ids:
                self.wrong.append(f"id twice: {id}")
            self._ids.add(id)
        if tag == "label" and "for" in given:
            self._labelled.add(given["for"])
        for name in ("src", "href", "action"):
            if tag != "a" and given.get(name, "").startswith(("http:", "https:", "//")):
                self.wrong.append(f"asset from elsewhere: {given[name]}")

    def _control(self, tag: str, given: dict[str, str]) -> None:
        kind, name = given.get("type", "text"), given.get("name", "")
        if kind != "hidden":
            named = "aria-label" in given or "label" in self._open
            self._controls.append((given.get("id", ""), named))
        form = self.forms[-1] if "form" in self._open else None
        if form is None or not name:
            return
        form.names.add(name)
        if tag == "select":
            self._select, self._chosen, self._first = name, None, None
        elif tag == "textarea":
            self._area = name
            form.values.setdefault(name, []).append("")
        elif kind in ("checkbox", "radio"):
            if "checked" in given:
                form.values.setdefault(name, []).append(given.get("value", "on"))
        elif kind not in ("file", "submit", "button"):
            form.values.setdefault(name, []).append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.wrong.append(f"</{tag}> inside {self._open[-1:]}")
            return
        self._open.pop()
        if tag == "select" and self._select:
            value = self._chosen if self._chosen is not None else self._first
            self.forms[-1].values.setdefault(self._select, []).append(value or "")
            self._select = ""
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            # A browser drops the line break that follows the opening tag.
            values = self.forms[-1].values[self._area]
            values[-1] = (values[-1] + data).removeprefix("\n")
        else:
            self.text.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.text).split())

    def form(self, name: str) -> Form:
        """The first form that holds a control of this name."""
        return next(each for each in self.forms if name in each.names)
