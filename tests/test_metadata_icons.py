"""Icons that a description names: those of Tabler, and a suggestion for a misspelt one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metadata.compiler import compile_layers
from metadata.documents.package import read_text
from metadata.icons import icons
from metadata.problems import MetadataInvalid

DIST = Path(__file__).resolve().parents[1] / "blueprints" / "static" / "dist"
TEXT = """
package: {{code: mini, version: 1.0.0, kind: core}}
entities: {{deal: {{label: Deal, title: name, icon: {icon}, fields: {{name: {{type: text, required: true}}}}}}}}
"""


def test_a_misspelt_icon_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(MetadataInvalid) as refused:
        compile_layers([read_text(TEXT.format(icon="targett"))])
    (problem,) = [each for each in refused.value.problems if each.code == "grammar_icon"]
    assert problem.path == "entities.deal.icon" and problem.suggestion == "target"


def test_what_is_not_even_written_like_an_icon_is_told_once() -> None:
    with pytest.raises(MetadataInvalid) as refused:
        compile_layers([read_text(TEXT.format(icon="'No Icon'"))])
    assert [each.code for each in refused.value.problems if each.path.endswith("icon")] == ["grammar_pattern"]


def test_every_known_icon_can_be_drawn() -> None:
    manifest = DIST / "manifest.json"
    if not manifest.exists():
        pytest.skip("the pages' assets are not built: make assets")
    drawn = json.loads((DIST / json.loads(manifest.read_text())["icons"]).read_text("utf-8"))
    assert set(icons()) <= set(drawn) and "user-circle" in icons()
