"""Text -> checked `Expression`, through rule-engine's grammar with a guard before and after. Its only importer."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Any

from metadata.expressions.check import check
from metadata.expressions.names import Entities, Scope, Visible, Wanted
from metadata.expressions.problems import (
    ExpressionInvalid,
    bad_character,
    bad_escape,
    ends_early,
    not_supported,
    syntax_error,
    too_deep,
    too_long,
)
from metadata.expressions.syntax import (
    Binary,
    Boolean,
    Call,
    Items,
    Minus,
    Name,
    Negation,
    Null,
    Number,
    Syntax,
    Ternary,
    Text,
)
from metadata.expressions.tree import Expression
from metadata.model import Entity

MAX_LENGTH = 4000
MAX_NODES = 500
MAX_DEPTH = 100
"""Every back end follows a tree by recursion; a chain of one `and` or `or` is flat, however long."""
MAX_TOKENS = 3 * MAX_NODES

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}
_TOKENS = frozenset(
    "SYMBOL FLOAT STRING TRUE FALSE NULL AND OR NOT IN EQ NE LT LE GT GE"
    " LPAREN RPAREN LBRACKET RBRACKET COMMA ATTR ADD SUB MUL TDIV MOD QMARK COLON".split()
)
_OPERATORS = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "AND": "and", "OR": "or"}
_OPERATORS |= {"ADD": "+", "SUB": "-", "MUL": "*", "TDIV": "/", "MOD": "%"}


def parse(text: str, entity: Entity, entities: Entities, visible: Visible | None = None) -> Expression:
    """A condition over the records of an entity. Raises ExpressionInvalid with every problem that was found.

    `entities` finds an entity by id (`model.entity`), for dotted paths. A field that `visible` denies does not exist.
    Nothing is evaluated while parsing.
    """
    return check(text, read(text), entity, Scope(entities, visible))


def parse_in(text: str, entity: Entity, scope: Scope, wanted: Wanted | None = None) -> Expression:
    """The same with all that a scope allows; with `wanted`, a value of that kind instead of a condition."""
    return check(text, read(text), entity, scope, wanted)


def read(text: str) -> Syntax:
    """What the text says, whatever its names mean. Raises ExpressionInvalid."""
    if len(text) > MAX_LENGTH:
        raise ExpressionInvalid(too_long(limit=MAX_LENGTH, column=MAX_LENGTH + 1))
    if found := _UNFIT.search(text):
        raise ExpressionInvalid(bad_character(character=repr(found.group()), column=found.start() + 1))
    return _grammar().read(text.replace("\r", " "))


def prepare() -> None:
    """Build the grammar now: a process that others are forked from does it once for all of them."""
    _grammar()


_making = threading.Lock()


def _grammar() -> _Grammar:
    # The library's modules import each other: of two threads that load them at once, one finds them half made.
    with _making:
        return _made()


@lru_cache(maxsize=1)
def _made() -> _Grammar:
    return _Grammar()


class _Grammar:
    """rule-engine's parser, built on first use (importing it and building its tables takes half a second)."""

    def __init__(self) -> None:
        from rule_engine.errors import EngineError
        from rule_engine.parser import Parser

        class Guarded(Parser):  # type: ignore[misc]
            """Stops after the first phase: the second one builds nodes and folds constants, which is an attack."""

            def deferred(self, text: str) -> Any:
                return self._parser.parse(text, lexer=_Tokens(self._lexer, text))

        self._refusals = (EngineError, RecursionError)
        self._parser = Guarded()
        self._lock = threading.Lock()

    def read(self, text: str) -> Syntax:
        try:
            with self._lock:
                tree = self._parser.deferred(text)
        except self._refusals as error:
            raise ExpressionInvalid(_syntax_problem(error, text)) from None
        _measure(tree)
        return _convert(tree)


class _Spot(str):
    """A token's text that remembers its offset through the slices the grammar takes."""

    at = 0

    def __getitem__(self, key: Any) -> _Spot:
        return _spot(str.__getitem__(self, key), self.at)


def _spot(text: str, at: int) -> _Spot:
    made = _Spot(text)
    made.at = at
    return made


class _Tokens:
    """The lexer as the grammar sees it: only tokens of our language, strings unescaped by our own rules."""

    def __init__(self, lexer: Any, text: str) -> None:
        self._lexer, self._text, self._count, self._open = lexer, text, 0, 0

    def input(self, text: str) -> None:
        self._lexer.lineno = 1
        self._lexer.input(text)

    def token(self) -> Any:
        token = self._lexer.token()
        if token is None:
            return None
        self._count += 1
        self._open += (token.type in ("LPAREN", "LBRACKET")) - (token.type in ("RPAREN", "RBRACKET"))
        if self._count > MAX_TOKENS or self._open > 2 * MAX_DEPTH:
            raise ExpressionInvalid(too_deep(nodes=MAX_NODES, depth=MAX_DEPTH, column=token.lexpos + 1))
        written = token.value
        if token.type == "IF":  # our function; the grammar knows the word from comprehensions only
            token.type = "SYMBOL"
        if token.type not in _TOKENS or (token.type == "STRING" and written[0] not in "'\""):
            raise ExpressionInvalid(not_supported(what=written, column=token.lexpos + 1))
        if token.type == "STRING":
            # As a raw string the grammar takes the content as it is.
            written = f"r'{_unescape(written[1:-1], token.lexpos + 1)}'"
        if token.type in ("STRING", "SYMBOL", "FLOAT"):
            token.value = _spot(written, token.lexpos)
        return token


