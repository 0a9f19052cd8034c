"""The page of ``cozad demo`` in a real browser: it shows what predict gives, and asks nobody."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from processes import start_python
from test_browser import SHOTS, Watched, axe, serious, watch

from cozad_book.demo import command as demo
from cozad_book.demo.thresholds import write_calibrations
from cozad_teach.cli.main import main
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.models.saved import save_model
from notebooks import ROOT

__all__ = ["axe", "watch"]  # fixtures

SECONDS = 30_000  # as the browser counts; far above what a busy machine takes
GRADIOS = "nested-interactive: <button"  # its button to upload holds the input for files
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture(scope="module")
def folder(trained: CoZAD, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with its thresholds, and two pictures of wool, one with a defect."""
    folder = tmp_path_factory.mktemp("demo")
    save_model(trained, folder / "model.safetensors")
    write_calibrations(trained, folder / "model.safetensors")
    (folder / "pictures").mkdir()
    images = draw_category("knit_wool", 1, 1, 4, (128, 160)).images
    for image, name in zip(images, "ab", strict=True):
        Image.fromarray(image).save(folder / "pictures" / f"{name}.png")
    (folder / "text.png").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    port = demo.free_port(7870)
    words = ["demo", "--model", str(folder / "model.safetensors"), "--port", str(port)]
    with start_python(["-m", "cozad_teach.cli.main", *words], ROOT) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            assert f"http://127.0.0.1:{port} " in lines[1], lines
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def predicted(folder: Path, protocol: str) -> dict[str, str]:
    out = folder / f"maps {protocol}"
    model = str(folder / "model.safetensors")
    words = [str(folder / "pictures"), "--protocol", protocol, "--out", str(out)]
    assert main(["predict", "--model", model, *words]) == 0
    with (out / "scores.csv").open(encoding="utf-8") as file:
        return {row["image"]: row["score"] for row in csv.DictReader(file)}


def faults(watched: Watched) -> list[str]:
    """What went wrong; not that Gradio closes the stream of events when the last has come."""
    return [f for f in watched.faults if not re.match(r"failed: \S+/queue/data\?", f)]


def opened(watched: Watched, address: str) -> Any:
    watched.tab.set_default_timeout(SECONDS)
    watched.tab.goto(address)
    watched.tab.get_by_label("batch").wait_for()
    return watched.tab


def drop(tab: Any, *files: Path) -> None:
    tab.locator("input[type=file]").set_input_files(list(files))


def shown(tab: Any) -> dict[str, str]:
    return dict(
        tab.locator(".card").evaluate_all(
            "cards => cards.map(c => [c.querySelector('.name').textContent, "
            "c.querySelector('.score').dataset.score])"
        )
    )


def move(tab: Any, value: str) -> None:
    """Move the slider as a finger does: to where the browser takes it."""
    tab.locator("input[type=range]").evaluate(
        "(slider, value) => {slider.value = value;"
        "slider.dispatchEvent(new Event('input', {bubbles: true}))}",
        value,
    )


def test_two_pictures_are_shown_as_predict_scores_them(
    address: str, folder: Path, watch: Any
) -> None:
    watched = watch()
    tab = opened(watched, address)
    drop(tab, *sorted((folder / "pictures").iterdir()))
    tab.locator(".card").nth(1).wait_for()
    assert shown(tab) == predicted(folder, "batch")
    sources = tab.locator(".card img").evaluate_all("images => images.map(i => i.src)")
    assert len(set(sources)) == 2
    assert tab.locator(".card img").evaluate_all(
        "images => images.every(i => i.naturalWidth > 100)"
    )

    slider = tab.locator("input[type=range]")
    for end, n in (("max", 0), ("min", 2)):
        move(tab, slider.get_attribute(end))
        tab.get_by_text(re.compile(f"^{n} of 2 pictures anomalous")).wait_for()
        assert tab.locator(".card.anomalous").count() == n
        now = tab.locator(".card img").evaluate_all("images => images.map(i => i.src)")
        assert not set(now) & set(sources)
        sources = now
        assert shown(tab) == predicted(folder, "batch")

    tab.get_by_label("single").check()
    tab.get_by_text("scored alone.").wait_for()
    assert shown(tab) == predicted(folder, "single")
    assert faults(watched) == []


def test_a_text_file_is_a_sentence_and_leaves_the_others(
    address: str, folder: Path, watch: Any
) -> None:
    watched = watch()
    tab = opened(watched, address)
    drop(tab, folder / "text.png")
    tab.get_by_role("alert").get_by_text("text.png is not a").wait_for()
    assert tab.locator(".card").count() == 0
    tab.get_by_label("Clear").first.click()
    tab.get_by_role("alert").wait_for(state="detached")
    drop(tab, folder / "text.png", folder / "pictures" / "a.png")
    tab.locator(".card").wait_for()
    tab.get_by_role("alert").get_by_text("text.png is not a").wait_for()
    tab.get_by_text("scored alone.").wait_for()
    assert faults(watched) == []


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_the_page_fits_and_can_be_used_by_everyone(
    address: str, watch: Any, axe: Path | None, size: str, scheme: str
) -> None:
    """As far as the markup is ours: what axe finds in Gradio's own parts is not."""
    watched = watch(size, scheme)
    tab = opened(watched, address)
    tab.get_by_role("button", name="wool").click()
    tab.locator(".card").nth(11).wait_for()
    tab.wait_for_timeout(500)
    if SHOTS:
        SHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SHOTS / f"demo-{size}-{scheme}.png", full_page=True)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert faults(watched) == []
    if axe is None:
        pytest.skip("all else is well, but axe-core could not be fetched: connect once")
    found = serious(tab, axe, RULES)
    assert [fault for fault in found if not fault.startswith(GRADIOS)] == []
