"""The explorer: pictures drawn ahead, small, the same each time, with words beside them."""

from __future__ import annotations

import base64
import io
import itertools
from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from PIL import Image

from cozad_book.explorers import FrameSlider, frame_slider, needs
from cozad_teach.errors import CozadError

VALUES = [0.5, 1.5, 3.0]


def draw(figure: Figure, value: float) -> None:
    axes = figure.subplots(1, 2)
    axes[0].plot([0, 1, 2], [0, value, 1])
    axes[1].imshow(np.arange(12).reshape(3, 4) * value, vmin=0, vmax=33)


def make(**changes: Any) -> FrameSlider:
    options: dict[str, Any] = {
        "alt": lambda v: f'Line with "peak" {v} < 4',
        "description": "peak",
        "label": lambda v: f"{v:.1f}",
    }
    return frame_slider(draw, VALUES, **(options | changes))


def pictures(explorer: FrameSlider) -> list[Any]:
    stack = explorer.children[1]
    return [BeautifulSoup(frame.value, "html.parser").img for frame in stack.children]


def decoded(picture: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture["src"].partition(",")[2])))


def test_one_picture_per_value_with_its_alternative() -> None:
    explorer = make()
    assert (
        [p["alt"] for p in pictures(explorer)]
        == [f'Line with "peak" {v} < 4' for v in VALUES]
        == list(explorer.alternatives)
    )
    slider, stack = explorer.children
    assert slider._options_labels == ("0.5", "1.5", "3.0")
    assert (slider.index, stack.selected_index) == (0, 0)
    assert repr(explorer) == "FrameSlider('peak', 3 frames)"


def test_frames_differ_have_the_stated_size_and_are_small() -> None:
    frames = [decoded(p) for p in pictures(make(size=(5.0, 2.0)))]
    assert {f.size for f in frames} == {(550, 220)}
    pixels = [np.asarray(f.convert("RGB")) for f in frames]
    assert all((a != b).any() for a, b in itertools.pairwise(pixels))
    assert all((p[0, 0] == 255).all() for p in pixels), "white ground, readable on dark pages"
    assert max(len(p["src"]) for p in pictures(make())) < 40_000


def test_same_bytes_each_time() -> None:
    assert [str(p) for p in pictures(make())] == [str(p) for p in pictures(make())]


def test_slider_and_stack_are_linked_in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[Any] = []
    monkeypatch.setattr(ipywidgets, "jslink", lambda *ends: links.append(ends))
    slider, stack = make(start=2, description="linked").children
    assert (slider.index, stack.selected_index) == (2, 2)
    assert links == [((slider, "index"), (stack, "selected_index"))]


def test_widgets_keep_their_names_and_those_of_the_run_before_are_closed() -> None:
    first = make()
    names = [first.model_id, *(part.model_id for part in first.children)]
    frame = first.children[1].children[0]
    again = make()
    assert [again.model_id, *(part.model_id for part in again.children)] == names
    assert first.comm is None and frame.comm is None and frame.layout.comm is None
    assert again.comm is not None
    other = make(description="another")
    assert other.model_id not in names and again.comm is not None
    assert ipywidgets.HTML().model_id[:24] != names[0][:24], "other widgets are named as ever"


def test_picture_stands_where_no_slider_can() -> None:
    shown = make(start=1)._repr_mimebundle_()
    assert set(shown) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    page = BeautifulSoup(shown["text/html"], "html.parser")
    assert page.img is not None and page.img["alt"] == 'Line with "peak" 1.5 < 4'
    assert "Run this cell" in page.get_text()


def test_cell_that_needs_others_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("scores")  # outside a notebook there are no cells
    shell = SimpleNamespace(user_ns={"labels": 1})
    monkeypatch.setattr("cozad_book.explorers.get_ipython", lambda: shell)
    needs("labels")
    with pytest.raises(CozadError, match=r"run the cells above first .* needs scores, maps"):
        needs("labels", "scores", "maps")


@pytest.mark.parametrize(
    "changes",
    [
        {"label": lambda v: "same"},
        {"alt": lambda v: "same"},
        {"alt": lambda v: " "},
    ],
)
def test_ill_made_explorers_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        make(**changes)
    with pytest.raises(ValueError, match="two or more"):
        frame_slider(draw, [1.0], alt=str, description="one")
