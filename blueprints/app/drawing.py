"""Charts as shapes for the page itself: in percent of the width and in pixels of the height, so that they fit anywhere.

Drawn by the server they are there at once, follow the theme, work without scripts, and every bar is a link.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from blueprints.app.charting import Chart, Point
from blueprints.app.figures import compact

HEIGHT = 208
_TOP = 6
PALETTE = ("indigo", "teal", "amber", "pink", "blue", "lime", "orange", "purple", "cyan", "red", "green", "gray")
_DATED = ("stacked", "line")


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle. `x` and `width` in percent, `y` and `height` in pixels."""

    x: str
    y: str
    width: str
    height: str
    tint: str
    said: str
    url: str


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of a ring as the path of an SVG of 120 by 120."""

    path: str
    tint: str
    said: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a legend, of horizontal bars or of a funnel. `start` and `share` in percent."""

    label: str
    short: str
    text: str
    start: str
    share: str
    percent: str
    tint: str
    url: str


@dataclass(frozen=True, slots=True)
class Track:
    """A line over all points: `path` in an SVG of 1000 by HEIGHT, and its points as links."""

    tint: str
    path: str
    dots: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """`form`: rows, funnel, ring, columns, lines or nothing."""

    form: str
    rows: tuple[Row, ...] = ()
    slices: tuple[Slice, ...] = ()
    bars: tuple[Bar, ...] = ()
    tracks: tuple[Track, ...] = ()
    scale: tuple[str, ...] = ()
    """From top to bottom."""
    rules: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    """(label, tint) of each series."""
    total: str = ""


def drawing(chart: Chart, lang: str) -> Drawing:
    if not chart.points or not chart.series:
        return Drawing("nothing")
    several = len(chart.series) > 1 or bool(chart.series[0].label)
    if chart.kind == "pie":
        return _ring(chart, lang)
    if chart.kind == "funnel":
        return Drawing("funnel", rows=tuple(_rows(chart, centred=True)))
    if chart.kind == "bar" and not several and not chart.dated:
        return Drawing("rows", rows=tuple(_rows(chart, centred=False)))
    return _upright(chart, several, lang)


def _rows(chart: Chart, centred: bool) -> Sequence[Row]:
    values = [max(each.figures[0].number, 0.0) for each in chart.points]
    most, total = max([*values, 1e-9]), sum(values) or 1.0
    tinted = any(each.tint for each in chart.points)
    return [
        Row(
            point.label,
            point.figures[0].short,
            point.figures[0].text,
            _number((100 - value / most * 100) / 2) if centred else "0",
            _number(value / most * 100),
            f"{value / total * 100:.0f}%",
            point.tint or ("gray" if tinted else PALETTE[0]),
            point.urls[0],
        )
        for point, value in zip(chart.points, values, strict=True)
    ]


def _ring(chart: Chart, lang: str) -> Drawing:
    values = [max(each.figures[0].number, 0.0) for each in chart.points]
    total, turn = sum(values), 0.0
    rows, slices = [], []
    for at, (point, value) in enumerate(zip(chart.points, values, strict=True)):
        share = value / total if total else 0.0
        tint = point.tint or PALETTE[at % len(PALETTE)]
        figure, percent = point.figures[0], f"{share * 100:.0f}%"
        rows.append(Row(point.label, figure.short, figure.text, "0", "0", percent, tint, point.urls[0]))
        if share:
            said = f"{point.label}: {figure.text} ({percent})"
            slices.append(Slice(_arc(turn, turn + share), tint, said, point.urls[0]))
        turn += share
    money = next((each.figures[0].short for each in chart.points), "")
    sign = money.rstrip("0123456789.,KMB万亿%") if money else ""
    return Drawing("ring", tuple(rows), tuple(slices), total=compact(Decimal(str(round(total, 4))), lang, sign))


