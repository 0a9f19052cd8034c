"""The command that readers type, ``python data_scripts/get.py``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import layouts
import loopback
import numpy as np
import pytest
import yaml
from PIL import Image

from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.data.identity.copy_lists import read_copies
from fetching.command import main

ROOT = Path(__file__).parents[2]
GET = ROOT / "data_scripts" / "get.py"
REAL = ROOT / "data_scripts" / "manifest.yml"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Give a manifest of one open set and one that needs an account, on loopback."""
    layouts.mvtec(tmp_path / "official")
    archive = layouts.zipped(tmp_path / "official", tmp_path / "set.zip")
    fields = yaml.safe_load(REAL.read_text(encoding="utf-8"))
    for name in ("mvtec_ad", "mpdd"):
        fields[name]["categories"] = ["bottle"]
        fields[name]["images"] = dict.fromkeys(fields[name]["images"], "unverified")
        fields[name]["archives"][0] |= {"sha256": "unverified", "bytes": archive.stat().st_size}
    path = tmp_path / "manifest.yml"
    path.write_text(
        yaml.safe_dump({k: fields[k] for k in ("mvtec_ad", "mpdd")}, sort_keys=False),
        encoding="utf-8",
    )
    return path


def test_it_fetches_says_what_and_verifies(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--root", str(tmp_path / "root")]
    with loopback.serving((tmp_path / "set.zip").read_bytes()) as site:
        fields = yaml.safe_load(manifest.read_text(encoding="utf-8"))
        fields["mvtec_ad"]["archives"][0]["mirrors"] = [site.url]
        manifest.write_text(yaml.safe_dump(fields), encoding="utf-8")
        assert main(manifest, ["mpdd", "mvtec_ad", *root]) == 2  # one needs a person
    said = capsys.readouterr()
    assert "3 train good, 1 test good, 2 test anomalous, 2 masks" in said.out
    assert "licence: CC BY-NC-SA 4.0" in said.out and "please cite: Bergmann" in said.out
    assert "get.py: error: MPDD" in said.err and "record it" in said.err
    assert main(manifest, ["--list", *root]) == 0
    assert f"[in {tmp_path / 'root' / 'mvtec_ad'}]" in capsys.readouterr().out
    assert main(manifest, ["mvtec_ad", "--verify", *root]) == 0
    assert "every file is as its index says" in capsys.readouterr().out
    (tmp_path / "root/mvtec_ad/bottle/test/good/000.png").unlink()
    assert main(manifest, ["mvtec_ad", "--verify", *root]) == 2
    said = capsys.readouterr()
    assert "files 1 missing (bottle/test/good/000.png): delete it and fetch it again" in said.err


def test_an_archive_by_hand(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--root", str(tmp_path / "root"), "--from", str(tmp_path / "set.zip")]
    assert main(manifest, ["mpdd", *arguments, "--category", "bottle"]) == 0
    assert "1 categories" in capsys.readouterr().out
    assert main(manifest, ["mpdd", "mvtec_ad", *arguments]) == 2
    assert "name one at a time" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a data set: python data_scripts/get.py --list shows them"),
        (["mvtec"], "no data set is called mvtec: choose from mvtec_ad, mpdd"),
        (["--audit"], "--audit takes one data set, or two"),
        (["--audit", "a", "b", "c"], "--audit takes one data set, or two"),
        (["--audit", "nowhere"], "nowhere is neither in datasets nor a path: fetch it first"),
        (["mpdd", "--verify"], "is not there: fetch it first"),
        (["mpdd", "--category", "wood"], "has no category wood: choose from bottle"),
        (["mpdd", "--from", ""], "word 3 of the command is empty: is a variable not set?"),
    ],
)
def test_wrong_words_end_with_one_line(
    arguments: list[str],
    words: str,
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(manifest, arguments) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and not said.out
    assert not (tmp_path / "datasets").exists()


def test_the_audit_of_two_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of the second set are images of the first, saved anew."""
    for n, name in enumerate(("one", "two")):
        images = draw_category("cells_terrazzo", 6, 0, seed=n, size=(96, 96)).images
        folder = tmp_path / name / "stone" / "test" / "good"
        folder.mkdir(parents=True, exist_ok=True)
        for i, image in enumerate(images):
            Image.fromarray(np.asarray(image)).save(folder / f"{i}.png")
            if name == "one" and i < 3:
                other = tmp_path / "two" / "stone" / "test" / "good"
                other.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.asarray(image)).save(other / f"copy{i}.jpg", quality=85)
        folder.joinpath("note.txt").write_text("no image")
    paths = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert main(REAL, ["--audit", *paths, "--root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "3 of 6 images of one are in two" in said and "3 of 9 images of two are in one" in said
    audit = read_copies(tmp_path / "one+two.copies.json")
    pairs = {tuple(Path(e.name).stem for e in group.images) for group in audit.groups}
    assert pairs == {(str(i), f"copy{i}") for i in range(3)}
    # Made anew it may be, but not over something else.
    (tmp_path / "one+two.copies.json").write_text("mine")
    assert main(REAL, ["--audit", *paths, "--root", str(tmp_path)]) == 2
    assert "one+two.copies.json is there already" in capsys.readouterr().err
    assert (tmp_path / "one+two.copies.json").read_text() == "mine"


def test_links_are_checked(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (tmp_path / "set.zip").read_bytes()

    def page(handler: loopback.Handler) -> bool:
        handler.say(200, b"<!doctype html>", Content_Type="text/html")
        return True

    def of_another_length(handler: loopback.Handler) -> bool:
        handler.say(200, content + b"?")
        return True

    with loopback.serving(content) as site:
        fields = yaml.safe_load(manifest.read_text(encoding="utf-8"))
        for one in fields.values():
            one["homepage"] = site.url + "?home"
        fields["mvtec_ad"]["archives"][0]["mirrors"] = [site.url]
        manifest.write_text(yaml.safe_dump(fields), encoding="utf-8")
        site.faults = [page]
        assert main(manifest, ["--check-links"]) == 0
        said = capsys.readouterr().out.splitlines()
        assert [line.split(": ")[-1] for line in said] == [
            *("works", "works", f"works ({len(content)} bytes)")
        ]
        # A home page may want a browser; a HEAD that is refused is followed by a GET.
        forbidden, gone = loopback.status(403), loopback.status(404)
        for faults, code, words in (
            ([forbidden], 0, "answers 403"),
            ([gone, page], 0, "works"),
            ([gone, gone], 2, "answers 404"),
            ([page, forbidden, forbidden], 2, "answers 403"),
            ([page, gone], 0, "works"),
            ([page, page, page], 2, "answers with a web page"),
            ([page, of_another_length, of_another_length], 2, f"where the file has {len(content)}"),
            ([loopback.status(302, Location="file:///etc/passwd")], 2, "no address of the web"),
        ):
            site.faults = list(faults)
            assert main(manifest, ["mvtec_ad", "--check-links"]) == code
            said = capsys.readouterr()
            assert words in said.out and said.out.count("\n") == 2
            assert said.err.count("of 2 addresses fail: look for new ones") == (code == 2)
        assert not (tmp_path / "datasets").exists()
    assert main(manifest, ["--check-links"]) == 2
    assert "3 of 3 addresses fail" in capsys.readouterr().err
    assert main(manifest, ["nothing", "--check-links"]) == 2


def test_it_runs_from_anywhere_and_tells_what_it_can(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(GET), "--list"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and not done.stderr
    assert sum(line[0] != " " for line in done.stdout.splitlines()) == 14
    done = subprocess.run(
        [sys.executable, str(GET), "headct"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "Log in to Kaggle" in done.stderr and "--from FILE_OR_DIR" in done.stderr


def test_a_pack_is_audited_by_its_path(packs: Path, tmp_path: Path) -> None:
    assert main(REAL, ["--audit", str(packs / "ksdd_tiles.zip"), "--root", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "ksdd_tiles.copies.json").read_text())["names"] == ["ksdd_tiles"]
