"""The repository: one setting; buttons that follow it; a first cell that works elsewhere."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import repository
import yaml

import colab
import html_checks
from cozad_teach.errors import CozadError
from notebooks import BOOK, ROOT

URL = "https://github.com/someone/somebook"


def test_empty_setting_shows_nothing(html: Path) -> None:
    given = yaml.safe_load((BOOK / "_config.yml").read_text(encoding="utf-8"))["repository"]
    if given["url"]:
        pytest.skip("the repository has an address: its buttons are there")
    page = html_checks.parse(html / "chapters" / "01_first_result.html")
    urls = [str(a["href"]) for a in page.select(".article-header-buttons a[href]")]
    assert urls and not [url for url in urls if html_checks.is_external(url)]
    options = repository.theme_options({"repository_url": "", "launch_buttons": {"thebe": False}})
    assert not any(options[f"use_{kind}_button"] for kind in ("edit_page", "repository", "issues"))
    assert options["launch_buttons"] == {"thebe": False}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build two pages of a book that has this book's configuration, and a repository."""
    folder = tmp_path_factory.mktemp("named")
    book = folder / "book"
    (book / "chapters").mkdir(parents=True)
    for name in ("_ext", "assets"):
        shutil.copytree(BOOK / name, book / name, ignore=shutil.ignore_patterns("vendor"))
    config = yaml.safe_load((BOOK / "_config.yml").read_text(encoding="utf-8"))
    config["repository"]["url"] = URL
    (book / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    toc = "format: jb-book\nroot: index\nchapters:\n- file: chapters/01_a\n"
    (book / "_toc.yml").write_text(toc, encoding="utf-8")
    (book / "index.md").write_text("# A book\n", encoding="utf-8")
    cells = [nbformat.v4.new_markdown_cell("# A chapter", id="a")]
    cells.append(nbformat.v4.new_code_cell("1", id="b"))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, book / "chapters" / "01_a.ipynb")
    program = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "build", book, "--path-output", folder, "-q"]
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    return folder / "_build" / "html"


def test_named_repository_gives_every_page_its_buttons(named: Path) -> None:
    for name, launched in (("index.html", False), ("chapters/01_a.html", True)):
        page = html_checks.parse(named / name)
        urls = " ".join(str(a["href"]) for a in page.select(".article-header-buttons a[href]"))
        source = "book/index.md" if not launched else "book/chapters/01_a.ipynb"
        assert f"{URL}/edit/main/{source}" in urls
        assert f"{URL}/issues/new" in urls
        binder = "https://mybinder.org/v2/gh/someone/somebook/main?urlpath=lab/tree/" + source
        colabs = f"https://colab.research.google.com/github/someone/somebook/blob/colab/{source}"
        assert (binder in urls, colabs in urls) == (launched, launched)
        loaded = html_checks.requests(named)
        assert loaded == [], "a link may lead out, but nothing is loaded from there"


def test_only_colab_is_led_to_its_branch() -> None:
    buttons = [
        {"text": "Binder", "url": "x/blob/main/a"},
        {"text": "Colab", "url": "x/blob/main/a"},
    ]
    context: dict[str, Any] = {"header_buttons": [{"type": "group", "buttons": buttons}, {}]}
    app = SimpleNamespace(config=SimpleNamespace(html_theme_options={"repository_branch": "main"}))
    repository.lead_to_branch(app, "", "", context, None)  # type: ignore[arg-type]
    assert [button["url"] for button in buttons] == ["x/blob/main/a", "x/blob/colab/a"]


def test_chapters_for_colab_begin_with_the_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    colab.write(tmp_path / "made", URL, "main")
    made = sorted((tmp_path / "made" / "book" / "chapters").glob("*.ipynb"))
    assert len(made) == len(list((BOOK / "chapters").glob("*.ipynb")))
    for path in made:
        cells = nbformat.read(path, as_version=4).cells
        assert URL in cells[0].source and cells[1].source.startswith("# ")
        ast.parse(cells[0].source)
    empty = tmp_path / "_config.yml"
    empty.write_text('repository: {url: "", branch: main}', encoding="utf-8")
    with pytest.raises(CozadError, match="names no repository"):
        colab.repository(empty)


def test_first_cell_brings_the_package_into_a_fresh_environment(
    tmp_path: Path, wheel: Path
) -> None:
    """As on Colab: PyTorch and its like are there, the package and its book are not."""
    site = Path(next(p for p in sys.path if p.endswith("site-packages")))
    there = tmp_path / "there"
    there.mkdir()
    for entry in site.iterdir():
        if entry.suffix != ".pth" and not entry.name.startswith(("cozad", "__editable__", "pip")):
            (there / entry.name).symlink_to(entry)
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=True, symlinks=True)
    python = fresh / "bin" / "python"
    # Before Python 3.12 an old setuptools comes with pip.
    subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", "setuptools"], check=False)
    inside = next((fresh / "lib").glob("python*/site-packages"))
    (inside / "there.pth").write_text(f"{there}\n", encoding="utf-8")
    book = tmp_path / "published"
    shutil.copytree(BOOK / "results", book / "book" / "results")
    (book / "book" / "chapters").mkdir()
    (book / "book" / "chapters" / "a.txt").write_text("a", encoding="utf-8")
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=book, check=True)
    work = tmp_path / "content"
    work.mkdir()
    cell = colab.first_cell(book.as_uri(), "main", str(wheel))
    after = (
        "from cozad_book.experiments.ledger import read_results\n"
        "from cozad_book.listings import show_source\n"
        "from cozad_teach.scoring import image_scores\n"
        "import cozad_teach, cozad_book\n"
        "show_source(image_scores)\n"
        "print(os.getcwd(), cozad_teach.__file__, read_results('first_result').name)\n"
    )
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    variables |= {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    run = subprocess.run(
        [python, "-c", f"{cell}\n{after}"],
        cwd=work,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    where, package, name = run.stdout.split()[-3:]
    assert where == str(work / "cozad" / "book" / "chapters") and name == "first_result"
    assert package.startswith(str(inside))
