"""Write a release of the committed tree to build/release/VERSION, whole or not at all.

``release.py``            all that is published: packages, pages, what teachers hand out
``release.py --allowed``  only say whether this tree may be released, before anything is built
``--draft``               let pass what the publisher still has to fill in
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import archives
import fresh_outputs
import notebooks
from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_folder, only_writer

sys.path.append(str(notebooks.BOOK / "_ext"))

import edition

ROOT = notebooks.ROOT
ABOUT = "release.json"
# What other commands make, where they put it, and its name in the release.
MADE = {
    "check-book": ("book/_build/check", "book-{version}.zip"),
    "pdf": ("build/cozad-book.pdf", "book-{version}.pdf"),
    "student": ("build/student.zip", "student-{version}.zip"),
    "slides": ("build/slides", "slides-{version}.zip"),
}


def git(root: Path, *words: str) -> str:
    """Ask git; an empty answer if it fails."""
    run = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    return run.stdout.strip() if run.returncode == 0 else ""


def project_version(root: Path) -> str:
    """Read the version from pyproject.toml."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def section(changelog: str, version: str) -> tuple[str, str]:
    """Give the date and the text of a version in a CHANGELOG; both empty if it is not there."""
    pattern = rf"^## \[{re.escape(version)}\] - (\S+)\n(.*?)(?=^## |^\[[^]]+\]: |\Z)"
    found = re.search(pattern, changelog, re.M | re.S)
    return (found[1], found[2].strip()) if found else ("", "")


def require_clean(root: Path) -> str:
    """Give the commit that the tree is."""
    commit = git(root, "rev-parse", "HEAD")
    if not commit:
        raise CozadError(f"{root} is no git checkout: a release is made of a commit, so clone it")
    if changed := git(root, "status", "--porcelain").splitlines():
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        names = ", ".join(line.split(maxsplit=1)[1] for line in changed[:3])
        raise CozadError(
            f"the tree has changes that no commit holds ({names}{more}): commit or stash them"
        )
    return commit


