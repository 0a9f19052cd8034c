"""The tools that build the book: what they promise when something is missing, changed or wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from processes import start_python

import notebooks
import vendor

import build  # isort: skip (a folder of this name would change its place)

# Fetching the browser assets, with an npm that serves one small package.

FAKE_NPM = """
import json, os, shutil, sys
if os.environ.get("FAKE_NPM_OFFLINE"):
    sys.exit("npm error code ENOTFOUND")
shutil.copy(os.environ["FAKE_NPM_ARCHIVE"], "thing-1.0.0.tgz")
print(json.dumps([{"filename": "thing-1.0.0.tgz"}]))
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    archive = tmp_path / "thing.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in {"a.js": b"a", "fonts/b.woff": b"b", "unused.js": b"c"}.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    package = {
        "integrity": f"sha512-{digest}",
        "files": {"a.js": ["x/a.js", "y/a.js"], "fonts/": ["fonts/"]},
    }
    (tmp_path / "npm.py").write_text(FAKE_NPM, encoding="utf-8")
    monkeypatch.setattr(vendor, "_npm", lambda: [sys.executable, str(tmp_path / "npm.py")])
    monkeypatch.setattr(vendor, "ASSETS", tmp_path / "assets.json")
    monkeypatch.setenv("FAKE_NPM_ARCHIVE", str(archive))

    def pin() -> None:
        plan = {"book": {"target": "out", "packages": {"thing@1.0.0": package}}}
        vendor.ASSETS.write_text(json.dumps(plan), encoding="utf-8")

    pin()
    return {"package": package, "pin": pin}


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_assets_are_fetched_once_and_then_need_no_network(
    npm: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = vendor.fetch("book", tmp_path)
    assert files(target) == [vendor.STAMP, "fonts/b.woff", "x/a.js", "y/a.js"]
    monkeypatch.setenv("FAKE_NPM_OFFLINE", "1")
    assert vendor.fetch("book", tmp_path) == target
    npm["package"]["files"]["unused.js"] = ["z.js"]
    npm["pin"]()
    with pytest.raises(vendor.VendorError, match="connect to the network once"):
        vendor.fetch("book", tmp_path)
    assert files(target) == [vendor.STAMP, "fonts/b.woff", "x/a.js", "y/a.js"]
    monkeypatch.delenv("FAKE_NPM_OFFLINE")
    vendor.fetch("book", tmp_path)
    assert "z.js" in files(target)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"integrity": "sha512-AAAA"}, "not the file that was pinned"),
        ({"files": {"gone.js": ["gone.js"]}}, r"holds no gone\.js"),
    ],
)
def test_wrong_assets_are_refused(
    npm: dict[str, Any], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    npm["package"].update(change)
    npm["pin"]()
    with pytest.raises(vendor.VendorError, match=message):
        vendor.fetch("book", tmp_path)
    assert not (tmp_path / "out").exists()


def test_what_was_not_fetched_is_never_replaced(npm: dict[str, Any], tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "slides.js").write_text("mine", encoding="utf-8")
    target = tmp_path / "out"
    target.symlink_to(own)
    with pytest.raises(vendor.VendorError, match=r"out is a link, .*: remove it \(rm "):
        vendor.fetch("book", tmp_path)
    target.unlink()
    own.rename(target)
    with pytest.raises(vendor.VendorError, match=r"was not fetched by make: move it away \(mv "):
        vendor.fetch("book", tmp_path)
    target.rename(own)
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(vendor.VendorError, match=r"is not a folder: move it away \(mv "):
        vendor.fetch("book", tmp_path)
    target.unlink()
    vendor.fetch("book", tmp_path)
    (target / vendor.STAMP).write_text("an older plan", encoding="utf-8")
    (target / "fonts" / ".git").touch()
    with pytest.raises(vendor.VendorError, match="holds a git checkout"):
        vendor.fetch("book", tmp_path)
    assert files(own) == ["slides.js"]


def test_the_wheel_brings_npm() -> None:
    assert [Path(part).name for part in vendor._npm()] in (
        ["node", "npm-cli.js"],
        ["node.exe", "npm-cli.js"],
    )


def test_pinned_assets_name_versions_and_hashes_but_no_server() -> None:
    text = vendor.ASSETS.read_text(encoding="utf-8")
    assert "://" not in text
    for group in json.loads(text).values():
        for package, parts in group["packages"].items():
            assert package.rpartition("@")[2][0].isdigit()
            assert len(base64.b64decode(parts["integrity"].removeprefix("sha512-"))) == 64


# Running notebooks.


def save(path: Path, *sources: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_environment_hides_packs_or_makes_their_path_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COZAD_PACKS", "packs")
    assert "COZAD_PACKS" not in notebooks.environment(packs=False)
    assert notebooks.environment(packs=True)["COZAD_PACKS"] == str(tmp_path.resolve() / "packs")
    monkeypatch.setenv("COZAD_PACKS", "")
    assert "COZAD_PACKS" not in notebooks.environment(packs=True)
    assert notebooks.environment(packs=True)["OMP_NUM_THREADS"] == "1"


def test_storing_twice_gives_the_same_bytes_and_never_a_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COZAD_PACKS", str(tmp_path))
    path = save(
        tmp_path / "a.ipynb",
        "import os, sys\nprint('COZAD_PACKS' in os.environ)\nprint('second')",
        "from cozad_book.explorers import frame_slider\n"
        "frame_slider(lambda f, v: f.text(0.5, 0.5, v), ['a', 'b'], alt=str, description='letter')",
    )
    assert build.main(["--store", str(path)]) == 0
    first = path.read_bytes()
    assert build.main(["--store", str(path)]) == 0
    assert path.read_bytes() == first
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[0].outputs[0].text == "False\nsecond\n"
    assert set(stored.metadata) == {"kernelspec", "language_info", "widgets"}
    assert all("execution" not in cell.metadata for cell in stored.cells)
    state = stored.metadata["widgets"][notebooks.WIDGETS]["state"]
    shown = stored.cells[1].outputs[0].data["application/vnd.jupyter.widget-view+json"]
    assert shown["model_id"] in state


def test_a_notebook_that_fails_is_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "a.ipynb", "1 / 0")
    before = path.read_bytes()
    assert build.main(["--store", str(path)]) == 2
    assert path.read_bytes() == before
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "left as it was" in error and "ZeroDivision" in error


def test_ctrl_c_is_not_taken_for_a_dead_kernel(tmp_path: Path) -> None:
    running = tmp_path / "pid"
    path = save(
        tmp_path / "a.ipynb",
        "import os, pathlib, time\npathlib.Path('pid.part').write_text(str(os.getpid()))\n"
        "os.rename('pid.part', 'pid')\ntime.sleep(60)",
    )
    before = path.read_bytes()
    with start_python([build.__file__, "--store", str(path)], tmp_path) as process:
        while not running.exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and path.read_bytes() == before
    assert said == "stopped; what was built before is left as it was\n"
    assert not psutil.pid_exists(int(running.read_text(encoding="utf-8")))


def test_fingerprint_sees_sources_and_packs_but_not_outputs(tmp_path: Path) -> None:
    (tmp_path / "cozad_teach").mkdir()
    module = tmp_path / "cozad_teach" / "a.py"
    module.write_text("x = 1", encoding="utf-8")
    path = save(tmp_path / "a.ipynb", "print(1)")
    packs = tmp_path / "packs"
    packs.mkdir()

    def now(**variables: str) -> str:
        return notebooks.fingerprint(path, variables, tmp_path)

    seen = [now()]
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="1")]
    nbformat.write(notebook, path)
    assert now() == seen[0]
    save(path, "print(2)")
    seen.append(now())
    module.write_text("x = 2", encoding="utf-8")
    seen.append(now())
    (tmp_path / "requirements.lock").write_text("a==1", encoding="utf-8")
    seen.append(now())
    (packs / "a.zip").write_bytes(b"1")
    seen.append(now(COZAD_PACKS=str(packs)))
    (packs / "a.zip").write_bytes(b"12")
    seen.append(now(COZAD_PACKS=str(packs)))
    assert len(set(seen)) == len(seen)


