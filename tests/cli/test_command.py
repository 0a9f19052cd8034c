"""Commands print in any terminal, and a run that is finished does not fail while it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cozad_teach.cli.endings import plain, run_command
from cozad_teach.cli.main import main
from cozad_teach.errors import CozadError, LeakError

PRINTS = """
import sys
from cozad_teach.cli.endings import run_command
def run():
    for _ in range(20_000):
        print("image AUROC – 0.5 (λ0 × ±2 ≤ 3) Größe 孔")
    print("done", file=sys.stderr)
    return 0
sys.exit(run_command("cozad", run))
"""
ASCII_LINE = "image AUROC - 0.5 (lambda0 x +/-2 <= 3) Grosse "


def shell(command: str, code: str = PRINTS, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run `code` in a shell, where it is called "$run"."""
    environment = {**os.environ, "run": code, "PYTHON": sys.executable, **variables}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, env=environment
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "cp1252", "utf-8"])
def test_signs_that_a_terminal_lacks_are_written_otherwise(encoding: str) -> None:
    run = shell('"$PYTHON" -c "$run"', PYTHONIOENCODING=encoding)
    assert run.returncode == 0, run.stderr
    line = run.stdout.decode(encoding).splitlines()[0]
    assert line.startswith("image AUROC ") and "0.5" in line
    if encoding == "utf-8":
        assert line == "image AUROC – 0.5 (λ0 × ±2 ≤ 3) Größe 孔"
    if encoding == "ascii":
        assert line == ASCII_LINE + "\\u5b54"
    if encoding in ("latin-1", "cp1252", "cp437"):
        assert "Größe" in line and "±2" in line and "\\u5b54" in line


@pytest.mark.parametrize(
    "pipe",
    [
        '"$PYTHON" -c "$run" | head -1 >/dev/null',
        '"$PYTHON" -c "$run" 2>&1 | head -1 >/dev/null',
        '"$PYTHON" -c "$run" | true',
        '"$PYTHON" -c "$run" >&-',
        '"$PYTHON" -c "$run" >/dev/null 2>&-',
        '"$PYTHON" -c "$run" >&- 2>&-',
    ],
)
def test_where_nobody_reads_it_is_quiet_and_goes_on(pipe: str) -> None:
    run = shell(pipe)
    assert run.returncode == 0
    assert run.stderr in (b"", b"done\n")


def test_a_reader_that_goes_away_does_not_stop_the_work(tmp_path: Path) -> None:
    """A bar that nobody sees any more must not cost a training."""
    code = """
import sys, time
from pathlib import Path
from tqdm import tqdm
from cozad_teach.cli.endings import run_command
def run():
    for _ in tqdm(range(300), mininterval=0):
        print("a line")
    Path("finished").touch()
    return 0
sys.exit(run_command("cozad", run))
"""
    command = f'cd "{tmp_path}"; "$PYTHON" -c "$run" 2>&1 | head -1 >/dev/null'
    run = shell(command, code, PYTHONPATH=str(Path(__file__).parents[2]))
    assert (run.returncode, run.stderr) == (0, b"")
    assert (tmp_path / "finished").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_behind_the_output_is_one_sentence() -> None:
    run = shell('"$PYTHON" -c "$run" >/dev/full')
    assert run.returncode == 0
    assert run.stderr == (b"done\ncozad: not all could be printed: No space left on device\n")


@pytest.mark.parametrize("arguments", ["--help", "evaluate --help", "results", "doctor"])
def test_the_command_itself_behind_head(arguments: str) -> None:
    code = "import sys; from cozad_teach.cli.main import main; sys.exit(main(sys.argv[1:]))"
    run = shell(f'"$PYTHON" -c "$run" {arguments} | head -1', code, PYTHONIOENCODING="ascii")
    assert run.returncode in (0, 2)
    assert len(run.stdout.splitlines()) == 1
    assert b"Traceback" not in run.stderr and b"Exception" not in run.stderr, run.stderr


def printed(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    def run() -> int:
        print(text)
        return 0

    assert run_command("cozad", run) == 0
    return capsys.readouterr().out


def test_what_would_command_a_terminal_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("a\x1b[31mb\x07\r\x9bc\u202e\u200b\udcff\td\n\ne", capsys) == (
        "a\\x1b[31mb\\x07\\r\\x9bc\\u202e\\u200b\\udcff\td\n\ne\n"
    )
    assert printed("défaut 孔 – λ", capsys) == "défaut 孔 – λ\n"

    def fail() -> int:
        raise CozadError("the category \x1b[2J is empty: remove it")

    assert run_command("cozad", fail) == 2
    assert capsys.readouterr().err == "cozad: error: the category \\x1b[2J is empty: remove it\n"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("– — − × ± ≤ ≥ … ’", "ascii", "- - - x +/- <= >= ... '"),
        ("γ κ λ Σ τ √", "ascii", "gamma kappa lambda Sigma tau sqrt"),
        ("é ß ö ﬁ", "ascii", "e ss o fi"),
        ("孔😀", "ascii", "\\u5b54\\U0001f600"),
        ("– é", "latin-1", "- é"),
        ("– é", "utf-8", "– é"),
    ],
)
def test_plain(text: str, encoding: str, expected: str) -> None:
    assert plain(text, encoding) == expected


def test_every_ending_has_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    def raising(error: BaseException):
        def run() -> int:
            raise error

        return run

    assert run_command("x", lambda: 0) == 0
    assert run_command("x", raising(CozadError("a: b"))) == 2
    assert run_command("x", raising(LeakError("a: b"))) == 3
    assert run_command("x", raising(KeyboardInterrupt())) == 130
    assert run_command("x", raising(OSError(28, "No space", "/tmp"))) == 2
    with pytest.raises(SystemExit):
        run_command("x", raising(SystemExit(2)))
    assert capsys.readouterr().err.splitlines() == [
        *("x: error: a: b", "x: error: a: b", "x: stopped; nothing half-written is left behind"),
        "x: error: the system says: [Errno 28] No space: '/tmp'",
    ]


def test_streams_come_back_as_they_were() -> None:
    before = sys.stdout, sys.stderr
    run_command("x", lambda: 0)
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize(
    "words", ["bench", "demo", "doctor", "results", "grade FOLDER --out GRADES.csv"]
)
def test_a_command_of_the_book_says_so_where_it_is_not_installed(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())
    command, *_ = words.split()
    assert main(words.split()) == 2
    assert capsys.readouterr().err == (
        f"cozad: error: cozad {command} is part of the book: run make setup in its folder\n"
    )
