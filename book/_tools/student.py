"""Write the edition that students get: a folder and a zip that work alone, without any answer.

``python book/_tools/student.py [--out FOLDER]``. Chapters lose their solutions and outputs, quizzes
their readable answers, the bank of exercises its functions; what is for teachers stays here. A
folder in which somebody has worked is never touched.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import inspect
import json
import posixpath
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor, TagRemovePreprocessor
from nbformat import NotebookNode

import archives
import notebooks
from cozad_book import quiz
from cozad_book.checking.exercises import all_exercises, stored_results
from cozad_book.checking.sealed import SEALED, seal
from cozad_book.own.pieces import CHAPTERS
from cozad_book.own.sources import source_with_needs
from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_folder, atomic_write

EXERCISES = "book/cozad_book/exercises/"
# What a student's folder holds of the repository; a name with a slash at its end is a folder.
TAKEN = (
    *("LICENSE", "LICENSE-TEXT", "CITATION.cff", "pyproject.toml", "requirements.lock"),
    "environment.yml",
    *("cozad_teach/", "data_scripts/", "book/cozad_book/", "book/chapters/", "book/appendix/"),
    *("book/results/", "book/assets/", "book/index.md"),
    *(
        f"book/_tools/{name}"
        for name in (
            *("set_up.py", "own_folder.py", "lab.py", "lab_kernel.py", "kernel_start.py"),
            *("notebooks.py", "torch_wheels.py", "from_wheelhouse.py", "room.py"),
        )
    ),
)
LEFT = ("book/cozad_book/grading/", "book/assets/readme_", EXERCISES)
TARGETS = {"help", "setup", "python", "lab", "clean", "distclean"}
EDITION = ".edition.json"  # what the tool wrote, by which it knows what somebody changed
_LINK = re.compile(r"\[([^\]]*)\]\(((?!https?:|#|mailto:)[^)#\s]+)(#[^)]*)?\)")

README = """# CoZAD, step by step: the student edition

You need Python 3.11 or later and make. In this folder:

```
make lab
```

installs what the chapters need, here and nowhere else, and opens them in JupyterLab. Begin with
`chapters/01_first_result.ipynb`, and run its cells from the top.

- **Exercises.** Write the function, run its cell: the checker says what is wrong, and where it can,
  what the mistake is. What passes is kept in `book/chapters/my_cozad.py`: your own CoZAD.
- **Hand in** that file, or the notebooks, as your teacher says. Answers are run again there, on one
  case more than here.
- **Bets and quizzes** are for you: nothing is kept.
- **Full runs** need a graphics card and hours. `make full` and the notebooks in `book/full`, which
  the chapters name, are in the whole book only; here the chapters show what they gave.
