"""Calls of the functions of the language: one Python function for each name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metadata.expressions.closures import business, dates, numbers, texts
from metadata.expressions.closures.rows import Row, Value, binding_of

PLAIN: Mapping[str, Callable[..., Any]] = {**numbers.FUNCTIONS, **texts.FUNCTIONS, **dates.FUNCTIONS}
"""Of values that are not empty."""
PLACED: Mapping[str, Callable[..., Any]] = {**dates.PLACED, **business.PLACED}
"""The same with the binding before them."""


def call(name: str, arguments: Sequence[Value]) -> Value:
    """The closure of a call."""
    match name:
        case "coalesce":
            return _coalesce(arguments)
        case "is_empty":
            return _is_empty(arguments[0])
        case "concat":
            return lambda row, constants: texts.concat(*[each(row, constants) for each in arguments])
        case "least" | "greatest" if len(arguments) == 1:
            return arguments[0]
    if name in PLACED:
        return _placed(PLACED[name], arguments)
    function = PLAIN[name]
    if len(arguments) == 1:
        return of_one(function, arguments[0])
    return (_of_two if len(arguments) == 2 else _of_many)(function, arguments)


def of_one(function: Callable[[Any], Any], argument: Value) -> Value:
    """A function of one value, empty when that is."""

    def called(row: Row, constants: Sequence[Any]) -> Any:
        value = argument(row, constants)
        return None if value is None else function(value)

    return called


def _of_two(function: Callable[..., Any], arguments: Sequence[Value]) -> Value:
    first, second = arguments

    def called(row: Row, constants: Sequence[Any]) -> Any:
        one, other = first(row, constants), second(row, constants)
        return None if one is None or other is None else function(one, other)

    return called


def _of_many(function: Callable[..., Any], arguments: Sequence[Value]) -> Value:
    def called(row: Row, constants: Sequence[Any]) -> Any:
        values = [each(row, constants) for each in arguments]
        return None if None in values else function(*values)

    return called


def _placed(function: Callable[..., Any], arguments: Sequence[Value]) -> Value:
    def called(row: Row, constants: Sequence[Any]) -> Any:
        values = [each(row, constants) for each in arguments]
        return None if None in values else function(binding_of(constants), *values)

    return called


def _coalesce(arguments: Sequence[Value]) -> Value:
    def first(row: Row, constants: Sequence[Any]) -> Any:
        for each in arguments:
            value = each(row, constants)
            if value is not None:
                return value
        return None

    return first


def _is_empty(argument: Value) -> Value:
    def empty(row: Row, constants: Sequence[Any]) -> bool:
        return argument(row, constants) is None

    return empty
