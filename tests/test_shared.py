"""One set-up for many: what students run writes nothing into it, and works all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_student_gets_chapters_once_and_a_jupyterlab_of_their_own(home: Path) -> None:
    tools, chapters = str(ROOT / "book/_tools"), home / "handed out"
    student(home, sys.executable, f"{tools}/student.py", "--out", str(chapters))
    code = (
        f"import sys; sys.path.insert(0, {tools!r}); import room; from pathlib import Path\n"
        f"room.CHAPTERS = Path({str(chapters)!r})\n"
        "room.os.execve = lambda program, command, env: print(*command, env['JUPYTER_PATH'])\n"
        "sys.exit(room.main(['--no-browser']))"
    )
    said = student(home, sys.executable, "-c", code)
    mine = home / "cozad"
    names = {path.name for path in chapters.iterdir()}
    assert {path.name for path in (mine / "chapters").iterdir()} == names
    assert f"--ServerApp.root_dir={mine}" in said and "--no-browser" in said
    assert (mine / ".lab/settings/overrides.json").is_file()
    assert (mine / "appendix/glossary.md").is_file()
    chapter = mine / "chapters" / min(names)
    assert os.access(chapter, os.W_OK)
    chapter.write_text("my work")
    assert f"your chapters are in {mine / 'chapters'}; 0 are new" in student(
        home, sys.executable, "-c", code
    )
    assert chapter.read_text() == "my work"


def test_without_chapters_the_teacher_is_asked(home: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'book/_tools')!r}); import room\n"
        "from pathlib import Path\n"
        "try: room.hand_out(Path('mine'), Path('nothing'))\n"
        "except room.CozadError as error: print(error)\n"
    )
    said = student(home, sys.executable, "-c", code)
    assert said == "nothing has no chapters: whoever set this up runs make student there\n"
    assert not (home / "mine").exists()
