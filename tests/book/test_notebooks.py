"""The stored notebooks: what nbval does not see comes out again too, and nothing stray is in them.

nbval compares texts. Here the pictures and explorers of the same run, or of another one where
nbval has not run these files, are compared with the stored ones as pictures.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from PIL import Image

import notebooks
import recording
from rounding import settle

PATHS = notebooks.notebook_paths()
LONGEST_CELL = 30.0  # seconds of one processor, in the lite settings, on the reference machine
LARGEST_FILE = 1_000_000  # bytes
BLOCK = Path(recording.__file__).with_name("no_network")
DATA_URI = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")

each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)


def run(path: Path, folder: Path | None = None) -> NotebookNode:
    variables = notebooks.environment(BLOCK, packs=False)
    return asyncio.run(notebooks.execute(path, folder or path.parent, variables))


@pytest.fixture(scope="session")
def fresh() -> Any:
    """Each notebook's fresh execution: nbval's, or one that is run when first asked for.

    Its cells have ``execution.seconds`` of the reference machine.
    """
    done: dict[Path, NotebookNode] = {}

    def get(path: Path) -> NotebookNode:
        if path not in done and (recorded := recording.recorded_path(path)).exists():
            done[path] = read(recorded)
        elif path not in done:
            before = recording.slowness()
            done[path] = run(path)
            recording.to_reference(done[path], before)
        return done[path]

    return get


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def pixels(png: str) -> np.ndarray:
    """Decode a picture onto white, as it is seen."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB")).astype(float)


def picture_difference(stored: str, new: str) -> str:
    """Say how two pictures differ, or nothing if a reader would call them the same.

    Text moves by a fraction of a pixel between versions of the font library, so single pixels may
    differ; a curve, a colour or a label that changed moves far more of them.
    """
    a, b = pixels(stored), pixels(new)
    if a.shape != b.shape:
        return f"size {a.shape[:2]} is now {b.shape[:2]}"
    share = float((np.abs(a - b).max(axis=-1) > 32).mean())
    return f"{share:.2%} of the pixels differ" if share > 0.001 else ""


def without_pictures(value: Any) -> tuple[Any, list[str]]:
    """Take the embedded pictures out of a text; give both."""
    text = json.dumps(value, sort_keys=True)
    return json.loads(DATA_URI.sub("PICTURE", text)), DATA_URI.findall(text)


def unseen_differences(stored: NotebookNode, new: NotebookNode) -> list[str]:
    """Compare what nbval skips: pictures among the outputs, links to widgets, widget state."""
    found = []
    for i, (a, b) in enumerate(zip(stored.cells, new.cells, strict=True)):
        kinds = ("image/png", "image/jpeg", "image/svg+xml")
        pictures = [
            [
                (kind, o["data"][kind])
                for o in c.get("outputs", [])
                for kind in kinds
                if kind in o.get("data", {})
            ]
            for c in (a, b)
        ]
        if [k for k, _ in pictures[0]] != [k for k, _ in pictures[1]]:
            found.append(f"cell {i}: {len(pictures[0])} pictures are now {len(pictures[1])}")
            continue
        for (kind, old), (_, now) in zip(*pictures, strict=True):
            difference = picture_difference(old, now) if kind != "image/svg+xml" else ""
            if difference or (kind == "image/svg+xml" and old != now):
                found.append(f"cell {i}: {difference or 'the drawing differs'}")
        view = "application/vnd.jupyter.widget-view+json"
        views = [
            [o["data"][view] for o in c.get("outputs", []) if view in o.get("data", {})]
            for c in (a, b)
        ]
        if views[0] != views[1]:
            found.append(f"cell {i}: shows other widgets")
    (old_state, old_frames), (new_state, new_frames) = (
        without_pictures(n.metadata.get("widgets", {})) for n in (stored, new)
    )
    (_, stills), (_, new_stills) = (
        without_pictures([c.get("outputs", []) for c in n.cells]) for n in (stored, new)
    )
    old_frames, new_frames = old_frames + stills, new_frames + new_stills
    if settle(new_state, old_state) != old_state:
        found.append("the state of the widgets differs")
    elif len(old_frames) != len(new_frames):
        found.append(f"{len(old_frames)} frames are now {len(new_frames)}")
    else:
        for i, frames in enumerate(zip(old_frames, new_frames, strict=True)):
            if difference := picture_difference(*frames):
                found.append(f"frame {i} of the explorers: {difference}")
    return found


@each_notebook
def test_pictures_and_explorers_come_out_again(path: Path, fresh: Any) -> None:
    assert unseen_differences(read(path), notebooks.stable(fresh(path))) == []


