"""The command ``cozad demo``: a page on this machine with heat maps and scores of photographs."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cozad_book.demo.texts import BATCH, DROP, MEANING, SINGLE, STARTS, WAYS, WORDS
from cozad_teach.cli.loading import load_model_of
from cozad_teach.cli.words import add_machine, add_model
from cozad_teach.errors import CozadError

if TYPE_CHECKING:
    from cozad_teach.cozad import CoZAD
    from cozad_teach.evaluation.calibration import Calibration

__all__ = ["demo", "free_port", "serving"]

HOST = "127.0.0.1"
PORTS = 100  # that are tried
LARGEST_PORT = 2**16 - 1
# Drawn materials that training never saw, under the words for their buttons.
SAMPLES = {"walnut wood": "wood_walnut", "wool": "knit_wool", "mosaic": "cells_mosaic"}
N_NORMAL, N_ANOMALOUS = 8, 4


def demo(words: Sequence[str]) -> int:
    """Do ``cozad demo``, which these words follow: show the page until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="cozad demo",
        description="Show a page on this machine that takes photographs and draws heat maps over "
        "them. Nothing leaves the machine.",
    )
    add_model(parser)
    parser.add_argument(
        "--port", type=_port, default=7860, help="where the page is; if taken, the next free one"
    )
    add_machine(parser)
    options = parser.parse_args(words)
    from cozad_teach.models.ready import model_file

    options.model = model_file(options.model)
    if importlib.util.find_spec("gradio") is None:
        raise CozadError(
            "the page needs the extra demo, which is not installed: type `make setup`, or "
            "python -m pip install 'cozad-teach[demo]' in an environment of your own"
        )
    port = free_port(options.port)
    if port != options.port:
        print(f"port {options.port} is taken: the page takes {port}")
    print("loading the model and the page ...", flush=True)
    from cozad_book.demo.thresholds import calibrations

    model = load_model_of(options)
    start_of = calibrations(model, options.model)
    # Whoever ends it otherwise wants the pictures deleted too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with serving(model, start_of, port) as url, suppress(KeyboardInterrupt):
        print(f"The page is on {url} until you press Ctrl-C.", flush=True)
        threading.Event().wait()
    return 0


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1024 <= int(text) <= LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"a number from 1024 to {LARGEST_PORT}, not {text!r}")
    return int(text)


def free_port(first: int) -> int:
    """Give the first port that nobody listens on, from `first` on.

    Raises
    ------
    CozadError
        If a hundred are taken.
    """
    for port in range(first, min(first + PORTS, LARGEST_PORT + 1)):
        with socket.socket() as tried, suppress(OSError):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((HOST, port))
            return port
    raise CozadError(f"no port from {first} on is free: name another one with --port")


@contextmanager
def serving(model: CoZAD, start_of: Callable[[str], Calibration], port: int) -> Iterator[str]:
    """Serve the page while the block runs; give its address.

    Parameters
    ----------
    model : CoZAD
        What scores the pictures.
    start_of : callable
        Where its slider starts, as `calibrations`.
    port : int
        Free.
    """
    with tempfile.TemporaryDirectory(prefix="cozad-demo-") as folder:
        # Read by Gradio when it is imported: it is to ask nobody, and to keep uploads here.
        os.environ["GRADIO_TEMP_DIR"] = folder
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        for name in ("NO_PROXY", "no_proxy"):  # Gradio asks itself whether it is there
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), HOST)))
        from cozad_teach.data.images import MAX_FILE_BYTES

        page, look = _page(model, start_of, Path(folder))
        try:
            page.launch(
                **look,
                server_name=HOST,
                server_port=port,
                share=False,
                quiet=True,
                inbrowser=False,
                prevent_thread_lock=True,
                ssr_mode=False,
                pwa=False,
                mcp_server=False,
                enable_monitoring=False,
                run_history=False,
                footer_links=[],
                max_file_size=MAX_FILE_BYTES,
            )
            yield f"http://{HOST}:{port}"
        finally:
            page.close(verbose=False)


