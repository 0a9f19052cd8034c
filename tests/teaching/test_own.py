"""A student's own file and detector: what is kept, what is refused, and the whole path."""

from __future__ import annotations

import ast
import inspect
import linecache
import math
import re
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from solutions import solved_cells

from cozad_book.checking import exercises
from cozad_book.checking.exercises import all_exercises, check_exercise
from cozad_book.own import file, growth, pieces
from cozad_book.own.detector import build
from cozad_book.own.features import read_features
from cozad_book.own.sources import source_with_needs
from cozad_teach.errors import CozadError

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted((BOOK / "chapters").glob("[0-9][0-9]_*.ipynb"))
HALF = 0.5
measured = np.arange(3.0)


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of one's own in an empty folder, and nothing that passed before."""
    path = tmp_path / "my_cozad.py"
    monkeypatch.setenv("COZAD_MY_FILE", str(path))
    exercises.take_passed()
    return path


def define(source: str, name: str, place: str = "<a cell>") -> Callable[..., Any]:
    """Define a function as a notebook's cell does."""
    linecache.cache[place] = (len(source), None, source.splitlines(True), place)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, place, "exec"), space)
    function: Callable[..., Any] = space[name]
    return function


# What a function needs


def helper(x: float) -> float:
    return HALF * x


another_name = helper


def uses_all(x: float) -> float:
    return another_name(x) + math.floor(x) + sqrt(x) + float(np.exp(x)) + float(np.linalg.norm([x]))


def test_a_function_is_written_down_with_all_that_it_needs() -> None:
    source = source_with_needs(uses_all)
    space: dict[str, Any] = {}
    exec(source, space)
    assert space["uses_all"](2.5) == uses_all(2.5)
    assert source.startswith("import math\nimport numpy as np\nfrom math import sqrt\n")
    assert source.index("HALF = 0.5") < source.index("def helper") < source.index("def uses_all")


def calls_itself(n: int) -> int:
    return 1 if n == 0 else n * through_another(n - 1)


def through_another(n: int) -> int:
    return calls_itself(n)


def test_functions_that_call_each_other_stand_once_each() -> None:
    source = source_with_needs(calls_itself)
    assert source.count("def ") == 2
    space: dict[str, Any] = {}
    exec(source, space)
    assert space["calls_itself"](5) == 120


def uses_an_array(x: Any) -> Any:
    return x + measured


def uses_nothing_defined(x: Any) -> Any:
    return x + nowhere  # type: ignore[name-defined]  # noqa: F821


def makes_one() -> Callable[[float], float]:
    shift = 2.0

    def inside(x: float) -> float:
        return x + shift

    return inside


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (uses_an_array, "uses `measured`, which lives in your notebook only"),
        (uses_nothing_defined, "uses `nowhere`, which is not defined"),
        (makes_one(), "inside stands inside another function"),
        (lambda x: x, "written with `def`"),
        (np.exp, "written with `def`"),
        (print, "written with `def`"),
    ],
)
def test_what_cannot_be_written_down_is_told(function: Any, sentence: str) -> None:
    with pytest.raises(CozadError, match=re.escape(sentence)):
        source_with_needs(function)


# The file

STANDARDISE = """
import numpy as np


def scaled(features, mean, std):
    return (features - mean) / np.where(std == 0, 1, std)
"""


def test_what_passes_is_kept_once_and_checked_again(own: Path) -> None:
    assert pieces.collect() == [] and not own.exists()
    assert check_exercise("features.standardise", define(STANDARDISE, "scaled")).passed
    assert pieces.collect() == ["features.standardise"]
    text = own.read_text(encoding="utf-8")
    assert "# %% features.standardise: scaled\nimport numpy as np" in text
    found = pieces.my_pieces()
    assert found.by_name["features.standardise"].whose == pieces.MINE
    assert found.by_name["features.mean_pool"].whose == pieces.MISSING
    assert found["features.standardise"](np.array([[[3.0]]]), np.array([1.0]), np.zeros(1)) == 2
    check_exercise("features.standardise", define(STANDARDISE, "scaled"))
    assert pieces.collect() == [], "the same once more changes nothing"
    assert own.read_text(encoding="utf-8") == text
    assert list(own.parent.iterdir()) == [own]


