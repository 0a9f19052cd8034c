"""A release: refused in one sentence where it would mislead, and the same bytes every time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import archives
import fresh_outputs
import release
from cozad_teach.errors import CozadError

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "pyproject.toml": """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1.2.3"
[tool.setuptools]
packages = ["tiny"]
""",
    "tiny/__init__.py": "",
    "CHANGELOG.md": "## [1.2.3] - 2026-12-01\n\nAll new.\n\n## [1.2.2] - 2026-11-01\n\nOld.\n",
    "CITATION.cff": "title: Tiny\nauthors:\n  - family-names: Noether\n",
    ".gitignore": "/build\n/book\n",
}


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.check_output(["git", "-C", str(root), *who, *words], text=True).strip()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "a step", "--allow-empty")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A committed project of one empty package, with pages, a book and slides built."""
    root = tmp_path / "tiny"
    root.mkdir()
    git(root, "init", "-q")
    write(root, FILES)
    commit(root)
    write(root, {"book/_build/check/index.html": "pages", "build/slides/01.html": "slides"})
    write(root, {"build/cozad-book.pdf": "%PDF-"})
    with zipfile.ZipFile(root / "build/student.zip", "w") as archive:
        archive.writestr("student/01.ipynb", "{}")
    return root


def test_a_release_holds_all_that_was_made_and_says_its_sums(project: Path) -> None:
    folder = release.make_release(project, draft=False)
    assert folder == project / "build/release/1.2.3"
    assert sorted(path.name for path in folder.iterdir()) == [
        "NOTES.md",
        "SHA256SUMS",
        "book-1.2.3.pdf",
        "book-1.2.3.zip",
        "release.json",
        "slides-1.2.3.zip",
        "student-1.2.3.zip",
        "tiny-1.2.3-py3-none-any.whl",
        "tiny-1.2.3.tar.gz",
    ]
    assert archives.zip_contents(folder / "book-1.2.3.zip") == {"index.html": b"pages"}
    assert archives.zip_contents(folder / "student-1.2.3.zip") == {"student/01.ipynb": b"{}"}
    notes = (folder / "NOTES.md").read_text()
    assert (
        "All new." in notes and "Old." not in notes and git(project, "rev-parse", "HEAD") in notes
    )
    assert "- `book-1.2.3.pdf`" in notes
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)
    release.require_free(project, "1.2.3", git(project, "rev-parse", "HEAD"))
    assert not list(project.glob("build/release/.*"))


def test_two_builds_of_a_commit_give_the_same_bytes(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release.make_release(project, draft=False)
    kept = archives.contents(first)
    copy = tmp_path / "elsewhere" / "tiny"
    subprocess.run(["git", "clone", "-q", str(project), str(copy)], check=True)
    for name in ("book/_build/check", "build/slides"):  # other times, and another order on the disk
        shutil.copytree(project / name, copy / name, copy_function=shutil.copyfile)
    for name in ("cozad-book.pdf", "student.zip"):
        shutil.copyfile(project / "build" / name, copy / "build" / name)
    (copy / "book/_build/check/index.html").chmod(0o600)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    old = os.umask(0o077)
    try:
        assert archives.contents(release.make_release(copy, draft=False)) == kept
    finally:
        os.umask(old)


def test_what_is_absent_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "build/cozad-book.pdf").unlink()
    shutil.rmtree(project / "build/slides")
    folder = release.make_release(project, draft=False)
    assert not (folder / "book-1.2.3.pdf").exists()
    assert capsys.readouterr().out.splitlines() == [
        "not in this release: book-1.2.3.pdf (build/cozad-book.pdf is not there; make pdf)",
        "not in this release: slides-1.2.3.zip (build/slides is not there; make slides)",
    ]


def test_changes_that_no_commit_holds_are_refused(project: Path) -> None:
    assert release.require_clean(project) == git(project, "rev-parse", "HEAD")
    write(project, {"tiny/new.py": "", "CITATION.cff": "title: Other\n"})
    with pytest.raises(CozadError, match=r"\(CITATION.cff, tiny/new.py\): commit or stash them"):
        release.require_clean(project)
    shutil.rmtree(project / ".git")
    with pytest.raises(CozadError, match="is no git checkout"):
        release.require_clean(project)


def test_a_version_without_a_section_is_refused(project: Path) -> None:
    release.require_filled(project, "1.2.3", draft=False)
    with pytest.raises(CozadError, match=r"nothing of version 1.2.30, .*write a section"):
        release.require_filled(project, "1.2.30", draft=True)


def test_what_the_publisher_must_fill_in_passes_as_a_draft_only(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, {"CHANGELOG.md": "## [1.2.3] - Unreleased\n\nNew.\n"})
    write(project, {"CITATION.cff": (ROOT / "CITATION.cff").read_text()})
    with pytest.raises(CozadError, match=r"orcid, repository-code, doi\): fill .* DRAFT=1") as said:
        release.require_filled(project, "1.2.3", draft=False)
    assert "no date for 1.2.3: put it in place of Unreleased" in str(said.value)
    release.require_filled(project, "1.2.3", draft=True)
    assert capsys.readouterr().out.count("draft: ") == 2


