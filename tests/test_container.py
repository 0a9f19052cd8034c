"""The container, its development stage and the workflows say what the project says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def instructions(text: str = CONTAINERFILE) -> list[tuple[str, str]]:
    """The instructions with their words, without comments, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = [line.split(maxsplit=1) for line in whole.splitlines() if line.strip()]
    return [(name, words.strip()) for name, words in pairs]


def stages() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for name, words in instructions():
        if name == "FROM":
            _, _, alias = words.partition(" AS ")
            found[stage := alias or "final"] = []
        found[stage].append((name, words))
    return found


def test_the_last_stage_runs_as_a_user_without_rights() -> None:
    final = stages()["final"]
    users = [words for name, words in final if name == "USER"]
    assert users == ["1000:1000"]
    after = final[final.index(("USER", users[0])) :]
    assert not {name for name, _ in after} & {"RUN", "COPY", "ADD"}
    assert re.search(r"useradd --uid 1000 .*\breader$", dict(stages()["base"])["RUN"])
    assert not re.search(r"sudo|--privileged|chmod 777", CONTAINERFILE)


def test_what_is_installed_is_what_the_lock_pins() -> None:
    runs = [words for name, words in stages()["build"] if name == "RUN"]
    assert len(runs) == 1 and "python3 book/_tools/set_up.py" in runs[0]
    assert not re.search(r"\bpip3? install|uv pip|curl|wget", CONTAINERFILE)
    bases = {words.split()[0] for name, words in instructions() if name == "FROM"} - {"base"}
    (base,) = bases
    python = re.fullmatch(r"docker\.io/library/python:(\d\.\d+)-slim-bookworm", base)
    assert python is not None
    assert f"for Python {python[1]} and later" in (ROOT / "requirements.lock").read_text()


def test_variables_are_those_of_make_lab() -> None:
    makefile = (ROOT / "Makefile").read_text()
    variables = dict(re.findall(r"(\w+)=(\d+)", dict(stages()["base"])["ENV"]))
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        assert re.search(rf"^{name} \?= {variables[name]}$", makefile, re.M)
    assert f"lab: export OMP_NUM_THREADS = {variables['OMP_NUM_THREADS']}\n" in makefile


def test_files_that_it_names_are_there_and_get_into_the_image() -> None:
    final = dict(stages()["final"])
    command = json.loads(final["CMD"])
    assert command[:2] == ["python", "book/_tools/lab.py"]
    assert json.loads(final["HEALTHCHECK"].partition(" CMD ")[2])[0] == "python"
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(row for row in rules if not row.startswith("#")) == "*"
    let_in = {row[1:] for row in rules if row.startswith("!")}
    assert all((ROOT / name).exists() for name in let_in)
    assert {"book", "cozad_teach", "pyproject.toml", "requirements.lock", "README.md"} <= let_in
    for name in re.findall(r"/opt/cozad/([\w/]+)", final["VOLUME"]):
        assert name == "build" or (ROOT / name).is_dir()


def test_it_listens_beyond_itself_only_where_the_port_is_published_to_this_machine() -> None:
    assert "--publish 127.0.0.1:8888:8888" in CONTAINERFILE
    assert "token" not in dict(stages()["final"])["CMD"]  # JupyterLab's own stays on


def test_the_development_container_is_a_stage_with_what_make_needs() -> None:
    data = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    build = data["build"]
    assert (ROOT / ".devcontainer" / build["dockerfile"]).resolve() == ROOT / "Containerfile"
    installs = dict(stages()[build["target"]])["RUN"]
    assert {"git", "make", "chromium"} <= set(installs.split())
    assert data["remoteUser"] == "reader" and data["postCreateCommand"] == "make setup"


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_need_no_secret_and_pin_their_actions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert "secrets." not in text
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+(\.\d+)*", name) for name in used)
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_targets_that_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = "\n".join(step.get("run", "") for step in steps(yaml.safe_load(path.read_text())))
    named = set(re.findall(r"^make ([a-z-]+)$", commands, re.M))
    assert named and named <= targets


def test_only_a_tag_of_the_version_is_released() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads "on" as true
    commands = [step.get("run", "") for step in workflow["jobs"]["release"]["steps"]]
    check = next(i for i, text in enumerate(commands) if "GITHUB_REF_NAME#v" in text)
    assert commands.index("make setup") < check < commands.index("make release")
