"""Explorers: pictures drawn ahead and a slider to move through them, with or without a kernel."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import ipywidgets
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["FrameSlider", "frame_slider"]

Value = TypeVar("Value")

DPI = 110
COLOURS = 128  # of a frame's palette: a third of the bytes of true colour, no difference to see


class FrameSlider(ipywidgets.VBox):
    """A slider above a stack of pictures; `frame_slider` makes one.

    Attributes
    ----------
    alternatives : tuple of str
        The text alternative of every frame, in order.
    """

    def __init__(
        self, slider: ipywidgets.SelectionSlider, stack: ipywidgets.Stack, alternatives: list[str]
    ) -> None:
        super().__init__([slider, stack])
        self.alternatives = tuple(alternatives)

    def __repr__(self) -> str:
        slider = self.children[0]
        return f"FrameSlider({slider.description!r}, {len(self.alternatives)} frames)"


def frame_slider(
    draw: Callable[[Figure, Value], Any],
    values: Sequence[Value],
    *,
    alt: Callable[[Value], str],
    description: str,
    label: Callable[[Value], str] = str,
    size: tuple[float, float] = (6.0, 3.0),
    start: int = 0,
) -> FrameSlider:
    """Draw one picture per value now and let a slider choose among them in the browser.

    Every frame is stored in the notebook, and the link between slider and picture runs in the
    page. So the explorer also works in the HTML book, where there is no Python.

    Parameters
    ----------
    draw : callable
        ``draw(figure, value)`` draws on an empty matplotlib figure with a white background.
    values : sequence
        One frame each, two or more.
    alt : callable
        ``alt(value)`` says in words what the frame shows, for those who cannot see it.
    description : str
        Name of what the slider changes. Plain text; formulas are not typeset in it.
    label : callable
        ``label(value)`` is shown beside the slider; two values need two labels.
    size : tuple of float
        Width and height of a frame in inches; a frame has 110 pixels per inch.
    start : int
        Index of the value shown first.

    Returns
    -------
    FrameSlider
        Display it as the last expression of a cell.

    Raises
    ------
    ValueError
        If there are fewer than two values, if labels repeat, or if a text alternative is empty
        or the same for two frames.
    """
    labels = [label(value) for value in values]
    alternatives = [alt(value) for value in values]
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ValueError("a slider needs two or more values, each with its own label")
    if not all(map(str.strip, alternatives)) or len(set(alternatives)) < len(alternatives):
        raise ValueError("every frame needs its own text alternative")
    frames = [
        ipywidgets.HTML(_picture(draw, value, size, text))
        for value, text in zip(values, alternatives, strict=True)
    ]
    slider = ipywidgets.SelectionSlider(
        options=[(text, i) for i, text in enumerate(labels)],
        index=start,
        description=description,
        style={"description_width": "initial"},
        layout={"width": "auto", "max_width": "32rem"},
    )
    stack = ipywidgets.Stack(frames, selected_index=start)
    ipywidgets.jslink((slider, "index"), (stack, "selected_index"))
    return FrameSlider(slider, stack, alternatives)


def _picture(
    draw: Callable[[Figure, Value], Any], value: Value, size: tuple[float, float], alternative: str
) -> str:
    """Draw a frame and give it as an HTML image that carries its own data."""
    figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
    draw(figure, value)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", facecolor="white")
    image = Image.open(drawn).convert("RGB")
    packed = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    data = base64.b64encode(packed.getvalue()).decode()
    return (
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alternative)}"'
        f' width="{image.width}" height="{image.height}" style="max-width:100%;height:auto">'
    )
