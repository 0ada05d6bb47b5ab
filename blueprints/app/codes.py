"""Bar codes and QR codes drawn as SVG, of shapes alone: no style, nothing that loads."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from metadata.fieldtypes.barcodes import symbology
from metadata.model import Field

_HEIGHT = 40
_QUIET = 10
"""Empty modules that a scanner needs at both sides."""
_SQUARE_QUIET = 4


def drawn(field: Field, code: str) -> Markup | None:
    """The picture of a code with its text below; None for one that cannot be drawn."""
    return _drawn(symbology(field), code)


@lru_cache(maxsize=500)
def _drawn(form: str, code: str) -> Markup | None:
    try:
        if form == "qr":
            return _squares(code)
        return _bars(form, code)
    except Exception:  # the drawing libraries refuse in many ways, and the text is shown all the same
        return None


def _bars(form: str, code: str) -> Markup:
    from barcode import get_barcode_class

    kind = get_barcode_class(form)
    made = kind(code, add_checksum=False) if form == "code39" else kind(code)
    modules = made.build()[0]
    bars, at = [], 0
    while at < len(modules):
        width = len(modules[at:]) - len(modules[at:].lstrip(modules[at]))
        if modules[at] != "0":
            bars.append(f"M{_QUIET + at} 0h{width}v{_HEIGHT}h-{width}z")
        at += width
    total = len(modules) + 2 * _QUIET
    svg = Markup(
        '<svg class="barcode" role="img" aria-label="{code}" viewBox="0 0 {total} {whole}"'
        ' preserveAspectRatio="xMinYMid">'
        '<rect width="{total}" height="{whole}" fill="#fff"/><path d="{bars}" fill="#000"/>'
        '<text x="{middle}" y="{below}" text-anchor="middle" font-size="10" font-family="monospace" fill="#000">{code}'
        "</text></svg>"
    )
    whole, below = _HEIGHT + 14, _HEIGHT + 11
    return svg.format(code=code, total=total, whole=whole, bars="".join(bars), middle=total / 2, below=below)


def _squares(code: str) -> Markup:
    import segno

    rows = [bytes(row) for row in segno.make(code, micro=False).matrix]
    path = "".join(
        f"M{_SQUARE_QUIET + x} {_SQUARE_QUIET + y}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, dark in enumerate(row)
        if dark
    )
    size = len(rows) + 2 * _SQUARE_QUIET
    svg = Markup(
        '<svg class="qrcode" role="img" aria-label="{code}" viewBox="0 0 {size} {size}">'
        '<rect width="{size}" height="{size}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    )
    return svg.format(code=code, size=size, path=path)
