"""What the page of ``cozad demo`` shows, without a browser; how it starts and how it ends."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from processes import start_python

from cozad_book.demo import command as demo
from cozad_book.demo import dropped, thresholds
from cozad_book.demo.thresholds import (
    PROTOCOLS,
    calibrations,
    write_calibrations,
)
from cozad_teach.cli.main import main
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.calibration import Calibration
from cozad_teach.evaluation.methods import Run
from cozad_teach.models import ready
from cozad_teach.models.saved import save_model

ROOT = Path(__file__).resolve().parents[2]
Starts = Callable[[str], Calibration]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three drawn pictures of different sizes and shapes, the last with a defect."""
    folder = tmp_path_factory.mktemp("pictures")
    images = draw_category("wood_walnut", 2, 1, 4, (128, 192)).images
    for number, image in enumerate(images):
        Image.fromarray(image[: 96 + 16 * number]).save(folder / f"piece {number}.png")
    return sorted(map(str, folder.iterdir()))


@pytest.fixture(scope="module")
def start_of(trained: CoZAD, tmp_path_factory: pytest.TempPathFactory) -> Starts:
    place = tmp_path_factory.mktemp("starts") / "model.safetensors"
    save_model(trained, place)
    write_calibrations(trained, place)
    return calibrations(trained, place)