def _unescape(text: str, offset: int) -> str:
    if "\\" not in text:
        return text

    def replaced(found: re.Match[str]) -> str:
        escape = found.group(1)
        value = chr(int(escape[1:], 16)) if len(escape) == 5 else _ESCAPES.get(escape, "")
        if not value or _UNFIT.match(value):
            raise ExpressionInvalid(bad_escape(what=found.group(), column=offset + found.start() + 1))
        return value

    return _ESCAPE.sub(replaced, text)


def _syntax_problem(error: Exception, text: str) -> Any:
    token = getattr(error, "token", None)
    if token is None:
        return (
            ends_early(column=len(text) + 1)
            if "EOF" in getattr(error, "message", "")
            else syntax_error(what=text[:20], column=1)
        )
    return syntax_error(what=text[token.lexpos : token.lexpos + 20].split("\n")[0], column=token.lexpos + 1)


def _measure(tree: Any) -> None:
    """Refuse what is too large or too deep, without recursion."""
    nodes = 0
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, str) or node is None:
            continue
        if hasattr(node, "cls"):
            nodes += 1
            if nodes > MAX_NODES or depth > MAX_DEPTH:
                raise ExpressionInvalid(too_deep(nodes=MAX_NODES, depth=MAX_DEPTH, column=1))
            stack.extend((each, depth + (not _chained(node, each))) for each in node.args)
        elif hasattr(node, "__iter__"):
            stack.extend((each, depth) for each in node)


def _chained(node: Any, inner: Any) -> bool:
    """`a or b` on the left side of `or c`."""
    logic = node.cls.__name__ == "LogicExpression" and getattr(inner, "cls", None) is node.cls
    return logic and inner is node.args[2] and inner.args[1] == node.args[1]


def _convert(node: Any) -> Syntax:
    """Our own tree from the deferred one. What is not converted here does not exist in the language."""
    arguments = node.args[1:]
    match node.cls.__name__:
        case "Statement":
            return _convert(arguments[0])
        case (
            "LogicExpression"
            | "ComparisonExpression"
            | "ArithmeticComparisonExpression"
            | "ArithmeticExpression"
            | "AddExpression"
            | "SubtractExpression"
        ):
            op, left, right = arguments
            return _binary(_OPERATORS[op], left, right)
        case "TernaryExpression":
            condition, then, otherwise = (_convert(each) for each in arguments)
            return Ternary(condition, then, otherwise, condition.at)
        case "ContainsExpression":
            container, member = arguments
            return _binary("in", member, container)
        case "UnaryExpression":
            return _unary(*arguments)
        case "SymbolExpression":
            return _symbol(arguments[0], node.kwargs)
        case "GetAttributeExpression":
            return _attribute(*arguments)
        case "FunctionCallExpression":
            return _call(*arguments)
        case "ArrayExpression":
            items = tuple(_convert(each) for each in arguments[0])
            return Items(items, items[0].at if items else 0)
        case "StringExpression":
            return Text(str(arguments[0]), arguments[0].at)
        case "FloatExpression":
            return Number(str(arguments[0]), arguments[0].at)
        case "BooleanExpression":
            return Boolean(arguments[0], 0)
        case "NullExpression":
            return Null(0)
        case other:
            raise ExpressionInvalid(not_supported(what=other.removesuffix("Expression"), column=1))


def _binary(op: Any, left: Any, right: Any) -> Syntax:
    first, second = _convert(left), _convert(right)
    return Binary(op, first, second, first.at or second.at)


def _unary(op: str, operand: Any) -> Syntax:
    part = _convert(operand)
    if op == "NOT":
        return Negation(part, part.at)
    if isinstance(part, Number) and not part.value.startswith("-"):
        return Number("-" + part.value, part.at)
    return Minus(part, part.at)


def _symbol(name: Any, options: Any) -> Syntax:
    return Name((f"${name}" if options.get("scope") else str(name),), name.at)


def _attribute(target: Any, name: Any) -> Syntax:
    inner = _convert(target)
    if not isinstance(inner, Name):
        raise ExpressionInvalid(not_supported(what=f".{name}", column=name.at + 1))
    return Name((*inner.path, str(name)), inner.at)


def _call(function: Any, arguments: Any) -> Syntax:
    named = _convert(function)
    if not isinstance(named, Name):
        raise ExpressionInvalid(not_supported(what="(", column=named.at + 1))
    return Call(".".join(named.path), tuple(_convert(each) for each in arguments), named.at)
