"""pyproject.toml, requirements.lock, environment.yml, Makefile and CITATION.cff tell one story."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import cozad_teach
import set_up

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
CONDA_NAMES = {"pytorch": "torch"}  # conda-forge's name -> the name in pyproject.toml
PYTHONS = [f"3.{minor}" for minor in range(11, 15)]


def requirements() -> dict[str, Requirement]:
    """Every requirement of pyproject.toml, extras included, by canonical name."""
    texts = list(PROJECT["dependencies"])
    texts += [text for extra in PROJECT["optional-dependencies"].values() for text in extra]
    return {canonicalize_name(Requirement(text).name): Requirement(text) for text in texts}


def locked() -> list[tuple[Requirement, list[str]]]:
    """Each entry of the lock with its SHA-256 hashes."""
    entries = re.split(r"\n(?=\S)", "\n".join(x for x in LOCK.splitlines() if x[:1] != "#").strip())
    result = []
    for entry in entries:
        pin, *hashes = entry.replace("\\\n", "").split(" --hash=")
        result.append((Requirement(pin.strip()), [text.strip() for text in hashes]))
    return result


def conda_environment() -> tuple[dict[str, SpecifierSet], dict[str, SpecifierSet]]:
    """The conda packages and the pip packages of environment.yml, under pyproject's names."""
    conda, pip = {}, {}
    for item in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]:
        if isinstance(item, dict):
            found = [Requirement(text) for text in item["pip"] if not text.startswith("--editable")]
            pip = {canonicalize_name(entry.name): entry.specifier for entry in found}
        else:
            name, _, version = item.partition(" ")
            conda[CONDA_NAMES.get(name, name)] = SpecifierSet(version)
    return conda, pip


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def locked_versions() -> dict[str, str]:
    return {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin, _ in locked()}


def test_conda_names_the_same_packages_from_the_same_versions_on() -> None:
    conda, pip = conda_environment()
    assert not set(conda) & set(pip)
    found = {
        name: SpecifierSet(",".join(str(s) for s in specifiers if s.operator != "<"))
        for name, specifiers in {**conda, **pip}.items()
    }
    assert found.pop("python") == SpecifierSet(PROJECT["requires-python"])
    wanted = {name: requirement.specifier for name, requirement in requirements().items()}
    assert found == wanted


def test_conda_takes_no_major_version_after_the_locked_one() -> None:
    conda, pip = conda_environment()
    python = conda.pop("python")
    assert python == SpecifierSet(set_up.PYTHONS)
    assert all(python.contains(f"{version}.1") for version in PYTHONS)
    for name, specifiers in {**conda, **pip}.items():
        if [s.operator for s in specifiers] == ["=="]:
            continue
        locked_version = locked_versions()[name]
        (below,) = (s.version for s in specifiers if s.operator == "<")
        assert specifiers.contains(locked_version), name
        assert below == str(Version(locked_version).major + 1), name


def test_conda_sets_what_the_makefile_sets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    exported = re.search(r"^export ((?:\w+ ?)+)$", makefile, re.MULTILINE)
    assert exported
    wanted = {
        name: re.search(rf"^{name} \?= (.+)$", makefile, re.MULTILINE)[1]  # type: ignore[index]
        for name in exported[1].split()
    }
    assert len(wanted) == 3
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["variables"] == wanted


def test_conda_environment_names_one_channel_and_installs_the_package() -> None:
    text = (ROOT / "environment.yml").read_text()
    environment = yaml.safe_load(text)
    assert environment["channels"] == ["conda-forge"]
    assert "--editable ." in environment["dependencies"][-1]["pip"]
    assert "://" not in text


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_pins_every_requirement(python: str) -> None:
    machine = {"python_version": python, "python_full_version": f"{python}.1"}
    machine |= {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    machine |= {"os_name": "posix", "implementation_name": "cpython", "extra": ""}

    def holds(marker: Marker | None) -> bool:
        return marker is None or marker.evaluate(machine)

    pins: dict[str, str] = {}
    for pin, _ in locked():
        if holds(pin.marker):
            assert canonicalize_name(pin.name) not in pins, f"{pin.name} is pinned twice"
            (specifier,) = pin.specifier
            pins[canonicalize_name(pin.name)] = specifier.version
    for name, requirement in requirements().items():
        if holds(requirement.marker):
            assert requirement.specifier.contains(pins[name], prereleases=True), requirement


def test_lock_entries_are_exact_and_hashed() -> None:
    entries = locked()
    assert len(entries) > 150
    for pin, hashes in entries:
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", text) for text in hashes), pin


def test_lock_says_how_it_was_made_and_names_no_index_or_host() -> None:
    assert LOCK.startswith('# Made by "make lock"')
    options = re.findall(r"^\s*(--?\w[\w-]*)", LOCK, re.MULTILINE)
    assert set(options) == {"--hash"}
    assert not re.search(r"://|www\.|\b[\w-]+\.(com|org|net|io|dev)\b|@", LOCK)


def imported_packages() -> set[str]:
    """Top-level names that the package's modules import, standard library left out."""
    names = set()
    for path in (ROOT / "cozad_teach").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"cozad_teach"}


