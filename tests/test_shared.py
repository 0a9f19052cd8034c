"""One set-up for many: what students run writes nothing into it, and works all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import room

ROOT = Path(__file__).resolve().parents[1]
PROTECT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
NAMESPACE = ["unshare", "--map-root-user", "--mount", "sh", "-c", PROTECT, str(ROOT)]
NOTEBOOK = """
import nbformat
from nbclient import NotebookClient

cells = [
    "from pathlib import Path; import matplotlib.pyplot as plt; import cozad_book.figures",
    "from cozad_teach.files.checkout import build_folder, results_folder",
    "plt.plot([0, 1]); plt.savefig('drawn.png')",
    "Path('place.txt').write_text(str(build_folder()))",
    "print(results_folder())",
]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
NotebookClient(notebook, timeout=300).execute()
print(notebook.cells[-1].outputs[0].text)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A student's home, on a machine that can protect a folder as a read-only disk does."""
    tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine allows no read-only mount: {tried.stderr.strip()}")
    return tmp_path


def student(home: Path, *command: str) -> str:
    """Run a command as a student does whose home this is; give what it printed."""
    done = subprocess.run(
        [*NAMESPACE, *command],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_can_be_written_there(home: Path) -> None:
    with pytest.raises(AssertionError, match="Read-only file system"):
        student(home, "touch", str(ROOT / "build" / "new"))


def test_commands_write_into_the_students_home(home: Path) -> None:
    code = "import sys; from cozad_teach.cli.main import main; sys.exit(main(sys.argv[1:]))"
    cozad = [sys.executable, "-c", code]
    student(home, *cozad, "data", "--out", "textures")
    assert list((home / "textures").iterdir())
    assert student(home, *cozad, "results", "first_result").startswith("first_result: ")
    code = "from cozad_teach.files.checkout import build_folder; print(build_folder())"
    found = student(home, sys.executable, "-c", code)
    assert found.strip() == str(home / ".cache" / "cozad-teach")


def test_kernels_and_notebooks_write_into_the_students_folder(home: Path) -> None:
    assert student(home, sys.executable, "-c", NOTEBOOK).strip().endswith("book/results")
    assert (home / "drawn.png").is_file() and (home / "place.txt").read_text() == str(
        home / ".cache" / "cozad-teach"
    )


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book as a student edition has it, which cannot be written to."""
    folder = tmp_path / "edition" / "book"
    for name in ("chapters/01.ipynb", "appendix/glossary.md", "index.md", "_tools/room.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("the book's")
        (folder / name).chmod(0o444)
    return folder


def test_a_student_gets_pages_once_and_a_jupyterlab_of_their_own(
    book: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine, started = tmp_path / "mine", []
    monkeypatch.setattr(room.hand_out, "__defaults__", (book,))
    monkeypatch.setattr(room.os, "execve", lambda *parts: started.append(parts))
    assert room.main(["--folder", str(mine), "--no-browser"]) is None
    assert "3 pages are new" in capsys.readouterr().out
    files = {p.relative_to(mine).as_posix() for p in mine.rglob("*") if p.is_file()}
    assert {"chapters/01.ipynb", "appendix/glossary.md", "index.md"} <= files
    assert (mine / ".lab/settings/overrides.json").is_file()
    (_, command, variables) = started[0]
    assert f"--ServerApp.root_dir={mine}" in command and "--no-browser" in command
    assert variables["JUPYTER_PATH"] == str(mine / ".lab")
    assert variables["MALLOC_TRIM_THRESHOLD_"] and variables["OMP_NUM_THREADS"] == "1"
    (mine / "chapters" / "01.ipynb").write_text("my work")
    room.main(["--folder", str(mine)])
    assert "0 pages are new" in capsys.readouterr().out
    assert (mine / "chapters" / "01.ipynb").read_text() == "my work"


def test_from_a_book_with_answers_nothing_is_handed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert room.main(["--folder", str(tmp_path / "mine")]) == 2
    assert "holds answers: run make student" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
