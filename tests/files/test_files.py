"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file

from cozad_teach.errors import CozadError
from cozad_teach.files import tensors
from cozad_teach.files.places import check_target
from cozad_teach.files.tensors import write_tensors
from cozad_teach.files.writing import atomic_write


def test_a_file_appears_with_the_usual_permissions(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    with atomic_write(target) as temporary:
        temporary.write_text("done")
        assert not target.exists()
    assert target.read_text() == "done"
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("")
    assert target.stat().st_mode == ordinary.stat().st_mode
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


def test_an_older_file_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    """Whoever reads it, or kept it under another name, has it as it was."""
    target, kept = tmp_path / "file.txt", tmp_path / "kept.txt"
    target.write_text("old")
    kept.hardlink_to(target)
    with atomic_write(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert (target.read_text(), kept.read_text()) == ("new", "old")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_write_keeps_the_old_file(tmp_path: Path, error: type) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(error), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_full_disk_is_told_in_a_sentence_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with (
        pytest.raises(CozadError, match=r"cannot write .*file\.txt: No space left on device"),
        atomic_write(target) as temporary,
    ):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_tensors_that_cannot_be_written_are_told_and_keep_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tensors(tmp_path / "file", {"x": torch.zeros(2, 3).mT}, {"format": "1"})
    old = (tmp_path / "file").read_bytes()
    assert torch.equal(load(old)["x"], torch.zeros(3, 2))
    gone = tmp_path / "gone" / "file"  # as a full disk, safetensors tells it by a type of its own
    monkeypatch.setattr(tensors, "save_file", lambda x, _, about: save_file(x, gone, about))
    with pytest.raises(CozadError, match=r"cannot write .*file: "):
        write_tensors(tmp_path / "file", {"x": torch.ones(10)}, {"format": "1"})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == {tmp_path / "file": old}


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    check_target(tmp_path / "file.txt")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.txt").write_text("old")
    check_target(tmp_path / "old.txt")
    assert (tmp_path / "old.txt").read_text() == "old"


def test_places_that_cannot_be_written_are_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CozadError, match="cannot write"):
        check_target(tmp_path / "file" / "below.txt")
    with pytest.raises(CozadError, match="is a folder"):
        check_target(tmp_path)
    if os.geteuid() != 0:  # root may write anywhere
        tmp_path.chmod(0o500)
        with pytest.raises(CozadError, match="cannot write"):
            check_target(tmp_path / "file.txt")
        tmp_path.chmod(0o700)