def test_a_function_that_was_spoilt_in_the_file_is_not_used(own: Path) -> None:
    check_exercise("features.standardise", define(STANDARDISE, "scaled"))
    pieces.collect()
    whole = own.read_text(encoding="utf-8")
    own.write_text(whole.replace("std == 0, 1, std", "std == 0, 2, std"), encoding="utf-8")
    piece = pieces.my_pieces().by_name["features.standardise"]
    assert piece.whose == pieces.MISSING and "wrong" in piece.why
    own.write_text(whole.replace("return (", "return ("[:-1] + "(("), encoding="utf-8")
    piece = pieces.my_pieces().by_name["features.standardise"]
    assert piece.whose == pieces.MISSING
    line = next(i for i, text in enumerate(whole.splitlines(), 1) if "return (" in text)
    assert piece.why.startswith("SyntaxError in line") and abs(_line(piece.why) - line) <= 1
    assert own.read_text(encoding="utf-8") != whole, "the file is left as its owner made it"


def _line(sentence: str) -> int:
    match = re.search(r"line (\d+)", sentence)
    assert match
    return int(match[1])


def test_another_answer_takes_the_place_of_the_first_which_stays_beside(own: Path) -> None:
    check_exercise("features.standardise", define(STANDARDISE, "scaled"))
    pieces.collect()
    first = own.read_text(encoding="utf-8")
    own.write_text(first + "\n# %% my notes\nremember = 3\n", encoding="utf-8")
    other = STANDARDISE.replace("np.where(std == 0, 1, std)", "(std + (std == 0))")
    check_exercise("features.standardise", define(other, "scaled", "<another cell>"))
    assert pieces.collect() == ["features.standardise"]
    now = own.read_text(encoding="utf-8")
    assert "(std == 0))" in now and "np.where" not in now
    assert "# %% my notes\nremember = 3" in now
    kept = own.with_name("my_cozad_1.py").read_text(encoding="utf-8")
    assert "np.where" in kept and "remember = 3" in kept


def test_one_name_for_two_things_is_refused(own: Path) -> None:
    pool = (
        "def part(x):\n    return x.mean((0, 1))\n\n\ndef pooled(z):\n    import numpy as np\n\n"
        "    out = np.empty(z.shape)\n    for i, j in np.ndindex(z.shape[:2]):\n"
        "        out[i, j] = part(z[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2])\n"
        "    return out\n"
    )
    scale = STANDARDISE.replace(
        "def scaled", "def part(std):\n    return np.where(std == 0, 1, std)\n\n\ndef scaled"
    ).replace("/ np.where(std == 0, 1, std)", "/ part(std)")
    assert check_exercise("features.mean_pool", define(pool, "pooled")).passed
    pieces.collect()
    before = own.read_text(encoding="utf-8")
    assert check_exercise("features.standardise", define(scale, "scaled", "<other>")).passed
    with pytest.raises(CozadError, match="`part` means one thing in the answer to features"):
        pieces.collect()
    assert own.read_text(encoding="utf-8") == before


def test_an_answer_that_cannot_be_kept_does_not_take_others_along(own: Path) -> None:
    typed = define(STANDARDISE, "scaled", "<typed>")
    assert check_exercise("features.standardise", typed).passed
    del linecache.cache["<typed>"]
    fence = "import numpy as np\n\n\ndef fence(s, g):\n    q, r = np.percentile(s, [25, 75])\n"
    fence += "    return r + g * (r - q)\n"
    assert check_exercise("confidence.iqr_threshold", define(fence, "fence", "<f>")).passed
    with pytest.raises(CozadError, match="the source of scaled is gone: run its cell again"):
        pieces.collect()
    assert list(file.read()) == ["confidence.iqr_threshold"]


@pytest.mark.parametrize("make", ["text", "folder", "link", "bytes"])
def test_what_is_not_the_book_s_file_is_left_alone(own: Path, make: str) -> None:
    other = own.with_name("other.py")
    other.write_text("x = 1\n")
    if make == "text":
        own.write_text("x = 1\n")
    elif make == "bytes":
        own.write_bytes(b'"""My CoZAD\xff')
    elif make == "folder":
        own.mkdir()
    else:
        own.symlink_to(other)
    for act in (pieces.my_pieces, pieces.start_over, lambda: pieces.catch_up(2)):
        with pytest.raises(CozadError, match=r"my_cozad\.py"):
            act()
    assert other.read_text() == "x = 1\n"
    assert sorted(p.name for p in own.parent.iterdir()) == ["my_cozad.py", "other.py"]