def _page(
    model: CoZAD, start_of: Callable[[str], Calibration], folder: Path
) -> tuple[Any, dict[str, Any]]:
    """Lay the page out; give it with its looks."""
    import gradio as gr

    from cozad_book.demo import dropped

    def scored(paths: list[str] | None, way: str) -> tuple[Any, ...]:
        files, problems = dropped.read_dropped(paths or [])
        if not files:
            hidden = gr.update(visible=False)
            return None, hidden, "", "", _listed(problems), WAYS[way]
        try:
            found = dropped.score(model, start_of, files, together=way == BATCH)
        except CozadError as error:
            return None, gr.update(visible=False), "", "", _listed([str(error)]), WAYS[way]
        bounds: dict[str, Any] = {"minimum": found.low, "maximum": found.high, "step": found.step}
        slider = gr.update(value=found.start, visible=True, **bounds)
        return found, slider, *drawn(found, found.start), _listed(problems), WAYS[way]

    def drawn(found: dropped.Scored | None, threshold: float) -> tuple[str, str]:
        if found is None:
            return "", ""
        return dropped.summary(found, threshold), dropped.cards(found, threshold)

    def sample(name: str) -> list[str]:
        return _sample(name, folder)

    with gr.Blocks(title="CoZAD on your own pictures", analytics_enabled=False) as page:
        kept = gr.State()
        gr.Markdown(WORDS)
        with gr.Row():
            with gr.Column(scale=2):
                files = gr.File(label=DROP, file_count="multiple", height=250)
                gr.Markdown("No photographs at hand? Drawn pieces, four of twelve with a defect:")
                with gr.Row():
                    buttons = [
                        (gr.Button(word, size="sm", min_width=80), name)
                        for word, name in SAMPLES.items()
                    ]
            with gr.Column(scale=3):
                way = gr.Radio([BATCH, SINGLE], value=BATCH, label="Protocol")
                needs = gr.Markdown(WAYS[BATCH])
                gr.Markdown(f"{MEANING} {STARTS[bool(model.samples)]}")
        problems = gr.HTML()
        slider = gr.Slider(label="Threshold", visible=False, interactive=True)
        says = gr.Markdown()
        shown = gr.HTML()
        outputs = [kept, slider, says, shown, problems, needs]
        for event in (files.change, way.change):
            event(scored, [files, way], outputs, api_visibility="private")
        slider.input(
            drawn,
            [kept, slider],
            [says, shown],
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        for button, name in buttons:
            button.click(lambda name=name: sample(name), None, files, api_visibility="private")
    # Fonts of the system: none is fetched.
    fonts: dict[str, Any] = {
        "font": ["system-ui", "sans-serif"],
        "font_mono": ["ui-monospace", "monospace"],
    }
    return page, {"theme": gr.themes.Default(**fonts), "css": dropped.STYLE}


def _sample(name: str, folder: Path) -> list[str]:
    """Write drawn pictures of one material, once, and give their paths."""
    from PIL import Image

    from cozad_teach.data.drawn.textures import draw_category

    place = folder / "samples" / name
    if not place.is_dir():
        place.mkdir(parents=True)
        images = draw_category(name, N_NORMAL, N_ANOMALOUS, 4, (256, 256)).images
        for number, image in enumerate(images):
            kind = "good" if number < N_NORMAL else "defect"
            Image.fromarray(image).save(place / f"{name}_{kind}_{number:02}.png")
    return sorted(map(str, place.glob("*.png")))


def _listed(problems: list[str]) -> str:
    """Give sentences as HTML."""
    import html

    if not problems:
        return ""
    lines = "".join(f"<li>{html.escape(sentence)}.</li>" for sentence in problems)
    return f"<ul class='problems' role='alert'>{lines}</ul>"
