"""Explorers: pictures drawn ahead and a slider to move through them, with or without a kernel."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import comm
import ipywidgets
from IPython.core.getipython import get_ipython
from matplotlib.figure import Figure
from PIL import Image

from cozad_teach.errors import CozadError

__all__ = ["FrameSlider", "frame_slider", "needs"]

Value = TypeVar("Value")

DPI = 110
COLOURS = 128  # of a frame's palette: a third of the bytes of true colour, no difference to see


class FrameSlider(ipywidgets.VBox):
    """A slider above a stack of pictures; `frame_slider` makes one.

    Where a slider cannot be shown, its first picture stands with a sentence that says how to get
    it: in a notebook that is not trusted, or without the widgets of Jupyter.

    Attributes
    ----------
    alternatives : tuple of str
        The text alternative of every frame, in order.
    """

    def __init__(
        self,
        slider: ipywidgets.SelectionSlider,
        stack: ipywidgets.Stack,
        alternatives: list[str],
    ) -> None:
        super().__init__([slider, stack])
        self.alternatives = tuple(alternatives)
        self._link = ipywidgets.jslink((slider, "index"), (stack, "selected_index"))

    def __repr__(self) -> str:
        slider = self.children[0]
        return f"FrameSlider({slider.description!r}, {len(self.alternatives)} frames)"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super()._repr_mimebundle_(**options)
        stack = self.children[1]
        picture = stack.children[stack.selected_index].value
        sentence = "Run this cell (Shift + Enter) to get the slider."
        return {**shown, "text/html": f"{picture}<p><em>{sentence}</em></p>"}

    def close_all(self) -> None:
        """Close the slider with all its parts."""
        slider, stack = self.children
        for part in (self, self._link, slider, stack, *stack.children):
            for widget in (getattr(part, "style", None), getattr(part, "layout", None), part):
                if widget is not None:
                    widget.close()


# What is in view, by the name that its widgets share.
_IN_VIEW: dict[str, FrameSlider] = {}


def needs(*names: str) -> None:
    """Stop with a sentence in a cell that uses what other cells make, if these have not run.

    Parameters
    ----------
    names : str
        Variables and functions that the cells above make.

    Raises
    ------
    CozadError
        If one of them is not there.
    """
    shell = get_ipython()
    missing = [name for name in names if shell is not None and name not in shell.user_ns]
    if missing:
        raise CozadError(
            "run the cells above first (menu Run, Run All Above Selected Cell): "
            f"this one needs {', '.join(missing)}"
        )


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
    frames = [_picture(draw, *frame, size) for frame in zip(values, alternatives, strict=True)]
    name = hashlib.sha256(f"{description}{labels}{alternatives}".encode()).hexdigest()[:24]
    if name in _IN_VIEW:
        _IN_VIEW.pop(name).close_all()
    with _lasting_names(name):
        slider = ipywidgets.SelectionSlider(
            options=[(text, i) for i, text in enumerate(labels)],
            index=start,
            description=description,
            style={"description_width": "initial"},
            layout={"width": "auto", "max_width": "32rem"},
        )
        stack = ipywidgets.Stack(list(map(ipywidgets.HTML, frames)), selected_index=start)
        _IN_VIEW[name] = FrameSlider(slider, stack, alternatives)
    return _IN_VIEW[name]


@contextmanager
def _lasting_names(beginning: str) -> Iterator[None]:
    """Give widgets numbers for names, where Jupyter names each by chance.

    A notebook stores widgets apart from the outputs that name them. With names of chance one that
    is run and saved finds no widget when it is opened again, and differs in every such line.
    """
    create, number = comm.create_comm, itertools.count()

    def create_named(**options: Any) -> Any:
        return create(**{**options, "comm_id": f"{beginning}{next(number):08x}"})

    comm.create_comm = create_named
    try:
        yield
    finally:
        comm.create_comm = create


def _picture(
    draw: Callable[[Figure, Value], Any], value: Value, alternative: str, size: tuple[float, float]
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