def test_start_over_keeps_the_old_file(own: Path) -> None:
    assert "no my_cozad.py yet" in pieces.start_over()
    pieces.catch_up(2)
    text = own.read_text(encoding="utf-8")
    own.with_name("my_cozad_1.py").write_text("taken")
    assert pieces.start_over() == (
        "my_cozad.py is called my_cozad_2.py now, and the next one begins empty."
    )
    assert not own.exists() and own.with_name("my_cozad_2.py").read_text(encoding="utf-8") == text


def test_catching_up_takes_only_what_is_missing_and_stands_alone(own: Path) -> None:
    check_exercise("features.standardise", define(STANDARDISE, "scaled"))
    rows = pieces.catch_up(max(pieces.CHAPTERS)).rows
    whose = {row[1]: row[3] for row in rows}
    assert whose.pop("features.standardise") == pieces.MINE
    assert set(whose.values()) == {pieces.BOOKS}
    text = own.read_text(encoding="utf-8")
    assert "cozad_" not in re.sub(r"My CoZAD|^# .*", "", text, flags=re.M), "no import of the book"
    exec(compile(text, "my_cozad.py", "exec"), {})
    with pytest.raises(CozadError, match="chapters 1 to"):
        pieces.catch_up(99)


def test_functions_to_build_on_say_when_they_are_the_book_s(
    capsys: pytest.CaptureFixture[str],
) -> None:
    check_exercise("features.standardise", define(STANDARDISE, "scaled"))
    mine, books = pieces.my_functions("features.standardise", "confidence.iqr_threshold")
    assert mine.__name__ == "scaled" and books(np.array([1.0, 2.0, 3.0, 4.0, 50.0]), 1.5) == 7
    said = capsys.readouterr().out
    assert said.startswith("confidence.iqr_threshold: still the book's") and said.count("\n") == 1
    with pytest.raises(CozadError, match="is no piece: choose from"):
        pieces.my_functions("features.nothing")


# The path


def solutions(path: Path) -> list[tuple[str, str, str]]:
    """Give the exercises of a chapter: name, source with its solution, name of the function."""
    found = []
    for solved in solved_cells(path):
        if match := re.search(r'check_exercise\("([^"]+)", (\w+)\)', solved.check):
            found.append((match[1], solved.source, match[2]))
    return found


def test_every_piece_is_an_exercise_of_its_chapter() -> None:
    for number, names in pieces.CHAPTERS.items():
        there = {name for name, _, _ in solutions(CHAPTERS[number - 1])}
        assert set(names) <= there


def test_the_whole_path_ends_in_a_detector_that_is_all_mine(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(growth, "display", shown.append)
    monkeypatch.setattr(growth.plt, "show", lambda: None)
    assert "Nothing of your own yet" in repr(growth.my_detector(2))
    for path in CHAPTERS:
        for name, source, function in solutions(path):
            place = f"<{path.stem}, {name}>"
            assert check_exercise(name, define(source, function, place)).passed
    scores = growth.my_detector(max(pieces.CHAPTERS))
    whose = {row[1]: row[3] for row in shown[0].rows}
    assert len(whose) == sum(map(len, pieces.CHAPTERS.values()))
    assert set(whose.values()) == {pieces.MINE}
    ast.parse(own.read_text(encoding="utf-8"))

    found = pieces.my_pieces()
    exercises_of = all_exercises()
    book = pieces.Pieces(
        {
            name: pieces.Piece(inspect.unwrap(exercises_of[name].reference), pieces.MISSING)
            for name in whose
        }
    )
    mine, books = (build(p, read_features(p), 7) for p in (found, book))
    for a, b in zip(mine, books, strict=True):
        np.testing.assert_allclose(a.patch_scores, b.patch_scores, rtol=1e-6)
    assert [row[2] for row in scores.rows] == [f"{s.image_auroc:.3f}" for s in mine]
    # What the text of chapters 3 to 7 says of the curve.
    of_patches = [stage.patch_auroc for stage in mine]
    assert of_patches[1] < of_patches[0] < of_patches[-1]
    assert of_patches[1] < of_patches[2] < of_patches[3]
    assert mine[-1].image_auroc > mine[0].image_auroc
    measures = {row[0]: row[-1] for row in shown[1].rows}
    assert set(measures) == {
        *("average_precision", "paired_interval", "round_to_bits"),
        *("contaminated_support", "conformal_threshold"),
    }