def test_a_version_of_another_commit_is_refused(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    folder = release.make_release(project, draft=False)
    second = commit(project)
    release.require_free(project, "1.2.3", first)
    with pytest.raises(CozadError, match=f"of another commit, {first[:10]}: raise the version"):
        release.require_free(project, "1.2.3", second)
    shutil.rmtree(folder)
    git(project, "tag", "v1.2.3", first)
    release.require_free(project, "1.2.3", first)
    with pytest.raises(CozadError, match=f"the tag v1.2.3 is of another commit, {first[:10]}"):
        release.require_free(project, "1.2.3", second)


def test_a_draft_gives_way_to_a_later_commit(project: Path) -> None:
    folder = release.make_release(project, draft=True)
    assert json.loads((folder / "release.json").read_text())["draft"]
    later = commit(project)
    release.require_free(project, "1.2.3", later)
    release.make_release(project, draft=False)
    assert json.loads((folder / "release.json").read_text()) == {
        "version": "1.2.3",
        "commit": later,
        "draft": False,
    }


@pytest.mark.parametrize("change", ["edited", "added", "foreign", "link"])
def test_nothing_of_the_users_is_replaced(project: Path, change: str) -> None:
    folder = release.make_release(project, draft=True)
    if change == "edited":
        (folder / "NOTES.md").write_text("my own words")
    elif change == "added":
        (folder / "mail.txt").write_text("to the class")
    elif change == "foreign":
        (folder / "release.json").unlink()
    else:
        folder.rename(folder.with_name("mine"))
        folder.symlink_to("mine")
    with pytest.raises(CozadError, match=r"move it away \(mv -n "):
        release.require_free(project, "1.2.3", git(project, "rev-parse", "HEAD"))


def test_a_release_that_fails_leaves_the_older_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = archives.contents(release.make_release(project, draft=True))
    monkeypatch.setattr(release, "notes", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        release.make_release(project, draft=True)
    assert archives.contents(project / "build/release/1.2.3") == kept


def test_stale_notebooks_are_named_and_run_only_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapters = [tmp_path / "01_a.ipynb", tmp_path / "02_b.ipynb"]
    for path in chapters:
        path.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    runs = list[list[str]]()

    def checks(paths: list[Path]) -> set[str]:
        runs.append([path.stem for path in paths])
        return {"02_b"} & set(runs[-1])

    monkeypatch.setattr(fresh_outputs, "run_checks", checks)
    kept = tmp_path / "fresh.json"
    assert fresh_outputs.stale_notebooks(chapters, kept) == [chapters[1]]
    assert fresh_outputs.stale_notebooks(chapters, kept) == [chapters[1]]
    chapters[0].write_text(chapters[0].read_text() + "\n")
    fresh_outputs.stale_notebooks(chapters, kept)
    assert runs == [["01_a", "02_b"], ["02_b"], ["01_a", "02_b"]]
    assert fresh_outputs.stale_notebooks(chapters[:1], kept) == []


def test_failed_notebooks_are_read_from_the_summary() -> None:
    name = "tests/book/test_notebooks.py::test_pictures_and_explorers_come_out_again"
    output = f"""FAILED book/chapters/02_features.ipynb::Cell 3
ERROR 07_cozad.ipynb::Cell 0
FAILED {name}[03_contrastive] - AssertionError: [1]
PASSED book/chapters/01_first_result.ipynb::Cell 3
"""
    assert fresh_outputs.failures(output) == {"02_features", "07_cozad", "03_contrastive"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own packages, of the last commit."""
    folder = tmp_path_factory.mktemp("packages")
    release.build_packages(ROOT, folder, when=1_000_000_000)
    return folder


def test_the_packages_hold_what_they_should(packages: Path) -> None:
    (wheel,), (source,) = packages.glob("*.whl"), packages.glob("*.tar.gz")
    names = set(archives.zip_contents(wheel))
    tops = {name.split("/")[0] for name in names}
    version = release.project_version(ROOT)
    assert tops == {"cozad_teach", "cozad_book", f"cozad_teach-{version}.dist-info"}
    assert not [name for name in names if name.endswith((".pyc", ".ipynb"))]
    with tarfile.open(source) as archive:
        held = {member.name.split("/", 1)[-1] for member in archive.getmembers()}
    assert {"pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT", "CHANGELOG.md"} <= held
    assert not [name for name in held if name.startswith(("tests", "build", "book/chapters"))]


def test_the_wheel_works_alone(packages: Path, tmp_path: Path) -> None:
    (wheel,) = packages.glob("*.whl")
    options = ["--quiet", "--no-deps", "--no-index", "--target", str(tmp_path / "site")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def run(*words: str) -> str:
        command = [sys.executable, str(tmp_path / "site/bin/cozad"), *words]
        return subprocess.check_output(command, cwd=tmp_path, env=environment, text=True)

    assert run("--version") == f"cozad-teach {release.project_version(ROOT)}\n"
    run("data", "--out", "textures")
    assert list((tmp_path / "textures").rglob("*.png"))
    code = "import cozad_book, cozad_teach; print(cozad_book.__path__[0], cozad_teach.__file__)"
    found = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True
    )
    assert all(place.startswith(str(tmp_path)) for place in found.split())


def test_the_version_has_a_section_in_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    date, text = release.section((ROOT / "CHANGELOG.md").read_text(), version)
    assert date and "### Added" in text