@pytest.fixture(scope="module")
def model_file(trained: CoZAD, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(trained, path)
    return str(path)


@pytest.fixture(scope="module")
def scored(trained: CoZAD, start_of: Starts) -> Callable[..., dropped.Scored]:
    def score(pictures: list[str], *, together: bool = True) -> dropped.Scored:
        files, problems = dropped.read_dropped(pictures)
        assert problems == []
        return dropped.score(trained, start_of, files, together=together)

    return score


@pytest.mark.parametrize("protocol", ["batch", "single"])
def test_scores_order_and_peaks_are_those_of_predict(
    scored: Callable[..., dropped.Scored],
    model_file: str,
    pictures: list[str],
    tmp_path: Path,
    protocol: str,
) -> None:
    found = scored(pictures, together=protocol == "batch")
    place = str(Path(pictures[0]).parent)
    arguments = ["--model", model_file, "--protocol", protocol, "--out", str(tmp_path / "maps")]
    assert main(["predict", place, *arguments]) == 0
    with (tmp_path / "maps" / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [picture.name for picture in found.pictures] == [row["image"] for row in rows]
    for picture, row in zip(found.pictures, rows, strict=True):
        assert f"data-score='{row['score']}'" in dropped.cards(found, found.start)
        assert f"{picture.score:.6f}" == row["score"]
        y, x = np.unravel_index(picture.heat.argmax(), picture.heat.shape)
        assert (x, y) == (int(row["peak_x"]), int(row["peak_y"]))  # small: shown as it is


def test_verdicts_and_colours_follow_the_threshold_and_nothing_is_scored_again(
    scored: Callable[..., dropped.Scored], pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = scored(pictures)
    monkeypatch.setattr(dropped, "patch_scores", None)
    seen = []
    for threshold in (found.low, found.pictures[1].score, found.high):
        html = dropped.cards(found, threshold)
        n = sum(picture.score >= threshold for picture in found.pictures)
        assert html.count("<li class='card anomalous'>") == n
        assert html.count("<li class='card normal'>") == 3 - n
        assert dropped.summary(found, threshold).startswith(f"{n} of 3 pictures anomalous at ")
        seen.append((n, html))
    assert [n for n, _ in seen] == [3, 2, 0]
    pixels = {re.findall(r"src='([^']+)' alt='Heat", html)[0] for _, html in seen}
    assert len(pixels) == 3


def test_the_slider_reaches_from_all_anomalous_to_none(
    scored: Callable[..., dropped.Scored], pictures: list[str]
) -> None:
    for together in (True, False):
        found = scored(pictures, together=together)
        scores = [picture.score for picture in found.pictures]
        assert found.low <= min(scores) and max(scores) < found.high
        assert found.low <= found.start <= found.high
        assert 100 <= (found.high - found.low) / found.step <= 4000
        for value in (found.low, found.start, found.high):
            assert len(f"{value:g}") <= 7, value


def test_the_start_is_the_threshold_that_evaluation_chooses(
    scored: Callable[..., dropped.Scored], trained: CoZAD, pictures: list[str]
) -> None:
    for protocol in PROTOCOLS:
        found = scored(pictures, together=protocol == "batch")
        scores = [picture.score for picture in found.pictures]
        run = Run.of("cozad", protocol, trained.seed)
        exact = CalibratedModel(trained).calibration_for(np.array(scores), run).threshold
        assert found.start == pytest.approx(min(max(exact, found.low), found.high), abs=found.step)


@pytest.mark.parametrize("content", ["", "{}", '{"batch": 1, "single": 2}', "[" * 10_000])
def test_damaged_thresholds_are_one_sentence(trained: CoZAD, tmp_path: Path, content: str) -> None:
    (tmp_path / "m.thresholds.json").write_text(content)
    with pytest.raises(CozadError, match=r"m\.thresholds\.json is damaged .*: delete it"):
        calibrations(trained, tmp_path / "m")


def test_thresholds_of_a_model_that_was_replaced_are_not_taken(
    trained: CoZAD, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, one = tmp_path / "m", {"slope": 2.0, "offset": 0.0, "usual_level": 0.0}
    file.write_bytes(b"the model")
    content = {"model": hashlib.sha256(b"the model").hexdigest(), "batch": one, "single": one}
    (tmp_path / "m.thresholds.json").write_text(json.dumps(content))
    assert calibrations(trained, file)("batch") == Calibration(**one)
    file.write_bytes(b"another model")
    monkeypatch.setattr(thresholds, "CalibratedModel", _chosen_anew)
    with pytest.raises(LookupError):
        calibrations(trained, file)


def _chosen_anew(*_: object, **__: object) -> None:
    raise LookupError


def test_one_picture_is_scored_alone_under_both_protocols(
    scored: Callable[..., dropped.Scored], pictures: list[str]
) -> None:
    both = [scored(pictures[:1], together=together) for together in (True, False)]
    assert both[0].pictures[0].score == both[1].pictures[0].score
    for found in both:
        assert "1 picture anomalous" in dropped.summary(found, found.low)
        assert dropped.summary(found, found.low).endswith("scored alone.")


def a_file(folder: Path, name: str, write: Callable[[Path], object]) -> str:
    path = folder / name
    write(path)
    return str(path)


def saved(mode: str, size: tuple[int, int] = (40, 30)) -> Callable[[Path], object]:
    return lambda path: Image.new(mode, size).save(path)


BAD = {
    "text.png": (lambda path: path.write_text("no image"), "is not a"),
    "notes.txt": (lambda path: path.write_text("no image"), "no image by its name"),
    "empty.png": (lambda path: path.write_bytes(b""), "is empty"),
    "clear.png": (saved("RGBA"), "transparency"),
    "deep.png": (saved("I;16"), "more than 8 bits"),
    "huge.png": (saved("1", (20_000, 10_000)), "million pixels"),
    "print.jpg": (saved("CMYK"), "CMYK"),
    ".hidden.png": (saved("RGB"), "hidden"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_bad_file_is_one_sentence_and_the_others_are_read(
    name: str, pictures: list[str], tmp_path: Path
) -> None:
    write, words = BAD[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        bad = a_file(tmp_path, name, write)
    files, problems = dropped.read_dropped([pictures[0], bad, pictures[1]])
    assert [file.name for file in files] == [Path(path).name for path in pictures[:2]]
    (sentence,) = problems
    assert sentence.startswith(name) and words in sentence and "\n" not in sentence
    alone, problems = dropped.read_dropped([bad])
    assert alone == [] and len(problems) >= 1
    assert all("/tmp" not in sentence for sentence in problems)


@pytest.mark.parametrize(
    "write", [saved("L"), saved("RGB", (1, 1)), saved("P")], ids=["grey", "one pixel", "palette"]
)
def test_odd_pictures_that_predict_takes_are_shown(
    write: Callable[[Path], object],
    scored: Callable[..., dropped.Scored],
    pictures: list[str],
    tmp_path: Path,
) -> None:
    odd = a_file(tmp_path, "odd.png", write)
    found = scored([odd, pictures[0]])
    assert {picture.name for picture in found.pictures} == {"odd.png", Path(pictures[0]).name}
    assert "odd.png" in dropped.cards(found, found.start)


def test_equal_names_and_names_that_look_like_markup_are_kept_apart(
    scored: Callable[..., dropped.Scored], pictures: list[str], tmp_path: Path
) -> None:
    places = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        places.append(a_file(folder, "<b onclick='x'>.png", saved("RGB")))
    found = scored(places)
    html = dropped.cards(found, found.start)
    assert html.count("&lt;b onclick=&#x27;x&#x27;&gt;.png") == 2  # in the name and as its alt
    assert html.count("&lt;b onclick=&#x27;x&#x27;&gt; (2).png") == 2
    assert "<b" not in html


def test_more_pictures_than_the_page_shows_are_told(tmp_path: Path) -> None:
    paths = [a_file(tmp_path, f"{n:03}.png", saved("L", (8, 8))) for n in range(dropped.MOST + 3)]
    files, problems = dropped.read_dropped(paths)
    assert len(files) == dropped.MOST
    assert problems == [
        "3 pictures are left out: the page shows 40 at a time, cozad predict takes any number"
    ]


def test_no_ready_model_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ready, "build_folder", lambda: tmp_path)
    for words in (["predict", str(tmp_path)], ["demo"]):
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("cozad: error: there is no ready model yet: ")
        assert "`make book`" in line and "`cozad train --out" in line and "--model" in line


def test_predict_uses_the_ready_model_and_names_its_card(
    model_file: str,
    pictures: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "ready").mkdir()
    (tmp_path / "ready" / "model.safetensors").symlink_to(model_file)
    monkeypatch.setattr(ready, "build_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    place = str(Path(pictures[0]).parent)
    assert main(["predict", place]) == 0
    assert str(tmp_path / "ready" / "model_card.md") in capsys.readouterr().out
    assert (tmp_path / "heat_maps" / "scores.csv").is_file()
    assert main(["predict", "--images", place, "--model", model_file]) == 0
    assert "ready" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["predict"], ["predict", "a", "--images", "b"]])
def test_predict_wants_images_once(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert "IMAGES" in capsys.readouterr().err


def test_without_the_extra_a_sentence_says_how_to_get_it(
    model_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None)
    assert main(["demo", "--model", model_file]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the extra demo" in line and "make setup" in line and "pip install" in line


@pytest.mark.parametrize("port", ["80", "65536", "-1", "x", "٧٨٦٠"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", f"--port={port}"])
    assert "a number from 1024 to 65535" in capsys.readouterr().err


def test_the_next_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < demo.free_port(port) < port + 100
        monkeypatch.setattr(demo, "PORTS", 1)
        with pytest.raises(CozadError, match="--port"):
            demo.free_port(port)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "TERM"])
def test_the_command_says_where_it_is_and_ends_quietly(
    model_file: str, tmp_path: Path, end: signal.Signals
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = "import sys, tempfile; tempfile.tempdir = sys.argv.pop(1); "
        code += "from cozad_teach.cli.main import main; sys.exit(main(sys.argv[1:]))"
        words = [str(tmp_path), "demo", "--model", model_file, "--port", str(port)]
        with start_python(["-c", code, *words], ROOT) as process:
            try:
                assert process.stdout is not None and process.stderr is not None
                lines = [process.stdout.readline() for _ in range(3)]
                found = re.fullmatch(r"port \d+ is taken: the page takes (\d+)\n", lines[0])
                assert found, lines
                address = f"http://127.0.0.1:{found[1]}"
                assert lines[2] == f"The page is on {address} until you press Ctrl-C.\n"
                with urllib.request.urlopen(address) as answer:
                    assert b"gradio" in answer.read()
                assert list(tmp_path.iterdir()) != []
                process.send_signal(end)
                assert process.wait(60) == 0
                assert (process.stdout.read(), process.stderr.read()) == ("", "")
            finally:
                process.kill()
    assert list(tmp_path.iterdir()) == []


def test_nothing_dropped_is_no_problem() -> None:
    assert dropped.read_dropped([]) == ([], [])