@each_notebook
def test_no_cell_is_slow(path: Path, fresh: Any) -> None:
    slow = [
        f"cell {i}: {seconds:.0f} s"
        for i, cell in enumerate(fresh(path).cells)
        if (seconds := cell.metadata.get("execution", {}).get("seconds", 0)) > LONGEST_CELL
    ]
    assert slow == []


@each_notebook
def test_every_cell_is_stored_as_it_ran(path: Path) -> None:
    notebook = read(path)
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        results = [o for o in cell.outputs if o.output_type == "execute_result"]
        assert all(o.execution_count == cell.execution_count for o in results)
    ids = [c.id for c in notebook.cells]
    assert len(set(ids)) == len(ids)


@each_notebook
def test_nothing_stray_is_stored(path: Path) -> None:
    assert path.stat().st_size <= LARGEST_FILE
    notebook = read(path)
    allowed = {"kernelspec", "language_info", "mystnb", "widgets"}
    assert set(notebook.metadata) <= allowed, "use build.py --store"
    text = DATA_URI.sub("PICTURE", path.read_text(encoding="utf-8"))
    roots = [re.escape(f"{p}{os.sep}") for p in (notebooks.ROOT, Path.home())]
    roots += ["/home/", "/Users/", "/tmp/", r"[A-Z]:\\\\"]
    places = re.findall(rf"(?:{'|'.join(roots)})[^\"\s]{{1,60}}", text)
    assert places == [], "absolute paths"
    assert not re.search(r"0x[0-9a-f]{8,}", text), "an address in memory"
    assert "COZAD_PACKS" not in "".join(json.dumps(c.get("outputs", [])) for c in notebook.cells)
    for i, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            assert output.output_type != "error", f"cell {i} stopped with an error"
            assert output.get("name") != "stderr", f"cell {i} warns: {output.text[:200]}"
            html = str(output.get("data", {}).get("text/html", ""))
            assert "Traceback (most recent call last)" not in str(output.get("text", "")) + html


@each_notebook
def test_storing_again_gives_the_same_bytes(path: Path) -> None:
    notebook = read(path)
    assert nbformat.writes(notebooks.stable(notebook)) + "\n" == path.read_text(encoding="utf-8")


# The comparison itself: it must see what nbval does not.


def draw(*values: float, look: str = "o-") -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 3), dpi=72)
    figure.subplots().plot(values, look)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return base64.b64encode(stream.getvalue()).decode()


def made(png: str, frame: str, label: str = "a") -> NotebookNode:
    output = nbformat.v4.new_output("display_data", {"image/png": png})
    cell = nbformat.v4.new_code_cell("draw()", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    value = f'<img src="data:image/png;base64,{frame}" alt="{label}">'
    notebook.metadata["widgets"] = {notebooks.WIDGETS: {"state": {"1": {"value": value}}}}
    return notebook


def test_comparison_sees_a_changed_picture_frame_and_state() -> None:
    one, other = draw(1, 2, 4), draw(1, 2, 3)
    stored = made(one, one)
    assert unseen_differences(stored, copy.deepcopy(stored)) == []
    assert unseen_differences(stored, made(other, one))[0].startswith("cell 0:")
    assert unseen_differences(stored, made(one, other))[0].startswith("frame 0")
    assert unseen_differences(stored, made(one, one, "b")) == ["the state of the widgets differs"]
    stored.cells[0].outputs = []
    assert unseen_differences(stored, made(one, one)) == ["cell 0: 0 pictures are now 1"]


def test_comparison_forgives_a_few_pixels() -> None:
    image = pixels(draw(1, 2, 4)).astype(np.uint8)
    image[5, :60] = 128
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="png")
    assert picture_difference(draw(1, 2, 4), base64.b64encode(stream.getvalue()).decode()) == ""


def test_cells_are_timed_by_the_processor(tmp_path: Path) -> None:
    path = tmp_path / "spend.ipynb"
    work = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    cells = [nbformat.v4.new_code_cell(source) for source in ("import time\ntime.sleep(1)", work)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    asleep, busy = (cell.metadata["execution"]["seconds"] for cell in run(path).cells)
    assert asleep < 0.4 < busy < 0.9


def test_network_is_blocked_while_notebooks_run(tmp_path: Path) -> None:
    source = (
        "import socket\nfor ask in (lambda: socket.create_connection(('example.org', 80)),\n"
        "            lambda: socket.socket().connect(('192.0.2.1', 80))):\n"
        "    try:\n        ask()\n    except OSError as error:\n        print(error)"
    )
    path = tmp_path / "ask.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    assert run(path).cells[0].outputs[0].text.splitlines() == [
        "the network is blocked in this test: example.org",
        "the network is blocked in this test: 192.0.2.1",
    ]