def _arc(begin: float, end: float, outer: float = 58, inner: float = 38) -> str:
    """A piece of a ring between two parts of a turn, clockwise from the top."""
    if end - begin > 0.9999:
        end = begin + 0.9999
    wide = 1 if end - begin > 0.5 else 0

    def at(part: float, radius: float) -> str:
        angle = part * 2 * math.pi
        return f"{60 + radius * math.sin(angle):.2f} {60 - radius * math.cos(angle):.2f}"

    return (
        f"M{at(begin, outer)}A{outer} {outer} 0 {wide} 1 {at(end, outer)}"
        f"L{at(end, inner)}A{inner} {inner} 0 {wide} 0 {at(begin, inner)}Z"
    )


def _upright(chart: Chart, several: bool, lang: str) -> Drawing:
    """Columns, or lines, over a scale."""
    stacked = chart.kind == "stacked"
    sums = [sum(max(each.number, 0.0) for each in point.figures) for point in chart.points]
    peaks = sums if stacked else [max((each.number for each in point.figures), default=0.0) for point in chart.points]
    steps = ticks(max([*peaks, 0.0]))
    top = steps[-1]
    scale = tuple(compact(Decimal(str(each)), lang) for each in reversed(steps))
    rules = tuple(_number(_y(each, top)) for each in steps)
    tints = [each.tint or PALETTE[at % len(PALETTE)] for at, each in enumerate(chart.series)]
    legend = tuple((each.label, tint) for each, tint in zip(chart.series, tints, strict=True)) if several else ()
    names = tuple(each.label for each in chart.points)
    if chart.kind == "line":
        tracks = tuple(_track(chart, at, tint, top) for at, tint in enumerate(tints))
        return Drawing("lines", tracks=tracks, scale=scale, rules=rules, names=names, legend=legend)
    bars = [bar for at, point in enumerate(chart.points) for bar in _bars(chart, at, point, tints, top, stacked)]
    return Drawing("columns", bars=tuple(bars), scale=scale, rules=rules, names=names, legend=legend)


def _bars(chart: Chart, at: int, point: Point, tints: Sequence[str], top: float, stacked: bool) -> list[Bar]:
    slot = 100 / len(chart.points)
    width = slot * 0.64 if stacked else slot * 0.72 / len(tints)
    left = at * slot + (slot - width * (1 if stacked else len(tints))) / 2
    found, below = [], 0.0
    for place, (figure, tint) in enumerate(zip(point.figures, tints, strict=True)):
        value = max(figure.number, 0.0)
        if not value:
            continue
        y, base = _y(below + value, top), _y(below, top)
        label = chart.series[place].label
        said = f"{point.label}{' · ' + label if label else ''}: {figure.text}"
        tint = tint if label else point.tint or tint
        x = left if stacked else left + place * width
        found.append(
            Bar(_number(x), _number(y), _number(width), _number(max(base - y, 1)), tint, said, point.urls[place])
        )
        below += value if stacked else 0.0
    return found


def _track(chart: Chart, at: int, tint: str, top: float) -> Track:
    number = len(chart.points)
    where = [((place + 0.5) / number * 100, point) for place, point in enumerate(chart.points)]
    path = " ".join(f"{x * 10:.1f},{_y(max(point.figures[at].number, 0.0), top):.1f}" for x, point in where)
    label = chart.series[at].label
    dots = tuple(
        Bar(
            _number(x),
            _number(_y(max(point.figures[at].number, 0.0), top)),
            "",
            "",
            tint,
            f"{point.label}{' · ' + label if label else ''}: {point.figures[at].text}",
            point.urls[at],
        )
        for x, point in where
    )
    return Track(tint, path, dots)


def _y(value: float, top: float) -> float:
    return HEIGHT - value / top * (HEIGHT - _TOP)


def ticks(most: float) -> list[float]:
    """From 0 to at least `most` in about four round steps."""
    if most <= 0:
        return [0.0, 1.0]
    raw = most / 4
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if raw <= power * each * 1.0001)
    if step < 1 and most >= 1 and float(most).is_integer():
        step = 1.0
    return [step * each for each in range(math.ceil(most / step - 1e-9) + 1)]


def _number(value: float) -> str:
    """Of an SVG attribute: short."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
