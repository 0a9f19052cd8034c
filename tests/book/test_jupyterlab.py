"""The chapters in JupyterLab, from a fresh clone, as a student opens them with ``make lab``."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from solutions import solved_cells

import notebooks
from notebooks import ROOT

CHAPTER = "09_full_run"  # its explorer needs no other cell
TOKEN = "of-this-test"
SECONDS = 120


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def cells_that_run_alone(chapter: Path) -> NotebookNode:
    """Give the explorer, the exercises, their solutions and the quiz: all run within seconds."""
    notebook = nbformat.read(chapter, as_version=4)
    calls = ("frame_slider(", "check_exercise(", "Question(", "<details")
    style = "from cozad_book.figures.drawing import set_style\n\nset_style()"
    cells = [c for c in notebook.cells if any(call in c.source for call in calls)]
    notebook.cells = [nbformat.v4.new_code_cell(style, id="style"), *cells]
    code = [c for c in notebook.cells if c.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    return notebooks.stable(notebook)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it stands, all of it committed, in a new folder."""
    target = tmp_path_factory.mktemp("clone") / "book"
    for name in git(ROOT, "ls-files", "-co", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    chapter = target / "book" / "chapters" / f"{CHAPTER}.ipynb"
    notebooks.write(cells_that_run_alone(chapter), chapter.with_name("alone.ipynb"))
    git(target.parent, "init", "-q", str(target))
    git(target, "add", "-A")
    git(target, "commit", "-qm", "all")
    # What came by mail, or was changed: JupyterLab trusts it no more than any other file.
    text = chapter.read_text(encoding="utf-8").replace("## Quiz", "## The quiz")
    chapter.with_name("untrusted.ipynb").write_text(text, encoding="utf-8")
    (target / ".git" / "info" / "exclude").write_text("untrusted.ipynb\n")
    return target


@pytest.fixture(scope="module")
def address(clone: Path) -> Iterator[str]:
    """JupyterLab as ``make lab`` starts it, with a user of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = clone.parent / "user"
    places = ("CONFIG", "DATA", "RUNTIME")
    variables = {f"JUPYTER_{place}_DIR": str(user / place.lower()) for place in places}
    variables |= {"JUPYTERLAB_WORKSPACES_DIR": str(user / "workspaces"), "OMP_NUM_THREADS": "1"}
    variables |= {"IPYTHONDIR": str(user / "ipython"), "PYTHONPATH": str(clone)}
    options = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"]
    command = [sys.executable, str(clone / "book" / "_tools" / "lab.py"), *options]
    with (clone.parent / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, f"--IdentityProvider.token={TOKEN}"],
            env={**os.environ, **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        begun = time.monotonic()
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < begun + SECONDS, (
                    clone.parent / "server.log"
                ).read_text()
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


Open = Callable[..., Any]


@pytest.fixture
def lab(address: str, browser: Any) -> Iterator[Open]:
    """Give a function that opens a notebook in a new window, its kernel ready."""
    windows: list[Any] = []

    def open_notebook(name: str, drawn: Callable[[Any], None] = wait_until_drawn) -> Any:
        windows.append(browser.new_page(viewport={"width": 1300, "height": 1000}))
        tab = windows[-1]
        tab.set_default_timeout(SECONDS * 1000)
        path = f"lab/workspaces/{len(windows)}/tree/chapters/{name}.ipynb"
        tab.goto(f"{address}/{path}?token={TOKEN}&reset")
        drawn(tab)
        # On a busy machine the widgets of Jupyter can miss what a notebook stores when the first
        # window opens; the troubleshooting page says to load the page again. Once must do.
        if tab.get_by_text("model not found").count():
            tab.reload()
            drawn(tab)
        return tab

    yield open_notebook
    for tab in windows:
        tab.close()


def wait_until_drawn(tab: Any) -> None:
    tab.wait_for_selector(".jp-Notebook .cozad-quiz", state="attached")
    wait_until_idle(tab)
    tab.wait_for_function(
        "document.querySelector('.noUi-handle') || /model not found|to get the slider/.test("
        "document.querySelector('.jp-Notebook').textContent)"
    )


def wait_until_idle(tab: Any) -> None:
    tab.wait_for_function(
        "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
        "&& ![...document.querySelectorAll('.jp-InputPrompt')].some(e => /[*]/.test(e.innerText))"
    )


def choose(tab: Any, menu: str, entry: str) -> None:
    tab.click(f'.lm-MenuBar-itemLabel:text-is("{menu}")')
    tab.click(f'.lm-Menu-itemLabel:text-is("{entry}")')


def close(tab: Any) -> None:
    """Close the notebook; JupyterLab must not ask anything."""
    tab.locator(".lm-DockPanel-tabBar .lm-mod-current .lm-TabBar-tabCloseIcon").first.click()
    tab.wait_for_selector(".jp-NotebookPanel", state="detached")
    assert tab.locator(".jp-Dialog").count() == 0


def moves(tab: Any) -> bool:
    """Say whether the picture of the explorer follows the arrow keys."""
    handle = tab.locator(".jp-Notebook .noUi-handle").first
    handle.scroll_into_view_if_needed()
    picture = tab.locator(".jp-Notebook .jupyter-widgets img:visible").first
    before = picture.get_attribute("alt")
    handle.focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_timeout(300)
    return bool(picture.get_attribute("alt") != before)


def assert_kernel_is_gone(address: str) -> None:
    begun = time.monotonic()
    while True:
        with urllib.request.urlopen(f"{address}/api/sessions?token={TOKEN}", timeout=10) as answer:
            paths = [session["path"] for session in json.load(answer)]
        if not paths:
            return
        assert time.monotonic() < begun + SECONDS, f"these still run: {paths}"
        time.sleep(0.2)


def shown_answers(tab: Any) -> int:
    return int(tab.locator(".jp-Notebook .cozad-quiz details p:visible").count())


def shown_solutions(tab: Any) -> int:
    code = ".jp-Notebook details:has-text('Show the solution') pre:visible"
    return int(tab.locator(code).count())


def test_untouched_chapter_hides_its_answers_and_closes_without_a_question(
    lab: Open, address: str, clone: Path
) -> None:
    tab = lab(CHAPTER)
    assert tab.locator(".jp-Dialog, .jp-toast-message, .Toastify__toast").count() == 0
    assert shown_answers(tab) == 0
    assert moves(tab), "an explorer moves before its cell has run"

    quiz = tab.locator(".jp-Notebook .cozad-quiz").first
    quiz.scroll_into_view_if_needed()
    first, second = (quiz.locator("summary").nth(place) for place in (0, 1))
    first.click()
    assert shown_answers(tab) == 1
    first.click()
    assert shown_answers(tab) == 0
    first.focus()
    tab.keyboard.press("Enter")
    assert shown_answers(tab) == 1
    tab.keyboard.press("Tab")
    assert second.evaluate("element => element === document.activeElement")
    tab.keyboard.press("Space")
    assert shown_answers(tab) == 2

    assert shown_solutions(tab) == 0
    tab.locator(".jp-Notebook summary:has-text('Show the solution')").first.click()
    assert shown_solutions(tab) == 1

    assert tab.locator(".jp-DocumentSearch-overlay, .jp-mod-dirty").count() == 0
    close(tab)
    assert_kernel_is_gone(address)
    assert git(clone, "status", "--porcelain") == ""


def test_what_is_not_trusted_hides_its_answers_and_shows_a_picture(lab: Open) -> None:
    tab = lab("untrusted")
    assert tab.locator(".noUi-handle").count() == 0
    sentence = tab.get_by_text("Run this cell (Shift + Enter) to get the slider.")
    sentence.scroll_into_view_if_needed()
    assert tab.locator(".jp-OutputArea-output:has-text('to get the slider') img:visible").count()
    assert shown_answers(tab) == shown_solutions(tab) == 0
    tab.locator(".jp-Notebook .cozad-quiz summary").first.click()
    assert shown_answers(tab) == 1
    close(tab)


def test_links_to_a_term_a_chapter_and_a_citation_open_their_pages(lab: Open) -> None:
    tab = lab(CHAPTER)
    wanted = {
        "glossary.md": ("Glossary", "appendix/glossary.md"),
        "bibliography.md": ("Bibliography", "appendix/bibliography.md"),
        "07_cozad.ipynb": ("CoZAD assembled", "chapters/07_cozad.ipynb"),
    }
    for label, (title, path) in wanted.items():
        tab.locator(f".jp-NotebookPanel:visible .jp-Notebook a[href*='{path}']").first.click()
        tab.wait_for_selector(f'.lm-DockPanel-tabBar .lm-TabBar-tabLabel:text-is("{label}")')
        tab.wait_for_selector(f'.lm-DockPanel :is(h1, .jp-Cell):visible:has-text("{title}")')
        chapter = f'.lm-DockPanel-tabBar .lm-TabBar-tabLabel:text-is("{CHAPTER}.ipynb")'
        tab.locator(chapter).click()
    assert tab.locator(".jp-Dialog").count() == 0


def test_right_answer_passes_in_a_fresh_kernel_without_the_cells_above(
    lab: Open, clone: Path
) -> None:
    chapter = clone / "book" / "chapters" / f"{CHAPTER}.ipynb"
    tab = lab(CHAPTER)
    places = {c.id: i for i, c in enumerate(nbformat.read(chapter, as_version=4).cells)}
    answers = {
        places[s.cell.id]: f"{s.source}\n{s.check}" for s in solved_cells(chapter) if s.check
    }
    for place, answer in answers.items():
        cell = tab.locator(".jp-Notebook > * .jp-Cell, .jp-Notebook > .jp-Cell").nth(place)
        cell.locator(".cm-content").click()
        tab.keyboard.press("Control+a")
        tab.keyboard.insert_text(answer)
        tab.keyboard.press("Control+Enter")
        cell.locator(".jp-OutputArea-output:has-text('passed.')").wait_for()
        if place != max(answers):
            choose(tab, "Kernel", "Restart Kernel…")
            tab.click(".jp-Dialog .jp-mod-accept")
            wait_until_idle(tab)


def solved(chapters: list[Path]) -> NotebookNode:
    """Give all exercises with their solutions, and the detector after chapters 1, 2 and 11."""
    sources = [
        f"{code.source}\n{code.check}"
        for chapter in chapters
        for code in solved_cells(chapter)
        if code.check
        or chapter.stem == "capstone"
        or (code.cell.id == "own-detector" and chapter.stem[:2] in ("01", "02", "11"))
    ]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])


def test_a_student_s_path_from_an_empty_file_to_a_cozad_of_their_own(
    lab: Open, clone: Path
) -> None:
    folder = clone / "book" / "chapters"
    path = solved([*sorted(folder.glob("[0-9][0-9]_*.ipynb")), folder / "capstone.ipynb"])
    notebooks.write(notebooks.stable(path), folder / "path.ipynb")
    own = folder / "my_cozad.py"
    assert not own.exists()
    tab = lab("path", drawn=wait_until_idle)
    choose(tab, "Run", "Run All Cells")
    begun = time.monotonic()
    while not (own.exists() and "capstone.score" in own.read_text(encoding="utf-8")):
        assert time.monotonic() < begun + 4 * SECONDS, own.exists() and own.read_text()[-2000:]
        tab.wait_for_timeout(500)
    wait_until_idle(tab)
    choose(tab, "File", "Save Notebook")
    tab.wait_for_selector(".lm-DockPanel-tabBar .jp-mod-dirty", state="detached")
    close(tab)
    cells = nbformat.read(folder / "path.ipynb", as_version=4).cells
    texts = ["".join(str(o.get("data", o.get("text", ""))) for o in c.outputs) for c in cells]
    checked = [i for i, cell in enumerate(cells) if "\ncheck_exercise(" in cell.source]
    assert len(checked) == 40 and [i for i in checked if ": passed." not in texts[i]] == []
    detectors = [text for cell, text in zip(cells, texts, strict=True) if "my_det" in cell.source]
    assert len(detectors) == 3 and "still the book" not in detectors[-1]
    assert "a mean for each place" in detectors[-1] and "image/" in detectors[-1]
    assert re.search(r"scores, greatest difference +\d\.\de-1\d", texts[-1])
    assert "# %% capstone.score: score\n" in own.read_text(encoding="utf-8")
    (folder / "path.ipynb").unlink()
    own.unlink()


def test_cells_that_were_run_saved_and_shut_down_open_as_they_were(lab: Open, clone: Path) -> None:
    tab = lab("alone")
    choose(tab, "Run", "Run All Cells")
    tab.wait_for_timeout(1000)
    wait_until_idle(tab)
    assert shown_answers(tab) == shown_solutions(tab) == 0
    assert tab.get_by_text(": passed.").count() == 0, "nothing gives a solution away"
    assert moves(tab)
    tab.keyboard.press("Control+s")
    tab.wait_for_selector(".lm-DockPanel-tabBar .jp-mod-dirty", state="detached")
    close(tab)
    # The still picture of the explorer alone, where other fonts draw it otherwise.
    changed = git(clone, "diff", "--numstat").split()
    assert not changed or changed[:2] == ["1", "1"], git(clone, "diff")[:3000]

    tab = lab("alone")
    assert tab.get_by_text("model not found").count() == 0
    assert moves(tab)
    assert shown_answers(tab) == 0
    close(tab)