- This edition holds no solutions. After its exercise each chapter shows how the package does it.
"""


def main(arguments: list[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=notebooks.ROOT / "build" / "student")
    folder = parser.parse_args(arguments).out
    return run_command("student", lambda: write_edition(folder))


def write_edition(folder: Path) -> int:
    """Write the edition to a folder, and beside it a zip of the same name."""
    _check_untouched(folder)
    with atomic_folder(folder, replace=True) as new:
        _write(new)
        hashes = _hashes(new)
        (new / EDITION).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
    archive = folder.with_name(f"{folder.name}.zip")
    files = {f"{folder.name}/{name}": data for name, data in archives.contents(folder).items()}
    with atomic_write(archive) as part:
        archives.write_zip(part, files, archives.EARLIEST)
    megabytes = archive.stat().st_size / 2**20
    print(f"the student edition is in {folder}, and in {archive} ({megabytes:.1f} MB)")
    return 0


def _hashes(folder: Path) -> dict[str, str]:
    found = archives.contents(folder)
    return {name: hashlib.sha256(found[name]).hexdigest() for name in sorted(found)}


def _check_untouched(folder: Path) -> None:
    """Refuse a folder that is no edition, or in which somebody has worked since."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise CozadError(f"{folder} is no folder: give another --out")
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        written = json.loads((folder / EDITION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise CozadError(
            f"{folder} is there already and is no student edition: move it away, or give another "
            "--out"
        ) from None
    now = {name: digest for name, digest in _hashes(folder).items() if name != EDITION}
    changed = [name for name in now if now[name] != written.get(name)]
    if changed:
        raise CozadError(
            f"somebody has worked in {folder} ({changed[0]} is not as it was written): move it "
            "away, or give another --out"
        )


def _write(folder: Path) -> None:
    names = _names()
    for name in names:
        source, target = notebooks.ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".ipynb"):
            notebooks.write(
                without_answers(nbformat.read(source, as_version=4), name, names), target
            )
        elif name.endswith(".md"):
            text = _without_rubrics(source.read_text(encoding="utf-8"))
            target.write_text(_with_links_to(text, name, names), encoding="utf-8")
        else:
            target.write_bytes(source.read_bytes())
    project = (folder / "pyproject.toml").read_text(encoding="utf-8")
    no_grading = re.sub(r"grade = .*\n", "", project)
    (folder / "pyproject.toml").write_text(no_grading, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    (folder / "Makefile").write_text(_makefile(), encoding="utf-8")
    bank = folder / EXERCISES
    bank.mkdir()
    (bank / "__init__.py").write_text('"""The exercises, sealed."""\n', encoding="utf-8")
    (bank / SEALED).write_bytes(sealed_bank())


def _names() -> list[str]:
    """List what is taken, of what git knows: nothing that lies about comes along."""
    command = ["git", "-C", str(notebooks.ROOT), "ls-files", "-z", *TAKEN]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise CozadError("the student edition is made of a git checkout: clone one") from error
    names = [name for name in listed.split("\0") if name and not name.startswith(LEFT)]
    return [name for name in names if (notebooks.ROOT / name).is_file()]


def sealed_bank() -> bytes:
    """Give the bank of exercises without answers."""
    exercises = all_exercises()
    pieces = [name for of_chapter in CHAPTERS.values() for name in of_chapter]
    sources = {
        name: source_with_needs(inspect.unwrap(exercises[name].reference)) for name in pieces
    }
    return seal(exercises, stored_results, sources)


def without_answers(notebook: NotebookNode, name: str, names: list[str]) -> NotebookNode:
    """Give a copy without outputs and solutions, its quizzes packed, its links alive.

    Parameters
    ----------
    notebook : NotebookNode
        Of the book.
    name : str
        Its path in the repository.
    names : list of str
        All files of the edition.
    """
    copy = notebooks.stable(notebook)
    TagRemovePreprocessor(enabled=True, remove_cell_tags={"solution"}).preprocess(copy, {})
    ClearOutputPreprocessor(enabled=True).preprocess(copy, {})
    copy.metadata.pop("widgets", None)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = _with_links_to(cell.source, name, names)
        elif "from cozad_book.quiz import" in cell.source:
            cell.source = _packed(cell.source)
    return copy


def _packed(source: str) -> str:
    """Put the question or the bet of a cell into letters that do not tell its answers."""
    call = ast.parse(source).body[-1]
    assert isinstance(call, ast.Expr) and isinstance(call.value, ast.Call)
    name, arguments = ast.unparse(call.value.func), map(ast.literal_eval, call.value.args)
    letters = quiz.pack(getattr(quiz, name)(*arguments))
    parts = "\n".join(f'    "{part}"' for part in re.findall(".{1,68}", letters))
    return f"from cozad_book.quiz import unpack\n\nunpack(\n{parts}\n)"


def _with_links_to(text: str, name: str, names: list[str]) -> str:
    """Leave of a link to what the edition lacks its words."""
    here = posixpath.dirname(name)

    def kept(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(here, link[2]))
        return link[0] if target in names else link[1]

    return _LINK.sub(kept, text)


def _without_rubrics(text: str) -> str:
    """Take out of the labs what a good answer contains."""
    return re.sub(r"^\*\*A good answer contains\*\*.*?\n\n", "", f"{text}\n\n", flags=re.M | re.S)[
        :-2
    ]


def _makefile() -> str:
    """Keep of the Makefile what students need."""
    blocks = (notebooks.ROOT / "Makefile").read_text(encoding="utf-8").split("\n\n")
    heads = [re.findall(r"^([a-z-]+):", block, re.M) for block in blocks]
    kept = [b for b, head in zip(blocks, heads, strict=True) if not head or TARGETS & {*head}]
    return re.sub(
        r"^\.PHONY:.*", f".PHONY: {' '.join(sorted(TARGETS))}", "\n\n".join(kept), flags=re.M
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
