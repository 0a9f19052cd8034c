"""Turn the explorers of built pages into plain sliders above pictures, without widgets.

In a notebook an explorer is a tree of Jupyter's widgets, and a page would load 4 MB of scripts to
show it. It has one slider and one picture for each of its places, which HTML has too.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from typing import Any

VIEW = re.compile(
    r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.DOTALL
)
STATE = re.compile(
    r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>', re.DOTALL
)
PICTURE = re.compile(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]*)"([^>]*)>')
MODEL = "IPY_MODEL_"


def replace(page: str, save: Callable[[str, bytes], str]) -> str:
    """Replace each explorer of a page and the states of its widgets.

    `save` stores a picture under a name and gives the address that the page shall use.
    """
    states: dict[str, Any] = {}
    for match in STATE.finditer(page):
        states |= json.loads(match[1])["state"]

    def plain(match: re.Match[str]) -> str:
        return explorer(states, json.loads(match[1])["model_id"], save)

    return STATE.sub("", VIEW.sub(plain, page))


def explorer(states: dict[str, Any], name: str, save: Callable[[str, bytes], str]) -> str:
    """Write one explorer, by the states of its widgets: a slider and a stack of pictures."""

    def model(reference: str) -> dict[str, Any]:
        state: dict[str, Any] = states[reference.removeprefix(MODEL)]["state"]
        return state

    slider, stack = map(model, model(name)["children"])
    labels, start = slider["_options_labels"], stack["selected_index"]
    title = html.escape(slider["description"])
    frames = [
        _frame(model(child)["value"], label, i == start, save)
        for i, (child, label) in enumerate(zip(stack["children"], labels, strict=True))
    ]
    shown = html.escape(labels[start])
    return (
        f'<div class="explorer"><label><span>{title}</span><input type="range" min="0" '
        f'max="{len(labels) - 1}" value="{start}" aria-valuetext="{shown}"></label>'
        f'<output>{shown}</output><div class="frames" aria-live="polite">{"".join(frames)}</div>'
        "</div>"
    )


def _frame(picture: str, label: str, shown: bool, save: Callable[[str, bytes], str]) -> str:
    match = PICTURE.fullmatch(picture)
    assert match, "explorers.frame_slider writes a picture as this"
    content = base64.b64decode(match[1])
    address = save(f"explorer-{hashlib.sha256(content).hexdigest()[:16]}.png", content)
    size = " ".join(re.findall(r'(?:width|height)="\d+"', match[3]))
    state = "" if shown else " hidden"
    return (
        f'<img src="{address}" alt="{match[2]}" {size} loading="lazy" '
        f'data-label="{html.escape(label)}"{state}>'
    )
