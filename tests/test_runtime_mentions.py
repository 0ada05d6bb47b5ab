"""Mentions: stable references, told once, to who may see them only; the author learns of the others (UI-15)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from metadata import mentions
from runtime import accounts, assignments, notifications, queries, records
from runtime.host import Host
from runtime.mentions import suggest
from tests.doors import PASSWORD
from tests.telling_later import Later, later

LI, WANG = "01978f5e-7f2b-7c3a-9d5e-0a1b2c3d4e5f", "01978f5e-7f2b-7c3a-9d5e-0a1b2c3d4e60"
LOGINS = {"li": LI, "wang.fang@acme.cn": WANG}
NAMES = {LI: "Li [Na]", WANG: "王芳"}

PACKAGE = """
package: {code: talked, version: 1.0.0, requires: {core: '>=1.0'}}
entities:
  topic:
    label: {en: Topic, zh: 话题}
    title: name
    owned: true
    fields:
      name: {type: text, max: 80}
      text: {type: long_text}
      rich: {type: rich_text}
      secret: {type: long_text}
roles:
  reader:
    entities:
      topic: {read: all, create: all, update: all, fields: {secret: hidden, '*': write}}
      user: {read: all}
      notification: {read: own}
  writer:
    capabilities: {import: true}
    entities: {topic: {read: all, create: all, update: all}, user: {read: all}, notification: {read: own}}
  stranger: {entities: {topic: {read: own, create: own}, notification: {read: own}}}
"""


@pytest.fixture
def here(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    with later(host, monkeypatch, PACKAGE) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("@li look", f"@[Li Na]({LI}) look"),
        ("look @li.", f"look @[Li Na]({LI})."),
        ("@li请看", f"@[Li Na]({LI})请看"),
        ("(@wang.fang@acme.cn)", f"(@[王芳]({WANG}))"),
        ("mail li@li or https://x/@li", "mail li@li or https://x/@li"),
        ("@nobody @ @@", "@nobody @ @@"),
        (f"@[Old name]({LI})!", f"@[Li Na]({LI})!"),
        ("@[Gone](01978f5e-0000-7c3a-9d5e-0a1b2c3d4e5f)", "@[Gone](01978f5e-0000-7c3a-9d5e-0a1b2c3d4e5f)"),
    ],
)
def test_what_is_typed_becomes_a_reference(text: str, kept: str) -> None:
    found = {each: LOGINS[each] for each in mentions.typed_in(text) if each in LOGINS}
    settled = mentions.settle(text, found, NAMES)
    assert settled == kept
    assert mentions.settle(settled, found, NAMES) == settled
    typed = mentions.typed(settled, {LI: "li", WANG: "wang.fang@acme.cn"})
    assert mentions.settle(typed, LOGINS, NAMES) == settled


def test_in_markup_only_the_text_is_looked_at() -> None:
    text = '<p>@li</p><p><a href="https://x.example/?a=@li">x</a></p>'
    assert mentions.settle(text, LOGINS, {LI: "A & B"}, markup=True) == text.replace(
        "@li</p>", f"@[A &amp; B]({LI})</p>"
    )
    assert mentions.plain(f"x @[王芳]({WANG})") == "x @王芳"
    assert list(mentions.parts(f"a @[b]({LI})")) == [("a ", ""), ("b", LI)]
    linked = f'<a href="https://x.example/@[b]({LI})">'
    assert list(mentions.parts(f"{linked}@[b]({LI})</a>", markup=True)) == [(linked, ""), ("b", LI), ("</a>", "")]


def test_a_hostile_text_takes_no_time() -> None:
    began = time.perf_counter()
    for text in ("@a." * 30_000, "@" * 90_000, "@[" * 45_000, "<" * 90_000, "@" + "a-" * 45_000):
        mentions.settle(text, LOGINS, NAMES, markup=True)
        mentions.typed_in(text)
    assert time.perf_counter() - began < 5


def person(here: Later, login: str, name: str, role: str) -> str:
    with here.open() as ws:
        id = accounts.create_user(ws, login, {"name": name, "language": "en"}, PASSWORD)
        assignments.set_roles(ws, id, [role])
    return id


def told(here: Later, user: str) -> list[str]:
    return [kind for kind, _ in here.told(user)]


def test_who_is_mentioned_is_told_once_if_he_may_see_it(here: Later) -> None:
    author = person(here, "author", "Author", "writer")
    li, wang = person(here, "li", "Li Na", "reader"), person(here, "wang", "王芳", "stranger")
    topic = here.made("topic", author, name="T", text="Ask @li, not me, @author")
    with here.open(author, write=False) as ws:
        text = queries.get(ws, "topic", topic)["text"]
    assert text == f"Ask @[Li Na]({li}), not me, @[Author]({author})"
    assert (told(here, li), told(here, author)) == (["mention"], [])
    here.changed("topic", topic, author, text="Ask @li again")
    here.changed("topic", topic, author, rich="<p>@li</p>")
    assert told(here, li) == ["mention"]
    here.changed("topic", topic, author, text="@li and @wang")
    assert told(here, li) == ["mention"]
    assert told(here, wang) == []
    with here.open(author, write=False) as ws:
        [note] = notifications.listing(ws)[0]
        assert note.subject == "王芳 cannot see this Topic, and was not told that you mention them"
    here.changed("topic", topic, author, secret="@li")  # which he reads nothing of
    assert told(here, li) == ["mention"]
    with here.open(author, channel="import") as ws:
        loaded = records.create(ws, "topic", {"name": "L", "text": "@li"}).id
        assert queries.get(ws, "topic", loaded)["text"] == f"@[Li Na]({li})"
    assert told(here, li) == ["mention"]
    here.made("topic", wang, name="W", text=f"@[x]({li})")
    assert told(here, li) == ["mention"]
    hidden = here.made("topic", wang, name="W", text="@li")  # who writes it does not see people
    with here.open(wang, write=False) as ws:
        assert queries.get(ws, "topic", hidden)["text"] == "@li"
        entity = ws.model.entity("topic")
        assert entity is not None
        assert suggest(ws, entity, "li", hidden) == []
    with here.open(author, write=False) as ws:
        assert [each["typed"] for each in suggest(ws, entity, "", topic)] == ["@li"]
        assert [each["name"] for each in suggest(ws, entity, "li", None, ("topic", topic))] == ["Li Na"]
        assert [each["name"] for each in suggest(ws, entity, "LI", topic)] == ["Li Na"]
        assert suggest(ws, entity, "王", topic) == []
        assert suggest(ws, entity, "%", topic) == suggest(ws, entity, "wan", topic) == []
