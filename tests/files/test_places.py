"""No result over an input, none where it is no file, and one writer at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from processes import start_python

from cozad_teach.cli.main import main
from cozad_teach.data.drawn.textures import write_dataset
from cozad_teach.errors import CozadError
from cozad_teach.files.places import check_place, check_target
from cozad_teach.files.writing import PART, atomic_folder, atomic_write, only_writer

COMMAND = "import sys; from cozad_teach.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A folder as a user has it: data, a model, weights, a list of copies and a letter."""
    folder = tmp_path / "user"
    write_dataset(folder / "set", ["knit_wool"], 1, 1, 1, seed=0, size=(32, 48))
    for name in (
        "model.safetensors",
        "weights.pth",
        "copies.json",
        "letter.txt",
        "set.zip",
        "a.checkpoint",
    ):
        (folder / name).write_bytes(f"the {name}".encode() * 9)
    (folder / "link").symlink_to("letter.txt")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "link to set").symlink_to("set")
    os.link(folder / "model.safetensors", folder / "the same model")
    os.mkfifo(folder / "pipe")
    return folder


def contents(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else "something else"
        for path in sorted(folder.rglob("*"))
    }


TRAIN = ["train", "--weights", "weights.pth"]
EVALUATE = ["evaluate", "--model", "model.safetensors", "--weights", "weights.pth"]
ON_SET = [*EVALUATE, "--data", "set", "--once", "copies.json"]
PREDICT = ["predict", "--model", "model.safetensors", "--weights", "weights.pth", "--images"]
IS_READ = "which is read: give another place with --out"
OUTPUTS: dict[str, tuple[list[str], str, str]] = {
    "the model": (ON_SET, "model.safetensors", IS_READ),
    "the model under another name": (ON_SET, "the same model", IS_READ),
    "the model by a detour": (ON_SET, "set/../model.safetensors", IS_READ),
    "the model, through a folder that is not there": (
        *(ON_SET, "missing/../model.safetensors", IS_READ),
    ),
    "a letter, through a folder that is not there": (
        *(ON_SET, "missing/../letter.txt", "is no result of this command"),
    ),
    "a link, through a folder that is not there": (ON_SET, "missing/../link", "link is a link"),
    "what is no checkpoint": (TRAIN, "a", "a.checkpoint is there already and is no result of"),
    "the list of copies": (ON_SET, "copies.json", IS_READ),
    "the weights": (TRAIN, "weights.pth", IS_READ),
    "weights by a full path": (TRAIN, "FOLDER/weights.pth", IS_READ),
    "in the data": (ON_SET, "set/report.json", IS_READ),
    "deep in the data": (ON_SET, "set/knit_wool/new/report.json", IS_READ),
    "in the data by a link": (ON_SET, "link to set/report.json", IS_READ),
    "the data": (ON_SET, "set", IS_READ),
    "a letter, by evaluate": (ON_SET, "letter.txt", "is no result of this command"),
    "a letter, by train": (TRAIN, "letter.txt", "is no result of this command"),
    "a photograph, by train": (TRAIN, "set/knit_wool/train/good/000.png", "is no result of this"),
    "a model, by evaluate": ([*EVALUATE, "--data", "set"], "weights.pth", IS_READ),
    "a link": (ON_SET, "link", "link is a link: give the place that it leads to"),
    "a link to nothing": (ON_SET, "dangling", "dangling is a link: give the place that it leads"),
    "a pipe": (ON_SET, "pipe", "pipe is a pipe or a device: give the name of a file"),
    "the null device": (TRAIN, "/dev/null", "/dev/null is a pipe or a device: give the name of a"),
    "the output of the shell": (TRAIN, "/dev/stdout", "is a link"),
    "a name that is too long": (TRAIN, "x" * 300, "File name too long"),
    "below a file": (TRAIN, "letter.txt/model", "cannot write letter.txt/model: Not a directory"),
    "over its images": ([*PREDICT, "set"], "set", IS_READ),
    "among its images": ([*PREDICT, "set"], "set/maps", IS_READ),
    "among its images, by a link": ([*PREDICT, "set"], "link to set/maps", IS_READ),
    "among images that it reaches by a link": ([*PREDICT, "link to set"], "set/maps", IS_READ),
    "where the maps of a folder of one name fall": ([*PREDICT, "set"], "FOLDER/set", IS_READ),
    "a pipe, by predict": ([*PREDICT, "set"], "pipe", "pipe is a file: give a folder with --out"),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_nothing_of_the_users_is_replaced(
    user: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """Told before any work, in one sentence, and all is as it was."""
    command, out, words = OUTPUTS[case]
    before = contents(user)
    monkeypatch.chdir(user)
    assert main([*command, "--out", out.replace("FOLDER", str(user))]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cozad: error: ") and words in line
    assert contents(user) == before


def test_results_of_predict_do_not_fall_on_its_images(user: Path, tmp_path: Path) -> None:
    """`photos/photos/0.png` would be drawn to `photos/0.png.overlay.png`, beside photographs."""
    from cozad_teach.data.folders import list_images
    from cozad_teach.models.prediction import check_overlays

    (user / "photos" / "photos").mkdir(parents=True)
    picture = user / "set/knit_wool/train/good/000.png"
    (user / "photos" / "photos" / "0.png").write_bytes(picture.read_bytes())
    files = list_images(user / "photos").images
    with pytest.raises(CozadError, match=r"is, or lies in, .*photos, which is read"):
        check_overlays(files, user, [user / "photos"])
    assert check_overlays(files, user / "maps", [user / "photos"]) == {user / "maps" / "photos"}
    precious = user / "maps" / "photos" / "0.png.overlay.png"
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"mine")
    with pytest.raises(CozadError, match="is there already and is no result of this command"):
        check_overlays(files, user / "maps", [user / "photos"])


def test_an_older_result_and_an_empty_file_may_be_replaced(tmp_path: Path) -> None:
    older, empty = tmp_path / "older", tmp_path / "empty"
    older.write_text("a result")
    empty.touch()
    for place in (older, empty, tmp_path / "new"):
        check_target(place, ours=lambda path: path.read_text() == "a result")
    with pytest.raises(CozadError, match="is no result of this command"):
        check_place(older, ours=lambda path: False)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "older"]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    target = tmp_path / "new" / "model"
    with only_writer(target):
        code = (
            "import sys; from cozad_teach.files.writing import only_writer\n"
            "from cozad_teach.cli.endings import run_command\n"
            "def run():\n    with only_writer(sys.argv[1]): return 0\n"
            "sys.exit(run_command('x', run))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, str(target)], capture_output=True, text=True
        )
        assert run.returncode == 2
        assert (
            "another command is writing" in run.stderr and "model: wait for its end" in run.stderr
        )
        with only_writer(target.with_name("other")):
            pass
    assert list(target.parent.iterdir()) == []
    with only_writer(target):
        pass


def test_two_trainings_with_one_name(tmp_path: Path) -> None:
    """The second is told, the first goes on undisturbed."""
    code = """
        import sys, time
        from cozad_teach.models import train as training
        from cozad_teach.cli.main import main
        def wait(*_, **__):
            print("training", file=sys.stderr, flush=True)
            time.sleep(600)
        training.train = wait
        sys.exit(main(["train", "--out", sys.argv[1]]))
    """
    arguments = ["-c", textwrap.dedent(code), str(tmp_path / "m.safetensors")]
    with start_python(arguments, tmp_path) as first:
        assert first.stderr is not None
        assert first.stderr.readline() == "training\n"
        second = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
        assert second.returncode == 2
        assert second.stderr.startswith("cozad: error: another command is writing ")
        assert first.poll() is None
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
    assert first.returncode == 130
    assert list(tmp_path.iterdir()) == []


KILLED = """
    import sys, time
    from pathlib import Path
    from cozad_teach.files.writing import atomic_folder, atomic_write, only_writer
    place = Path(sys.argv[1])
    with only_writer(place / "a"), atomic_write(place / "a") as a, atomic_folder(place / "b") as b:
        a.write_bytes(b"half")
        b.mkdir()
        (b / "file").touch()
        print("now", flush=True)
        time.sleep(600)
"""


def start_writer(folder: Path) -> subprocess.Popen[str]:
    process = start_python(["-c", textwrap.dedent(KILLED), str(folder)], folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    return process


def test_what_a_killed_writer_left_is_cleared_and_what_a_living_one_writes_is_not(
    tmp_path: Path,
) -> None:
    with start_writer(tmp_path) as killed:
        killed.kill()
    left = sorted(path for path in tmp_path.iterdir() if path.name.endswith(PART))
    assert len(left) == 2
    (tmp_path / f".mine{PART}").mkdir()  # by its name a leftover, and nobody holds it
    (tmp_path / "mine").touch()
    with start_writer(tmp_path) as living:
        assert not set(left) & set(tmp_path.iterdir())
        writing = {path for path in tmp_path.iterdir() if path.name.endswith(PART)}
        assert len(writing) == 2
        with only_writer(tmp_path / "c"), atomic_write(tmp_path / "c") as file:
            file.write_text("done")
        assert writing <= set(tmp_path.iterdir())
        living.kill()
    with only_writer(tmp_path / "a"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "mine"]


def test_links_under_the_name_of_a_leftover_are_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (tmp_path / f".x{PART}").symlink_to(precious)
    with only_writer(tmp_path / "a"):
        pass
    assert (precious / "file").exists()


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), atomic_folder(tmp_path / "set") as whole:
            whole.mkdir()
            (whole / "half").touch()
            raise error
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "set").mkdir()  # empty: it may be filled
    with atomic_folder(tmp_path / "set") as whole:
        whole.mkdir()
        (whole / "file").write_text("x")
    assert (tmp_path / "set" / "file").read_text() == "x"
    with pytest.raises(CozadError, match="exists already"), atomic_folder(tmp_path / "set"):
        pass
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CozadError, match="link is a link"), atomic_folder(tmp_path / "link"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    target = tmp_path / "set"
    target.mkdir()
    (target / "old").touch()
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), atomic_folder(target, replace=True) as whole:
            whole.mkdir()
            raise error
        assert list(tmp_path.rglob("*")) == [target, target / "old"]
    # Nothing was made, so that the second of the two renames fails.
    with pytest.raises(CozadError, match="cannot write"), atomic_folder(target, replace=True):
        pass
    assert list(tmp_path.rglob("*")) == [target, target / "old"]
    with atomic_folder(target, replace=True) as whole:
        whole.mkdir()
        (whole / "new").touch()
    assert list(tmp_path.rglob("*")) == [target, target / "new"]
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "file").write_text("precious")
    for name, words in (("link", "is a link"), ("file", "exists already")):
        with (
            pytest.raises(CozadError, match=words),
            atomic_folder(tmp_path / name, replace=True),
        ):
            pytest.fail("it was about to be replaced")