def test_every_import_of_the_package_is_a_declared_dependency() -> None:
    distributions = {
        "PIL": "pillow",
        "skimage": "scikit-image",
        "sklearn": "scikit-learn",
        "yaml": "pyyaml",
    }
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    # Extras of their own, which the one command that needs each asks for by name.
    extras = [PROJECT["optional-dependencies"][name] for name in ("demo", "scale")]
    declared |= {canonicalize_name(Requirement(text).name) for text in chain(*extras)}
    needed = {canonicalize_name(distributions.get(name, name)) for name in imported_packages()}
    assert needed <= declared


def test_makefile_has_the_promised_targets() -> None:
    promised = {"book", "test", "lab", "serve", "clean", "distclean", "lock", "lint", "help"}
    assert promised <= targets()
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in promised:
        assert re.search(rf"^  make {target} +\S", listed.stdout, re.MULTILINE), target


DOCUMENTS = ["README.md", "CONTRIBUTING.md", "Makefile", "environment.yml"]
DOCUMENTS += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("book/[!_]*/*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_the_documents_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    code = [*re.findall(r"`([^`\n]+)`", text), *"\n".join(blocks).splitlines()]
    named = {match for line in code for match in re.findall(r"\bmake ([a-z-]+)", line)}
    assert named <= targets()
    for script in re.findall(r"book/_tools/\w+\.py", text):
        assert (ROOT / script).is_file(), script


def test_pictures_and_links_of_the_readme_are_there() -> None:
    places = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / "README.md").read_text())
    assert len(places) > 20
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert 0 < text.index("make book") < text.index("make test")


def test_ci_runs_make_test_and_finds_the_packs(tmp_path: Path) -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    repository = tmp_path / "repository"
    (repository / ".ci").mkdir(parents=True)
    (repository / ".ci/run").write_text(script.read_text())
    (tmp_path / "make").write_text('#!/bin/sh\necho "$*" "${COZAD_PACKS-unset}" "$PWD"\n')
    (tmp_path / "make").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    clean = {key: value for key, value in os.environ.items() if key != "COZAD_PACKS"}

    def run(**variables: str) -> str:
        command = ["bash", str(repository / ".ci/run")]
        environment = {**clean, "PATH": path, **variables}
        return subprocess.check_output(command, cwd="/", env=environment, text=True).strip()

    assert run() == f"test unset {repository}"
    (tmp_path / "shared/packs").mkdir(parents=True)
    assert run() == f"test {tmp_path}/shared/packs {repository}"
    assert run(COZAD_PACKS="elsewhere") == f"test elsewhere {repository}"


def test_citation_has_what_version_1_2_0_requires() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["version"] == PROJECT["version"] == cozad_teach.__version__
    assert citation["type"] in ("software", "dataset")
    (paper,) = citation["references"]
    assert {"type", "title", "authors"} <= set(paper)
    assert [who["family-names"] for who in paper["authors"]] == [
        "Aqeel",
        "Skočaj",
        "Cristani",
        "Setti",
    ]
    assert "arXiv:2508.17827" in [entry["value"] for entry in paper["identifiers"]]


def test_licences_are_named_where_they_apply() -> None:
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
    assert PROJECT["license-files"] == ["LICENSE", "LICENSE-TEXT"]
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    text = (ROOT / "LICENSE-TEXT").read_text()
    assert "https://creativecommons.org/licenses/by/4.0/\n" in text
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text
