"""The one sanitiser of HTML that people send: what may stay, and the plain text of it.

Everything that shows such HTML shows what `clean` has returned; nothing else in the platform lets HTML through.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

TAGS = frozenset("p br strong em b i u s h2 h3 h4 ul ol li a blockquote code pre hr".split())
"""No images, styles, tables or embedded pages: nothing that loads, runs or hides."""
SCHEMES = frozenset({"http", "https", "mailto", "tel"})

_RENAMED = (("h1", "h2"), ("h5", "h4"), ("h6", "h4"), ("div", "p"), ("del", "s"), ("strike", "s"))
_RENAMING = re.compile("<(/?)(" + "|".join(old for old, _ in _RENAMED) + r")(?=[\s>/])", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>|<!--", re.IGNORECASE)
_BLOCKS = frozenset("p h2 h3 h4 ul ol li blockquote pre hr div".split())
_EMPTY_BLOCK = re.compile(r"<(p|h2|h3|h4|li|blockquote|ul|ol|pre)>(?:\s|<br>|&nbsp;)*</\1>")


def clean(source: str) -> str:
    """The HTML with what is allowed alone; the same again for what it has returned. Empty when nothing is left."""
    import nh3

    names = dict(_RENAMED)
    renamed = _RENAMING.sub(lambda found: f"<{found[1]}{names[found[2].lower()]}", source)
    found = nh3.clean(
        renamed,
        tags=set(TAGS),
        attributes={"a": {"href"}},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    while (less := _EMPTY_BLOCK.sub("", found)) != found:
        found = less
    return found.strip()


def is_html(text: str) -> bool:
    """Whether a text holds tags, so that it was meant as HTML."""
    return _TAG.search(text) is not None


def from_text(text: str) -> str:
    """Plain text as HTML: a paragraph for each block of lines."""
    blocks = re.split(r"\n\s*\n", text.strip())
    return "".join(f"<p>{html.escape(each.strip(), False).replace(chr(10), '<br>')}</p>" for each in blocks if each)


def plain_text(source: str) -> str:
    """What cleaned HTML says, one line for each paragraph or item."""
    reader = _Reader()
    reader.feed(source)
    reader.close()
    lines = (" ".join(each.split()) for each in "".join(reader.parts).split("\n"))
    return "\n".join(each for each in lines if each)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS or tag == "br":
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
