"""``cozad grade``: points for right answers, named mistakes, and nothing for those who cheat."""

from __future__ import annotations

import csv
import inspect
import json
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from solutions import solved_cells

from cozad_book.checking.exercises import all_exercises, verdict_on
from cozad_book.grading import command, marks, sandbox
from cozad_book.grading.answers import AnswerError, Cell, function_in
from cozad_book.grading.examiner import Examiner
from cozad_book.grading.submissions import HandedIn, read_submissions
from cozad_teach.cli.main import main
from cozad_teach.errors import CozadError

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "book" / "chapters" / "03_contrastive.ipynb"

pytestmark = pytest.mark.skipif(
    bool(sandbox.missing()), reason=f"strangers' code needs {sandbox.missing()}"
)


def notebook(*sources: str, **metadata: Any) -> str:
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def perfect() -> str:
    return notebook(*(cell.source + cell.check for cell in solved_cells(CHAPTER)))


MAHALANOBIS = """import numpy as np
from cozad_book.checking.exercises import check_exercise

def distance(features, mean, covariance):
    {inside}
    d = features - mean
    return np.sqrt(np.einsum("pc,cd,pd->p", d, np.linalg.inv(covariance), d))

check_exercise("scoring.mahalanobis", distance)
"""


@pytest.fixture(scope="module")
def examiner() -> Iterator[Examiner]:
    made = Examiner(seconds=2)
    yield made
    made.close()


def handed(*sources: str) -> HandedIn:
    cells = tuple(Cell(f"cell {number}", source) for number, source in enumerate(sources, 1))
    return HandedIn("answer.ipynb", cells, {"scoring.mahalanobis": ""})


@pytest.mark.parametrize(
    "inside",
    [
        "pass",
        "print('x' * 10**7)",
        "open('notes.txt', 'w').write('mine')",
        "import os; os.system('true')",
        "import cozad_book.checking.running as r; r.run_answer = r.as_numbers = None",
        "np.isclose = np.allclose = lambda *a, **k: True",
        "import scipy.linalg, sklearn.metrics, torch, statistics",
    ],
)
def test_what_harms_nobody_passes(examiner: Examiner, inside: str) -> None:
    verdict = examiner.verdict(handed(MAHALANOBIS.format(inside=inside)), "scoring.mahalanobis")
    assert verdict.passed, verdict