def test_notebooks_run_only_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    book = tmp_path / "book"
    monkeypatch.setattr(build, "BOOK", book)
    monkeypatch.setattr(build, "EXECUTED", tmp_path / "executed")
    good = save(book / "chapters" / "good.ipynb", "print(6 * 7)")
    variables = notebooks.environment(packs=False)

    def run(*paths: Path) -> list[Path]:
        return asyncio.run(build.run_notebooks(list(paths), book, variables))

    (result,) = run(good)
    assert "good.ipynb: ran in" in capsys.readouterr().out
    assert nbformat.read(result, as_version=4).cells[0].outputs[0].text == "42\n"
    assert not nbformat.read(good, as_version=4).cells[0].outputs, "the source is only read"
    assert run(good) == [result]
    assert "good.ipynb: unchanged" in capsys.readouterr().out
    kept = save(result.with_name("good.mine.ipynb"), "'a copy that a reader made'")
    save(good, "print(6 * 9)")
    bad = save(book / "chapters" / "bad.ipynb", "raise ValueError('on purpose')")
    with pytest.raises(build.BuildError, match=r"(?s)bad\.ipynb stopped.*on purpose"):
        run(bad, good)
    assert kept.is_file() and not result.exists()


def test_a_failed_build_leaves_the_older_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "html"
    target.mkdir()
    (target / "index.html").write_text("older", encoding="utf-8")
    source = tmp_path / "source"
    source.mkdir()

    def fail(*_: Any, **__: Any) -> Any:
        message = f"\x1b[91m{source}/index.md:3: WARNING: unknown document\x1b[39;49;00m"
        return subprocess.CompletedProcess([], 1, "", message)

    monkeypatch.setattr(build.subprocess, "run", fail)
    with pytest.raises(build.BuildError) as caught:
        build.build_pages(source, target)
    assert "book/index.md:3: WARNING: unknown document" in str(caught.value)
    assert "are older" in str(caught.value)
    assert files(tmp_path) == ["html/index.html"]