def test_what_came_into_an_empty_folder_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(CozadError, match="cannot write"), atomic_folder(tmp_path / "set") as whole:
        whole.mkdir()
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "precious").touch()
    assert list((tmp_path / "set").iterdir()) == [tmp_path / "set" / "precious"]


@pytest.mark.parametrize("kind", ["link", "pipe", "device"])
def test_no_write_replaces_what_is_no_file(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    if kind == "link":
        (tmp_path / "file").write_text("precious")
        target.symlink_to("file")
    elif kind == "pipe":
        os.mkfifo(target)
    else:
        target = Path("/dev/null")
    mode = target.lstat().st_mode
    with pytest.raises(CozadError, match=r"is a link|is a pipe or a device"), atomic_write(target):
        pytest.fail("it was about to be written")
    assert target.lstat().st_mode == mode


def test_a_run_that_begins_while_the_lock_is_let_go_is_not_lost(tmp_path: Path) -> None:
    """The lock's file goes with it: whoever waited for the old one must not hold a ghost."""
    code = """
        import sys, time
        from cozad_teach.files.writing import only_writer
        from cozad_teach.errors import CozadError
        end, held = time.time() + 1.5, 0
        while time.time() < end:
            try:
                with only_writer(sys.argv[1]):
                    with open(sys.argv[1], "x"):
                        held += 1
                    __import__("os").unlink(sys.argv[1])
            except CozadError:
                pass
        print(held)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "target")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(counts) > 0


@pytest.mark.parametrize("report", [None, {"method": "cozad"}])
def test_quotes_are_not_filled_through_a_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], report: object
) -> None:
    page = tmp_path / "page.md"
    quote = "x <!-- ledger accuracy/unseen/batch/cozad/image_auroc --><!-- /ledger -->"
    page.write_text(quote)
    (tmp_path / "link.md").symlink_to("page.md")
    assert main(["results", "--fill", str(tmp_path / "link.md")]) == 2
    assert "link.md is a link" in capsys.readouterr().err
    assert page.read_text() == quote and (tmp_path / "link.md").is_symlink()
