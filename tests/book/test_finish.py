"""Pages are finished once: formulas set, explorers plain, needless scripts gone."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

import finish
import formulas
import page_explorers


def test_formulas_are_found_in_text_alone() -> None:
    page = r"""<head><title>\(a\)</title></head><p title="\(b\)">\(c &lt; 1\) <code>\(d\)</code>
<pre><span>\(e\)</span></pre> \[f\] <!-- \(g\) --></p><script>"\(h\)"</script>"""
    assert formulas.find(page) == {("c < 1", False), ("f", True)}
    made = formulas.replace(page, lambda formula: "SET")
    assert made.count("SET") == 2 and r"<code>\(d\)</code>" in made and r"<pre><span>\(e\)" in made


def test_formulas_are_set_for_eyes_and_for_screen_readers() -> None:
    wanted = [(r"\frac{a}{b}", True), ("a < b", False)]
    made, sheet = formulas.typeset(wanted)
    assert set(made) == set(wanted)
    assert "<mfrac><mi>a</mi><mi>b</mi></mfrac>" in made[wanted[0]]
    assert "&lt;" in made[wanted[1]] and "@font-face" in sheet and "://" not in sheet


@pytest.mark.parametrize("tex", [r"\nosuchmacro{a}", r"\frac{a"])
def test_a_formula_that_cannot_be_set_stops_the_build(tex: str) -> None:
    with pytest.raises(formulas.FormulaError, match="does not understand"):
        formulas.typeset([(tex, False)])


def widgets(labels: list[str], start: int) -> str:
    """A page as it is built: the view of an explorer, and the states of its widgets."""

    def picture(i: int) -> str:
        data = base64.b64encode(bytes([i])).decode()
        return (
            f'<img src="data:image/png;base64,{data}" alt="frame {i}" width="6" height="3" '
            'style="max-width:100%;height:auto">'
        )

    state = {
        "top": {"children": ["IPY_MODEL_slider", "IPY_MODEL_stack"]},
        "slider": {"_options_labels": labels, "description": "a & b"},
        "stack": {
            "selected_index": start,
            "children": [f"IPY_MODEL_{i}" for i in range(len(labels))],
        },
        **{str(i): {"value": picture(i)} for i in range(len(labels))},
    }
    stored = json.dumps({"state": {name: {"state": value} for name, value in state.items()}})
    kind = "application/vnd.jupyter.widget"
    return (
        f'<p><script type="{kind}-view+json">{{"model_id": "top"}}</script></p>'
        f'<script type="{kind}-state+json">{stored}</script>'
    )


def test_an_explorer_becomes_a_slider_above_pictures() -> None:
    saved: dict[str, bytes] = {}

    def save(name: str, content: bytes) -> str:
        saved[name] = content
        return f"x/{name}"

    made = page_explorers.replace(widgets(["0.1", "0.2", "0.3"], 1), save)
    assert "application/vnd" not in made and "base64" not in made
    assert 'max="2" value="1" aria-valuetext="0.2"' in made and "<span>a &amp; b</span>" in made
    assert [made.count(text) for text in ("<img", " hidden>", 'alt="frame 1"')] == [3, 2, 1]
    assert sorted(saved.values()) == [bytes([i]) for i in range(3)]
    assert all(f"x/{name}" in made for name in saved)


def test_a_page_keeps_only_what_it_needs(tmp_path: Path) -> None:
    head = """<html><head>
  <script defer src="_static/scripts/fontawesome.js?digest=1"></script>
  <script src="_static/searchtools.js"></script>
    <script>window.MathJax = {"options": {}}</script>
    <script defer="defer" src="_static/mathjax/none.js"></script>
</head>"""
    (tmp_path / "_static").mkdir()
    for name, body in {
        "a": "plain",
        "b": r"\(x\)",
        "search": "",
        "c": widgets(["1", "2"], 0),
    }.items():
        (tmp_path / f"{name}.html").write_text(f"{head}<body>{body}</body>", encoding="utf-8")
    finish.finish(tmp_path)
    text = {name: (tmp_path / f"{name}.html").read_text(encoding="utf-8") for name in "abc"}
    assert text["a"] == "<html><head>\n</head><body>plain</body>"
    assert "_static/formulas.css" in text["b"] and "explorer.js" not in text["b"]
    assert "_static/explorer.js" in text["c"] and "formulas.css" not in text["c"]
    assert "searchtools" in (tmp_path / "search.html").read_text(encoding="utf-8")
    assert len(list((tmp_path / "_images").iterdir())) == 2