@pytest.mark.parametrize("place", ["folder", "link", "checkout", "file"])
def test_pages_replace_only_pages_of_this_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    site, target = tmp_path / "site", tmp_path / "out"
    site.mkdir()
    (site / "thesis.html").write_text("mine", encoding="utf-8")
    if place == "checkout":
        (site / ".git").mkdir()
        monkeypatch.setattr(build, "CHECKED", target)
    if place == "link":
        target.symlink_to(site)
    else:
        site.rename(target)
        site = target
    if place == "file":
        target = site / "thesis.html"
    before = files(tmp_path)
    assert build.main(["--check", "--out", str(target)]) == 2
    said = {"folder": "is not empty: give --out a new folder", "link": "is a link, which make"}
    said |= {"checkout": "holds a git checkout: move that", "file": "is not a folder: move it"}
    error = capsys.readouterr().err
    assert error.startswith(f"error: {target} {said[place]}") and error.count("\n") == 1
    assert files(tmp_path) == before
    assert (site / "thesis.html").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["_build", "_build/html", "_build/executed"])
def test_nothing_is_built_behind_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    book, elsewhere = tmp_path / "book", tmp_path / "elsewhere"
    (book / name).parent.mkdir(parents=True)
    for file in ("source/a.md", "html/a.html", "executed/chapters/01_a.mine.ipynb"):
        (elsewhere / file).parent.mkdir(parents=True)
        (elsewhere / file).write_text("mine", encoding="utf-8")
    (book / name).symlink_to(elsewhere)
    for constant, folder in {"BOOK": "", "BUILD": "_build", "EXECUTED": "_build/executed"}.items():
        monkeypatch.setattr(build, constant, book / folder)
    before = files(elsewhere)
    assert build.main([]) == 2
    assert "a link, which make" in capsys.readouterr().err
    assert files(elsewhere) == before


# nbval over the notebooks, as anyone types it.


def test_nbval_forgives_rounding_alone_and_hides_packs(check_notebook: Any, tmp_path: Path) -> None:
    # That it ends with 0 where all pass, `test_kernel_start.py` asks.
    code = "import os\nprint(1 + 1 + ('COZAD_PACKS' in os.environ), 0.731)"
    stored = {
        "2 0.731\n": "passes",
        "2 0.732\n": "passes",  # as another processor may round it
        "2 0.733\n": "fails",
        "3 0.731\n": "fails",
    }
    variables = {**os.environ, "COZAD_PACKS": str(tmp_path)}
    result = check_notebook(variables, *((code, output) for output in stored))
    assert result.returncode == 1 and "2 failed, 2 passed" in result.stdout, result.stdout
    failed = re.findall(r"^FAILED \S+::Cell (\d)", result.stdout, re.M)
    assert [[*stored.values()][int(number)] for number in failed] == ["fails", "fails"]