BANK = ROOT / "book" / "cozad_book" / "exercises" / "scoring_mahalanobis.py"
HOSTILE = {
    "loop": ("while True: pass", "did not end"),
    "deaf loop": (
        "import os, signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN); os.close(3)\n"
        "    while True: pass",
        "(stopped by the system|did not end)",
    ),
    "sleep": ("import time; time.sleep(1000)", "did not end"),
    "fork": ("import os; os.fork()", "PermissionError"),
    "bomb": (
        "import os\n    while True:\n        try: os.fork()\n        except OSError: pass",
        "did not end",
    ),
    "threads": (
        "import threading, time\n"
        "    while True: threading.Thread(target=time.sleep, args=(99,)).start()",
        "start new thread",
    ),
    "program": ("import subprocess; subprocess.run(['true'])", "PermissionError"),
    "memory": ("np.ones(50 * 2**27)", "MemoryError"),
    "exit": ("import os; os._exit(0)", "ends the process"),
    "sys.exit": ("import sys; sys.exit()", "not with `exit`"),
    "crash": ("import ctypes; ctypes.string_at(0)", "brings Python down"),
    "forged": (
        'import os; os.write(3, b\'{"outcomes": [{"shape": [1], "data": ""}]}\'); os._exit(0)',
        "meddles",
    ),
    "forged size": (
        "import os; os.write(3, b'{\"outcomes\": ' + b'[' * 10**5); os._exit(0)",
        "meddles",
    ),
    "flood": ("import os\n    while True: os.write(3, b'0' * 2**16)", "megabytes"),
    "disk": (
        "files = [open(str(i), 'wb') for i in range(40)]\n"
        "    while True: [file.write(b'0' * 2**20) for file in files]",
        "megabytes",
    ),
    "reads": ("open('/etc/passwd').read()", "PermissionError"),
    "reads the bank": (f"open({str(BANK)!r}).read()", "PermissionError"),
    "lists": (f"import os; os.listdir({str(BANK.parent)!r})", "PermissionError"),
    "deletes": (f"import os; os.remove({str(BANK)!r})", "PermissionError"),
    "mode": (f"import os; os.chmod({str(BANK)!r}, 0)", "PermissionError"),
    "links": (f"import os; os.symlink({str(BANK)!r}, 'x'); open('x').read()", "PermissionError"),
    "network": ("import socket; socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
    "kills": ("import os; os.kill(os.getppid(), 9)", "PermissionError"),
    "limits": ("import resource as r; r.setrlimit(r.RLIMIT_CPU, (99, 99))", "ValueError"),
    "package": ("from cozad_teach.scoring import mahalanobis", "`cozad_teach.scoring`"),
    "bank": ("from cozad_book.exercises import scoring_mahalanobis", "`cozad_book.exercises`"),
    "wrong on purpose": ("return features.sum(1)", "7 of 7 values are wrong"),
    "recursion": ("return distance(features, mean, covariance)", "RecursionError"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_costs_that_answer_alone(examiner: Examiner, name: str) -> None:
    inside, told = HOSTILE[name]
    before = BANK.read_bytes()
    verdict = examiner.verdict(handed(MAHALANOBIS.format(inside=inside)), "scoring.mahalanobis")
    assert not verdict.passed
    assert re.search(told, verdict.message)
    assert before == BANK.read_bytes()
    assert examiner.verdict(handed(MAHALANOBIS.format(inside="pass")), "scoring.mahalanobis").passed


@pytest.mark.parametrize("name", ["scoring.mahalanobis", "features.standardise"])
def test_stored_mistakes_are_named_as_in_the_chapter(examiner: Examiner, name: str) -> None:
    exercise = all_exercises()[name]
    bank = inspect.getsource(sys.modules[inspect.unwrap(exercise.reference).__module__])
    helpers = bank.replace("@EXERCISE.right", "").replace("@EXERCISE.wrong", "")
    helpers = "\n".join(
        "" if "cozad_book.checking" in line or line.startswith("EXERCISE") else line
        for line in helpers.splitlines()
    )
    for mistake in exercise.mistakes[:10]:
        code = f"{textwrap.dedent(helpers)}\ncheck_exercise({name!r}, {mistake.function.__name__})"
        found = examiner.verdict(HandedIn("a.ipynb", (Cell("cell 1", code),), {name: ""}), name)
        assert found == verdict_on(name, mistake.function), mistake.name


def test_of_other_cells_only_what_is_needed_runs() -> None:
    cells = [
        Cell("cell 1", "import numpy as np\nraise SystemExit"),
        Cell("cell 2", "%matplotlib inline\nEPS = 2\ndef twice(x):\n    return EPS * x\n!ls"),
        Cell("cell 3", "EPS = 3\ndef f(x):\n    return twice(x) + unused if x < 0 else twice(x)"),
        Cell("cell 4", "check_exercise('a.b', f)"),
        Cell("cell 5", "EPS = 100\ndef twice(x):\n    return 0"),
    ]
    assert function_in(cells, "a.b")(5) == 15
    assert (
        function_in(
            [*cells[:4], Cell("cell 6", "check_exercise('a.b', lambda x: f(x) + 1)")], "a.b"
        )(5)
        == 16
    )


@pytest.mark.parametrize(
    "before",
    [
        "from math import *",
        "%%time\nfrom math import sqrt",
        "try:\n    from math import sqrt\nexcept ImportError:\n    sqrt = None",
        "if True:\n    def sqrt(x):\n        return x ** 0.5",
        "import math\nsqrt = math.sqrt",
        "for sqrt in [abs, lambda x: x ** 0.5]:\n    pass",
        "def sqrt(x):\n    return root(x, 2)\n\ndef root(x, n):\n    return x ** (1 / n)",
        "class Root:\n    def __call__(self, x):\n        return x ** 0.5\n\nsqrt = Root()",
    ],
)
def test_whatever_binds_a_name_is_found(before: str) -> None:
    cells = [Cell("cell 1", before), Cell("cell 2", "def f(x):\n    return sqrt(x)")]
    assert function_in([*cells, Cell("cell 3", "check_exercise('a.b', f)")], "a.b")(9) == 3


@pytest.mark.parametrize(
    "source, told",
    [
        ("def f(x) return x\ncheck_exercise('a.b', f)", "line 1 of cell 1 is no Python"),
        ("y = nothing\ndef f(x):\n    return y\ncheck_exercise('a.b', f)", "NameError"),
        ("check_exercise('a.b', f)", "'f' is not defined"),
        ("check_exercise('a.b')", "given no function"),
        ("check_exercise('a.c', f)", "no answer is there"),
        (f"check_exercise('a.b', {'(' * 300}1{')' * 300})", "is no Python"),
    ],
)
def test_what_is_no_answer_is_told(source: str, told: str) -> None:
    with pytest.raises(AnswerError, match=told):
        function_in([Cell("cell 1", source)], "a.b")


def test_what_no_submission_can_be_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    student = folder / "eve"
    (student / ".ipynb_checkpoints").mkdir(parents=True)
    (student / ".ipynb_checkpoints" / "x.ipynb").write_text(perfect())
    (student / "link.ipynb").symlink_to(CHAPTER)
    os.mkfifo(student / "pipe.ipynb")
    (student / "r.ipynb").write_text(notebook("1", kernelspec={"language": "R"}))
    (student / "bytes.ipynb").write_bytes(b"\xff\xfe")
    (student / "deep.ipynb").write_text("[" * 10**6)
    (student / "old.ipynb").write_text('{"worksheets": []}')
    (student / "list.ipynb").write_text('{"cells": [1], "metadata": []}')
    (student / "large.ipynb").write_bytes(b"")
    os.truncate(student / "large.ipynb", 300 * 2**20)
    (folder / "bob.ipynb").symlink_to(CHAPTER)
    bob, eve = read_submissions(folder)
    assert bob.unread == ["bob.ipynb is a link: hand in the file itself"]
    assert eve.files == []
    assert eve.unread == [
        "bytes.ipynb is no UTF-8 text",
        "deep.ipynb is no notebook of the present format",
        "large.ipynb is larger than 200 MB: clear its outputs",
        "link.ipynb is a link: hand in the file itself",
        "list.ipynb is no notebook of the present format",
        "old.ipynb is no notebook of the present format",
        "pipe.ipynb is no plain file",
        "r.ipynb is a notebook for r, not for Python",
    ]


def test_a_solution_that_the_chapter_shows_is_no_answer(tmp_path: Path) -> None:
    cell = {
        "cell_type": "code",
        "source": "check_exercise('a.b', 1)",
        "metadata": {"tags": ["solution"]},
    }
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "a.ipynb").write_text(text)
    (submission,) = read_submissions(tmp_path)
    assert submission.files[0].answered == {}


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "is empty"),
        ("exercise,points\nno.such,1\n", "line 2: 'no.such' is no exercise"),
        ("exercise;points\nscoring.mahalanobis;1\n", "its columns are exercise"),
        ("exercise,points\nscoring.mahalanobis,many\n", "'many' are no points"),
        ("exercise,points\nscoring.mahalanobis,nan\n", "'nan' are no points"),
        ("exercise,points\nscoring.mahalanobis,1\nscoring.mahalanobis,2\n", "stands there twice"),
    ],
)
def test_tables_of_points_are_checked(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(CozadError, match=told):
        marks.read_points(path)


def test_a_pipe_is_no_table_of_points(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CozadError, match=r"pipe \(it is a pipe or a device\): check --points"):
        marks.read_points(tmp_path / "pipe")


def grade(*words: str | Path) -> int:
    return main(["grade", *map(str, words)])


def table(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


NAMES = ("contrastive.alignment", "contrastive.info_nce", "contrastive.supervised")


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """Ten students, of whom three hand in the same right answers in different ways."""
    folder = tmp_path / "handed in"
    right = json.loads(perfect())

    def without(*numbers: int, **more: str) -> str:
        cells = [cell for i, cell in enumerate(right["cells"]) if i not in numbers]
        return json.dumps({**right, "cells": cells, **more})

    checks = [i for i, cell in enumerate(right["cells"]) if "check_exercise(" in cell["source"]]
    empty = CHAPTER.read_text(encoding="utf-8")
    renamed = perfect().replace("contrast_normal", "my_own_name")
    twice = json.loads(perfect())
    stub = "def contrast_normal(a, b, c):\n    return 0\n"
    twice["cells"].insert(0, {"cell_type": "code", "source": stub, "metadata": {}, "outputs": []})
    large = json.loads(perfect())
    large["cells"][0]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    ]
    wrong = perfect().replace("/ temperature", "* temperature")
    files = {
        "ada/03_contrastive.ipynb": perfect(),
        "bea/03_contrastive.ipynb": empty,
        "carl.ipynb": renamed,
        "dora.ipynb": json.dumps(twice),
        "emil/a.ipynb": without(*checks[1:]),
        "emil/b.ipynb": empty,
        "finn.ipynb": json.dumps(large),
        "gina.ipynb": wrong,
        "hans/03.ipynb": notebook("x <- 1", kernelspec={"language": "R"}),
        "=cmd|'x'!A1.ipynb": perfect(),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "ivan.ipynb").symlink_to(folder / "ada" / "03_contrastive.ipynb")
    (folder / "read me.pdf").write_bytes(b"%PDF")
    return folder


def test_ten_students_get_their_points(
    ten: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    examiner: Examiner,
) -> None:
    out = tmp_path / "grades.csv"
    assert grade(ten, "--out", out) == 0
    assert "10 submissions, 3 exercises" in capsys.readouterr().out
    found = table(out)
    totals = {name: row["total"] for name, row in found.items()}
    assert totals == {
        **{"ada": "3", "bea": "0", "carl": "3", "dora": "3", "emil": "1", "finn": "3"},
        **{"gina": totals["gina"], "hans": "0", "ivan": "0", "'=cmd|'x'!A1": "3"},
    }
    assert float(totals["gina"]) < 3
    assert list(found["ada"]) == ["student", *NAMES, "total", "out of"]
    assert not out.with_name("grades.csv.partial").exists()
    feedback = out.with_name("grades_feedback")
    with (feedback / "answers.csv").open(newline="", encoding="utf-8") as file:
        rows = {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}
    assert len(rows) == 30
    assert rows["gina", "contrastive.info_nce"]["mistake"]
    assert "is a link" in rows["ivan", NAMES[0]]["message"]
    page = (feedback / "students" / "hans.html").read_text(encoding="utf-8")
    assert "0 of 3 points" in page and "notebook for r" in page

    # Once more, over its own results, with other points; and never over anything else.
    here(monkeypatch, examiner)
    points = tmp_path / "points.csv"
    points.write_text("exercise,points\ncontrastive.info_nce,2.5\nscoring.mahalanobis,1\n")
    assert grade(ten, "--out", out, "--points", points) == 0
    assert table(out)["ada"]["total"] == "2.5" and table(out)["ada"]["out of"] == "3.5"
    roster = tmp_path / "roster.csv"
    roster.write_bytes("ID;Grade;Mail\r\nada;0;a@x\r\nzoë;7;z@x\r\n=cmd|'x'!A1;;c@x\r\n".encode())
    upload = tmp_path / "grades_roster.csv"
    for _ in range(2):  # the second time over the first one's results
        assert grade(ten, "--out", out, "--points", points, "--roster", roster) == 0
        marked = "ID;Grade;Mail\r\nada;2.5;a@x\r\nzoë;7;z@x\r\n=cmd|'x'!A1;2.5;c@x\r\n"
        assert upload.read_bytes().decode() == marked
    told = capsys.readouterr().out
    assert "2 of 3 students on it" in told and "left as they were: zoë" in told
    assert "nobody on it: bea, carl, dora, emil, finn, gina, hans, ivan" in told
    for wrong in (["--by", "ID"], ["--roster", roster, "--by", "Mail"], ["--roster", ten]):
        assert grade(ten, "--out", out, "--points", points, *wrong) == 2
    upload.write_text("mine")
    assert grade(ten, "--out", out, "--roster", roster) == 2
    assert "is no result of this command" in capsys.readouterr().err
    (feedback / "my notes.txt").write_text("mine")
    assert grade(ten, "--out", out) == 2
    assert "is no feedback of this command" in capsys.readouterr().err
    assert grade(ten, "--out", points) == 2
    assert grade(ten, "--out", ten / "grades.csv") == 2


def here(monkeypatch: pytest.MonkeyPatch, examiner: Examiner) -> None:
    """Examine in this process, which has all that it needs already."""
    monkeypatch.setattr(marks, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr(marks, "_EXAMINER", examiner)


def test_a_file_of_ones_own_functions_is_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examiner: Examiner
) -> None:
    """`my_cozad.py`: one's own block counts, the book's does not, with or without its mark."""
    here(monkeypatch, examiner)
    reference = inspect.getsource(inspect.unwrap(all_exercises()["scoring.mahalanobis"].reference))
    books = reference[reference.index("def ") :]
    own = MAHALANOBIS.format(inside="pass").partition("check_exercise(")[0]
    own = own.replace("from cozad_book.checking.exercises import check_exercise\n", "")
    for student, text in {
        "own": f"# %% scoring.mahalanobis: distance\n{own}",
        "book": f"# %% scoring.mahalanobis: mahalanobis (the book's)\nimport numpy as np\n{books}",
        "thief": f"# %% scoring.mahalanobis: mahalanobis\nimport numpy as np\n{books}",
    }.items():
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / "my_cozad.py").write_text(text)
    assert grade(tmp_path / "in", "--out", tmp_path / "g.csv") == 0
    assert {s: row["total"] for s, row in table(tmp_path / "g.csv").items()} == {
        **{"book": "0", "own": "1", "thief": "0"}
    }


def test_a_run_that_was_stopped_goes_on(
    ten: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "g.csv"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "write_grades", stop)
    assert grade(ten, "--out", out) == 130
    assert not out.exists()
    kept = out.with_name("g.csv.partial").read_text().splitlines()
    assert len(kept) > 10
    monkeypatch.undo()
    monkeypatch.setattr(marks, "ProcessPoolExecutor", None)  # nothing is left to run
    assert grade(ten, "--out", out) == 0
    assert table(out)["ada"]["total"] == "3"


def test_where_strangers_cannot_run_safely_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "missing", lambda: "Linux")
    assert grade(tmp_path, "--out", tmp_path / "g.csv") == 2
    assert "needs Linux" in capsys.readouterr().err