def require_filled(root: Path, version: str, draft: bool) -> None:
    """Refuse what the publisher still has to fill in; of a draft only say it."""
    date, text = section((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if not text:
        raise CozadError(
            f"CHANGELOG.md says nothing of version {version}, that of pyproject.toml: write a"
            f" section that begins with ## [{version}] - and the date"
        )
    missing = edition.placeholders((root / "CITATION.cff").read_text(encoding="utf-8"))
    problems = []
    if missing:
        problems.append(f"CITATION.cff has placeholders ({', '.join(missing)}): fill them in")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        problems.append(f"CHANGELOG.md has no date for {version}: put it in place of {date}")
    if problems and not draft:
        raise CozadError(f"{'; '.join(problems)}; or make a draft: make release DRAFT=1")
    for problem in problems:
        print(f"draft: {problem}")


def require_free(root: Path, version: str, commit: str) -> None:
    """Refuse a version that stands for another commit, and to replace what a person has changed."""
    remedy = "raise the version in pyproject.toml, cozad_teach/__init__.py and CITATION.cff"
    tagged = git(root, "rev-parse", "--verify", "--quiet", f"v{version}^{{commit}}")
    if tagged not in ("", commit):
        raise CozadError(f"the tag v{version} is of another commit, {tagged[:10]}: {remedy}")
    folder = root / "build" / "release" / version
    if not os.path.lexists(folder):
        return
    away = f"move it away (mv -n {folder} {folder}.old)"
    if folder.is_symlink() or not (folder / ABOUT).is_file():
        raise CozadError(f"{folder} is no release that was made here: {away}")
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    if about["commit"] != commit and not about["draft"]:
        raise CozadError(
            f"{folder} is a release of another commit, {about['commit'][:10]}: {remedy}, or, if"
            f" nobody has it yet, {away}"
        )
    if (folder / "SHA256SUMS").read_text(encoding="utf-8") != archives.sums(folder):
        raise CozadError(f"{folder} is not as it was made, somebody changed a file in it: {away}")


def build_packages(root: Path, target: Path, when: int) -> None:
    """Build the source distribution from the commit, and the wheel from that."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = subprocess.run(
            ["git", "-C", str(root), "archive", "HEAD"], stdout=subprocess.PIPE, check=True
        )
        (folder / "tree").mkdir()
        subprocess.run(["tar", "-x", "-C", str(folder / "tree")], input=tree.stdout, check=True)
        (source,) = run_backend("sdist", folder / "tree", folder / "sdist", when)
        archives.repack_tar(source, target / source.name, when)
        shutil.unpack_archive(target / source.name, folder / "source", filter="data")
        (unpacked,) = (folder / "source").iterdir()
        (wheel,) = run_backend("wheel", unpacked, folder / "wheel", when)
        archives.write_zip(target / wheel.name, archives.zip_contents(wheel), when)


def run_backend(kind: str, source: Path, target: Path, when: int) -> list[Path]:
    """Have setuptools of this environment build a package; no network is asked."""
    target.mkdir()
    program = f"import sys, setuptools.build_meta as b; b.build_{kind}(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", program, str(target)],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(when)},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise CozadError(f"no {kind} was built, setuptools says why:\n{run.stderr[-2000:]}")
    return list(target.iterdir())


def collect(root: Path, target: Path, version: str, when: int) -> None:
    """Take what other commands have made; say plainly what is not there."""
    for command, (place, name) in MADE.items():
        source, to = root / place, target / name.format(version=version)
        if source.is_dir():
            archives.write_zip(to, archives.contents(source), when)
        elif source.suffix == ".zip" and source.is_file():
            archives.write_zip(to, archives.zip_contents(source), when)
        elif source.is_file():
            shutil.copyfile(source, to)
        else:
            print(f"not in this release: {to.name} ({place} is not there; make {command})")


def notes(root: Path, version: str, commit: str, names: list[str]) -> str:
    """Write the release notes: the section of the CHANGELOG, and what is in the release."""
    date, text = section((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    files = "\n".join(f"- `{name}`" for name in names)
    return (
        f"# CoZAD, step by step {version} ({date})\n\n{text}\n\n### Files\n\n{files}\n\n"
        f"Built from commit {commit}. To check them: `sha256sum --check SHA256SUMS`.\n"
    )


def make_release(root: Path, draft: bool) -> Path:
    """Write the release of a tree that may be released."""
    version, commit = project_version(root), git(root, "rev-parse", "HEAD")
    when = int(git(root, "log", "-1", "--format=%ct"))
    folder = root / "build" / "release" / version
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        build_packages(root, made, when)
        collect(root, made, version, when)
        text = notes(root, version, commit, sorted(p.name for p in made.iterdir()))
        (made / "NOTES.md").write_text(text, encoding="utf-8")
        about = {"version": version, "commit": commit, "draft": draft}
        (made / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        (made / "SHA256SUMS").write_text(archives.sums(made), encoding="utf-8")
        # `require_free` knows all that is in an older one.
        with only_writer(folder), atomic_folder(folder, replace=True) as whole:
            shutil.copytree(made, whole)
    return folder


def main(arguments: list[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--allowed", action="store_true", help="build nothing")
    parser.add_argument("--draft", action="store_true", help="let placeholders pass")
    options = parser.parse_args(arguments)
    version, commit = project_version(ROOT), require_clean(ROOT)
    require_filled(ROOT, version, options.draft)
    require_free(ROOT, version, commit)
    if stale := fresh_outputs.stale_notebooks(notebooks.notebook_paths()):
        names = " ".join(str(path.relative_to(ROOT)) for path in stale)
        raise CozadError(
            f"stored outputs are not what the cells give now: store them anew and commit them"
            f" (.venv/bin/python book/_tools/build.py --store {names})"
        )
    if not options.allowed:
        folder = make_release(ROOT, options.draft)
        print((folder / "SHA256SUMS").read_text(encoding="utf-8"), end="")
        print(f"the release is in {os.path.relpath(folder)}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("release", lambda: main(sys.argv[1:])))
